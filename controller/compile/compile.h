// Turns what resolving changed into edits of the route table and of the endpoints.
//
// Order (controller/doc/pipeline.md): new backends' endpoints, certificates, patterns, then
// listeners and rules in one commit, then what is gone. Ids of listeners are given per identity and
// kept for the life of the Compiler. Applying the same Delta again changes nothing.
//
// Process: controller, sluicectl.   Thread: event loop.   Pure but for the Editor, EndpointTable
// and SecretFile that it is given. Tested by: test/unit/controller/compile/,
// test/property/incremental_test.cc
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "controller/compile/listener_certificates.h"
#include "controller/resolve/delta.h"
#include "shared/base/result.h"
#include "shared/table/editor.h"
#include "shared/table/endpoints.h"

namespace sluice::compile {

class Compiler {
 public:
  Compiler(table::Editor& editor, table::EndpointTable& endpoints, secret::SecretFile& secrets)
      : editor_(editor), endpoints_(endpoints), certificates_(secrets) {}

  // Endpoints that already have a slot swap at once; new ones are published before any rule needs
  // them.
  Result<void> apply_endpoints(const resolve::Delta& delta);

  // Stores the certificates that listeners need before a table names them. Again: stores nothing.
  Result<void> apply_certificates(const resolve::Delta& delta) {
    return certificates_.store(delta);
  }

  // The patterns the delta's rules use; true: the list grew, so commit and wait for warm workers
  // before apply_rules().
  bool apply_patterns(const resolve::Delta& delta);
  // Marks listeners and rules; the caller commits the Editor, then calls release().
  void apply_rules(const resolve::Delta& delta);
  // Frees the slots of backends that are gone, and certificates that no published listener names.
  void release(const resolve::Delta& delta, std::uint64_t now_ms);

 private:
  // Where a route contributes rules: (listener id, original route hostname).
  using Place = std::pair<std::uint32_t, table::Host>;

  std::uint32_t listener_id(const resolve::ListenerKey& key);
  std::set<Place> places_of(const resolve::ServedRoute& route);
  void leave_places(const model::ObjectKey& route, const std::set<Place>& except);

  table::Editor& editor_;
  table::EndpointTable& endpoints_;
  ListenerCertificates certificates_;
  std::map<resolve::ListenerKey, std::uint32_t> listener_ids_;
  std::map<model::ObjectKey, std::set<Place>> places_;
  std::uint32_t next_listener_id_ = 1;
};

}  // namespace sluice::compile
