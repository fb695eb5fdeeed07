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
  const Result<std::string> nginx = find_nginx(options.nginx);
  if (!nginx) return tl::unexpected<Error>(nginx.error());
  const Result<NginxVersion> version = nginx_version(*nginx);
  if (!version) return tl::unexpected<Error>(version.error());
  return render_listeners_conf({absolute(options.table_directory),
                                absolute(options.state_directory) + "/keeper.sock", *version});
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
