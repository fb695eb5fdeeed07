#include "controller/resolve/address_book.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "controller/resolve/address.h"

namespace sluice::resolve {

using http::IpAddress;
using model::ObjectName;

namespace {

const char* family_name(bool ipv6) {
  return ipv6 ? "IPv6" : "IPv4";
}

bool contains(const std::vector<std::optional<IpAddress>>& given, const IpAddress& address) {
  return std::ranges::find(given, address) != given.end();
}

}  // namespace

bool is_of_the_pool(const model::GatewayAddress& address) {
  return address.routability.empty() || address.routability == "testing.x-k8s.io/sentinel";
}

void AddressBook::adopt(const ObjectName& gateway, const std::vector<std::string>& addresses) {
  std::vector<IpAddress>& held = held_[gateway];
  held.clear();
  for (const std::string& text : addresses) {
    const auto address = http::parse_ip_address(text);
    if (!address || !pool_.contains(*address)) continue;
    held.push_back(*address);
    IpAddress& newest = newest_.try_emplace(address->ipv6, *address).first->second;
    newest = std::max(newest, *address);
  }
  changed_ = true;
}

// Without addresses: one of each family. Each address without a value: one. Cluster IPs alone: one
// that they lead to.
std::vector<AddressBook::Wish> AddressBook::wishes_of(const model::Gateway& gateway) const {
  std::vector<Wish> wishes;
  const std::vector<bool>& families = pool_.families();
  if (gateway.addresses.empty()) {
    for (const bool ipv6 : families)
      wishes.push_back({std::nullopt, ipv6});
  }
  std::size_t unnamed = 0;
  bool has_cluster_ip = false;
  for (const model::GatewayAddress& address : gateway.addresses) {
    if (address.type != "IPAddress") return {};
    has_cluster_ip |= address.routability == kClusterRoutability;
    if (!is_of_the_pool(address)) continue;
    if (address.value.empty()) {
      wishes.push_back({std::nullopt, families[unnamed++ % families.size()], address.routability});
    } else if (const auto value = http::parse_ip_address(address.value)) {
      const Wish wish{value, value->ipv6, address.routability};
      if (std::ranges::find(wishes, value, &Wish::value) == wishes.end()) wishes.push_back(wish);
    }
  }
  if (has_cluster_ip && wishes.empty()) {
    wishes.push_back({.value = std::nullopt, .ipv6 = families.front(), .shown = false});
  }
  return wishes;
}

void AddressBook::put(const model::Gateway& gateway) {
  const ObjectName& name = gateway.meta.name;
  Entry entry{{gateway.meta.created.value_or(std::numeric_limits<std::int64_t>::max()), name},
              wishes_of(gateway)};
  const auto known = gateways_.find(name);
  if (known == gateways_.end()) {
    gateways_.emplace(name, std::move(entry));
  } else if (known->second.age == entry.age && known->second.wishes == entry.wishes) {
    return;
  } else {
    entry.grant = std::move(known->second.grant);
    known->second = std::move(entry);
  }
  changed_ = true;
}

void AddressBook::remove(const ObjectName& gateway) {
  held_.erase(gateway);
  changed_ |= gateways_.erase(gateway) > 0;
}

// What is asked for by value, if nobody older has it, and what was given before.
AddressBook::Given AddressBook::keep(const Entry& entry, TakenAddresses& taken) const {
  const ObjectName& name = entry.age.name;
  Given given(entry.wishes.size());
  for (std::size_t i = 0; i < given.size(); ++i) {
    const auto& value = entry.wishes[i].value;
    if (!value || !pool_.contains(*value)) continue;
    if (taken.try_emplace(*value, name).first->second == name) given[i] = value;
  }
  const auto held = held_.find(name);
  if (held == held_.end()) return given;
  for (std::size_t i = 0; i < given.size(); ++i) {
    if (entry.wishes[i].value) continue;
    for (const IpAddress& address : held->second) {
      if (address.ipv6 != entry.wishes[i].ipv6 || contains(given, address)) continue;
      if (taken.try_emplace(address, name).first->second != name) continue;
      given[i] = address;
      break;
    }
  }
  return given;
}

void AddressBook::add_new(const Entry& entry, TakenAddresses& taken, Given& given) {
  for (std::size_t i = 0; i < given.size(); ++i) {
    const Wish& wish = entry.wishes[i];
    if (wish.value || given[i]) continue;
    const auto newest = newest_.find(wish.ipv6);
    const auto next = pool_.next_free(
        wish.ipv6, taken, newest == newest_.end() ? std::nullopt : std::optional(newest->second));
    if (!next) continue;
    given[i] = next;
    taken.emplace(*next, entry.age.name);
    newest_.insert_or_assign(wish.ipv6, *next);
  }
}

AddressGrant AddressBook::grant_of(const Entry& entry, const Given& given,
                                   const TakenAddresses& taken) const {
  AddressGrant grant;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const Wish& wish = entry.wishes[i];
    if (const auto& address = given[i]) {
      grant.listens_at.push_back(address_text(*address));
      if (wish.shown) grant.addresses.push_back({grant.listens_at.back(), wish.routability});
    } else if (!wish.value) {
      grant.missing.push_back(fmt::format("no {} address is left in the pool {}",
                                          family_name(wish.ipv6), pool_.text(wish.ipv6)));
    } else if (pool_.contains(*wish.value)) {
      grant.unusable.push_back(fmt::format("{} belongs to Gateway {}, which is older",
                                           address_text(*wish.value),
                                           taken.at(*wish.value).text()));
    } else {
      const std::string pool = pool_.text(wish.ipv6);
      grant.unusable.push_back(
          pool.empty() ? fmt::format("{}: there is no pool of {} addresses",
                                     address_text(*wish.value), family_name(wish.ipv6))
                       : fmt::format("{} is not in the pool {}", address_text(*wish.value), pool));
    }
  }
  return grant;
}

// What the pool gave comes first: when an address is not asked for by its value any more, the
// others stay where they are.
std::vector<IpAddress> AddressBook::held_of(const Entry& entry, const Given& given) {
  std::vector<IpAddress> held;
  for (const bool by_value : {false, true}) {
    for (std::size_t i = 0; i < given.size(); ++i) {
      const auto& address = given[i];
      if (address && entry.wishes[i].value.has_value() == by_value) held.push_back(*address);
    }
  }
  return held;
}

// What everybody keeps is settled before anybody gets something new.
std::set<ObjectName> AddressBook::settle() {
  std::set<ObjectName> news;
  if (!std::exchange(changed_, false)) return news;
  std::map<Age, Entry*> by_age;
  for (auto& [name, entry] : gateways_)
    by_age.emplace(entry.age, &entry);
  TakenAddresses taken;
  std::map<Age, Given> given;
  for (const auto& [age, entry] : by_age)
    given.emplace(age, keep(*entry, taken));
  for (const auto& [age, entry] : by_age) {
    Given& addresses = given.at(age);
    add_new(*entry, taken, addresses);
    held_[age.name] = held_of(*entry, addresses);
    AddressGrant grant = grant_of(*entry, addresses, taken);
    if (grant == entry->grant) continue;
    entry->grant = std::move(grant);
    news.insert(age.name);
  }
  return news;
}

const AddressGrant* AddressBook::find(const ObjectName& gateway) const {
  const auto found = gateways_.find(gateway);
  return found == gateways_.end() ? nullptr : &found->second.grant;
}

}  // namespace sluice::resolve
