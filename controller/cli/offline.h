// A directory of objects without anything running: the whole pipeline on a pretended data plane
// that has acknowledged everything and opened every socket.
//
// Process: sluicectl.   Thread: one.   Fails: when the directory can't be opened; what is wrong
// with the objects is in problems().
// Tested by: test/unit/controller/cli/offline_test.cc
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "controller/model/store.h"
#include "controller/resolve/delta.h"
#include "controller/source/source.h"
#include "controller/status/status.h"
#include "shared/base/result.h"

namespace sluice::cli {

class Offline {
 public:
  static Result<std::unique_ptr<Offline>> load(const std::string& directory,
                                               const std::string& controller_name);

  const source::Source& source() const { return *source_; }

  const model::Store& store() const { return store_; }

  // With its status; null when there is no such object.
  nlohmann::json object(const model::ObjectKey& key) const;

  // Writes the table into an empty directory. Fails as arena and editor do.
  Result<void> write_table(const std::string& table_directory) const;

 private:
  Offline(std::unique_ptr<source::Source> source, const std::string& controller_name);

  std::unique_ptr<source::Source> source_;
  model::Store store_;
  resolve::Delta delta_;
  status::StatusBook book_;
};

// A directory in shared memory (or /tmp) that goes away with the object.
class TemporaryDirectory {
 public:
  static Result<TemporaryDirectory> make();
  TemporaryDirectory(TemporaryDirectory&& other) noexcept;
  TemporaryDirectory& operator=(TemporaryDirectory&&) = delete;
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory();

  const std::string& path() const { return path_; }

 private:
  explicit TemporaryDirectory(std::string path) : path_(std::move(path)) {}

  std::string path_;
};

}  // namespace sluice::cli
