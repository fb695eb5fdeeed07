// Which version of every object is live, out of the documents that name it.
//
// - One document, accepted: that version. Refused: the last accepted one stays, also over a
// restart.
// - Several documents: the file that is live already stays; else the lexically smallest path (then
//   line) that was accepted. The others are a Problem each, and take over when it goes.
// - No document: gone. But a Namespace that a live object is in exists, and so do the Namespace
//   "default" and the GatewayClass "sluice".
// - generation starts at 1 and counts changes of the spec.
//
// Process: controller, sluicectl.   Thread: one.   Lifetime: borrows the claims of every Document
// between add() and remove().
// Tested by: test/unit/controller/source/files_test.cc, files_duplicate_test.cc
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "controller/model/store.h"
#include "controller/source/files/accepted_log.h"
#include "controller/source/files/document.h"

namespace sluice::source {

class Objects {
 public:
  Objects(AcceptedLog log, std::string controller_name);

  void add(const Document& document);
  void remove(const Document& document);

  // Objects that the file at `path` had before this process. Problems of those that this version
  // refuses are dropped with them.
  std::unique_ptr<Document> restored_document(const std::string& path) const;

  // Decides the objects whose documents changed since the last call.
  std::vector<model::Change> decide();

  // One for each document that loses against another.
  std::vector<model::Problem> problems() const;
  std::string object_json(const model::ObjectKey& key) const;  // "" if unknown

  bool has_unwritten() const { return log_.has_unwritten(); }

  Result<void> flush();

 private:
  struct Named {
    const Document* document = nullptr;
    const Claim* claim = nullptr;

    auto order() const { return std::make_pair(*document->path, document->line + claim->line); }
  };

  struct Live {
    std::string path;  // "" for implicit ones
    int line = 0;
    std::int64_t generation = 1;
    std::shared_ptr<const Accepted> accepted;
    bool announced = false;  // a Change has told of it
  };

  void decide_key(const model::ObjectKey& key, std::vector<model::Change>& changes);
  const Named* choose(const std::vector<Named>& named, const Live* live) const;
  void set_live(const model::ObjectKey& key, Live next, std::vector<model::Change>& changes);
  void drop_live(const model::ObjectKey& key, std::vector<model::Change>& changes);
  bool exists_implicitly(const model::ObjectKey& key) const;
  std::shared_ptr<const Accepted> implicit_version(const model::ObjectKey& key) const;
  void count_namespace(const model::ObjectKey& key, int by);

  AcceptedLog log_;
  std::string controller_name_;
  std::map<model::ObjectKey, std::vector<Named>> named_;  // sorted by order()
  std::map<model::ObjectKey, Live> live_;
  std::map<std::string, int> namespace_use_;
  std::set<model::ObjectKey> undecided_;
  std::set<model::ObjectKey> contested_;  // named by more than one document
};

}  // namespace sluice::source
