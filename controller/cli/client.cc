#include "controller/cli/client.h"

#include <fmt/format.h>
#include <httplib.h>
#include <sys/socket.h>

#include <utility>

namespace sluice::cli {
namespace {

constexpr std::int64_t kPatienceMs = 30'000;

std::string with_query(const std::string& path, const Parameters& parameters) {
  httplib::Params query;
  for (const auto& [name, value] : parameters)
    query.emplace(name, value);
  return parameters.empty() ? path : path + "?" + httplib::detail::params_to_query_str(query);
}

void prepare(httplib::Client& http, std::int64_t patience_ms) {
  http.set_address_family(AF_UNIX);
  http.set_connection_timeout(5);
  http.set_read_timeout(patience_ms / 1000, (patience_ms % 1000) * 1000);
}

Result<Answer> to_answer(const httplib::Result& result, const std::string& socket) {
  if (!result) {
    return fail(Errc::kUnavailable, fmt::format("no controller answers at {} ({})", socket,
                                                httplib::to_string(result.error())));
  }
  return Answer{result->status, nlohmann::json::parse(result->body, nullptr, false)};
}

}  // namespace

Result<Answer> Client::get(const std::string& path, const Parameters& parameters) const {
  httplib::Client http(socket_, 80);
  prepare(http, kPatienceMs);
  return to_answer(http.Get(with_query(path, parameters).c_str()), socket_);
}

Result<Answer> Client::post(const std::string& path, const Parameters& parameters,
                            std::int64_t patience_ms) const {
  httplib::Client http(socket_, 80);
  prepare(http, patience_ms);
  return to_answer(http.Post(with_query(path, parameters).c_str()), socket_);
}

const nlohmann::json& member(const nlohmann::json& object, const char* name) {
  static const nlohmann::json nothing;
  if (!object.is_object()) return nothing;
  const auto found = object.find(name);
  return found == object.end() ? nothing : *found;
}

std::string text_member(const nlohmann::json& object, const char* name) {
  const auto* text = member(object, name).get_ptr<const std::string*>();
  return text == nullptr ? std::string() : *text;
}

std::int64_t number_member(const nlohmann::json& object, const char* name) {
  const nlohmann::json& value = member(object, name);
  return value.is_number() ? value.get<std::int64_t>() : 0;
}

}  // namespace sluice::cli
