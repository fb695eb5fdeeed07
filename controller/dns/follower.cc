#include "controller/dns/follower.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "controller/dns/kept_answers.h"
#include "shared/base/timeout.h"

namespace sluice::dns {

Result<std::unique_ptr<Follower>> Follower::open(const Options& options) {
  Result<std::unique_ptr<Channel>> channel = Channel::open(options.server);
  if (!channel) return propagate(std::move(channel), "DNS");
  return std::unique_ptr<Follower>(new Follower(options, std::move(*channel)));
}

Follower::Follower(const Options& options, std::unique_ptr<Channel> channel)
    : options_(options), channel_(std::move(channel)) {
  if (options.directory.empty()) return;
  const Result<std::vector<model::HostAnswer>> kept = read_answers(options.directory);
  if (kept) {
    book_.restore(*kept);
  } else {
    news_.push_back("the last answers of the DNS are lost: " + kept.error().message);
  }
}

void Follower::follow(const model::ObjectName& backend, const model::Backend* object,
                      std::uint64_t now_ms) {
  std::set<std::string> hostnames;
  if (object != nullptr) {
    for (const model::BackendEndpoint& endpoint : object->endpoints) {
      if (!endpoint.hostname.empty()) hostnames.insert(endpoint.hostname);
    }
  }
  book_.follow(backend, std::move(hostnames), now_ms);
}

// An answer out of /etc/hosts is there at once and makes room for the next question.
void Follower::poll(std::uint64_t now_ms) {
  channel_->process();
  take_answers(now_ms);
  held_back_ = false;
  while (book_.is_due(now_ms) && may_ask()) {
    const std::vector<Question> questions =
        book_.take_due(kMaxUnderWay - channel_->under_way(), now_ms);
    for (const Question& question : questions)
      channel_->ask(question);
    take_answers(now_ms);
  }
  if (unkept_ && now_ms >= keep_again_ms_) keep_answers(now_ms);
}

// Another configuration waits for the questions that were sent by the old one.
bool Follower::may_ask() {
  const std::size_t under_way = channel_->under_way();
  const bool outdated = channel_->outdated();
  held_back_ = under_way >= kMaxUnderWay || (outdated && under_way > 0);
  if (held_back_ || !outdated) return !held_back_;
  if (const Result<void> done = channel_->refresh(); !done) {
    news_.push_back("the configuration of the DNS cannot be read again: " + done.error().message);
    return false;
  }
  news_.push_back("the configuration of the DNS changed");
  return true;
}

void Follower::take_answers(std::uint64_t now_ms) {
  for (const auto& [question, answer] : channel_->take_answers()) {
    book_.answer(question, answer, now_ms);
  }
}

std::vector<model::HostAnswer> Follower::take_changes() {
  std::vector<model::HostAnswer> changes = book_.take_changes();
  unkept_ |= !changes.empty() && !options_.directory.empty();
  return changes;
}

std::vector<std::string> Follower::take_news() {
  std::vector<std::string> news = book_.take_news();
  news.insert(news.end(), news_.begin(), news_.end());
  news_.clear();
  return news;
}

void Follower::keep_answers(std::uint64_t now_ms) {
  unkept_ = false;
  keep_again_ms_ = now_ms + kKeepEveryMs;
  const Result<void> written = write_answers(options_.directory, book_.answers());
  if (!written)
    news_.push_back("the answers of the DNS cannot be kept: " + written.error().message);
}

int Follower::timeout_ms(std::uint64_t now_ms) const {
  const int timeout = sooner(book_.timeout_ms(!held_back_, now_ms), channel_->timeout_ms());
  return unkept_ ? sooner(timeout, timeout_until(keep_again_ms_, now_ms)) : timeout;
}

}  // namespace sluice::dns
