// Backend (sluice.dev/v1alpha1): endpoints without a Service, for people without Kubernetes.
#include "controller/model/decode/kinds.h"

namespace sluice::model {

namespace {

constexpr TextRule kAddress = {.valid = is_ip_address,
                               .expected = "an IPv4 or IPv6 address, no hostname"};
constexpr TextRule kUnixPath = {.min = 1,
                                .max = 107,  // what sockaddr_un holds
                                .valid = is_absolute_path,
                                .expected = "an absolute path such as \"/run/app.sock\""};

// Which of the two forms an endpoint has, or that it has none.
void check_form(FieldReader& reader) {
  const bool has_address = reader.has("address");
  const bool has_port = reader.has("port");
  const bool has_path = reader.has("unixPath");
  if (reader.has("hostname")) {
    reader.refuse("hostname",
                  "hostnames are not supported; valid are address and port, or unixPath");
  } else if (has_path && (has_address || has_port)) {
    reader.refuse("found unixPath beside address or port; valid are address and port, or unixPath");
  } else if (has_address && !has_port) {
    reader.refuse("port", "missing, but required beside address");
  } else if (has_port && !has_address) {
    reader.refuse("address", "missing, but required beside port");
  } else if (!has_address && !has_path && reader.is_object()) {
    reader.refuse("found neither; valid are address and port, or unixPath");
  }
}

BackendEndpoint read_endpoint(FieldReader& reader) {
  BackendEndpoint endpoint;
  endpoint.address = reader.text("address", kAddress).value_or("");
  endpoint.port = reader.port("port", Need::kOptional).value_or(0);
  endpoint.unix_path = reader.text("unixPath", kUnixPath).value_or("");
  reader.ignore({"hostname"});
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
