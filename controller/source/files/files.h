// Objects out of a directory of YAML and JSON files, followed live.
//
// - Which files count, how links and mounted ConfigMaps are read: tree.h. What is watched: watch.h;
//   mounts whose changes this kernel does not see are looked at every 2 s. The directory itself may
//   be replaced (a link that is swapped): that is looked at every 2 s too.
// - A file is read when its writer has closed it; one that still has a writer is looked at again
//   after 1 ms, then after twice as long each time, up to 1 s. A file that is missing counts as
//   deleted after 100 ms, because editors and git move or delete a file just before they write it
//   anew; in a swap of ..data, in a rename within the directory and in rescan() it counts at once.
// - A file is cut at its document marks; only documents whose text changed are parsed. A syntax
//   error freezes the file, a refused document only its object (objects.h); a document too broken
//   to tell its object keeps all objects of the file that nothing else names.
// - Nothing in the directory is ever written. `state_directory`/accepted/ has the last accepted
// text
//   (accepted_log.h), written when poll() has nothing else to do.
//
// Process: controller, sluicectl check.   Thread: event loop.   Fails: open_files() when the
// directory or the state cannot be opened; later everything is a Problem.
// Tested by: test/unit/controller/source/files*_test.cc
#pragma once

#include <memory>
#include <string>

#include "controller/source/source.h"
#include "shared/base/result.h"

namespace sluice::source {

struct FilesOptions {
  std::string directory;
  std::string state_directory;  // "": nothing outlives this process
  std::string controller_name = "sluice.dev/gateway-controller";  // of the implicit GatewayClass
};

// The first poll() returns everything there is.
Result<std::unique_ptr<Source>> open_files(const FilesOptions& options);

}  // namespace sluice::source
