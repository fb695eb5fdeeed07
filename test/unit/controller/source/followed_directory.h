// A source on a directory of its own, and the objects that it has announced so far.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "controller/model/store.h"
#include "controller/source/files/files.h"

namespace sluice::source {

namespace fs = std::filesystem;

inline std::string route_yaml(const std::string& name, const std::string& path) {
  return "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata:\n  name: " + name +
         "\nspec:\n  parentRefs:\n  - name: web\n  rules:\n  - matches:\n    - path:\n        "
         "value: " +
         path + "\n";
}

inline model::ObjectKey route_key(const std::string& name, const std::string& ns = "default") {
  return {model::Kind::kHttpRoute, {ns, name}};
}

inline std::uint64_t now_ms() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(since).count());
}

inline void write_text(const fs::path& path, const std::string& text) {
  std::ofstream file(path);
  ASSERT_TRUE(file << text << std::flush) << path;
}

class FollowedDirectory : public ::testing::Test {
 protected:
  FollowedDirectory() {
    std::string pattern = (fs::temp_directory_path() / "sluice-files-XXXXXX").string();
    base = ::mkdtemp(pattern.data());
    directory = base / "m";
    state = base / "s";
    fs::create_directories(directory);
  }

  ~FollowedDirectory() override {
    source.reset();
    fs::remove_all(base);
  }

  void write(const std::string& name, const std::string& text) {
    fs::create_directories((directory / name).parent_path());
    write_text(directory / name, text);
  }

  // (Re)starts the source and reads what is there.
  void start() {
    source.reset();
    store = {};
    auto opened = open_files({directory.string(), state.string()});
    ASSERT_TRUE(opened) << opened.error().message;
    source = std::move(*opened);
    poll_once();
  }

  Batch poll_once() {
    Batch batch = source->poll(now_ms());
    absorb(batch);
    return batch;
  }

  void absorb(const Batch& batch) {
    if (!batch.changes.empty()) batches.push_back(batch);
    for (const model::Change& change : batch.changes)
      store.apply(change);
  }

  // Follows the directory until `done`, at most 10 s; then until nothing is to be done at once.
  ::testing::AssertionResult follow(const std::function<bool()>& done) {
    const std::uint64_t deadline = now_ms() + 10'000;
    while (!done()) {
      if (now_ms() > deadline) return ::testing::AssertionFailure() << "not within 10 s";
      wait_for_event(100);
      poll_once();
    }
    return ::testing::AssertionSuccess();
  }

  // Handles everything that has happened by now: a marker object written last must have come in.
  void catch_up() {
    const std::string name = "marker-" + std::to_string(++markers_);
    write("zz-" + name + ".yaml",
          "apiVersion: v1\nkind: Namespace\nmetadata: {name: " + name + "}\n");
    ASSERT_TRUE(follow([&] { return store.find_object({model::Kind::kNamespace, {"", name}}); }));
  }

  void wait_for_event(int timeout_ms) {
    const int wanted = source->timeout_ms();
    pollfd waiting{source->fd(), POLLIN, 0};
    ::poll(&waiting, 1, wanted < 0 ? timeout_ms : std::min(wanted, timeout_ms));
  }

  std::string path_of(const std::string& route) const {
    const auto* object = store.find<model::HttpRoute>(model::Kind::kHttpRoute, {"default", route});
    return object == nullptr ? "" : object->rules.at(0).matches.at(0).path.value;
  }

  std::int64_t generation_of(const std::string& route) const {
    const auto* object = store.find<model::HttpRoute>(model::Kind::kHttpRoute, {"default", route});
    return object == nullptr ? 0 : object->meta.generation;
  }

  std::vector<std::string> problem_texts() const {
    std::vector<std::string> out;
    for (const model::Problem& each : source->problems()) {
      out.push_back(each.position.file + ":" + std::to_string(each.position.line) + " " +
                    each.object + " " + each.field + " " + each.message);
    }
    return out;
  }

  fs::path base;
  fs::path directory;
  fs::path state;
  std::unique_ptr<Source> source;
  model::Store store;
  std::vector<Batch> batches;

 private:
  int markers_ = 0;
};

}  // namespace sluice::source
