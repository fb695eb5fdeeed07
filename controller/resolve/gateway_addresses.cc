#include "controller/resolve/gateway_addresses.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "controller/model/derived_name.h"
#include "controller/resolve/address.h"

namespace sluice::resolve {

namespace {

using model::Kind;
using model::ObjectKey;

std::string sentence(const std::vector<std::string>& problems) {
  return fmt::format("{}", fmt::join(problems, "; "));
}

void tell_assignment(const std::vector<std::string>& problems, GatewayPlan& plan) {
  if (problems.empty()) {
    plan.addresses_assigned = {"AddressesAssigned", true, "AddressesAssigned",
                               "Every address is assigned"};
    return;
  }
  const bool none = plan.shown_addresses.empty();
  plan.addresses_assigned = {"AddressesAssigned", false, none ? "NotAssigned" : "PartiallyAssigned",
                             sentence(problems)};
  if (none && !plan.address_problem) {
    plan.address_problem = {"AddressNotAssigned", sentence(problems)};
  }
}

std::string not_supported(std::size_t index, const model::GatewayAddress& address) {
  return fmt::format("spec.addresses[{}].routability: \"{}\" is not supported", index,
                     address.routability);
}

// The addresses that the Gateway asks for without a pool.
void plan_own_addresses(const model::Gateway& gateway, const Options& options, GatewayPlan& plan) {
  std::vector<std::string> wanted;
  std::vector<std::string> unsatisfied;
  bool any_default = gateway.addresses.empty();
  for (std::size_t i = 0; i < gateway.addresses.size(); ++i) {
    const model::GatewayAddress& address = gateway.addresses[i];
    if (!address.routability.empty()) {
      unsatisfied.push_back(not_supported(i, address) + " without a pool of addresses");
    } else if (address.value.empty()) {
      any_default = true;
    } else if (address.type == "IPAddress") {
      wanted.push_back(address.value);
    }
  }
  if (any_default) wanted.insert(wanted.end(), options.addresses.begin(), options.addresses.end());

  std::vector<std::string> unusable;
  for (const std::string& text : wanted) {
    const std::string canonical = canonical_address(text).value_or(text);
    const std::string why = why_unusable(canonical);
    if (!why.empty()) {
      unusable.push_back(fmt::format("{} {}", text, why));
    } else if (std::ranges::find(plan.addresses, canonical) == plan.addresses.end()) {
      plan.addresses.push_back(canonical);
      plan.shown_addresses.push_back({canonical});
    }
  }
  if (!unusable.empty()) plan.address_problem = {"AddressNotUsable", sentence(unusable)};
  if (!unsatisfied.empty()) tell_assignment(unsatisfied, plan);
}

bool is_supported(const GatewayPlan& plan) {
  return !plan.refusal || plan.refusal->reason != "UnsupportedAddress";
}

// The cluster IP that an entry of the spec has by now, or "".
std::string cluster_ip_of(const model::GatewayAddress& address, const ObjectKey& key,
                          const RefSearch& search) {
  search.dependencies.insert(key);
  const auto* service = search.store.find<model::Service>(Kind::kService, key.name);
  if (service == nullptr || service->cluster_ip.empty()) return "";
  const std::string given = canonical_address(service->cluster_ip).value_or("");
  const bool is_it = address.value.empty() || canonical_address(address.value) == given;
  return is_it ? given : "";
}

ObjectKey service_key(const model::Gateway& gateway, std::size_t index) {
  return {Kind::kService,
          {gateway.meta.name.ns,
           model::cluster_service_name(gateway.meta.name.name, gateway.meta.uid, index)}};
}

}  // namespace

void plan_addresses(const model::Gateway& gateway, const Options& options,
                    const AddressGrant* grant, GatewayPlan& plan) {
  if (grant == nullptr) {
    plan_own_addresses(gateway, options, plan);
  } else if (is_supported(plan)) {
    plan.addresses = grant->listens_at;
  }
}

void assign_addresses(const model::Gateway& gateway, const AddressGrant& grant,
                      const RefSearch& search, GatewayPlan& plan) {
  if (!is_supported(plan)) return;
  plan.shown_addresses = grant.addresses;
  plan.pool_addresses = grant.listens_at;
  std::vector<std::string> problems = grant.unusable;
  problems.insert(problems.end(), grant.missing.begin(), grant.missing.end());
  std::size_t services = 0;
  for (std::size_t i = 0; i < gateway.addresses.size(); ++i) {
    const model::GatewayAddress& address = gateway.addresses[i];
    if (address.routability == kClusterRoutability) {
      const std::string ip = cluster_ip_of(address, service_key(gateway, services++), search);
      if (!ip.empty()) {
        plan.shown_addresses.push_back({ip, std::string(kClusterRoutability)});
      } else if (address.value.empty()) {
        problems.push_back(fmt::format("spec.addresses[{}]: its Service has no cluster IP yet", i));
      } else {
        problems.push_back(fmt::format(
            "spec.addresses[{}]: no Service has the cluster IP {}, which may be outside "
            "of the cluster's range or taken",
            i, address.value));
      }
    } else if (!is_of_the_pool(address)) {
      problems.push_back(not_supported(i, address));
    }
  }
  if (!grant.unusable.empty()) plan.address_problem = {"AddressNotUsable", sentence(problems)};
  tell_assignment(problems, plan);
}

std::vector<std::string> addresses_of_slices(const model::Gateway& gateway,
                                             const model::Store& store) {
  std::vector<std::string> addresses;
  for (std::size_t i = 0; i < gateway.addresses.size(); ++i) {
    const auto* slice =
        store.find<model::EndpointSlice>(Kind::kEndpointSlice, service_key(gateway, i).name);
    if (slice == nullptr) continue;
    for (const model::SliceEndpoint& endpoint : slice->endpoints)
      addresses.insert(addresses.end(), endpoint.addresses.begin(), endpoint.addresses.end());
  }
  return addresses;
}

}  // namespace sluice::resolve
