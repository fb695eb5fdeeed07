// Collects, in order, what a lookup looked at and why each candidate lost, for `sluicectl explain`.
//
// With a Trace the matcher goes the slow way (no header index, no regex set), so that every
// candidate is seen; the answer is the same. Without one it costs a test per lost candidate.
//
// Process: sluicectl.   Thread: one.   Allocates: yes.   Lifetime: owns its strings.
// Tested by: test/unit/shared/match/trace_test.cc
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/table/format.h"
#include "shared/table/reader.h"
#include "shared/table/rules.h"

namespace sluice::match {

enum class Verdict : std::uint8_t {
  kWon,
  kPath,           // the regular expression does not match the path
  kMethod,         // another method
  kHeaderMissing,  // `name` is not in the request
  kHeaderDiffers,  // `name` has another value than `wanted`; `found` is the request's
  kQueryMissing,
  kQueryDiffers,
  kBroken,  // the table's bytes make no sense
};

struct TraceStep {
  enum class Kind : std::uint8_t { kListener, kHostname, kCandidate };
  Kind kind = Kind::kCandidate;
  // kListener: the listener that was chosen. kHostname: a route hostname whose rules are tried
  // ("*.example.com", "" = none). kCandidate: the hostname it belongs to.
  std::string hostname;
  std::string gateway;   // kListener: "namespace/name"
  std::string listener;  // kListener: its name
  // kCandidate
  table::PathKind path_kind = table::PathKind::kPrefix;
  std::string path;  // or the pattern; the prefix "/" is "/"
  std::string route;
  std::string rule_name;
  std::uint16_t rule = 0;
  std::uint16_t match = 0;
  Verdict verdict = Verdict::kWon;
  std::string name;    // of the header or parameter that decided
  std::string wanted;  // its value, or the pattern
  std::string found;   // what the request has
};

// Why a condition failed.
struct Loss {
  Verdict verdict = Verdict::kWon;
  std::string_view name;
  std::string_view wanted;
  std::string_view found;
};

class Trace {
 public:
  const std::vector<TraceStep>& steps() const { return steps_; }

  // For the matcher.
  void listener(const table::Reader& reader, const table::Listener& listener);
  void hostname(const table::Reader& reader, const table::Shard& shard);
  void path(table::PathKind kind, std::string_view path);  // of the candidates that follow
  void candidate(const table::Reader& reader, const table::Entry& entry, const Loss& loss);

 private:
  std::vector<TraceStep> steps_;
  std::string hostname_;
  table::PathKind path_kind_ = table::PathKind::kPrefix;
  std::string path_;
};

std::string_view verdict_name(Verdict verdict);

}  // namespace sluice::match
