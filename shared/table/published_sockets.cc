#include "shared/table/published_sockets.h"

#include <algorithm>
#include <iterator>

#include "shared/table/tab.h"

namespace sluice::table {

std::vector<SocketKey> published_sockets(const Reader& reader) {
  const auto root = reader.read<Root>(reader.root());
  if (!root) return {};
  std::vector<SocketKey> sockets;
  for_each_in_tab(reader, root->sockets, [&](Offset offset) {
    const auto group = reader.read<Group>(offset);
    if (!group || group->kind != GroupKind::kSocket) return;
    SocketKey key{group->family, group->port, {}, group->transport};
    std::copy(std::begin(group->address), std::end(group->address), std::begin(key.address));
    sockets.push_back(key);
  });
  return sockets;
}

}  // namespace sluice::table
