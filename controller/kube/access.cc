#include "controller/kube/access.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "controller/certificates/trust_anchors.h"
#include "shared/base/timeout.h"

namespace sluice::kube {

namespace {

constexpr std::size_t kMaxNews = 16;  // that nobody took
constexpr std::size_t kMaxFileBytes = std::size_t{1024} * 1024;

std::string trimmed(std::string text) {
  const auto blank = [](char each) {
    return each == ' ' || each == '\n' || each == '\r' || each == '\t';
  };
  while (!text.empty() && blank(text.back()))
    text.pop_back();
  text.erase(text.begin(), std::find_if_not(text.begin(), text.end(), blank));
  return text;
}

// Why `token` can't stand in a header; "": it can.
std::string_view why_no_token(const std::string& token) {
  if (token.empty()) return "found nothing; valid is a token";
  const bool printable =
      std::all_of(token.begin(), token.end(), [](char each) { return each > ' ' && each < 127; });
  return printable ? "" : "found a blank or control character inside; valid is one token";
}

std::string first_line(const std::string& text) {
  return trimmed(text).substr(0, trimmed(text).find('\n'));
}

}  // namespace

Access::Access(Cluster cluster, UniqueFd epoll)
    : cluster_(std::move(cluster)), epoll_(std::move(epoll)) {
  watched_ = {{&cluster_.authority, &Credentials::authority_pem, {}},
              {&cluster_.client_certificate, &Credentials::client_certificate_pem, {}},
              {&cluster_.client_key, &Credentials::client_key_pem, {}},
              {&cluster_.token, &Credentials::token, {}}};
  std::erase_if(watched_, [](const Watched& each) { return each.from->empty(); });
}

Result<std::unique_ptr<Access>> Access::open(Cluster cluster) {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return fail_errno("epoll_create1");
  std::unique_ptr<Access> access(new Access(std::move(cluster), std::move(epoll)));
  if (Result<void> read = access->look(Look::kAnyway); !read) {
    return tl::unexpected<Error>(std::move(read.error()));
  }
  access->credentials_.version = 1;
  access->news_.clear();
  // A token that is there is what kubectl uses, too.
  const std::optional<ExecPlugin>& exec = access->cluster_.exec;
  if (exec && access->credentials_.token.empty()) access->exec_ = &*exec;
  return access;
}

Result<std::string> Access::read(const Material& material) const {
  Result<std::string> text = material.file.empty() ? Result<std::string>(material.text)
                                                   : read_text(material.file, kMaxFileBytes);
  if (!text) return propagate(std::move(text), material.field);
  const std::string place =
      material.file.empty() ? material.field : material.field + ": " + material.file;
  if (&material == &cluster_.token) {
    std::string token = trimmed(std::move(*text));
    const std::string_view why = why_no_token(token);
    if (!why.empty()) return fail(Errc::kInvalid, fmt::format("{}: {}", place, why));
    return token;
  }
  if (&material == &cluster_.authority) {
    certificates::CheckedAnchors anchors = certificates::check_trust_anchors(*text);
    if (anchors.problem.empty()) return std::move(anchors.pem);
    return fail(Errc::kInvalid, fmt::format("{}: {}", place, anchors.problem));
  }
  if (text->find("-----BEGIN ") == std::string::npos) {
    return fail(Errc::kInvalid, fmt::format("{}: found nothing in PEM form", place));
  }
  return text;
}

Result<void> Access::look(Look how) {
  Result<void> all;
  bool changed = false;
  for (Watched& each : watched_) {
    const FileVersion version =
        each.from->file.empty() ? FileVersion() : version_of(each.from->file);
    if (how == Look::kChanged && version == each.version) continue;
    Result<std::string> text = read(*each.from);
    if (!text) {
      // Its version is not noted, so that it is read again.
      all = tl::unexpected<Error>(std::move(text.error()));
      continue;
    }
    each.version = version;
    if (credentials_.*each.into == *text) continue;
    credentials_.*each.into = std::move(*text);
    changed = true;
    if (news_.size() >= kMaxNews) continue;
    news_.push_back("read again, for it changed: " + each.from->file);
  }
  if (changed) ++credentials_.version;
  return all;
}

void Access::look_again(Look how, std::uint64_t now_ms) {
  look_again_ms_ = now_ms + kLookEveryMs;
  const Result<void> read = look(how);
  file_problem_ = read ? "" : read.error().message;
}

bool Access::has_plugin_credentials(std::uint64_t now_ms) const {
  return plugin_answered_ && (!expires_ms_ || now_ms < *expires_ms_);
}

const Credentials* Access::current(std::uint64_t now_ms) {
  if (now_ms >= look_again_ms_) look_again(Look::kChanged, now_ms);
  if (exec_ == nullptr) return &credentials_;
  const bool usable = has_plugin_credentials(now_ms);
  const bool soon = expires_ms_ && now_ms + kAheadMs >= *expires_ms_;
  if (!usable || soon) start_plugin(now_ms);
  plugin_wanted_ = !usable;
  return usable ? &credentials_ : nullptr;
}

void Access::refused(std::uint64_t version, std::uint64_t now_ms) {
  if (version != credentials_.version) return;
  look_again(Look::kAnyway, now_ms);
  if (exec_ == nullptr || plugin_ || now_ms < plugin_again_ms_) return;
  start_plugin(now_ms);
  // Until it answers nothing is sent: it would be refused again.
  plugin_answered_ = plugin_answered_ && !plugin_;
}

int Access::timeout_ms(std::uint64_t now_ms) const {
  if (!plugin_ && !plugin_wanted_) return -1;
  return timeout_until(plugin_ ? plugin_deadline_ms_ : plugin_again_ms_, now_ms);
}

void Access::poll(std::uint64_t now_ms) {
  if (plugin_ && plugin_->poll()) {
    finish_plugin(now_ms);
  } else if (plugin_ && now_ms >= plugin_deadline_ms_) {
    fail_plugin(fmt::format("gave no answer in {} s", kPluginMs / 1000), now_ms);
  }
  if (plugin_wanted_ && !plugin_) start_plugin(now_ms);
}

void Access::start_plugin(std::uint64_t now_ms) {
  if (plugin_ || now_ms < plugin_again_ms_) return;
  const ExecPlugin& plugin = *exec_;
  std::vector<std::string> command = {plugin.command};
  command.insert(command.end(), plugin.arguments.begin(), plugin.arguments.end());
  auto environment = plugin.environment;
  environment.emplace_back("KUBERNETES_EXEC_INFO",
                           plugin_request(plugin, cluster_, credentials_.authority_pem));
  plugin_again_ms_ = now_ms + kLookEveryMs;
  Result<ChildProcess> started = ChildProcess::start(command, environment);
  if (!started) {
    const bool absent = started.error().code == Errc::kNotFound && !plugin.install_hint.empty();
    fail_plugin(started.error().message + (absent ? " (" + plugin.install_hint + ")" : ""), now_ms);
    return;
  }
  plugin_ = std::make_unique<ChildProcess>(std::move(*started));
  plugin_deadline_ms_ = now_ms + kPluginMs;
  for (const int fd : plugin_->fds()) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
  }
}

