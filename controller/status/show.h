// One condition of a status over time: what the findings want, and what may be shown of it now.
//
// Process: controller.   Pure.   Tested by: test/unit/controller/status/status_test.cc
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "controller/resolve/finding.h"
#include "controller/status/status.h"

namespace sluice::status {

enum class Truth : std::uint8_t { kFalse, kTrue, kUnknown };

struct Condition {
  std::string type;
  Truth status = Truth::kUnknown;
  std::string reason;
  std::string message;
  std::int64_t observed_generation = 0;
  std::int64_t transition_ms = 0;
  bool operator==(const Condition&) const = default;
};

struct ShownListener {
  std::string name;
  std::vector<std::string> supported_kinds;
  std::uint32_t attached_routes = 0;
  std::vector<Condition> conditions;
  bool operator==(const ShownListener&) const = default;
};

struct ShownParent {
  model::ParentRef parent;
  std::vector<Condition> conditions;
  bool operator==(const ShownParent&) const = default;
};

// What the object's status says. Only the members of its kind are used.
struct Shown {
  std::vector<Condition> conditions;
  std::vector<std::string> supported_features;
  std::vector<resolve::AddressFinding> addresses;
  std::vector<ShownListener> listeners;
  std::uint32_t attached_listener_sets = 0;
  std::vector<ShownParent> parents;
  bool operator==(const Shown&) const = default;
};

// Whether findings that are in the table may be shown as True.
enum class Release : std::uint8_t {
  kNow,    // every live worker has adopted them
  kTimed,  // no worker lives and it took long enough: all but Programmed
  kNot,
};

struct View {
  const DataPlane& data_plane;
  Release release = Release::kNot;
  std::int64_t generation = 1;
  std::int64_t now_ms = 0;
};

// Works out what to show for `findings`, given what was shown before. Nothing that may not turn
// True yet does: it stays as it was, or Unknown when it is new. Sets `waiting` when something is
// held back.
Shown show(const resolve::ObjectFindings& findings, const Shown& before, const View& view,
           bool& waiting);

}  // namespace sluice::status
