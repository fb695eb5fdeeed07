#include "controller/kube/exec_plugin.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "controller/model/decode/timestamp.h"

namespace sluice::kube {

namespace {

using Json = nlohmann::json;

constexpr std::string_view kDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string encode_base64(std::string_view bytes) {
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    std::uint32_t three = 0;
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - at);
    for (std::size_t i = 0; i < 3; ++i) {
      three = three << 8 | (i < count ? static_cast<unsigned char>(bytes[at + i]) : 0U);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      text += i <= count ? kDigits[three >> (18 - 6 * i) & 63] : '=';
    }
  }
  return text;
}

std::string text_at(const Json& object, std::string_view key) {
  if (!object.is_object()) return "";
  const auto found = object.find(key);
  return found == object.end() || !found->is_string() ? "" : found->get<std::string>();
}

}  // namespace

std::string plugin_request(const ExecPlugin& plugin, const Cluster& cluster,
                           const std::string& authority_pem) {
  Json request = {{"apiVersion", plugin.api_version},
                  {"kind", "ExecCredential"},
                  {"spec", {{"interactive", false}}}};
  if (plugin.provide_cluster_info) {
    Json& about = request["spec"]["cluster"];
    about["server"] = cluster.server;
    if (!cluster.tls_server_name.empty()) about["tls-server-name"] = cluster.tls_server_name;
    if (!cluster.proxy_url.empty()) about["proxy-url"] = cluster.proxy_url;
    if (!authority_pem.empty()) {
      about["certificate-authority-data"] = encode_base64(authority_pem);
    }
  }
  return request.dump(-1, ' ', true, Json::error_handler_t::replace);
}

Result<PluginAnswer> read_plugin_answer(const ExecPlugin& plugin, const std::string& output) {
  const auto refuse = [&](std::string_view what) {
    return fail(Errc::kInvalid, fmt::format("{}: {}: {}", plugin.field, plugin.command, what));
  };
  const Json json = Json::parse(output, nullptr, false);
  if (!json.is_object()) return refuse("printed something else than an ExecCredential in JSON");
  if (text_at(json, "kind") != "ExecCredential" ||
      text_at(json, "apiVersion") != plugin.api_version) {
    return refuse(fmt::format("printed kind \"{}\" of \"{}\"; valid is ExecCredential of {}",
                              text_at(json, "kind"), text_at(json, "apiVersion"),
                              plugin.api_version));
  }
  const auto status = json.find("status");
  if (status == json.end() || !status->is_object()) return refuse("printed no status");
  PluginAnswer answer;
  answer.token = text_at(*status, "token");
  answer.client_certificate_pem = text_at(*status, "clientCertificateData");
  answer.client_key_pem = text_at(*status, "clientKeyData");
  if (answer.client_certificate_pem.empty() != answer.client_key_pem.empty()) {
    return refuse("printed one of clientCertificateData and clientKeyData; valid are both");
  }
  if (answer.token.empty() && answer.client_key_pem.empty()) {
    return refuse("printed neither a token nor a client certificate");
  }
  const std::string expires = text_at(*status, "expirationTimestamp");
  if (expires.empty()) return answer;
  answer.expires = model::parse_timestamp(expires);
  if (!answer.expires) {
    return refuse(fmt::format("printed expirationTimestamp \"{}\"; valid is RFC 3339", expires));
  }
  return answer;
}

}  // namespace sluice::kube
