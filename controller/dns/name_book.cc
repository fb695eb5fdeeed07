#include "controller/dns/name_book.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "shared/base/timeout.h"

namespace sluice::dns {

namespace {

constexpr std::size_t kShownAddresses = 8;
constexpr std::array<Family, 2> kFamilies = {Family::kIpv4, Family::kIpv6};

std::size_t index_of(Family family) {
  return static_cast<std::size_t>(family);
}

std::string list_text(const std::vector<std::string>& addresses) {
  std::string text;
  for (std::size_t i = 0; i < addresses.size() && i < kShownAddresses; ++i) {
    text += (i == 0 ? "" : ", ") + addresses[i];
  }
  if (addresses.size() > kShownAddresses) {
    text += fmt::format(" and {} more", addresses.size() - kShownAddresses);
  }
  return text;
}

}  // namespace

void NameBook::restore(const std::vector<model::HostAnswer>& answers) {
  for (const model::HostAnswer& each : answers)
    restored_[each.hostname] = each.addresses;
}

void NameBook::follow(const model::ObjectName& backend, std::set<std::string> hostnames,
                      std::uint64_t now_ms) {
  std::set<std::string>& known = hostnames_[backend];
  for (const std::string& hostname : known) {
    if (hostnames.contains(hostname)) continue;
    Name& name = names_.at(hostname);
    name.backends.erase(backend);
    troubles_changed_ |= !name.trouble.empty();
    if (name.backends.empty()) remove(hostname);
  }
  for (const std::string& hostname : hostnames) {
    const auto [name, is_new] = names_.try_emplace(hostname);
    if (is_new) add(hostname, name->second, now_ms);
    name->second.backends.insert(backend);
    troubles_changed_ |= !name->second.trouble.empty();
  }
  known = std::move(hostnames);
  if (known.empty()) hostnames_.erase(backend);
}

void NameBook::add(const std::string& hostname, Name& name, std::uint64_t now_ms) {
  if (const auto before = restored_.find(hostname); before != restored_.end()) {
    for (std::string& address : before->second) {
      const bool ipv6 = address.find(':') != std::string::npos;
      name.sides[ipv6 ? 1 : 0].addresses.push_back(std::move(address));
    }
    restored_.erase(before);
    refresh(hostname, name);
  }
  first_[hostname] = now_ms + kPatienceMs;
  for (const Family family : kFamilies)
    schedule({hostname, family}, name.sides[index_of(family)], now_ms);
}

void NameBook::remove(const std::string& hostname) {
  const auto found = names_.find(hostname);
  for (const Family family : kFamilies) {
    const Side& side = found->second.sides[index_of(family)];
    if (!side.under_way) due_.erase({side.due_ms, {hostname, family}});
  }
  names_.erase(found);
  first_.erase(hostname);
  changed_.insert(hostname);
}

void NameBook::schedule(const Question& question, Side& side, std::uint64_t due_ms) {
  side.due_ms = due_ms;
  due_.insert({due_ms, question});
}

std::vector<Question> NameBook::take_due(std::size_t limit, std::uint64_t now_ms) {
  std::vector<Question> questions;
  while (questions.size() < limit && is_due(now_ms)) {
    const Question question = due_.begin()->second;
    for (const Family family : kFamilies) {
      Side& side = names_.at(question.hostname).sides[index_of(family)];
      const bool soon = !side.under_way && side.due_ms <= now_ms + kTogetherMs;
      if (!soon || questions.size() == limit) continue;
      due_.erase({side.due_ms, {question.hostname, family}});
      side.under_way = true;
      side.asked_ms = now_ms;
      questions.push_back({question.hostname, family});
    }
  }
  return questions;
}

// A family that a name does not have is asked for as often as the one that it has.
std::uint64_t NameBook::pause_ms(const Name& name, const Side& side) const {
  if (side.outcome == Outcome::kAddresses) return side.kept_ms;
  if (side.outcome == Outcome::kNone) {
    const auto good = std::ranges::find_if(
        name.sides, [](const Side& each) { return each.outcome == Outcome::kAddresses; });
    if (good != name.sides.end()) return good->kept_ms;
  }
  const std::uint32_t doublings = std::min<std::uint32_t>(side.misses, 8) - 1;
  return std::min(kFirstRetryMs << doublings, kLongestRetryMs);
}

void NameBook::answer(const Question& question, const Answer& answer, std::uint64_t now_ms) {
  const auto found = names_.find(question.hostname);
  if (found == names_.end()) return;
  Name& name = found->second;
  Side& side = name.sides[index_of(question.family)];
  if (!side.under_way) return;  // forgotten and followed again meanwhile
  side.under_way = false;
  side.answered = true;
  side.outcome = answer.outcome;
  side.failure = answer.failure;
  side.misses = answer.outcome == Outcome::kAddresses ? 0 : side.misses + 1;
  if (answer.outcome != Outcome::kFailed) side.addresses = answer.addresses;
  if (answer.outcome == Outcome::kAddresses) {
    side.kept_ms = std::clamp(std::uint64_t{answer.ttl_seconds} * 1000, kShortestMs, kLongestMs);
  }
  schedule(question, side, now_ms + pause_ms(name, side));
  if (!may_have_moved(question, name, now_ms)) refresh(question.hostname, name);
}

// A name that moves from one family to the other would be without addresses between two answers.
bool NameBook::may_have_moved(const Question& answered, Name& name, std::uint64_t now_ms) {
  const bool lost =
      !name.addresses.empty() &&
      std::ranges::all_of(name.sides, [](const Side& each) { return each.addresses.empty(); });
  if (!lost) {
    name.loss.reset();
    return false;
  }
  if (!name.loss) name.loss = {answered.family, now_ms};
  const Family other = name.loss->family == Family::kIpv4 ? Family::kIpv6 : Family::kIpv4;
  Side& side = name.sides[index_of(other)];
  if (side.under_way) return true;
  if (side.asked_ms > name.loss->at_ms) return false;
  const Question question{answered.hostname, other};
  due_.erase({side.due_ms, question});
  schedule(question, side, now_ms + 1);
  return true;
}

void NameBook::refresh(const std::string& hostname, Name& name) {
  std::vector<std::string> addresses;
  for (const Side& side : name.sides)
    addresses.insert(addresses.end(), side.addresses.begin(), side.addresses.end());
  std::ranges::sort(addresses);
  if (std::ranges::all_of(name.sides, &Side::answered) ||
      std::ranges::any_of(name.sides, [](const Side& side) {
        return side.answered && side.outcome == Outcome::kAddresses;
      })) {
    first_.erase(hostname);
  }
  if (addresses != name.addresses) {
    name.addresses = std::move(addresses);
    changed_.insert(hostname);
  }
  // Both families fail at about the same time: one line for both.
  if (std::ranges::any_of(name.sides, &Side::under_way)) return;
  std::string trouble = trouble_of(hostname, name);
  if (trouble == name.trouble) return;
  name.trouble = std::move(trouble);
  troubles_changed_ = true;
}

// What it says must stay the same from one try to the next: a change of it is a line in the log.
std::string NameBook::trouble_of(const std::string& hostname, const Name& name) {
  std::vector<std::string> reasons;
  std::vector<std::string> kept;
  for (const Family family : kFamilies) {
    const Side& side = name.sides[index_of(family)];
    if (!side.answered || side.outcome != Outcome::kFailed) continue;
    reasons.push_back(
        fmt::format("{}: {}", family == Family::kIpv4 ? "IPv4" : "IPv6", side.failure));
    kept.insert(kept.end(), side.addresses.begin(), side.addresses.end());
  }
  if (!reasons.empty()) {
    const std::string text =
        fmt::format("{} cannot be resolved ({})", hostname, fmt::join(reasons, "; "));
    if (!kept.empty()) return fmt::format("{}; the last addresses stay: {}", text, list_text(kept));
    return name.addresses.empty() ? text + "; it has no endpoints" : text;
  }
  const bool none = std::ranges::all_of(
      name.sides, [](const Side& side) { return side.answered && side.outcome == Outcome::kNone; });
  return none ? fmt::format("{} has no addresses: it has no endpoints", hostname) : "";
}

bool NameBook::waits_for_first_answers(std::uint64_t now_ms) const {
  return std::ranges::any_of(first_, [&](const auto& each) { return each.second > now_ms; });
}

int NameBook::timeout_ms(bool may_ask, std::uint64_t now_ms) const {
  int timeout = !may_ask || due_.empty() ? kForEver : timeout_until(due_.begin()->first, now_ms);
  for (const auto& [hostname, patience_ends_ms] : first_) {
    if (patience_ends_ms <= now_ms) continue;
    timeout = sooner(timeout, timeout_until(patience_ends_ms, now_ms));
  }
  return timeout;
}

std::vector<model::HostAnswer> NameBook::take_changes() {
  restored_.clear();  // of names that are gone
  std::vector<model::HostAnswer> changes;
  for (const std::string& hostname : std::exchange(changed_, {})) {
    const auto found = names_.find(hostname);
    model::HostAnswer& change = changes.emplace_back(model::HostAnswer{hostname, {}});
    if (found != names_.end()) change.addresses = found->second.addresses;
    if (change.addresses.empty()) continue;
    news_.push_back(fmt::format("{} is {}", hostname, list_text(change.addresses)));
  }
  return changes;
}

std::vector<std::string> NameBook::take_news() {
  return std::exchange(news_, {});
}

std::vector<Trouble> NameBook::troubles() const {
  std::vector<Trouble> troubles;
  for (const auto& [hostname, name] : names_) {
    if (!name.trouble.empty()) troubles.push_back({hostname, name.trouble, name.backends});
  }
  return troubles;
}

std::vector<model::HostAnswer> NameBook::answers() const {
  std::vector<model::HostAnswer> answers;
  for (const auto& [hostname, name] : names_) {
    if (!name.addresses.empty()) answers.push_back({hostname, name.addresses});
  }
  return answers;
}

}  // namespace sluice::dns
