#include "controller/cli/nginx.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <sstream>

#include "controller/cli/child.h"
#include "controller/cli/places.h"
#include "controller/cli/render_template.h"
#include "controller/source/files/tree.h"

namespace sluice::cli {
namespace {

constexpr rlim_t kConnections = 4096;
constexpr std::string_view kModulesPath = "--modules-path=";
constexpr std::string_view kPrefix = "--prefix=";
constexpr const char* kStreamModule = "/ngx_stream_module.so";

// Two descriptors a connection, and some for files and the table.
rlim_t connections_within_limits() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
    return kConnections;
  }
  return std::min(kConnections, limit.rlim_cur);
}

Result<std::string> render_file(const std::string& name, const TemplateValues& values) {
  const Result<std::string> path = find_template(name);
  if (!path) return tl::unexpected<Error>(path.error());
  Result<std::string> text = source::read_file(*path);
  if (!text) return propagate(std::move(text), *path);
  Result<std::string> rendered = render_template(*text, values);
  if (!rendered) return propagate(std::move(rendered), *path);
  return rendered;
}

}  // namespace

Result<NginxVersion> parse_nginx_version(std::string_view text) {
  const std::size_t at = text.find("nginx/");
  NginxVersion version;
  if (at != std::string_view::npos) {
    const std::string numbers(text.substr(at + 6, 32));
    if (std::sscanf(numbers.c_str(), "%d.%d.%d", &version.major, &version.minor, &version.patch) ==
        3) {
      return version;
    }
  }
  return fail(Errc::kInvalid, fmt::format("it says \"{}\", which is no version of nginx", text));
}

Result<NginxBuild> parse_nginx_build(std::string_view text) {
  Result<NginxVersion> version = parse_nginx_version(text);
  if (!version) return tl::unexpected<Error>(version.error());
  NginxBuild build{*version, StreamModule::kNone, {}};
  std::string modules;
  std::istringstream words{std::string(text)};
  for (std::string word; words >> word;) {
    if (word == "--with-stream") build.stream = StreamModule::kCompiledIn;
    if (word == "--with-stream=dynamic") build.stream = StreamModule::kDynamic;
    if (word.starts_with(kModulesPath)) modules = word.substr(kModulesPath.size());
    if (word.starts_with(kPrefix) && modules.empty()) {
      modules = word.substr(kPrefix.size()) + "/modules";
    }
  }
  if (build.stream == StreamModule::kDynamic) build.stream_path = modules + kStreamModule;
  return build;
}

Result<NginxBuild> nginx_build(const std::string& nginx) {
  const Result<Captured> said = run_to_end({nginx, "-V"});
  if (!said) return tl::unexpected<Error>(said.error());
  Result<NginxBuild> build = parse_nginx_build(said->output);
  if (!build) return propagate(std::move(build), nginx);
  if (build->stream == StreamModule::kDynamic && ::access(build->stream_path.c_str(), R_OK) != 0) {
    build->stream = StreamModule::kNone;
  }
  return build;
}

Result<std::string> render_listeners_conf(const ListenersConf& conf) {
  TemplateValues values;
  values.texts = {{"table_dir", conf.table_directory}, {"keeper_socket", conf.keeper_socket}};
  values.flags = {{"http2_directive", has_http2_directive(conf.version)}};
  return render_file("sluice-listeners.conf", values);
}

Result<std::string> render_streams_conf() {
  return render_file("sluice-streams.conf", {});
}

Result<std::string> render_nginx_conf(const NginxConf& conf) {
  TemplateValues values;
  values.texts = {{"module_path", conf.module_path},
                  {"workers", conf.workers == 0 ? "auto" : std::to_string(conf.workers)},
                  {"worker_connections", std::to_string(connections_within_limits())},
                  {"pid_path", conf.state + "/nginx.pid"},
                  {"error_log", conf.state + "/logs/error.log"},
                  {"access_log", conf.state + "/logs/access.log"},
                  {"temp_dir", conf.state + "/temp"},
                  {"listeners_conf", conf.listeners_conf}};
  values.flags["stream"] = conf.build.stream != StreamModule::kNone;
  if (conf.build.stream != StreamModule::kNone) {
    values.texts["relay_module_path"] = conf.relay_module_path;
    values.texts["streams_conf"] = conf.streams_conf;
    values.texts["stream_log"] = conf.state + "/logs/streams.log";
  }
  if (conf.build.stream == StreamModule::kDynamic) {
    values.texts["stream_module"] = conf.build.stream_path;
  }
  if (!conf.user.empty()) {
    values.texts["user"] = conf.user;
    values.texts["group"] = conf.group;
  }
  return render_file("nginx.conf", values);
}

std::string explain_failed_test(std::string_view output, const std::string& module_path) {
  std::string text;
  bool foreign_module = false;
  while (!output.empty()) {
    const std::size_t end = std::min(output.find('\n'), output.size());
    const std::string_view line = output.substr(0, end);
    output.remove_prefix(std::min(end + 1, output.size()));
    if (line.empty()) continue;
    text += (text.empty() ? "" : "\n") + std::string(line);
    foreign_module =
        foreign_module || line.find("is not binary compatible") != line.npos ||
        (line.find(" version ") != line.npos && line.find(" instead of ") != line.npos);
  }
  if (foreign_module) {
    text += fmt::format(
        "\n{} was built for another nginx: use that one (--nginx PATH), or build "
        "the module for this one",
        module_path);
  }
  return text;
}

}  // namespace sluice::cli
