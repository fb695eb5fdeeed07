#include "controller/kube/kubeconfig.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>

#include "controller/model/decode/base64.h"
#include "controller/model/decode/text_rule.h"
#include "controller/yaml/yaml_to_json.h"
#include "shared/base/file_text.h"

namespace sluice::kube {

namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxFileBytes = std::size_t{4} * 1024 * 1024;

struct File {
  std::string path;
  Json json;
};

// A named entry of clusters, users or contexts, and what stands in front of its fields in messages.
struct Entry {
  const Json* body = nullptr;
  std::string place;      // "/a/config: users[dev].user"
  std::string directory;  // that relative paths start from
};

const Json* find(const Json& object, std::string_view key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::string found_text(const Json& value) {
  std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
  if (text.size() > 60) text = text.substr(0, 60) + "...";
  return text;
}

// Collects the first thing that is wrong.
class Fields {
 public:
  explicit Fields(const Entry& entry) : entry_(entry) {}

  std::string text(std::string_view key) {
    const Json* value = find(*entry_.body, key);
    if (value == nullptr) return "";
    if (value->is_string()) return value->get_ref<const std::string&>();
    refuse(key, "found " + found_text(*value) + "; valid is a string");
    return "";
  }

  bool flag(std::string_view key) {
    const Json* value = find(*entry_.body, key);
    if (value == nullptr) return false;
    if (value->is_boolean()) return *value == true;
    refuse(key, "found " + found_text(*value) + "; valid is true or false");
    return false;
  }

  std::string path(std::string_view key) {
    std::string said = text(key);
    if (said.empty() || said.front() == '/') return said;
    return (std::filesystem::path(entry_.directory) / said).lexically_normal().string();
  }

  Material material(std::string_view data_key, std::string_view file_key) {
    const std::string data = text(data_key);
    if (!data.empty()) {
      // What is wrong is told without the bytes: they may be a key.
      if (!model::is_base64(data)) refuse(data_key, "found something else; valid is base64");
      return {place(data_key), "", model::decode_base64(data)};
    }
    return {place(file_key), path(file_key), ""};
  }

  void refuse(std::string_view key, const std::string& why) {
    if (problem_.empty()) problem_ = place(key) + ": " + why;
  }

  void take_over(const std::string& problem) {
    if (problem_.empty()) problem_ = problem;
  }

  // A field that would change what is asked of us and is not served.
  void refuse_if_there(std::string_view key, const std::string& why) {
    const Json* value = find(*entry_.body, key);
    if (value != nullptr && !(value->is_structured() && value->empty()) && *value != "") {
      refuse(key, why);
    }
  }

  std::string place(std::string_view key) const { return fmt::format("{}.{}", entry_.place, key); }

  const Entry& entry() const { return entry_; }

  const std::string& problem() const { return problem_; }

 private:
  const Entry& entry_;
  std::string problem_;
};

Result<File> read_file(const std::string& path) {
  Result<std::string> text = read_text(path, kMaxFileBytes);
  if (!text) return tl::unexpected<Error>(std::move(text.error()));
  yaml::ParsedDocument document = yaml::parse_yaml(*text);
  if (document.error) {
    return fail(Errc::kInvalid, fmt::format("{}: line {}: {}", path, document.error->line,
                                            document.error->message));
  }
  if (!document.json.is_object()) {
    return fail(Errc::kInvalid, path + ": found no mapping; valid is a kubeconfig, kind: Config");
  }
  return File{path, std::move(document.json)};
}

Result<std::vector<File>> read_files(const std::vector<std::string>& paths) {
  std::vector<File> files;
  for (const std::string& path : paths) {
    if (paths.size() > 1 && ::access(path.c_str(), F_OK) != 0) continue;
    Result<File> file = read_file(path);
    if (!file) return propagate(std::move(file), "kubeconfig");
    files.push_back(std::move(*file));
  }
  if (files.empty()) {
    return fail(Errc::kNotFound,
                fmt::format("kubeconfig: none of these files exists: {}", fmt::join(paths, ", ")));
  }
  return files;
}

// The entry `name` of the list `list`, whose body is the field `body`.
Result<Entry> find_entry(const std::vector<File>& files, std::string_view list,
                         const std::string& name, std::string_view body) {
  std::vector<std::string> names;
  for (const File& file : files) {
    const Json* entries = find(file.json, list);
    if (entries == nullptr || !entries->is_array()) continue;
    for (const Json& each : *entries) {
      const Json* found = find(each, "name");
      if (found == nullptr || !found->is_string()) continue;
      names.push_back(found->get_ref<const std::string&>());
      if (names.back() != name) continue;
      const std::string place = fmt::format("{}: {}[{}]", file.path, list, name);
      const Json* object = find(each, body);
      if (object == nullptr || !object->is_object()) {
        return fail(Errc::kInvalid, fmt::format("{}.{}: is missing", place, body));
      }
      const std::filesystem::path directory = std::filesystem::path(file.path).parent_path();
      return Entry{object, fmt::format("{}.{}", place, body), directory.string()};
    }
  }
  return fail(
      Errc::kNotFound,
      fmt::format("{}: {}: found no entry named \"{}\"; there is: {}", files.front().path, list,
                  name, names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "))));
}

std::string current_context(const std::vector<File>& files) {
  for (const File& file : files) {
    const Json* name = find(file.json, "current-context");
    if (name != nullptr && name->is_string() && *name != "") return *name;
  }
  return "";
}

bool is_server(const std::string& url) {
  constexpr std::string_view kScheme = "https://";
  if (!url.starts_with(kScheme) || url.size() == kScheme.size()) return false;
  const std::string rest = url.substr(kScheme.size());
  return rest.front() != '/' && rest.find_first_of(" \t\r\n?#@\"\\") == std::string::npos;
}

Result<void> read_cluster(const Entry& entry, Cluster& cluster) {
  Fields fields(entry);
  cluster.server = fields.text("server");
  if (!is_server(cluster.server)) {
    fields.refuse("server",
                  fmt::format("found \"{}\"; valid is https://HOST:PORT", cluster.server));
  }
  while (cluster.server.ends_with('/'))
    cluster.server.pop_back();
  cluster.tls_server_name = fields.text("tls-server-name");
  cluster.proxy_url = fields.text("proxy-url");
  cluster.authority = fields.material("certificate-authority-data", "certificate-authority");
  if (fields.flag("insecure-skip-tls-verify")) {
    fields.refuse("insecure-skip-tls-verify",
                  "found true; the server's certificate is always verified: give "
                  "certificate-authority or certificate-authority-data instead");
  }
  if (!fields.problem().empty()) return fail(Errc::kInvalid, fields.problem());
  return {};
}

void read_exec_lists(Fields& fields, const Json& exec, ExecPlugin& plugin) {
  if (const Json* arguments = find(exec, "args"); arguments != nullptr) {
    for (const Json& each : *arguments) {
      if (each.is_string()) {
        plugin.arguments.push_back(each.get_ref<const std::string&>());
      } else {
        fields.refuse("args", "found " + found_text(each) + "; valid are strings");
      }
    }
  }
  const Json* environment = find(exec, "env");
  if (environment == nullptr) return;
  for (const Json& each : *environment) {
    const Json* name = find(each, "name");
    const Json* value = find(each, "value");
    if (name == nullptr || !name->is_string() || (value != nullptr && !value->is_string())) {
      fields.refuse("env", "an item has no name and value that are strings");
      continue;
    }
    plugin.environment.emplace_back(name->get_ref<const std::string&>(),
                                    value == nullptr ? "" : value->get_ref<const std::string&>());
  }
}

void read_exec(Fields& outer, const Json& exec, Cluster& cluster) {
  const Entry entry{&exec, outer.place("exec"), outer.entry().directory};
  Fields fields(entry);
  ExecPlugin plugin;
  plugin.field = outer.place("exec");
  plugin.api_version = fields.text("apiVersion");
  if (plugin.api_version != "client.authentication.k8s.io/v1" &&
      plugin.api_version != "client.authentication.k8s.io/v1beta1") {
    fields.refuse("apiVersion",
                  fmt::format("found \"{}\"; valid are client.authentication.k8s.io/v1"
                              " and client.authentication.k8s.io/v1beta1",
                              plugin.api_version));
  }
  plugin.command = fields.text("command");
  if (plugin.command.empty()) fields.refuse("command", "is missing");
  // Like a shell: a name without a slash is looked up in PATH.
  if (plugin.command.find('/') != std::string::npos) plugin.command = fields.path("command");
  plugin.install_hint = fields.text("installHint");
  plugin.provide_cluster_info = fields.flag("provideClusterInfo");
  if (fields.text("interactiveMode") == "Always") {
    fields.refuse("interactiveMode",
                  "found Always; there is no terminal: valid are Never and "
                  "IfAvailable");
  }
  read_exec_lists(fields, exec, plugin);
  outer.take_over(fields.problem());
  cluster.exec = std::move(plugin);
}

Result<void> read_user(const Entry& entry, Cluster& cluster) {
  Fields fields(entry);
  cluster.client_certificate = fields.material("client-certificate-data", "client-certificate");
  cluster.client_key = fields.material("client-key-data", "client-key");
  if (cluster.client_certificate.empty() != cluster.client_key.empty()) {
    const bool lacks_key = cluster.client_key.empty();
    fields.refuse(
        lacks_key ? "client-key" : "client-certificate",
        fmt::format("is missing beside {}", lacks_key ? "client-certificate" : "client-key"));
  }
  cluster.token = {fields.place("tokenFile"), fields.path("tokenFile"), ""};
  if (cluster.token.empty()) cluster.token = {fields.place("token"), "", fields.text("token")};
  for (const std::string_view key : {"as", "as-uid", "as-groups", "as-user-extra"}) {
    fields.refuse_if_there(key, "impersonation is not supported");
  }
  fields.refuse_if_there("username",
                         "user names with passwords are not supported: valid are "
                         "client-certificate, token, tokenFile and exec");
  fields.refuse_if_there("auth-provider", "is not supported: valid is exec");
  if (const Json* exec = find(*entry.body, "exec"); exec != nullptr) {
    if (exec->is_object()) {
      read_exec(fields, *exec, cluster);
    } else {
      fields.refuse("exec", "found " + found_text(*exec) + "; valid is a mapping");
    }
  }
  if (!fields.problem().empty()) return fail(Errc::kInvalid, fields.problem());
  return {};
}

}  // namespace

Result<Cluster> read_kubeconfig(const std::vector<std::string>& paths, const std::string& wanted) {
  Result<std::vector<File>> files = read_files(paths);
  if (!files) return tl::unexpected<Error>(std::move(files.error()));
  const std::string name = wanted.empty() ? current_context(*files) : wanted;
  if (name.empty()) {
    return fail(Errc::kInvalid, files->front().path +
                                    ": current-context: is missing; give "
                                    "--context NAME");
  }
  Result<Entry> context = find_entry(*files, "contexts", name, "context");
  if (!context) return tl::unexpected<Error>(std::move(context.error()));
  Fields fields(*context);
  Cluster cluster;
  cluster.ns = fields.text("namespace");
  const std::string cluster_name = fields.text("cluster");
  const std::string user_name = fields.text("user");
  if (!fields.problem().empty()) return fail(Errc::kInvalid, fields.problem());
  Result<Entry> entry = find_entry(*files, "clusters", cluster_name, "cluster");
  if (!entry) return propagate(std::move(entry), context->place + ".cluster");
  if (Result<void> read = read_cluster(*entry, cluster); !read) {
    return tl::unexpected<Error>(std::move(read.error()));
  }
  if (user_name.empty()) return cluster;
  Result<Entry> user = find_entry(*files, "users", user_name, "user");
  if (!user) return propagate(std::move(user), context->place + ".user");
  if (Result<void> read = read_user(*user, cluster); !read) {
    return tl::unexpected<Error>(std::move(read.error()));
  }
  return cluster;
}

}  // namespace sluice::kube
