// sluicectl render: a configuration template, filled in for one nginx.
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "controller/cli/nginx.h"
#include "controller/cli/places.h"
#include "controller/cli/verbs.h"

namespace sluice::cli {
namespace {

std::string absolute(const std::string& path) {
  std::error_code error;
  const auto out = std::filesystem::absolute(path, error);
  return error ? path : out.lexically_normal().string();
}

Result<std::string> rendered(const RenderOptions& options) {
  if (options.name == "sluice-streams.conf") return render_streams_conf();
  const Result<std::string> nginx = find_nginx(options.nginx);
  if (!nginx) return tl::unexpected<Error>(nginx.error());
  const Result<NginxBuild> build = nginx_build(*nginx);
  if (!build) return tl::unexpected<Error>(build.error());
  return render_listeners_conf({absolute(options.table_directory),
                                absolute(options.state_directory) + "/keeper.sock",
                                build->version});
}

}  // namespace

int render(const RenderOptions& options) {
  const Result<std::string> text = rendered(options);
  if (!text) {
    std::fprintf(stderr, "sluicectl: %s\n", text.error().message.c_str());
    return kProblems;
  }
  std::fputs(text->c_str(), stdout);
  return kFine;
}

}  // namespace sluice::cli
