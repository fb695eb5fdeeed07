// A server that speaks HTTP/2 (or HTTP/1.1) over TLS and does what a test says, in the test's own
// thread: step() does what can be done without waiting, and time stands still in between.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "shared/base/unique_fd.h"
#include "test/harness/certificates.h"

namespace sluice {

class ApiServer {
 public:
  enum class Protocol : std::uint8_t { kHttp1, kHttp2 };

  using Headers = std::map<std::string, std::string>;

  struct Exchange {
    std::uint64_t id = 0;
    int connection = 0;  // counts from 1
    std::string method = {};
    std::string path = {};
    std::string body = {};
    Headers headers = {};                 // names in lower case; HTTP/2: ":authority" too
    std::string client_certificate = {};  // its common name
  };

  using Handler = std::function<void(const Exchange&)>;

  // For the certificate's name "localhost".
  ApiServer(const TestCertificate& certificate, Protocol protocol);
  ~ApiServer();
  ApiServer(const ApiServer&) = delete;
  ApiServer& operator=(const ApiServer&) = delete;

  std::string url() const { return "https://localhost:" + std::to_string(port_); }

  std::uint16_t port() const { return port_; }

  int fd() const { return epoll_.get(); }

  void handle(Handler handler) { handler_ = std::move(handler); }

  // For connections that come from now on. `client_authority`: "" asks for no client certificate.
  void use_certificate(const TestCertificate& certificate,
                       const std::string& client_authority = "");

  void step();

  void answer(std::uint64_t id, int status, const std::string& body, const Headers& headers = {});
  void begin(std::uint64_t id, int status);
  void send(std::uint64_t id, const std::string& data);
  void finish(std::uint64_t id);

  // Closes all connections, in the middle of whatever they do.
  void drop_connections();

  // Answers nothing any more on the connections that there are; the kernel still takes bytes.
  void go_silent();

  std::size_t open_connections() const { return connections_.size(); }

  int accepted() const { return accepted_; }

  // Of one connection, at the same time.
  std::size_t most_streams() const { return most_streams_; }

  struct Connection;

 private:
  struct Place {
    Connection* connection;
    std::int32_t stream;
  };

  void accept_all();
  void close_connection(int fd);
  Place* find(std::uint64_t id);
  void received(Connection& connection, std::int32_t stream);
  void forget(Connection& connection, std::int32_t stream);

  Protocol protocol_;
  UniqueFd listening_;
  UniqueFd epoll_;
  std::uint16_t port_ = 0;
  SSL_CTX* context_ = nullptr;
  Handler handler_;
  std::map<int, std::unique_ptr<Connection>> connections_;  // by descriptor
  std::map<std::uint64_t, Place> places_;
  std::uint64_t last_id_ = 0;
  int accepted_ = 0;
  std::size_t most_streams_ = 0;
};

}  // namespace sluice
