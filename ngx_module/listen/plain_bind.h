// Opens a listening socket without the keeper.
//
// Bound and listening first, SO_REUSEPORT only then: two workers can both bind with SO_REUSEADDR,
// `listen` decides between them, and "in use" means that a sibling serves. With SO_REUSEPORT set
// earlier both would win and share the connections unknowingly. Set afterwards, it lets other
// Sluice sockets (a wildcard, a specific address) bind beside this one.
//
// Process: nginx worker, as its user: privileged ports need the keeper. Fails: kConflict when the
// address is in use, else kSystem. Tested by: test/e2e/test_kills.py
#pragma once

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/table/editor.h"

namespace sluice::listen {

Result<UniqueFd> plain_bind(const table::SocketKey& key);

}  // namespace sluice::listen
