#include "test/golden/table_text.h"

#include "controller/publish/publisher.h"
#include "shared/arena/read_mapping.h"
#include "shared/table/dump.h"
#include "shared/table/reader.h"

namespace sluice::golden {

namespace {

constexpr std::size_t kSegmentBytes = std::size_t{1} << 20;

}  // namespace

std::string table_text(const resolve::Delta& delta, const std::string& directory) {
  arena::ArenaOptions options;
  options.directory = directory;
  options.segment_bytes = kSegmentBytes;
  auto publisher = publish::Publisher::open(options);
  if (!publisher) return publisher.error().message;
  auto stage = (*publisher)->publish(delta, 0);
  if (stage && *stage == publish::Stage::kWarming) stage = (*publisher)->resume(true, 0);
  if (!stage) return stage.error().message;
  auto mapping = arena::ReadMapping::open(directory);
  if (!mapping) return mapping.error().message;
  const table::Reader reader((*mapping)->enter());
  return table::dump(reader, {.endpoints = table::published_endpoints(**mapping)});
}

}  // namespace sluice::golden
