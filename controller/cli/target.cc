#include "controller/cli/target.h"

#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>

#include "controller/cli/run_place.h"

namespace sluice::cli {
namespace {

constexpr const char* kDefaultState = "/run/sluice";
constexpr const char* kSocketName = "/control.sock";

bool is_socket(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode);
}

}  // namespace

Result<std::string> find_socket(const TargetOptions& options) {
  if (!options.socket.empty()) return options.socket;
  if (!options.state_directory.empty()) return options.state_directory + kSocketName;
  const char* named = std::getenv("SLUICE_STATE_DIR");
  if (named != nullptr && *named != '\0') return std::string(named) + kSocketName;
  std::string installed = std::string(kDefaultState) + kSocketName;
  if (is_socket(installed)) return installed;
  const std::vector<std::string> runs = find_runs();
  if (runs.size() == 1) return runs[0] + kSocketName;
  if (runs.empty()) {
    return fail(Errc::kNotFound,
                "no Sluice is running here: name one with --state-dir or --socket, or use -f DIR");
  }
  std::string text = "several Sluices are running; name one with --state-dir:";
  for (const std::string& each : runs)
    text += "\n  " + each;
  return fail(Errc::kInvalid, text);
}

int report_error(const Error& error) {
  std::fprintf(stderr, "sluicectl: %s\n", error.message.c_str());
  switch (error.code) {
    case Errc::kInvalid:
      return kUsage;
    case Errc::kNotFound:
    case Errc::kUnavailable:
      return kNotFound;
    case Errc::kFull:
    case Errc::kSystem:
    case Errc::kConflict:
      break;
  }
  return kProblems;
}

}  // namespace sluice::cli
