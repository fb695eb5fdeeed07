// The objects of the cluster on disk, for a controller that starts while the API server is away:
// STATE/snapshot/objects.log, and, if asked for, its Secrets in STATE/snapshot/secrets.log.
//
// A file is one of KeptLines, of JSON: first what it is and of which cluster and controllerName,
// then one line per change of an object: {"object":...,"resourceVersion":...,"status":...} or
// {"gone":{...}}. Changes are written kWriteMs after the first that is not: nobody waits for the
// disk, and it has work once a second at most. A file that is damaged, somebody else's or of a
// newer version is a problem in words; lines that are whole count.
//
// Process: controller.   Thread: event loop.   Fails: never; add_problems() says what went wrong.
// Tested by: test/unit/controller/source/kube/snapshot_test.cc, test/kube/test_snapshot.py
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>
#include <vector>

#include "controller/source/kept_lines.h"
#include "controller/source/kube/objects.h"

namespace sluice::source {

struct SnapshotOptions {
  std::string directory;  // made when there is something to write
  std::string controller_name;
  std::string server;  // of the cluster
  bool secrets = false;
};

class Snapshot {
 public:
  // `object`: as KubeObjects::put() takes it.
  using Put = std::function<void(const model::ObjectKey& key, nlohmann::json object)>;

  static constexpr std::uint64_t kWriteMs = 1000;
  static constexpr std::uint64_t kRetryMs = 30'000;
  static constexpr std::int64_t kVersion = 1;

  // Secrets of an earlier process that are not asked for any more are removed.
  explicit Snapshot(const SnapshotOptions& options);

  // Hands over every object that an earlier process kept.
  void read(const Put& put);

  // `objects` are all there are: they replace what an earlier process kept. Nothing is written
  // before.
  void start(const KubeObjects& objects, std::uint64_t now_ms);

  // The object, its status or its resourceVersion changed, or it is gone.
  void touch(const model::ObjectKey& key, std::uint64_t now_ms);

  // Writes what is due; returns whether add_problems() says something else than before.
  bool turn(const KubeObjects& objects, std::uint64_t now_ms);
  int timeout_ms(std::uint64_t now_ms) const;  // -1: none
  // Writes now: the process is about to end.
  void flush(const KubeObjects& objects);

  void add_problems(std::vector<std::string>& all) const;

 private:
  struct File {
    KeptLines lines;
    bool secrets = false;
    bool written = false;         // by this process
    std::string unreadable = {};  // of what an earlier process kept; "": nothing is wrong
  };

  std::string read_file(const File& file, const Put& put) const;
  std::string why_not(const nlohmann::json& header) const;
  bool keeps(const File& file, const model::ObjectKey& key) const;
  Result<void> write(File& file, const KubeObjects& objects) const;
  Result<void> write_all(const KubeObjects& objects);

  SnapshotOptions options_;
  std::string header_;
  std::vector<File> files_;
  std::set<model::ObjectKey> changed_;  // since the last write
  bool unwritten_ = false;
  std::uint64_t due_ms_ = 0;
  bool started_ = false;
  std::string problem_;   // of writing
  std::string leftover_;  // Secrets that cannot be removed
};

}  // namespace sluice::source
