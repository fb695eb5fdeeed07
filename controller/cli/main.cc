// sluicectl: what each verb is told, and which one is meant.
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <exception>
#include <functional>
#include <string>

#include "controller/cli/verbs.h"
#include "shared/base/socket_text.h"

namespace sluice::cli {
namespace {

void add_live_target(CLI::App* verb, TargetOptions& target) {
  CLI::Option* state = verb->add_option("--state-dir", target.state_directory,
                                        "State directory of the Sluice to talk to");
  CLI::Option* socket =
      verb->add_option("--socket", target.socket, "Control socket of the Sluice to talk to");
  state->excludes(socket);
}

CLI::Option* add_target(CLI::App* verb, TargetOptions& target) {
  add_live_target(verb, target);
  CLI::Option* directory =
      verb->add_option("-f,--filename", target.directory, "Directory of objects; nothing runs");
  directory->excludes(verb->get_option("--state-dir"));
  directory->excludes(verb->get_option("--socket"));
  return directory;
}

void add_table_target(CLI::App* verb, TargetOptions& target) {
  CLI::Option* directory = add_target(verb, target);
  CLI::Option* table =
      verb->add_option("--table", target.table_directory, "Table directory; no controller needed");
  table->excludes(directory);
  table->excludes(verb->get_option("--state-dir"));
  table->excludes(verb->get_option("--socket"));
}

// The options of every verb, and the verb that was chosen.
struct Arguments {
  CheckOptions check;
  GetOptions get;
  DescribeOptions describe;
  WaitOptions wait;
  DumpOptions dump;
  ExplainOptions explain;
  RenderOptions render;
  RunOptions run;
  std::function<int()> chosen;
};

void add_run(CLI::App& app, Arguments& arguments) {
  RunOptions& options = arguments.run;
  CLI::App* verb = app.add_subcommand("run", "Serve a directory of objects until Ctrl-C");
  verb->add_option("DIR", options.directory, "Directory of Gateway API objects")->required();
  verb->add_option("--address", options.addresses,
                   "Address to listen on; may be repeated (default: all)")
      ->allow_extra_args(false);
  verb->add_option("--controller-name", options.controller_name,
                   "controllerName of the GatewayClasses to serve");
  verb->add_option("--port-offset", options.port_offset,
                   "Added to every listener's port: 8000 serves port 80 at 8080");
  verb->add_option("--dns-server", options.dns_server,
                   "ADDRESS:PORT to ask for hostnames of Backends (default: /etc/resolv.conf)")
      ->check(why_no_socket_text);
  verb->add_option("--workers", options.workers, "nginx workers (default: one per processor)")
      ->check(CLI::Range(1, 1024));
  verb->add_option("--nginx", options.nginx, "nginx to run (default: $SLUICE_NGINX, $PATH)");
  verb->add_option("--state-dir", options.state_directory,
                   "Where sockets, logs and accepted objects are kept");
  verb->add_option("--log-format", options.log_format, "text or json")
      ->check(CLI::IsMember({"text", "json"}));
  verb->callback([&] { arguments.chosen = [&] { return run(arguments.run); }; });
}

void add_check(CLI::App& app, Arguments& arguments) {
  CheckOptions& options = arguments.check;
  CLI::App* verb = app.add_subcommand("check", "Say what is wrong with a directory of objects");
  verb->add_option("-f,--filename", options.directory, "Directory of objects")->required();
  verb->add_option("--controller-name", options.controller_name,
                   "controllerName of the GatewayClasses to look at");
  verb->callback([&] { arguments.chosen = [&] { return check(arguments.check); }; });
}

void add_get(CLI::App& app, Arguments& arguments) {
  GetOptions& options = arguments.get;
  CLI::App* verb = app.add_subcommand("get", "Show objects with their status");
  verb->add_option("KIND", options.kind, "gateways, httproutes, services ...")->required();
  verb->add_option("NAME", options.name, "One object");
  CLI::Option* ns = verb->add_option("-n,--namespace", options.ns, "Namespace");
  verb->add_flag("-A,--all-namespaces", options.all_namespaces, "All namespaces")->excludes(ns);
  verb->add_option("-o,--output", options.output, "table, wide, yaml, json or name")
      ->check(CLI::IsMember({"table", "wide", "yaml", "json", "name"}));
  verb->add_flag("!--no-headers", options.headers, "Without the line of titles");
  add_target(verb, options.target);
  verb->callback([&] { arguments.chosen = [&] { return get(arguments.get); }; });
}

void add_describe(CLI::App& app, Arguments& arguments) {
  DescribeOptions& options = arguments.describe;
  CLI::App* verb = app.add_subcommand("describe", "Show one object for people");
  verb->add_option("KIND", options.kind, "gateway, httproute ...")->required();
  verb->add_option("NAME", options.name, "NAMESPACE/NAME or NAME")->required();
  verb->add_option("-n,--namespace", options.ns, "Namespace");
  add_target(verb, options.target);
  verb->callback([&] { arguments.chosen = [&] { return describe(arguments.describe); }; });
}

void add_wait(CLI::App& app, Arguments& arguments) {
  WaitOptions& options = arguments.wait;
  CLI::App* verb =
      app.add_subcommand("wait", "Return when every worker answers by the newest objects");
  verb->add_option("OBJECT", options.object,
                   "KIND/NAMESPACE/NAME whose status must be settled too");
  verb->add_option("--timeout", options.timeout_seconds, "Seconds (default: 30)")
      ->check(CLI::Range(0.0, 3600.0));
  add_live_target(verb, options.target);
  verb->callback([&] { arguments.chosen = [&] { return wait(arguments.wait); }; });
}

void add_dump(CLI::App& app, Arguments& arguments) {
  DumpOptions& options = arguments.dump;
  CLI::App* verb = app.add_subcommand("dump", "Print the route table as text");
  verb->add_flag("--placement", options.placement, "With offsets, ids and the generation");
  add_table_target(verb, options.target);
  verb->callback([&] { arguments.chosen = [&] { return dump(arguments.dump); }; });
}

void add_explain(CLI::App& app, Arguments& arguments) {
  ExplainOptions& options = arguments.explain;
  CLI::App* verb =
      app.add_subcommand("explain", "Say which rule answers a request, and why others do not");
  CLI::Option_group* client = verb->add_option_group("client", "What comes");
  client->add_option("--host", options.host, "A request: its host");
  client->add_option("--sni", options.sni, "A TLS connection: its server name, '' for none");
  client->add_flag("--tcp", options.tcp, "A connection to a TCP listener");
  client->add_flag("--udp", options.udp, "A session of a UDP listener");
  client->require_option(1);
  verb->add_option("--path", options.path, "Path, may have a query (default: /)");
  verb->add_option("--method", options.method, "Method (default: GET)");
  verb->add_option("-H,--header", options.headers, "'Name: value'; may be repeated")
      ->allow_extra_args(false);
  verb->add_option("--query", options.query, "Query, without '?'");
  verb->add_option("--gateway", options.gateway, "NAMESPACE/NAME, as in sluice_pass gateway=");
  verb->add_option("--port", options.port, "Opened port, or the listener's with --gateway");
  add_table_target(verb, options.target);
  verb->callback([&] { arguments.chosen = [&] { return explain(arguments.explain); }; });
}

void add_render(CLI::App& app, Arguments& arguments) {
  RenderOptions& options = arguments.render;
  CLI::App* verb =
      app.add_subcommand("render", "Print an include file for an existing nginx configuration");
  verb->add_option("NAME", options.name, "sluice-listeners.conf or sluice-streams.conf")
      ->required()
      ->check(CLI::IsMember({"sluice-listeners.conf", "sluice-streams.conf"}));
  verb->add_option("--table-dir", options.table_directory, "Table directory of the controller");
  verb->add_option("--state-dir", options.state_directory, "State directory of the controller");
  verb->add_option("--nginx", options.nginx, "nginx to write for (default: $SLUICE_NGINX, $PATH)");
  verb->callback([&] { arguments.chosen = [&] { return render(arguments.render); }; });
}

int parse_and_run(int count, char** words) {
  Arguments arguments;
  CLI::App app("Gateway API for nginx, without reloads.", "sluicectl");
  app.set_version_flag("--version", "sluicectl " SLUICE_VERSION);
  app.require_subcommand(1);
  add_run(app, arguments);
  add_check(app, arguments);
  add_explain(app, arguments);
  add_get(app, arguments);
  add_describe(app, arguments);
  add_wait(app, arguments);
  add_dump(app, arguments);
  add_render(app, arguments);
  try {
    app.parse(count, words);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kFine : kUsage;
  }
  return arguments.chosen();
}

}  // namespace
}  // namespace sluice::cli

int main(int count, char** words) {
  try {
    return sluice::cli::parse_and_run(count, words);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "sluicectl: %s\n", error.what());
    return sluice::cli::kProblems;
  }
}
