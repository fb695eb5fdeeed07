// A source that follows the objects of a server in the test's own thread.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controller/source/kube/kube.h"
#include "test/harness/temp_directory.h"
#include "test/unit/controller/source/kube/served_objects.h"

namespace sluice::source {

class FollowedCluster : public ::testing::Test {
 protected:
  void open() {
    write("ca.crt", cluster_.authority());
    KubeOptions options = options_;
    options.cluster = {write("config", cluster_.kubeconfig("ca.crt")), ""};
    options.controller_name = "sluice.dev/gateway-controller";
    options.state_directory = directory_.path();
    auto opened = open_kubernetes(options);
    ASSERT_TRUE(opened) << opened.error().message;
    source_ = std::move(*opened);
    waiting_ = true;
  }

  std::uint64_t now_ms() const {
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
    return static_cast<std::uint64_t>(now) + ahead_ms_;
  }

  void turn() {
    Batch batch = source_->poll(now_ms());
    waiting_ = batch.waiting;
    outdated_ = batch.outdated;
    std::ranges::move(batch.changes, std::back_inserter(changes_));
    if (batch.api) api_ = std::move(batch.api);
    cluster_.server().step();
    pollfd events[] = {{source_->fd(), POLLIN, 0}, {cluster_.server().fd(), POLLIN, 0}};
    const int timeout = source_->timeout_ms();
    ::poll(events, 2, timeout < 0 ? 20 : std::min(timeout, 20));
  }

  bool turn_until(const std::function<bool()>& done) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!done()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      turn();
    }
    return true;
  }

  bool turn_until_started() {
    return turn_until([this] { return !waiting_; });
  }

  std::size_t told(const model::ObjectKey& key) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(changes_, [&](const auto& change) { return change.key == key; }));
  }

  std::string problems() const {
    std::string all;
    for (const model::Problem& problem : source_->problems())
      all += problem.object + ": " + problem.message + "\n";
    return all;
  }

  std::string write(const std::string& name, const std::string& text) {
    const std::string path = directory_.path() + "/" + name;
    std::ofstream(path) << text;
    return path;
  }

  KubeOptions options_;  // cluster and directory are filled in
  TempDirectory directory_;
  ServedObjects cluster_;
  std::unique_ptr<Source> source_;
  std::vector<model::Change> changes_;
  std::optional<model::InstalledApi> api_;  // as told last
  std::uint64_t ahead_ms_ = 0;              // of the clock
  bool waiting_ = true;
  bool outdated_ = false;
};

}  // namespace sluice::source
