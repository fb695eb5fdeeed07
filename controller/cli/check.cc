// sluicectl check: what is wrong with a directory of objects, without serving them.
//
// Prints "FILE:LINE: OBJECT: FIELD: MESSAGE" for each problem: what cannot be read or is refused,
// unknown fields, and conditions that would be False. Notes do not fail the check.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "controller/cli/client.h"
#include "controller/cli/offline.h"
#include "controller/cli/target.h"
#include "controller/cli/verbs.h"

namespace sluice::cli {
namespace {

using nlohmann::json;

constexpr std::array kKindsWithStatus = {
    model::Kind::kGatewayClass, model::Kind::kGateway,   model::Kind::kListenerSet,
    model::Kind::kHttpRoute,    model::Kind::kGrpcRoute, model::Kind::kTlsRoute,
    model::Kind::kTcpRoute,     model::Kind::kUdpRoute,  model::Kind::kBackendTlsPolicy};

// False is good news for these.
bool is_negative(const std::string& type) {
  return type == "Conflicted" || type == "OverlappingTLSConfig";
}

std::string where(const std::string& directory, const model::Position& position) {
  if (position.file.empty()) return directory;
  std::string text = directory + (directory.ends_with('/') ? "" : "/") + position.file;
  if (position.line > 0) text += fmt::format(":{}", position.line);
  return text;
}

class Checker {
 public:
  Checker(const Offline& offline, std::string directory)
      : offline_(offline), directory_(std::move(directory)) {}

  int problems() const { return problems_; }

  void report_source() {
    for (const model::Problem& each : offline_.source().problems())
      problem(each);
    for (model::Problem each : offline_.source().warnings()) {
      const bool unknown_field = each.message.starts_with("unknown field");
      if (!unknown_field) {
        std::printf("%s\n", text_of(each, "note: ").c_str());
        continue;
      }
      each.message.resize(std::min(each.message.size(), each.message.find(", ignored")));
      problem(each);
    }
    for (const std::string& each : offline_.source().ignored()) {
      std::fprintf(stderr, "ignored: %s\n", each.c_str());
    }
  }

  void report_status() {
    for (const model::Kind kind : kKindsWithStatus) {
      for (const auto& [name, object] : offline_.store().all(kind))
        report_object({kind, name}, *object);
    }
  }

 private:
  void problem(const model::Problem& each) {
    ++problems_;
    std::printf("%s\n", text_of(each, "").c_str());
  }

  std::string text_of(const model::Problem& each, const char* kind) const {
    std::string text = where(directory_, each.position) + ": " + kind;
    if (!each.object.empty()) text += each.object + ": ";
    if (!each.field.empty()) text += each.field + ": ";
    return text + each.message;
  }

  void report_object(const model::ObjectKey& key, const model::Object& object) {
    const json full = offline_.object(key);
    const json& status = member(full, "status");
    if (status.is_null()) return;
    const model::Position& position = model::meta_of(object).position;
    report_conditions(key.text(), position, member(status, "conditions"));
    for (const json& listener : member(status, "listeners")) {
      report_conditions(key.text() + " listener " + text_member(listener, "name"), position,
                        member(listener, "conditions"));
    }
    for (const json& parent : member(status, "parents")) {
      const json& ref = member(parent, "parentRef");
      const std::string section = text_member(ref, "sectionName");
      report_conditions(
          key.text() + " at " + text_member(ref, "name") + (section.empty() ? "" : "/" + section),
          position, member(parent, "conditions"));
    }
  }

  void report_conditions(const std::string& subject, const model::Position& position,
                         const json& conditions) {
    for (const json& condition : conditions) {
      const std::string type = text_member(condition, "type");
      const bool wrong = text_member(condition, "status") == (is_negative(type) ? "True" : "False");
      if (!wrong) continue;
      problem({position, subject, "",
               fmt::format("{}={} ({}): {}", type, text_member(condition, "status"),
                           text_member(condition, "reason"), text_member(condition, "message"))});
    }
  }

  const Offline& offline_;
  std::string directory_;
  int problems_ = 0;
};

}  // namespace

int check(const CheckOptions& options) {
  const Result<std::unique_ptr<Offline>> offline =
      Offline::load(options.directory, options.controller_name);
  if (!offline) return report_error(offline.error());
  Checker checker(**offline, options.directory);
  checker.report_source();
  checker.report_status();
  std::fprintf(stderr, "%zu objects, %d problems\n", (*offline)->store().size(),
               checker.problems());
  return checker.problems() == 0 ? kFine : kProblems;
}

}  // namespace sluice::cli
