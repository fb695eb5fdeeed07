// All objects of one resource, and from then on every change: list, then watch.
//
// Lists come in pages, and a list after the first (the server forgot where we were: 410) tells only
// what is different. Watches ask for bookmarks and for 5 to 10 minutes each, and go on where the
// last one ended, whatever ended it: the server, a dropped connection, no event and no bookmark for
// kSilentMs from a server that sends bookmarks, an error in the stream, a line that makes no sense.
// What fails is tried again after a pause that grows (backoff.h) or that the server named (429,
// 503). A resource that is forbidden (403) or absent (404) is a state, looked at again every
// kSlowMs; what was known of a forbidden one stays, of an absent one it goes, once it was absent
// twice.
//
//   Reflector routes(http, {.resource = {"gateway.networking.k8s.io/v1", "httproutes"},
//                           .kind = "HTTPRoute"}, seed);
//   http.poll(now_ms); routes.poll(now_ms);
//   for (const WatchEvent& event : routes.take_events()) ...
//
// Process: controller.   Thread: event loop.   Memory: no bodies, but of the page or the line that
// is read. Lifetime: borrows the transport.   Fails: problem(), in words.
// Spec: kubernetes.io/docs/reference/using-api/api-concepts
// Tested by: test/unit/controller/kube/watch_test.cc, watch_stream_test.cc, watch_failure_test.cc,
// watch_tls_test.cc, test/kube/client_live.cc
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/kube/backoff.h"
#include "controller/kube/known_objects.h"
#include "controller/kube/lines.h"
#include "controller/kube/paths.h"
#include "controller/kube/status_reply.h"
#include "controller/kube/transport.h"

namespace sluice::kube {

// kMetadata: objects come as PartialObjectMetadata.
enum class Form : std::uint8_t { kWhole, kMetadata };

struct WatchOptions {
  Resource resource;
  std::string kind = {};  // "HTTPRoute": put into objects of lists that lack it
  Form form = Form::kWhole;
  std::string ns = {};  // "": all
  std::string label_selector = {};
  std::size_t page_objects = 500;
};

enum class EventKind : std::uint8_t { kPut, kDelete };

struct WatchEvent {
  EventKind kind = EventKind::kPut;
  Identity object;
  nlohmann::json json = {};  // of kPut: with apiVersion and kind, as decode_object() takes it
};

enum class WatchState : std::uint8_t { kStarting, kFollowing, kForbidden, kAbsent, kFailing };

class Reflector final : public Receiver {
 public:
  static constexpr std::uint64_t kListMs = 60'000;
  static constexpr std::uint64_t kShortestWatchMs = 300'000;
  static constexpr std::uint64_t kLongestWatchMs = 600'000;
  static constexpr std::uint64_t kGraceMs = 30'000;    // for the server to end a watch by itself
  static constexpr std::uint64_t kSilentMs = 180'000;  // API servers send a bookmark a minute
  static constexpr std::uint64_t kSteadyMs = 5'000;
  static constexpr std::uint64_t kSlowMs = 30'000;  // and up to half of it more
  static constexpr std::uint64_t kConfirmMs = 5'000;
  static constexpr std::uint64_t kLongestRetryAfterMs = 120'000;
  static constexpr std::size_t kMaxPageBytes = std::size_t{32} * 1024 * 1024;
  static constexpr std::size_t kMaxLineBytes = std::size_t{8} * 1024 * 1024;

  Reflector(Transport& transport, WatchOptions options, std::uint64_t seed);
  ~Reflector() override;
  Reflector(const Reflector&) = delete;
  Reflector& operator=(const Reflector&) = delete;

  // Starts what is due.
  void poll(std::uint64_t now_ms);
  int timeout_ms(std::uint64_t now_ms) const;  // -1: none

  // Does not wait any longer before the next try: something says that it may work now.
  void hurry() { due_ms_ = 0; }

  // Objects are known from before: that the resource is absent counts when it is said twice.
  void expect_objects() { expects_objects_ = true; }

  std::vector<WatchEvent> take_events() { return std::exchange(events_, {}); }

  // Whether the events so far are a whole list. Stays true while the server is away.
  bool synced() const { return synced_; }

  // Whether nothing is to be waited for: synced, forbidden or absent.
  bool settled() const {
    return synced_ || state_ == WatchState::kForbidden || state_ == WatchState::kAbsent;
  }

  WatchState state() const { return state_; }

  // What keeps it from following, or was left out; "": nothing.
  const std::string& problem() const { return problem_; }

  const WatchOptions& options() const { return options_; }

  std::size_t size() const { return known_.size(); }

  void on_open(RequestId id, std::uint64_t now_ms) override;
  void on_data(RequestId id, std::string_view data, std::uint64_t now_ms) override;
  void on_end(RequestId id, Reply reply, std::uint64_t now_ms) override;

 private:
  enum class Step : std::uint8_t { kList, kWatch };

  void start_list(std::uint64_t now_ms);
  void start_watch(std::uint64_t now_ms);
  std::string accept(std::string_view list_suffix) const;

  void end_list(const Reply& reply, std::uint64_t now_ms);
  void take_page(nlohmann::json& list, std::uint64_t now_ms);
  void list_is_refused(const StatusReply& status, const Reply& reply, std::uint64_t now_ms);
  void resource_is_absent(std::uint64_t now_ms);
  void list_anew(std::uint64_t now_ms);
  void go_on(std::uint64_t now_ms);
  // Whether the watch has lasted: then what failed before it is forgotten.
  bool note_steadiness(std::uint64_t now_ms);
  void end_watch(const Reply& reply, std::uint64_t now_ms);

  // Returns whether the watch goes on.
  bool take_line(std::string_view line, std::uint64_t now_ms);
  bool take_error(const nlohmann::json& status, std::uint64_t now_ms);
  void take_object(nlohmann::json& object, KnownObjects::From from);
  void remove_object(const nlohmann::json& object);
  void tell_gone(Identity object);
  void note_version(const std::string& resource_version);

  void stop();

  void wait(std::uint64_t pause_ms, std::uint64_t now_ms) { due_ms_ = now_ms + pause_ms; }

  void fail(const StatusReply& status, const Reply* reply, std::uint64_t now_ms);

  Transport& transport_;
  WatchOptions options_;
  Backoff backoff_;
  KnownObjects known_;
  Lines lines_;
  std::vector<WatchEvent> events_;

  Step step_ = Step::kList;
  RequestId request_ = 0;  // under way; 0: none, the next one is due at due_ms_
  std::uint64_t due_ms_ = 0;
  std::string continue_;          // of the next page
  bool listing_ = false;          // a page was taken, more follow
  std::size_t page_objects_ = 0;  // fewer than asked for when pages are too large
  std::string resource_version_;  // where the next watch starts
  std::uint64_t watch_started_ms_ = 0;
  std::uint64_t heard_ms_ = 0;  // the watch that runs
  bool bookmarks_ = false;      // the server has sent one
  bool lived_ = false;          // the watch that runs has told something
  bool watch_failed_ = false;   // the last one did not open, or ended at once
  WatchState state_ = WatchState::kStarting;
  bool synced_ = false;
  bool absent_once_ = false;
  bool expects_objects_ = false;
  std::string problem_;
};

}  // namespace sluice::kube
