// One golden case: a folder whose name is a sentence, with in.yaml (the objects) and what must come
// out of them: status.yaml (problems and every status) and table.txt (the table's dump).
//
// Comments at the top of in.yaml set the scene:
//
//   # option: port-offset 8000          as `sluicectl run` takes them
//   # option: address 10.0.0.1          (more than once: more addresses)
//   # option: address-pool 10.0.0.0/24  (more than once: more networks)
//   # option: controller-name a.b/c
//   # option: source kubernetes         what is claimed there; objects come from in.yaml
//   # api: v1.6.3 standard            the release and channel of all CRDs of the Gateway API
//   # absent: ListenerSet             a kind that the API server does not serve
//   # dns: api.example.com 10.0.0.1    what a hostname stands for: its addresses
//   # data-plane: no worker             otherwise every wanted socket is open in one worker
//   # data-plane: no listeners
//   # data-plane: failed 0.0.0.0:80 permission denied
//
// "# changes when: TLS is served" marks a case that holds only for this version of Sluice.
//
// SLUICE_GOLDEN_UPDATE=1 writes what came out instead of comparing.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controller/resolve/resolve.h"
#include "controller/status/status.h"

namespace sluice::golden {

struct Scene {
  resolve::Options options;
  status::DataPlane data_plane;
  std::vector<model::HostAnswer> answers;
  std::optional<model::InstalledApi> api;
  bool tells_classes = false;  // the case mentions GatewayClasses: their status is part of it
  bool tells_sets = false;     // the same of ListenerSets: Gateways tell how many are attached
};

struct Outcome {
  std::string status;  // text of status.yaml
  std::string table;   // text of table.txt
};

// The folders of all cases, sorted.
std::vector<std::string> case_names();

Scene read_scene(const std::string& text);

// Feeds the objects through the whole controller but for the sockets.
Outcome run_case(const std::string& in_yaml);

std::string read_file(const std::string& path);
void write_file(const std::string& path, const std::string& text);

}  // namespace sluice::golden
