// The sockets of the listeners in a table, as the Editor was told of them.
//
// Process: nginx worker, controller.   Thread: one.   Never trusts a byte: what does not fit is
// left out. Tested by: test/unit/controller/publish/table_sockets_test.cc, test/e2e/test_kills.py
#pragma once

#include <vector>

#include "shared/table/editor.h"
#include "shared/table/reader.h"

namespace sluice::table {

std::vector<SocketKey> published_sockets(const Reader& reader);

}  // namespace sluice::table
