// The credentials for one cluster, kept fresh.
//
// Files are looked at again when a request needs credentials and the last look is kLookEveryMs old,
// and at once after the server refused us; a file that can't be read or makes no sense leaves the
// last good bytes. A plugin (exec) runs beside the loop for at most kPluginMs: at the first need,
// kAheadMs before its credentials expire, and after a refusal.
//
// Process: controller.   Thread: event loop: fd() becomes readable when poll() has something to do.
// Fails: open(), when a file is missing or makes no sense; a plugin's failure is problem().
// Tested by: test/unit/controller/kube/access_test.cc
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controller/kube/child_process.h"
#include "controller/kube/cluster.h"
#include "controller/kube/exec_plugin.h"
#include "shared/base/file_text.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace sluice::kube {

// What is shown to the server, and what it must show us.
struct Credentials {
  std::uint64_t version = 0;  // another number: other credentials
  std::string authority_pem;  // "": the authorities that the machine trusts
  std::string client_certificate_pem;
  std::string client_key_pem;
  std::string token;
};

class Access {
 public:
  static constexpr std::uint64_t kLookEveryMs = 10'000;
  static constexpr std::uint64_t kPluginMs = 60'000;
  static constexpr std::uint64_t kAheadMs = 60'000;
  static constexpr std::uint64_t kFirstPauseMs = 1'000;  // after a plugin's failure; then doubled
  static constexpr std::uint64_t kLongestPauseMs = 60'000;

  static Result<std::unique_ptr<Access>> open(Cluster cluster);

  const Cluster& cluster() const { return cluster_; }

  int fd() const { return epoll_.get(); }

  int timeout_ms(std::uint64_t now_ms) const;  // -1: none
  void poll(std::uint64_t now_ms);

  // Null while a plugin has yet to bring the first ones, or others than those that expired.
  // Lifetime: until the next call.
  const Credentials* current(std::uint64_t now_ms);

  // The server refused credentials of this version, or we its certificate.
  void refused(std::uint64_t version, std::uint64_t now_ms);

  // Why there are none, or not the newest; "": nothing is wrong.
  const std::string& problem() const {
    return plugin_problem_.empty() ? file_problem_ : plugin_problem_;
  }

  std::vector<std::string> take_news() { return std::exchange(news_, {}); }

 private:
  struct Watched {
    const Material* from;
    std::string Credentials::* into;
    FileVersion version;
  };

  Access(Cluster cluster, UniqueFd epoll);

  // `anyway`: also files that look the same.
  enum class Look { kChanged, kAnyway };
  Result<void> look(Look how);
  Result<std::string> read(const Material& material) const;
  void look_again(Look how, std::uint64_t now_ms);
  bool has_plugin_credentials(std::uint64_t now_ms) const;
  void start_plugin(std::uint64_t now_ms);
  void finish_plugin(std::uint64_t now_ms);
  void fail_plugin(const std::string& why, std::uint64_t now_ms);

  Cluster cluster_;
  UniqueFd epoll_;
  Credentials credentials_;
  std::vector<Watched> watched_;
  std::uint64_t look_again_ms_ = 0;
  const ExecPlugin* exec_ = nullptr;      // of the cluster; null: credentials are files or data
  std::unique_ptr<ChildProcess> plugin_;  // that runs
  std::uint64_t plugin_deadline_ms_ = 0;
  std::uint64_t plugin_again_ms_ = 0;  // not sooner
  std::uint64_t plugin_pause_ms_ = kFirstPauseMs;
  bool plugin_wanted_ = false;
  bool plugin_answered_ = false;
  std::optional<std::uint64_t> expires_ms_;
  std::string file_problem_;
  std::string plugin_problem_;
  std::vector<std::string> news_;
};

}  // namespace sluice::kube
