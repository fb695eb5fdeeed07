#include "controller/status/show.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

namespace sluice::status {

namespace {

using resolve::ConditionFinding;

constexpr std::string_view kProgrammed = "Programmed";
constexpr std::string_view kConflicted = "Conflicted";
constexpr std::string_view kNoWorker = "No nginx worker is connected";
constexpr std::string_view kNotAdopted = "Waiting for nginx workers to adopt it";

// What should be shown of one type, and whether that has to wait for the workers.
struct Wanted {
  ConditionFinding finding;
  bool holds = false;
};

// Puts conditions together, one after the other, out of those wanted and those shown before.
class Conditions {
 public:
  Conditions(const std::vector<Condition>& before, const View& view, bool& waiting)
      : before_(before), view_(view), waiting_(waiting) {}

  void add(const Wanted& wanted) {
    const Condition* old = find(wanted.finding.type);
    Condition next{.type = wanted.finding.type,
                   .status = wanted.finding.status ? Truth::kTrue : Truth::kFalse,
                   .reason = wanted.finding.reason,
                   .message = wanted.finding.message,
                   .observed_generation = view_.generation,
                   .transition_ms = view_.now_ms};
    if (wanted.holds) {
      waiting_ = true;
      const bool stays =
          old != nullptr && (old->status == Truth::kTrue || old->type != kProgrammed);
      if (stays) {
        shown_.push_back(*old);
        return;
      }
      next.status = next.type == kProgrammed ? Truth::kFalse : Truth::kUnknown;
      next.reason = "Pending";
      next.message = kNotAdopted;
    }
    if (old != nullptr && old->status == next.status) next.transition_ms = old->transition_ms;
    shown_.push_back(std::move(next));
  }

  void add_all(const std::vector<ConditionFinding>& findings, std::string_view but) {
    for (const ConditionFinding& finding : findings) {
      if (finding.type == but) continue;
      const bool is_good_news = finding.status && finding.type != kConflicted;
      add({finding, is_good_news && view_.release == Release::kNot});
    }
  }

  std::vector<Condition> take() { return std::move(shown_); }

 private:
  const Condition* find(const std::string& type) const {
    const auto found = std::ranges::find(before_, type, &Condition::type);
    return found == before_.end() ? nullptr : &*found;
  }

