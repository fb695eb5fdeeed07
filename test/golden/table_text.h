// The table that a Delta becomes, as text.
#pragma once

#include <string>

#include "controller/resolve/delta.h"

namespace sluice::golden {

// Publishes into a table below `directory` and dumps it, endpoints included. What fails is the
// text.
std::string table_text(const resolve::Delta& delta, const std::string& directory);

}  // namespace sluice::golden
