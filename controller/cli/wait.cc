// sluicectl wait: until every live worker answers by the newest objects.
#include <fmt/format.h>

#include <cstdio>

#include "controller/cli/client.h"
#include "controller/cli/target.h"
#include "controller/cli/verbs.h"

namespace sluice::cli {
namespace {

constexpr std::int64_t kGraceMs = 5000;  // for the answer itself

// KIND/NS/NAME or KIND/NAME.
bool add_object(const std::string& text, Parameters& parameters) {
  const std::size_t first = text.find('/');
  if (first == std::string::npos || first == 0 || first + 1 == text.size()) return false;
  parameters["kind"] = text.substr(0, first);
  const std::string rest = text.substr(first + 1);
  const std::size_t second = rest.find('/');
  if (second != std::string::npos) parameters["namespace"] = rest.substr(0, second);
  parameters["name"] = second == std::string::npos ? rest : rest.substr(second + 1);
  return !parameters["name"].empty();
}

}  // namespace

int wait(const WaitOptions& options) {
  const auto timeout_ms = static_cast<std::int64_t>(options.timeout_seconds * 1000);
  Parameters parameters = {{"timeout_ms", std::to_string(timeout_ms)}};
  if (!options.object.empty() && !add_object(options.object, parameters)) {
    return report_error({Errc::kInvalid, options.object + " is not KIND/NAMESPACE/NAME"});
  }
  const Result<std::string> socket = find_socket(options.target);
  if (!socket) return report_error(socket.error());
  const Result<Answer> answer = Client(*socket).post("/v1/wait", parameters, timeout_ms + kGraceMs);
  if (!answer) return report_error(answer.error());
  if (answer->status == 200) {
    std::fprintf(
        stderr, "%s\n",
        fmt::format("{} worker(s) serve generation {}", number_member(answer->body, "workers"),
                    number_member(answer->body, "generation"))
            .c_str());
    return kFine;
  }
  const Errc code = answer->status == 400 ? Errc::kInvalid : Errc::kNotFound;
  return report_error({code, text_member(answer->body, "error")});
}

}  // namespace sluice::cli
