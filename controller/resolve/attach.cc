#include "controller/resolve/attach.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "shared/http/host.h"

namespace sluice::resolve {

namespace {

using model::FromNamespaces;

bool is_selected(const ListenerView& listener, const model::ParentRef& parent) {
  if (parent.section_name && *parent.section_name != listener.name) return false;
  return !parent.port || *parent.port == listener.port;
}

bool takes_kind(const ListenerView& listener, std::string_view kind) {
  return std::ranges::find(listener.kinds, kind) != listener.kinds.end();
}

bool allows_namespace(const ListenerView& listener, const model::ObjectName& gateway,
                      const model::ObjectName& route, const model::Labels& labels) {
  switch (listener.from) {
    case FromNamespaces::kAll:
      return true;
    case FromNamespaces::kSame:
      return gateway.ns == route.ns;
    case FromNamespaces::kSelector:
      return listener.selector.matches(labels);
    case FromNamespaces::kNone:
      return false;
  }
  return false;
}

std::string allowed_text(const ListenerView& listener, const model::ObjectName& gateway,
                         std::string_view kind) {
  if (!takes_kind(listener, kind)) {
    return fmt::format("listener {} takes no {}", listener.name, kind);
  }
  switch (listener.from) {
    case FromNamespaces::kAll:
      break;
    case FromNamespaces::kSame:
      return fmt::format("listener {} takes routes of namespace {} only", listener.name,
                         gateway.ns);
    case FromNamespaces::kSelector:
      return fmt::format("listener {} takes routes of namespaces with certain labels only",
                         listener.name);
    case FromNamespaces::kNone:
      return fmt::format("listener {} takes no routes", listener.name);
  }
  return "";
}

// The route's own hostnames that the listener covers in part at least.
std::vector<std::string> common_hostnames(const std::vector<std::string>& route,
                                          const std::string& listener) {
  if (route.empty()) return {""};
  std::vector<std::string> common;
  const auto wanted = http::parse_host_pattern(listener);
  for (const std::string& hostname : route) {
    const auto pattern = http::parse_host_pattern(hostname);
    if (wanted && pattern && http::intersect(*wanted, *pattern)) common.push_back(hostname);
  }
  std::ranges::sort(common);
  const auto doubles = std::ranges::unique(common);
  common.erase(doubles.begin(), doubles.end());
  return common;
}

Refusal no_matching_parent(const model::ParentRef& parent, const GatewayView& gateway) {
  std::vector<std::string> known;
  for (const ListenerView& listener : gateway.listeners) {
    known.push_back(fmt::format("{} (port {})", listener.name, listener.port));
  }
  std::string wanted = "listener";
  if (parent.section_name) wanted += fmt::format(" named {}", *parent.section_name);
  if (parent.port) wanted += fmt::format(" on port {}", *parent.port);
  return {"NoMatchingParent", fmt::format("Gateway {} has no {}; it has {}", gateway.name.text(),
                                          wanted, fmt::join(known, ", "))};
}

Refusal not_allowed(const std::vector<const ListenerView*>& selected, const GatewayView& gateway,
                    std::string_view kind) {
  std::vector<std::string> reasons;
  for (const ListenerView* listener : selected) {
    reasons.push_back(allowed_text(*listener, gateway.name, kind));
  }
  return {"NotAllowedByListeners",
          fmt::format("Gateway {}: {}", gateway.name.text(), fmt::join(reasons, "; "))};
}

Refusal no_matching_hostname(const model::Route& route,
                             const std::vector<const ListenerView*>& allowed,
                             const GatewayView& gateway) {
  std::vector<std::string> covered;
  for (const ListenerView* listener : allowed) {
    covered.push_back(fmt::format("listener {} has {}", listener->name, listener->hostname));
  }
  return {
      "NoMatchingListenerHostname",
      fmt::format("no hostname of the route ({}) is covered by Gateway {}: {}",
                  fmt::join(route.hostnames, ", "), gateway.name.text(), fmt::join(covered, "; "))};
}

}  // namespace

bool GatewayView::selects_namespaces() const {
  return std::ranges::any_of(listeners, [](const ListenerView& listener) {
    return listener.from == FromNamespaces::kSelector;
  });
}

ParentOutcome attach(const RouteView& view, const model::ParentRef& parent,
                     const GatewayView& gateway, const model::Labels& labels) {
  std::vector<const ListenerView*> selected;
  std::vector<const ListenerView*> allowed;
  ParentOutcome outcome;
  const model::Route& route = *view.route;
  const std::string_view kind = model::kind_name(view.kind);
  for (const ListenerView& listener : gateway.listeners) {
    if (!is_selected(listener, parent)) continue;
    selected.push_back(&listener);
    if (!takes_kind(listener, kind)) continue;
    if (!allows_namespace(listener, gateway.name, route.meta.name, labels)) continue;
    allowed.push_back(&listener);
    auto hostnames = common_hostnames(route.hostnames, listener.hostname);
    if (hostnames.empty()) continue;
    outcome.listeners.push_back({listener.name, listener.served, std::move(hostnames)});
  }
  if (!outcome.listeners.empty()) return outcome;
  if (selected.empty()) {
    outcome.refusal = no_matching_parent(parent, gateway);
  } else if (allowed.empty()) {
    outcome.refusal = not_allowed(selected, gateway, kind);
  } else {
    outcome.refusal = no_matching_hostname(route, allowed, gateway);
  }
  return outcome;
}

}  // namespace sluice::resolve
