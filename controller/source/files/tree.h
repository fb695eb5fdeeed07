// What lies in the directory: which files count, and how they are read.
//
// Counted: *.yaml *.yml *.json, recursively. Not counted: names that start with ".", anything that
// is not a regular file in the end. A symlink to a file is followed, one to a directory is not, but
// for the directory itself and the "..data" of a mounted ConfigMap or Secret: there the files are
// those below ..data, whatever user-visible links kubelet has made by now.
//
// Process: controller, sluicectl.   Thread: one.   Only reads.
// Tested by: test/unit/controller/source/files_test.cc, files_configmap_test.cc
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.h"

namespace sluice::source {

// Tells that a file was replaced or changed.
struct Signature {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t bytes = -1;
  std::int64_t modified_ns = 0;
  std::int64_t changed_ns = 0;
  bool operator==(const Signature&) const = default;
};

struct FoundFile {
  std::string open_path;  // absolute; differs from directory + path below ..data
  Signature signature;
  bool symlink = false;
};

struct Unreadable {
  std::string path;  // relative; "" for the directory itself
  std::string message;
};

struct Walk {
  std::map<std::string, FoundFile> files;  // by path relative to the source's directory
  std::vector<std::string> directories;    // absolute, as visited
  std::vector<Unreadable> unreadable;
};

class Tree {
 public:
  explicit Tree(std::string root) : root_(std::move(root)) {}

  const std::string& root() const { return root_; }

  // Everything below `directory` (relative, "" for all). `on_directory` is called with each
  // directory (absolute) before it is read, so that a watch misses nothing.
  Walk walk(const std::string& directory,
            const std::function<void(const std::string&)>& on_directory) const;

  // One file by its relative path; none when it doesn't count, is missing or lies below ..data.
  std::optional<FoundFile> find_file(const std::string& path) const;

  std::string absolute(std::string_view path) const;

 private:
  struct Visit;
  void visit(Visit& visit, const std::string& absolute, const std::string& relative,
             int depth) const;
  void visit_entry(Visit& visit, int fd, const std::string& absolute, const std::string& relative,
                   const std::string& name, int depth) const;

  std::string root_;
};

bool is_manifest_name(std::string_view name);

// Errc::kNotFound when it isn't there.
Result<std::string> read_file(const std::string& path);

// The same, but nothing when somebody writes the file just now (as far as the file system tells):
// what is there may be half a file or none.
Result<std::optional<std::string>> read_settled_file(const std::string& path);

}  // namespace sluice::source
