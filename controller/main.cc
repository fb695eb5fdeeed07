// sluice-controller: options, and the loop.
#include <grp.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/controller.h"
#include "controller/telemetry/log.h"
#include "shared/base/socket_text.h"
#include "shared/http/ip_network.h"

namespace {

struct Arguments {
  sluice::ControllerOptions controller;
  std::string source = "files";
  std::vector<std::string> address_pool;
  std::string log_format = "text";
  std::string group;
};

std::string why_no_network(const std::string& text) {
  if (sluice::http::parse_ip_network(text)) return "";
  return "'" + text +
         "' is no network such as 192.0.2.0/24 or 2001:db8::/64, without bits behind "
         "the prefix";
}

void describe(CLI::App& app, Arguments& arguments) {
  sluice::ControllerOptions& controller = arguments.controller;
  app.add_option("--source", arguments.source, "Where objects come from")
      ->check(CLI::IsMember({"files", "kubernetes"}))
      ->capture_default_str();
  app.add_option("--dir", controller.directory,
                 "Directory of Gateway API manifests, with --source files");
  app.add_option("--kubeconfig", controller.cluster.kubeconfig,
                 "How to reach the cluster, with --source kubernetes (default: KUBECONFIG, the "
                 "Pod's service account, ~/.kube/config)");
  app.add_option("--context", controller.cluster.context,
                 "Context of the kubeconfig (default: its current one)");
  app.add_flag("--snapshot-secrets", controller.snapshot_secrets,
               "Keep Secrets that are named on disk too, in the state directory, so that HTTPS is "
               "served after a reboot while the API server is away; with --source kubernetes");
  app.add_option("--state-dir", controller.state_directory,
                 "Directory of the sockets that nginx and sluicectl connect to, and of what a "
                 "restart needs")
      ->required();
  app.add_option("--table-dir", controller.table_directory,
                 "Directory of the table in shared memory, as in nginx's sluice_table")
      ->required();
  app.add_option("--address", controller.resolve.addresses,
                 "Address to listen on for Gateways without spec.addresses; may be repeated")
      ->allow_extra_args(false)
      ->capture_default_str();
  app.add_option("--address-pool", arguments.address_pool,
                 "Network from which each Gateway without spec.addresses gets an address of its "
                 "own, with --source kubernetes; may be repeated")
      ->allow_extra_args(false)
      ->check(why_no_network);
  app.add_option("--controller-name", controller.resolve.controller_name,
                 "controllerName of the GatewayClasses to serve")
      ->capture_default_str();
  app.add_option("--port-offset", controller.resolve.port_offset,
                 "Added to every listener's port: 8000 serves port 80 at 8080");
  app.add_option("--dns-server", controller.dns_server,
                 "ADDRESS:PORT to ask for hostnames of Backends (default: /etc/resolv.conf)")
      ->check(sluice::why_no_socket_text);
  app.add_option(
         "--health-address", controller.health_address,
         "ADDRESS:PORT that answers /healthz, /readyz and /metrics (default: none, but they "
         "are on the control socket)")
      ->check(sluice::why_no_socket_text);
  app.add_option("--group", arguments.group,
                 "Group of nginx's workers, by name or number: may read the table");
  app.add_option("--log-format", arguments.log_format, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  app.set_version_flag("--version", SLUICE_VERSION);
}

// "": the options fit the source.
std::string why_no_source(const CLI::App& app, const Arguments& arguments) {
  const bool files = arguments.source == "files";
  if (files && arguments.controller.directory.empty()) return "--source files needs --dir";
  for (const char* option : {"--kubeconfig", "--context", "--address-pool", "--snapshot-secrets"}) {
    if (files && app.count(option) != 0) {
      return std::string(option) + " is of --source kubernetes, but the source is files";
    }
  }
  if (!files && app.count("--dir") != 0) {
    return "--dir is of --source files, but the source is kubernetes";
  }
  if (app.count("--address") != 0 && app.count("--address-pool") != 0) {
    return "--address and --address-pool exclude each other";
  }
  return "";
}

std::optional<std::uint32_t> find_group(const std::string& text) {
  std::uint32_t gid = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), gid);
  if (error == std::errc() && end == text.data() + text.size()) return gid;
  const group* found = ::getgrnam(text.c_str());
  return found == nullptr ? std::nullopt : std::optional<std::uint32_t>(found->gr_gid);
}

// A machine without IPv6 must not fail every Gateway: "::" is wanted only where it can be had.
void leave_out_missing_ipv6(std::vector<std::string>& addresses) {
  sluice::UniqueFd probe(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!probe) std::erase(addresses, "::");
}

// Every connection of a worker and every listener is a descriptor.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

int run(const Arguments& arguments) {
  auto controller = sluice::Controller::open(arguments.controller);
  if (!controller) {
    sluice::log::error(controller.error().message);
    return 1;
  }
  const std::string& directory = arguments.controller.directory;
  sluice::log::info("following", {{"source", directory.empty() ? "kubernetes" : directory},
                                  {"table", arguments.controller.table_directory},
                                  {"version", SLUICE_VERSION}});
  const sluice::Result<void> ended = (*controller)->run();
  if (!ended) {
    sluice::log::error(ended.error().message);
    return 1;
  }
  sluice::log::info("stopping: nginx keeps serving the last table");
  return 0;
}

int parse_and_run(int count, char** words) {
  Arguments arguments;
  CLI::App app("Turns Gateway API objects into the route table that nginx serves from.",
               "sluice-controller");
  describe(app, arguments);
  try {
    app.parse(count, words);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (const std::string problem = why_no_source(app, arguments); !problem.empty()) {
    std::fprintf(stderr, "sluice-controller: %s\n", problem.c_str());
    return 2;
  }
  if (app.count("--address") == 0) {
    leave_out_missing_ipv6(arguments.controller.resolve.addresses);
  }
  arguments.controller.resolve.in_cluster = arguments.source == "kubernetes";
  for (const std::string& text : arguments.address_pool) {
    const auto network = sluice::http::parse_ip_network(text);  // why_no_network() has seen it
    if (network) arguments.controller.resolve.address_pool.push_back(*network);
  }
  if (arguments.log_format == "json") sluice::log::set_format(sluice::log::Format::kJson);
  if (!arguments.group.empty()) {
    const std::optional<std::uint32_t> gid = find_group(arguments.group);
    if (!gid) {
      std::fprintf(stderr, "sluice-controller: no group '%s'\n", arguments.group.c_str());
      return 2;
    }
    arguments.controller.gid = *gid;
  }
  raise_descriptor_limit();
  return run(arguments);
}

}  // namespace

int main(int count, char** words) {
  try {
    return parse_and_run(count, words);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "sluice-controller: %s\n", error.what());
    return 1;
  }
}
