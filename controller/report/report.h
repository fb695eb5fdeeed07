// What happens, as log lines for people: every Gateway, listener, route and problem when it
// appears, changes or is mended; one line each.
//
// Lines are compared with the ones printed before, so saying the same again prints nothing. More
// than kLinesPerSecond are counted instead of printed; what is fine never displaces a problem.
//
// Process: controller, sluicectl run.   Thread: event loop.
// Tested by: test/unit/controller/report/report_test.cc
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "controller/model/object.h"
#include "controller/resolve/delta.h"
#include "controller/telemetry/log.h"

namespace sluice::report {

class Report {
 public:
  static constexpr std::uint32_t kLinesPerSecond = 200;

  // Where lines go: log::write, unless a test looks at them.
  using Sink = std::function<void(log::Level, const std::string&)>;

  explicit Report(Sink sink) : sink_(std::move(sink)) {}

  Report();

  // Listeners' sockets, for the lines about Gateways.
  void listeners(const resolve::Delta& delta);
  // The shown status of an object changed; null: it has none any more.
  void status(const model::ObjectKey& key, const nlohmann::json& status, std::uint64_t now_ms);
  // All current problems of the source.
  void problems(const std::vector<model::Problem>& problems, std::uint64_t now_ms);
  void news(const std::vector<std::string>& lines, std::uint64_t now_ms);
  // What keeps the table from being published; "": nothing (any more).
  void obstacle(const std::string& text, std::uint64_t now_ms);

 private:
  struct Line {
    log::Level level = log::Level::kInfo;
    std::string text;
    bool operator==(const Line&) const = default;
  };

  using Lines = std::map<std::string, Line>;  // by what the line is about

  Lines lines_of(const model::ObjectKey& key, const nlohmann::json& status) const;
  // `owner`: the Gateway or ListenerSet that has the listener.
  std::string sockets_text(const model::ObjectKey& owner, const std::string& listener) const;
  void print(const Line& line, std::uint64_t now_ms);

  Sink sink_;
  // By the Gateway or ListenerSet and the listener's name.
  std::map<std::pair<model::ObjectKey, std::string>, std::vector<resolve::Socket>> sockets_;
  std::map<model::ObjectKey, Lines> printed_;
  std::vector<model::Problem> problems_;
  std::string obstacle_;

  struct Budget {
    std::uint64_t second_ms = 0;  // start of the second that is counted
    std::uint32_t lines = 0;
    std::uint32_t held_back = 0;
  };

  Budget good_news_;
  Budget problem_lines_;
};

}  // namespace sluice::report
