// HTTP over STATE/control.sock, or over a TCP port, answered by the event loop.
//
// Connections are read on threads of their own; each request is queued for the event loop, which
// takes it as a Call and answers it, at once or later. A Call that is dropped is answered 503.
//
// Process: controller.   Thread: open(), fd(), take() and the destructor on the event loop; a Call
// may be answered on any thread.   Fails: open() when the socket can't be made.
// Protocol: controller/doc/control.md   Tested by: test/unit/controller/control/server_test.cc
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "shared/base/result.h"
#include "shared/base/socket_text.h"

namespace sluice::control {

struct Request {
  std::string method;
  std::string path;
  std::map<std::string, std::string> parameters;

  std::string parameter(const std::string& name) const;  // "" when absent
};

struct Response {
  int status = 200;
  std::string body;  // of JSON a line is made
  std::string content_type = "application/json";
};

class Call {
 public:
  struct Exchange;

  Call(Request request, std::shared_ptr<Exchange> exchange);
  Call(Call&&) noexcept = default;
  Call& operator=(Call&&) noexcept;
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call();

  const Request& request() const { return request_; }

  void answer(Response response);

 private:
  Request request_;
  std::shared_ptr<Exchange> exchange_;
};

class Server {
 public:
  // 0660, `gid`; a leftover of a dead predecessor is replaced.
  static Result<std::unique_ptr<Server>> open(const std::string& socket_path, std::uint32_t gid);
  // Who answers its calls decides what everybody may ask.
  static Result<std::unique_ptr<Server>> open_port(const SocketText& socket);
  ~Server();

  int fd() const;  // readable when calls wait
  std::vector<Call> take();

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sluice::control
