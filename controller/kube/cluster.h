// Where an API server is and how to prove who we are, as the configuration says it: files are named
// here, not read.
//
// Process: controller.   Values only.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluice::kube {

// Bytes that stand in the configuration, or in a file that may change. Empty: neither.
struct Material {
  std::string field;  // where it was said, for people: "/a/config: users[dev].user.client-key"
  std::string file;   // "": `text` is it
  std::string text;

  bool empty() const { return file.empty() && text.empty(); }
};

// A program that prints credentials.   Spec: client.authentication.k8s.io/v1 ExecCredential
struct ExecPlugin {
  std::string field;
  std::string command;
  std::vector<std::string> arguments;
  std::vector<std::pair<std::string, std::string>> environment;
  std::string api_version;
  std::string install_hint;
  bool provide_cluster_info = false;
};

struct Cluster {
  std::string server;           // "https://10.0.0.1:6443", without a slash at the end
  std::string tls_server_name;  // "": the server's host
  std::string proxy_url;        // "": none
  Material authority;           // empty: those that the machine trusts
  Material client_certificate;
  Material client_key;
  Material token;
  std::optional<ExecPlugin> exec;
  std::string ns;  // of the service account or the context; "": not said
};

}  // namespace sluice::kube
