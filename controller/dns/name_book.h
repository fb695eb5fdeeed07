// The hostnames of Backends: when each is asked for, and what it stands for.
//
// Both families of a name are asked for, each by its own clock. An answer is kept for its TTL, at
// least kShortestMs, at most kLongestMs. No answer in time, a server that says it failed, nonsense:
// the last good addresses stay, and the question is asked again after 1 s, 2 s, 4 s, at most
// kLongestRetryMs. That a name does not exist, or has no such record, is an answer: it takes the
// addresses away (RFC 8767, section 4) and is asked again after the same times.
//
// Process: controller.   Thread: event loop.   Pure: time comes in.   Cost of everything: what
// changed * log of all names.
// Tested by: test/unit/controller/dns/name_book_test.cc
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "controller/model/host_answer.h"
#include "controller/model/object.h"

namespace sluice::dns {

enum class Family : std::uint8_t { kIpv4, kIpv6 };

struct Question {
  std::string hostname;
  Family family = Family::kIpv4;
  auto operator<=>(const Question&) const = default;
};

enum class Outcome : std::uint8_t {
  kAddresses,
  kNone,    // the name has no address of this family, or does not exist
  kFailed,  // nobody knows
};

struct Answer {
  Outcome outcome = Outcome::kFailed;
  std::vector<std::string> addresses = {};  // canonical text, of kAddresses
  std::uint32_t ttl_seconds = 0;
  std::string failure = {};  // of kFailed, for people
};

// What is wrong with a name, and the Backends that have it.
struct Trouble {
  std::string hostname;
  std::string text;
  std::set<model::ObjectName> backends;
};

class NameBook {
 public:
  static constexpr std::uint64_t kShortestMs = 1'000;
  static constexpr std::uint64_t kLongestMs = 300'000;
  static constexpr std::uint64_t kFirstRetryMs = 1'000;
  static constexpr std::uint64_t kLongestRetryMs = 30'000;
  // A family that is due so soon is asked for with the other one, so that both are told at once.
  static constexpr std::uint64_t kTogetherMs = 500;
  // How long a name that was never asked for keeps its Backend waiting.
  static constexpr std::uint64_t kPatienceMs = 1'000;

  // Answers of an earlier process, for names that are followed before take_changes(): they stand
  // for last good ones.
  void restore(const std::vector<model::HostAnswer>& answers);

  // Replaces the hostnames of a Backend; none: it has none, or is gone.
  void follow(const model::ObjectName& backend, std::set<std::string> hostnames,
              std::uint64_t now_ms);

  bool is_due(std::uint64_t now_ms) const { return !due_.empty() && due_.begin()->first <= now_ms; }

  // At most `limit` questions whose time has come. Each must be answered.
  std::vector<Question> take_due(std::size_t limit, std::uint64_t now_ms);
  void answer(const Question& question, const Answer& answer, std::uint64_t now_ms);

  // Whether a name that was never answered for is still worth waiting for.
  bool waits_for_first_answers(std::uint64_t now_ms) const;

  // Milliseconds until take_due() (unless nothing may be asked now) or waits_for_first_answers()
  // says something else; -1: never.
  int timeout_ms(bool may_ask, std::uint64_t now_ms) const;

  // Names whose addresses are others than when last taken; of a name that nobody follows any more
  // they are none.
  std::vector<model::HostAnswer> take_changes();
  std::vector<std::string> take_news();  // what was taken, for people

  bool take_troubles_changed() { return std::exchange(troubles_changed_, false); }

  std::vector<Trouble> troubles() const;           // by hostname
  std::vector<model::HostAnswer> answers() const;  // the names with addresses

 private:
  struct Side {
    Outcome outcome = Outcome::kFailed;
    bool answered = false;
    bool under_way = false;
    std::vector<std::string> addresses = {};
    std::string failure = {};
    std::uint64_t kept_ms = 0;   // of the last good answer
    std::uint32_t misses = 0;    // answers in a row without an address
    std::uint64_t asked_ms = 0;  // when the last question was
    std::uint64_t due_ms = 0;    // unless under way
  };

  struct Loss {
    Family family = Family::kIpv4;
    std::uint64_t at_ms = 0;
  };

  struct Name {
    std::set<model::ObjectName> backends;
    std::array<Side, 2> sides;
    std::vector<std::string> addresses;  // of both sides, sorted
    std::string trouble;
    std::optional<Loss> loss;  // of the last address, not told yet
  };

  void add(const std::string& hostname, Name& name, std::uint64_t now_ms);
  void remove(const std::string& hostname);
  void schedule(const Question& question, Side& side, std::uint64_t due_ms);
  std::uint64_t pause_ms(const Name& name, const Side& side) const;
  static std::string trouble_of(const std::string& hostname, const Name& name);
  // Sets addresses and trouble out of the sides, and notes what is new.
  void refresh(const std::string& hostname, Name& name);
  // Whether the last address went, and the other family was not asked since.
  bool may_have_moved(const Question& answered, Name& name, std::uint64_t now_ms);

  std::map<std::string, Name> names_;
  std::map<model::ObjectName, std::set<std::string>> hostnames_;
  std::set<std::pair<std::uint64_t, Question>> due_;
  std::map<std::string, std::uint64_t> first_;  // never answered -> when patience ends
  std::map<std::string, std::vector<std::string>> restored_;
  std::set<std::string> changed_;
  std::vector<std::string> news_;
  bool troubles_changed_ = false;
};

}  // namespace sluice::dns
