// The nginx that `run` starts and `render` writes for: its version, its stream module and its
// configuration.
//
// Process: sluicectl.   Tested by: test/unit/controller/cli/nginx_test.cc, test/e2e
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "shared/base/result.h"

namespace sluice::cli {

struct NginxVersion {
  int major = 0;
  int minor = 0;
  int patch = 0;
  auto operator<=>(const NginxVersion&) const = default;
};

// Out of what `nginx -v` says.
Result<NginxVersion> parse_nginx_version(std::string_view text);

// nginx's own stream module, which listeners for TLS and TCP need.
enum class StreamModule : std::uint8_t { kNone, kCompiledIn, kDynamic };

struct NginxBuild {
  NginxVersion version;
  StreamModule stream = StreamModule::kNone;
  std::string stream_path;  // kDynamic: the file, which may be absent
};

// Out of what `nginx -V` says.
Result<NginxBuild> parse_nginx_build(std::string_view text);
// A stream module whose package is not installed is kNone.
Result<NginxBuild> nginx_build(const std::string& nginx);

// `http2 on` instead of `listen ... http2`.
inline bool has_http2_directive(const NginxVersion& version) {
  return version >= NginxVersion{1, 25, 1};
}

struct ListenersConf {
  std::string table_directory;
  std::string keeper_socket;
  NginxVersion version;
};

Result<std::string> render_listeners_conf(const ListenersConf& conf);
Result<std::string> render_streams_conf();

struct NginxConf {
  std::string module_path;
  std::string user;  // "": not root, workers stay who we are
  std::string group;
  std::uint32_t workers = 0;  // 0: auto
  std::string state;
  std::string listeners_conf;
  NginxBuild build = {};
  std::string relay_module_path = {};  // where there is a stream module
  std::string streams_conf = {};
};

Result<std::string> render_nginx_conf(const NginxConf& conf);

// The sentences of `nginx -t`'s output that tell why it failed, with a hint for a module that was
// built for another nginx.
std::string explain_failed_test(std::string_view output, const std::string& module_path);

}  // namespace sluice::cli
