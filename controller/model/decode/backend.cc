// Backend (sluice.dev/v1alpha1): endpoints without a Service, for people without Kubernetes.
#include <algorithm>
#include <string>
#include <string_view>

#include "controller/model/decode/kinds.h"

namespace sluice::model {

namespace {

// The DNS has no longer labels.
bool is_resolvable_name(std::string_view text) {
  if (!is_exact_hostname(text)) return false;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('.', begin), text.size());
    if (end - begin > 63) return false;
    begin = end + 1;
  }
  return true;
}

constexpr std::string_view kForms = "valid are address and port, hostname and port, or unixPath";

constexpr TextRule kAddress = {.valid = is_ip_address,
                               .expected = "an IPv4 or IPv6 address; a name goes into hostname"};
constexpr TextRule kName = {
    .min = 1,
    .max = 253,
    .valid = is_resolvable_name,
    .expected = "a lower-case DNS name such as \"api.example.com\", no wildcard, no IP address"};
constexpr TextRule kUnixPath = {.min = 1,
                                .max = 107,  // what sockaddr_un holds
                                .valid = is_absolute_path,
                                .expected = "an absolute path such as \"/run/app.sock\""};

// Which of the three forms an endpoint has, or that it has none.
void check_form(FieldReader& reader) {
  const bool has_address = reader.has("address");
  const bool has_name = reader.has("hostname");
  const bool has_port = reader.has("port");
  const bool has_path = reader.has("unixPath");
  const std::string forms(kForms);
  if (has_path && (has_address || has_name || has_port)) {
    reader.refuse("found unixPath beside address, hostname or port; " + forms);
  } else if (has_address && has_name) {
    reader.refuse("found both address and hostname; " + forms);
  } else if ((has_address || has_name) && !has_port) {
    reader.refuse(
        "port", std::string("missing, but required beside ") + (has_name ? "hostname" : "address"));
  } else if (has_port && !has_address && !has_name) {
    reader.refuse("found port without address or hostname; " + forms);
  } else if (!has_address && !has_name && !has_path && reader.is_object()) {
    reader.refuse("found neither; " + forms);
  }
}

BackendEndpoint read_endpoint(FieldReader& reader) {
  BackendEndpoint endpoint;
  endpoint.address = reader.text("address", kAddress).value_or("");
  endpoint.hostname = reader.text("hostname", kName).value_or("");
  endpoint.port = reader.port("port", Need::kOptional).value_or(0);
  endpoint.unix_path = reader.text("unixPath", kUnixPath).value_or("");
  check_form(reader);
  return endpoint;
}

}  // namespace

Backend decode_backend(FieldReader& root, Meta meta) {
  Backend backend;
  backend.meta = std::move(meta);
  root.ignore({"status"});
  root.object("spec", Need::kRequired, [&](FieldReader& spec) {
    spec.list("endpoints", Need::kRequired, {.min = 1, .max = 1000},
              [&](FieldReader& endpoint) { backend.endpoints.push_back(read_endpoint(endpoint)); });
  });
  return backend;
}

}  // namespace sluice::model