void Access::finish_plugin(std::uint64_t now_ms) {
  const std::string failure = plugin_->failure();
  if (!failure.empty()) {
    const std::string said = first_line(plugin_->error_output());
    fail_plugin(failure + (said.empty() ? "" : ": " + said), now_ms);
    return;
  }
  Result<PluginAnswer> answer = read_plugin_answer(*exec_, plugin_->output());
  if (answer && !answer->token.empty() && !why_no_token(answer->token).empty()) {
    answer = fail(Errc::kInvalid, exec_->field + ": printed a token with blanks");
  }
  const std::int64_t wall_clock_s = ::time(nullptr);
  const std::optional<std::int64_t> expires = answer ? answer->expires : std::nullopt;
  if (expires && *expires <= wall_clock_s) {
    answer = fail(Errc::kInvalid, exec_->field + ": printed credentials that have expired");
  }
  if (!answer) {
    fail_plugin(answer.error().message, now_ms);
    return;
  }
  plugin_.reset();
  plugin_pause_ms_ = kFirstPauseMs;
  plugin_wanted_ = false;
  plugin_answered_ = true;
  plugin_problem_.clear();
  expires_ms_.reset();
  if (expires) {
    expires_ms_ = now_ms + static_cast<std::uint64_t>(*expires - wall_clock_s) * 1000;
  }
  credentials_.token = std::move(answer->token);
  if (!answer->client_key_pem.empty()) {
    credentials_.client_certificate_pem = std::move(answer->client_certificate_pem);
    credentials_.client_key_pem = std::move(answer->client_key_pem);
  }
  ++credentials_.version;
}

void Access::fail_plugin(const std::string& why, std::uint64_t now_ms) {
  plugin_.reset();
  const std::string& field = exec_->field;
  plugin_problem_ =
      why.starts_with(field) ? why : fmt::format("{}: {}: {}", field, exec_->command, why);
  plugin_again_ms_ = now_ms + plugin_pause_ms_;
  plugin_pause_ms_ = std::min(plugin_pause_ms_ * 2, kLongestPauseMs);
}

}  // namespace sluice::kube
