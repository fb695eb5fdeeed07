#include "controller/control/health.h"

namespace sluice::control {

namespace {

constexpr const char* kText = "text/plain; charset=utf-8";
constexpr const char* kMetrics = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace

std::optional<Response> health_answer(const Request& request, const Health& health) {
  if (request.method != "GET") return std::nullopt;
  if (request.path == "/healthz") return Response{200, "ok\n", kText};
  if (request.path == "/metrics") return Response{200, to_text(health.metrics()), kMetrics};
  if (request.path != "/readyz") return std::nullopt;
  if (health.not_ready.empty()) return Response{200, "ok\n", kText};
  return Response{503, health.not_ready + "\n", kText};
}

}  // namespace sluice::control
