// The addresses that the hostnames of Backends stand for, followed: resolved, and resolved again as
// their TTLs and failures ask for (name_book.h).
//
// A name is asked for once, however many Backends have it, and from the moment that a Backend has
// it, used by a route or not: a route that is switched over finds the addresses there. Of all
// questions at most kMaxUnderWay are under way.
//
// The answers are kept in a file, so that a controller that starts while no server answers has the
// last ones.
//
// Process: controller.   Thread: event loop: fd() becomes readable when poll() has something to do.
// Fails: open(), when c-ares can't be set up; a file that can't be read or written is news.
// Tested by: test/unit/controller/dns/follower_test.cc, test/e2e/test_backend_hostname.py
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "controller/dns/channel.h"
#include "controller/dns/name_book.h"
#include "controller/model/store.h"
#include "shared/base/result.h"

namespace sluice::dns {

struct Options {
  std::string server;     // "127.0.0.1:5353"; "": the system's configuration
  std::string directory;  // where answers are kept; "": nowhere
};

class Follower {
 public:
  static constexpr std::size_t kMaxUnderWay = 32;
  static constexpr std::uint64_t kKeepEveryMs = 1'000;

  static Result<std::unique_ptr<Follower>> open(const Options& options);

  int fd() const { return channel_->fd(); }

  int timeout_ms(std::uint64_t now_ms) const;  // -1: none

  // A Backend changed or is gone.
  void follow(const model::ObjectName& backend, const model::Backend* object, std::uint64_t now_ms);
  // Takes in answers and asks what is due.
  void poll(std::uint64_t now_ms);

  // What the book says: see there.
  bool waits_for_first_answers(std::uint64_t now_ms) const {
    return book_.waits_for_first_answers(now_ms);
  }

  std::vector<model::HostAnswer> take_changes();
  std::vector<std::string> take_news();

  bool take_troubles_changed() { return book_.take_troubles_changed(); }

  const NameBook& book() const { return book_; }

 private:
  Follower(const Options& options, std::unique_ptr<Channel> channel);

  void take_answers(std::uint64_t now_ms);
  // Whether a question may be asked now. Sets up another channel when the configuration changed.
  bool may_ask();
  void keep_answers(std::uint64_t now_ms);

  Options options_;
  std::unique_ptr<Channel> channel_;
  NameBook book_;
  std::vector<std::string> news_;
  bool held_back_ = false;  // nothing may be asked before what is under way has ended
  bool unkept_ = false;     // answers changed since they were written
  std::uint64_t keep_again_ms_ = 0;
};

}  // namespace sluice::dns