  const std::vector<Condition>& before_;
  const View& view_;
  bool& waiting_;
  std::vector<Condition> shown_;
};

Wanted not_programmed(std::string_view reason, std::string message) {
  return {{std::string(kProgrammed), false, std::string(reason), std::move(message)}, false};
}

// Programmed=True, or what is in its way. Workers that have yet to connect may serve it already.
Wanted programmed(const View& view, std::string_view what) {
  if (view.release == Release::kTimed) return not_programmed("Pending", std::string(kNoWorker));
  return {{std::string(kProgrammed), true, "Programmed", fmt::format("{} is served", what)},
          view.release != Release::kNow};
}

Wanted listener_programmed(const resolve::ListenerFinding& listener, const View& view) {
  if (!listener.served) {
    return not_programmed(
        listener.not_programmed_reason.empty() ? "Invalid" : listener.not_programmed_reason,
        listener.not_programmed_message);
  }
  const DataPlane& data_plane = view.data_plane;
  if (!data_plane.any_worker) return programmed(view, "The listener");
  std::vector<std::string> failed;
  std::vector<std::string> missing;
  for (const std::string& socket : listener.sockets) {
    const auto failure = data_plane.failed_sockets.find(socket);
    if (failure != data_plane.failed_sockets.end()) {
      failed.push_back(fmt::format("{}: {}", socket, failure->second));
    } else if (!data_plane.open_sockets.contains(socket)) {
      missing.push_back(socket);
    }
  }
  if (!failed.empty()) {
    return not_programmed("PortUnavailable", fmt::format("{}", fmt::join(failed, "; ")));
  }
  if (!missing.empty() && !data_plane.listeners_on) {
    return not_programmed("Pending",
                          fmt::format("{} is not open: no nginx has \"sluice_listeners on;\"",
                                      fmt::join(missing, ", ")));
  }
  if (!missing.empty() && view.release == Release::kNow) {
    return not_programmed("Pending", fmt::format("{} is not open yet", fmt::join(missing, ", ")));
  }
  return programmed(view, "The listener");
}

// Accepted, Programmed, then the others.
void add_with_programmed(Conditions& conditions, const std::vector<ConditionFinding>& findings,
                         const Wanted& programmed_condition) {
  const auto accepted = std::ranges::find(findings, "Accepted", &ConditionFinding::type);
  if (accepted != findings.end()) conditions.add_all({*accepted}, kProgrammed);
  conditions.add(programmed_condition);
  std::vector<ConditionFinding> others;
  for (const ConditionFinding& finding : findings) {
    if (finding.type != "Accepted") others.push_back(finding);
  }
  conditions.add_all(others, kProgrammed);
}

ShownListener show_listener(const resolve::ListenerFinding& listener, const Shown& before,
                            const View& view, bool& waiting) {
  const auto old = std::ranges::find(before.listeners, listener.name, &ShownListener::name);
  const std::vector<Condition> none;
  Conditions conditions(old == before.listeners.end() ? none : old->conditions, view, waiting);
  add_with_programmed(conditions, listener.conditions, listener_programmed(listener, view));
  return {listener.name, listener.supported_kinds, listener.attached_routes, conditions.take()};
}

bool is_socket_of(const std::string& socket, const std::string& address) {
  return socket.starts_with(address + ":") || socket.starts_with("[" + address + "]:");
}

// Why nothing of the Gateway can be reached at `address`, or "": none of its sockets opened.
std::string why_unusable(const std::string& address, const resolve::GatewayFindings& findings,
                         const DataPlane& data_plane) {
  std::set<std::string> failures;
  for (const resolve::ListenerFinding& listener : findings.listeners) {
    for (const std::string& socket : listener.sockets) {
      if (!is_socket_of(socket, address)) continue;
      const auto failure = data_plane.failed_sockets.find(socket);
      if (failure == data_plane.failed_sockets.end()) return "";
      failures.insert(fmt::format("{}: {}", socket, failure->second));
    }
  }
  return fmt::format("{}", fmt::join(failures, "; "));
}

Wanted gateway_programmed(const resolve::GatewayFindings& findings, const View& view) {
  const auto known = std::ranges::find(findings.conditions, kProgrammed, &ConditionFinding::type);
  if (known != findings.conditions.end()) return {*known, false};
  for (const resolve::AddressFinding& address : findings.addresses) {
    std::string why = why_unusable(address.value, findings, view.data_plane);
    if (!why.empty()) return not_programmed("AddressNotUsable", std::move(why));
  }
  return programmed(view, "The Gateway");
}

// Why no listener of the ListenerSet can be reached, or "": not all of their sockets failed.
std::string why_unreachable(const resolve::GatewayFindings& findings, const DataPlane& data_plane) {
  std::set<std::string> failures;
  for (const resolve::ListenerFinding& listener : findings.listeners) {
    for (const std::string& socket : listener.sockets) {
      const auto failure = data_plane.failed_sockets.find(socket);
      if (failure == data_plane.failed_sockets.end()) return "";
      failures.insert(fmt::format("{}: {}", socket, failure->second));
    }
  }
  return fmt::format("{}", fmt::join(failures, "; "));
}

Wanted listener_set_programmed(const resolve::GatewayFindings& findings, const View& view) {
  const auto known = std::ranges::find(findings.conditions, kProgrammed, &ConditionFinding::type);
  if (known != findings.conditions.end()) return {*known, false};
  std::string why = why_unreachable(findings, view.data_plane);
  if (!why.empty()) return not_programmed("PortUnavailable", std::move(why));
  return programmed(view, "The ListenerSet");
}

Shown show_gateway(const resolve::GatewayFindings& findings, const Wanted& programmed_condition,
                   const Shown& before, const View& view, bool& waiting) {
  Shown shown;
  Conditions conditions(before.conditions, view, waiting);
  add_with_programmed(conditions, findings.conditions, programmed_condition);
  shown.conditions = conditions.take();
  shown.addresses = findings.addresses;
  shown.attached_listener_sets = findings.attached_listener_sets;
  for (const resolve::ListenerFinding& listener : findings.listeners) {
    shown.listeners.push_back(show_listener(listener, before, view, waiting));
  }
  return shown;
}

Shown show_route(const resolve::RouteFindings& findings, const Shown& before, const View& view,
                 bool& waiting) {
  Shown shown;
  const std::vector<Condition> none;
  for (const resolve::ParentFinding& parent : findings.parents) {
    const auto old = std::ranges::find(before.parents, parent.parent, &ShownParent::parent);
    Conditions conditions(old == before.parents.end() ? none : old->conditions, view, waiting);
    conditions.add_all(parent.conditions, "");
    shown.parents.push_back({parent.parent, conditions.take()});
  }
  return shown;
}

// A class is served by no table: nothing has to wait.
Shown show_class(const resolve::ClassFindings& findings, const Shown& before, const View& view,
                 bool& waiting) {
  const View at_once{view.data_plane, Release::kNow, view.generation, view.now_ms};
  Conditions conditions(before.conditions, at_once, waiting);
  conditions.add_all(findings.conditions, "");
  Shown shown;
  shown.conditions = conditions.take();
  shown.supported_features = findings.supported_features;
  return shown;
}

}  // namespace

Shown show(const resolve::ObjectFindings& findings, const Shown& before, const View& view,
           bool& waiting) {
  waiting = false;
  if (const auto* of_class = std::get_if<resolve::ClassFindings>(&findings.findings)) {
    return show_class(*of_class, before, view, waiting);
  }
  if (const auto* of_gateway = std::get_if<resolve::GatewayFindings>(&findings.findings)) {
    const bool is_set = findings.object.kind == model::Kind::kListenerSet;
    const Wanted wanted =
        is_set ? listener_set_programmed(*of_gateway, view) : gateway_programmed(*of_gateway, view);
    return show_gateway(*of_gateway, wanted, before, view, waiting);
  }
  return show_route(std::get<resolve::RouteFindings>(findings.findings), before, view, waiting);
}

}  // namespace sluice::status
