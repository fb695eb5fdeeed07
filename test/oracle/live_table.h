// A real table in shared memory, in a directory of its own, for tests and benchmarks: written by an
// Editor, read through a ReadMapping as a worker does. A failure to write ends the process.
#pragma once

#include <memory>
#include <string>

#include "shared/arena/arena.h"
#include "shared/arena/read_mapping.h"
#include "shared/match/lookup_context.h"
#include "shared/match/matcher.h"
#include "shared/match/trace.h"
#include "shared/table/editor.h"
#include "shared/table/endpoints.h"
#include "shared/table/reader.h"
#include "test/oracle/oracle.h"

namespace sluice::oracle {

// A Request as the matcher wants it. Borrows the Request.
class RequestBytes {
 public:
  explicit RequestBytes(const Request& request);

  const match::RequestView& view() const { return view_; }

 private:
  std::vector<match::HeaderView> headers_;
  match::RequestView view_;
};

class LiveTable {
 public:
  LiveTable();
  ~LiveTable();
  LiveTable(const LiveTable&) = delete;
  LiveTable& operator=(const LiveTable&) = delete;

  // Adds or replaces what the world has and commits: endpoints, patterns, listeners, rules.
  void put(const World& world);
  // Takes it away again.
  void remove(const World& world);
  void put_endpoints(const World& world);
  void put_patterns(const World& world);
  void commit();

  // Compiles every published pattern.
  void warm();

  table::Reader reader();

  table::Editor& editor() { return *editor_; }

  arena::Arena& arena() { return *arena_; }

  match::LookupContext& context() { return context_; }

  match::Match match(const Request& request, match::Trace* trace = nullptr);
  Answer find(const Request& request, match::Trace* trace = nullptr);

 private:
  std::string directory_;
  std::unique_ptr<arena::Arena> arena_;
  std::unique_ptr<table::EndpointTable> endpoints_;
  std::unique_ptr<table::Editor> editor_;
  std::unique_ptr<arena::ReadMapping> mapping_;
  match::LookupContext context_;
};

}  // namespace sluice::oracle
