#include "controller/resolve/attach.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <span>

#include "controller/resolve/namespaces.h"
#include "shared/http/host.h"

namespace sluice::resolve {

namespace {

using model::FromNamespaces;

// An HTTPRoute has no more; of a TLSRoute all of them could be more than a condition's message
// holds.
constexpr std::size_t kMaxHostnamesShown = 16;

bool is_selected(const ListenerView& listener, const model::ParentRef& ref) {
  if (ref.section_name && *ref.section_name != listener.key.listener) return false;
  return !ref.port || *ref.port == listener.port;
}

bool takes_kind(const ListenerView& listener, std::string_view kind) {
  return std::ranges::find(listener.kinds, kind) != listener.kinds.end();
}

// "Gateway default/web"
std::string title(const ParentView& parent) {
  return fmt::format("{} {}", model::kind_name(parent.key.kind), parent.key.name.text());
}

std::string allowed_text(const ListenerView& listener, const std::string& ns,
                         std::string_view kind) {
  const std::string& name = listener.key.listener;
  if (!takes_kind(listener, kind)) return fmt::format("listener {} takes no {}", name, kind);
  switch (listener.from) {
    case FromNamespaces::kAll:
      break;
    case FromNamespaces::kSame:
      return fmt::format("listener {} takes routes of namespace {} only", name, ns);
    case FromNamespaces::kSelector:
      return fmt::format("listener {} takes routes of namespaces with certain labels only", name);
    case FromNamespaces::kNone:
      return fmt::format("listener {} takes no routes", name);
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

Refusal no_matching_parent(const model::ParentRef& ref, const ParentView& parent) {
  std::vector<std::string> known;
  known.reserve(parent.listeners.size());
  for (const ListenerView& listener : parent.listeners) {
    known.push_back(fmt::format("{} (port {})", listener.key.listener, listener.port));
  }
  std::string wanted = "listener";
  if (ref.section_name) wanted += fmt::format(" named {}", *ref.section_name);
  if (ref.port) wanted += fmt::format(" on port {}", *ref.port);
  return {"NoMatchingParent",
          fmt::format("{} has no {}; it has {}", title(parent), wanted, fmt::join(known, ", "))};
}

Refusal not_allowed(const std::vector<const ListenerView*>& selected, const ParentView& parent,
                    std::string_view kind) {
  std::vector<std::string> reasons;
  reasons.reserve(selected.size());
  for (const ListenerView* listener : selected) {
    reasons.push_back(allowed_text(*listener, parent.key.name.ns, kind));
  }
  return {"NotAllowedByListeners", fmt::format("{}: {}", title(parent), fmt::join(reasons, "; "))};
}

std::string hostnames_text(const std::vector<std::string>& hostnames) {
  const std::size_t shown = std::min(hostnames.size(), kMaxHostnamesShown);
  std::string text = fmt::format("{}", fmt::join(std::span(hostnames).first(shown), ", "));
  if (hostnames.size() > shown) text += fmt::format(" and {} more", hostnames.size() - shown);
  return text;
}

Refusal no_matching_hostname(const model::Route& route,
                             const std::vector<const ListenerView*>& allowed,
                             const ParentView& parent) {
  std::vector<std::string> covered;
  covered.reserve(allowed.size());
  for (const ListenerView* listener : allowed) {
    covered.push_back(
        fmt::format("listener {} has {}", listener->key.listener, listener->hostname));
  }
  return {"NoMatchingListenerHostname",
          fmt::format("no hostname of the route ({}) is covered by {}: {}",
                      hostnames_text(route.hostnames), title(parent), fmt::join(covered, "; "))};
}

// A ListenerSet that its Gateway does not allow has no listeners there.
Refusal not_attached(const ParentView& parent, const Refusal& refusal) {
  return {"NoMatchingParent",
          fmt::format("{} is not attached: {}", title(parent), refusal.message)};
}

}  // namespace

bool ParentView::selects_namespaces() const {
  return std::ranges::any_of(listeners, [](const ListenerView& listener) {
    return listener.from == FromNamespaces::kSelector;
  });
}

ParentOutcome attach(const RouteView& view, const model::ParentRef& ref, const ParentView& parent,
                     const model::Labels& labels) {
  if (parent.refusal) return {not_attached(parent, *parent.refusal), {}};
  std::vector<const ListenerView*> selected;
  std::vector<const ListenerView*> allowed;
  ParentOutcome outcome;
  const model::Route& route = *view.route;
  const std::string_view kind = model::kind_name(view.kind);
  for (const ListenerView& listener : parent.listeners) {
    if (!is_selected(listener, ref)) continue;
    selected.push_back(&listener);
    if (!takes_kind(listener, kind)) continue;
    if (!lets_in(listener.from, listener.selector, parent.key.name.ns, route.meta.name.ns,
                 labels)) {
      continue;
    }
    allowed.push_back(&listener);
    auto hostnames = common_hostnames(route.hostnames, listener.hostname);
    if (hostnames.empty()) continue;
    outcome.listeners.push_back(
        {listener.key, listener.mode, listener.served, std::move(hostnames)});
  }
  if (!outcome.listeners.empty()) return outcome;
  if (selected.empty()) {
    outcome.refusal = no_matching_parent(ref, parent);
  } else if (allowed.empty()) {
    outcome.refusal = not_allowed(selected, parent, kind);
  } else {
    outcome.refusal = no_matching_hostname(route, allowed, parent);
  }
  return outcome;
}

}  // namespace sluice::resolve
