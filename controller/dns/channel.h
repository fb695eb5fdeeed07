// Questions to the DNS and their answers, by c-ares; nothing waits.
//
// Servers, timeouts of servers and /etc/hosts are the system's (resolv.conf(5), nsswitch.conf), or
// there is one server alone. A name is complete: search domains are not applied.
//
// Process: controller.   Thread: event loop: fd() becomes readable when process() has something to
// do.   Fails: open(), when c-ares can't be set up; a question that cannot be sent is an Answer.
// Tested by: test/unit/controller/dns/follower_test.cc, test/e2e/test_backend_hostname.py
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "controller/dns/name_book.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

// NOLINTBEGIN(readability-identifier-naming): names of c-ares
struct ares_addrinfo;
struct ares_channeldata;

// NOLINTEND(readability-identifier-naming)

namespace sluice::dns {

class Channel {
 public:
  // `server`: as shared/base/socket_text.h reads it; "": the system's.
  static Result<std::unique_ptr<Channel>> open(const std::string& server);
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  void ask(const Question& question);
  // Takes in what has arrived, and what did not in time.
  void process();
  std::vector<std::pair<Question, Answer>> take_answers();

  std::size_t under_way() const { return under_way_; }

  // Reads the system's configuration again if it was changed. REQUIRES: under_way() == 0
  Result<void> refresh();
  bool outdated() const;

  int fd() const { return epoll_.get(); }

  int timeout_ms() const;  // until process() must be called without an event; -1: never

 private:
  struct Asked {
    Channel* channel;
    Question question;
  };

  // What tells one version of a file from another.
  struct FileVersion {
    std::uint64_t inode = 0;
    std::int64_t changed_ns = 0;
    bool operator==(const FileVersion&) const = default;
  };

  Channel(UniqueFd epoll, std::string server)
      : epoll_(std::move(epoll)), server_(std::move(server)) {}

  Result<void> set_up();
  static FileVersion system_configuration();
  static void on_socket(void* self, int socket, int readable, int writable);
  static void on_answer(void* asked, int status, int timeouts, ares_addrinfo* result);

  UniqueFd epoll_;
  ares_channeldata* channel_ = nullptr;
  std::string server_;
  FileVersion configuration_;
  std::size_t under_way_ = 0;
  std::vector<std::pair<Question, Answer>> answers_;
};

}  // namespace sluice::dns
