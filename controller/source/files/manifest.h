// One file of the directory: its documents, and how a new text replaces them.
//
// Process: controller, sluicectl.   Thread: one.
// Tested by: test/unit/controller/source/files_test.cc, files_frozen_test.cc
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/source/files/document.h"
#include "controller/source/files/objects.h"
#include "controller/source/files/tree.h"

namespace sluice::source {

class Manifest {
 public:
  explicit Manifest(std::string path) : path_(std::move(path)) {}

  // Documents point to the path.
  Manifest(const Manifest&) = delete;
  Manifest& operator=(const Manifest&) = delete;

  // Takes what is new out of `text`; documents with the text of before are kept as they are.
  void replace(std::string_view text, Objects& objects);
  // The file can't be used: its last good objects stay.
  void freeze(int line, std::string message, Objects& objects);
  void withdraw(Objects& objects);

  bool is_frozen() const { return frozen_.has_value(); }

  std::vector<model::Problem> problems() const;
  std::vector<model::Problem> warnings() const;
  std::vector<std::string> ignored() const;

  Signature signature;
  std::string open_path;

 private:
  struct Slot;
  std::vector<Slot> match(const std::vector<DocumentText>& texts) const;
  void keep_unnamed(std::vector<std::unique_ptr<Document>>& next, const Objects& objects);

  const std::string path_;
  bool loaded_ = false;  // once: what came before is in documents_, not in the accepted log
  std::vector<std::unique_ptr<Document>> documents_;
  std::optional<model::Problem> frozen_;
};

}  // namespace sluice::source
