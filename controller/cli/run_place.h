// The directories of one `run`, locked, and how other verbs find it.
//
//   STATE/            run.lock, control.sock, keeper.sock, nginx.conf, sluice-listeners.conf,
//                     sluice-streams.conf
//   STATE/accepted/   survives the run, like STATE/logs/
//   /dev/shm/sluice-UID-HASH    the table, gone with the run
//   RUNTIME/runs/HASH           the path of STATE, for verbs that are told no Sluice
//
// Process: sluicectl.   Fails: make_run_place() with Errc::kConflict when another run has it.
// Tested by: test/unit/controller/cli/run_place_test.cc
#pragma once

#include <string>
#include <vector>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace sluice::cli {

struct RunPlace {
  std::string directory;  // the manifests, as the kernel names them
  std::string state;
  std::string table;
  std::string registration;
  UniqueFd lock;

  std::string file(const std::string& name) const { return state + "/" + name; }
};

// `state`: "" chooses one by the directory's name.
Result<RunPlace> make_run_place(const std::string& directory, const std::string& state);

// Removes all that does not outlive the run.
void clean_run_place(const RunPlace& place);

// State directories of this user's runs that are alive.
std::vector<std::string> find_runs();

}  // namespace sluice::cli
