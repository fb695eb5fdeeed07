#include "controller/source/kube/snapshot.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>
#include <utility>

#include "controller/source/kube/json_text.h"
#include "shared/base/timeout.h"

namespace sluice::source {

namespace {

using nlohmann::json;

constexpr const char* kFormat = "sluice snapshot of a cluster's objects";
constexpr const char* kObjectsName = "/objects.log";
constexpr const char* kSecretsName = "/secrets.log";
constexpr const char* kHalfWritten = ".new";  // kept_lines.h: a crash leaves it behind

std::string header_of(const SnapshotOptions& options) {
  return json{{"format", kFormat},
              {"version", Snapshot::kVersion},
              {"server", options.server},
              {"controllerName", options.controller_name}}
      .dump();
}

// Texts of objects and statuses are JSON already.
std::string line_of(const SeenObject& seen) {
  return fmt::format(R"({{"object":{},"resourceVersion":{},"status":{}}})", seen.text,
                     json(seen.resource_version).dump(),
                     seen.status.empty() ? "null" : seen.status);
}

std::string line_of_gone(const model::ObjectKey& key) {
  return json{{"gone",
               {{"group", model::kind_group(key.kind)},
                {"kind", model::kind_name(key.kind)},
                {"namespace", key.name.ns},
                {"name", key.name.name}}}}
      .dump();
}

// "v1" -> "", "apps/v1" -> "apps"
std::string group_of(const std::string& api_version) {
  const std::size_t slash = api_version.find('/');
  return slash == std::string::npos ? "" : api_version.substr(0, slash);
}

std::optional<model::ObjectKey> key_of(const std::string& group, const std::string& kind,
                                       const std::string& ns, const std::string& name) {
  const auto found = model::find_kind(group, kind);
  if (!found || name.empty()) return std::nullopt;
  return model::ObjectKey{*found, {ns, name}};
}

std::optional<model::ObjectKey> key_of(const json& line) {
  if (line.contains("gone")) {
    return key_of(text_at(line, "/gone/group"), text_at(line, "/gone/kind"),
                  text_at(line, "/gone/namespace"), text_at(line, "/gone/name"));
  }
  return key_of(group_of(text_at(line, "/object/apiVersion")), text_at(line, "/object/kind"),
                text_at(line, "/object/metadata/namespace"),
                text_at(line, "/object/metadata/name"));
}

// As an API server would send it. REQUIRES: key_of(line).
json object_of(json line) {
  json object = std::move(line["object"]);
  json status = value_at(line, "/status");
  if (!status.is_null()) object["status"] = std::move(status);
  object["metadata"]["resourceVersion"] = text_at(line, "/resourceVersion");
  return object;
}

}  // namespace

Snapshot::Snapshot(const SnapshotOptions& options)
    : options_(options), header_(header_of(options)) {
  files_.push_back({KeptLines(options.directory + kObjectsName), false});
  const std::string secrets = options.directory + kSecretsName;
  if (options.secrets) {
    files_.push_back({KeptLines(secrets), true});
    return;
  }
  for (const std::string& left : {secrets, secrets + kHalfWritten}) {
    std::error_code error;
    std::filesystem::remove(left, error);
    if (error) leftover_ = fmt::format("{} cannot be removed: {}", left, error.message());
  }
}

void Snapshot::read(const Put& put) {
  for (File& file : files_)
    file.unreadable = read_file(file, put);
}

// Returns what is wrong; "": nothing. The last line about an object counts.
std::string Snapshot::read_file(const File& file, const Put& put) const {
  bool first = true;
  std::string refused;
  std::map<model::ObjectKey, std::string> lines;
  const Result<std::size_t> damaged = file.lines.read([&](std::string_view text) {
    if (!refused.empty()) return;
    const json line = parse_text(text);
    if (std::exchange(first, false)) {
      refused = why_not(line);
      return;
    }
    const std::optional<model::ObjectKey> key = key_of(line);
    if (!key || !keeps(file, *key)) return;
    if (line.contains("gone")) {
      lines.erase(*key);
    } else {
      lines.insert_or_assign(*key, text);
    }
  });
  if (!damaged && damaged.error().code == Errc::kNotFound) return "";
  if (!damaged) return damaged.error().message;
  for (const auto& [key, text] : lines)
    put(key, object_of(parse_text(text)));
  if (refused.empty() && first) refused = "it is no snapshot of objects, or all of it is damaged";
  if (!refused.empty()) return fmt::format("{}: {}: it is left out", file.lines.path(), refused);
  if (*damaged == 0) return "";
  return fmt::format("{}: {} damaged lines are left out", file.lines.path(), *damaged);
}

std::string Snapshot::why_not(const json& header) const {
  if (text_at(header, "/format") != kFormat) {
    return "it is no snapshot of objects, or its beginning is damaged";
  }
  const std::int64_t version = number_at(header, "/version");
  if (version != kVersion) return fmt::format("it is of version {}, this is {}", version, kVersion);
  const std::string server = text_at(header, "/server");
  if (server != options_.server) return fmt::format("it is of another cluster, {}", server);
  const std::string name = text_at(header, "/controllerName");
  return name == options_.controller_name ? "" : fmt::format("it is of controllerName {}", name);
}

bool Snapshot::keeps(const File& file, const model::ObjectKey& key) const {
  return file.secrets == (key.kind == model::Kind::kSecret);
}

void Snapshot::start(const KubeObjects& objects, std::uint64_t now_ms) {
  started_ = true;
  unwritten_ = true;
  due_ms_ = now_ms + kWriteMs;
  for (const auto& [key, seen] : objects.all())
    changed_.insert(key);
}

void Snapshot::touch(const model::ObjectKey& key, std::uint64_t now_ms) {
  if (!started_) return;
  if (!std::exchange(unwritten_, true)) due_ms_ = now_ms + kWriteMs;
  changed_.insert(key);
}

bool Snapshot::turn(const KubeObjects& objects, std::uint64_t now_ms) {
  if (!unwritten_ || now_ms < due_ms_) return false;
  const Result<void> written = write_all(objects);
  std::string problem = written ? "" : written.error().message;
  bool changed = problem != problem_;
  problem_ = std::move(problem);
  due_ms_ = now_ms + kRetryMs;
  for (File& file : files_) {
    if (file.written) changed |= !std::exchange(file.unreadable, "").empty();
  }
  return changed;
}

void Snapshot::flush(const KubeObjects& objects) {
  if (unwritten_) (void)write_all(objects);
}

Result<void> Snapshot::write_all(const KubeObjects& objects) {
  if (::mkdir(options_.directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return fail_errno(options_.directory);
  }
  Result<void> all;
  for (File& file : files_) {
    Result<void> written = write(file, objects);
    if (!written && all) all = std::move(written);
  }
  if (!all) return all;
  changed_.clear();
  unwritten_ = false;
  return {};
}

Result<void> Snapshot::write(File& file, const KubeObjects& objects) const {
  // The first time everything is written, also when that is nothing: what was kept before goes.
  if (!file.written) file.lines.add(header_);
  for (const model::ObjectKey& key : changed_) {
    if (!file.written || !keeps(file, key)) continue;
    const SeenObject* const seen = objects.find(key);
    file.lines.add(seen == nullptr ? line_of_gone(key) : line_of(*seen));
  }
  Result<void> written = file.lines.flush([&](const KeptLines::Take& take) {
    take(header_);
    for (const auto& [key, seen] : objects.all()) {
      if (keeps(file, key)) take(line_of(seen));
    }
  });
  file.written |= written.has_value();
  return written;
}

int Snapshot::timeout_ms(std::uint64_t now_ms) const {
  return !unwritten_ ? kForEver : timeout_until(due_ms_, now_ms);
}

void Snapshot::add_problems(std::vector<std::string>& all) const {
  const auto add = [&all](const std::string& problem) {
    if (!problem.empty()) all.push_back("the snapshot of objects: " + problem);
  };
  add(leftover_);
  add(problem_);
  for (const File& file : files_)
    add(file.unreadable);
}

}  // namespace sluice::source
