#include "controller/publish/table_sockets.h"

#include "shared/arena/read_mapping.h"
#include "shared/base/socket_text.h"
#include "shared/table/dump_text.h"
#include "shared/table/published_sockets.h"

namespace sluice::publish {

std::set<resolve::Socket> sockets_of_table(const std::string& directory) {
  const auto mapping = arena::ReadMapping::open(directory);
  if (!mapping) return {};
  std::set<resolve::Socket> sockets;
  for (const table::SocketKey& key : table::published_sockets(table::Reader((*mapping)->enter()))) {
    const auto socket = parse_socket_text(table::address_text(key.family, key.address, key.port));
    if (!socket) continue;
    const bool udp = key.transport == table::Transport::kUdp;
    sockets.insert(
        {socket->address, socket->port, udp ? resolve::Transport::kUdp : resolve::Transport::kTcp});
  }
  return sockets;
}

}  // namespace sluice::publish
