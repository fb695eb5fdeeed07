// sluicectl dump: the whole table as text.
#include "shared/table/dump.h"

#include <cstdio>
#include <string>

#include "controller/cli/table_access.h"
#include "controller/cli/target.h"
#include "controller/cli/verbs.h"

namespace sluice::cli {

int dump(const DumpOptions& options) {
  std::string text;
  const Result<void> done = read_table(
      options.target,
      [&](const table::Reader& reader, arena::ReadMapping& mapping) -> Result<void> {
        text = table::dump(reader, {options.placement, table::published_endpoints(mapping)});
        return {};
      });
  if (!done) return report_error(done.error());
  std::fputs(text.c_str(), stdout);
  return kFine;
}

}  // namespace sluice::cli
