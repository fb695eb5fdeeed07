#include "controller/source/files/accepted_log.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <system_error>
#include <type_traits>
#include <utility>

namespace sluice::source {
namespace {

using nlohmann::json;

json key_json(const model::ObjectKey& key) {
  return {{"group", model::kind_group(key.kind)},
          {"kind", model::kind_name(key.kind)},
          {"namespace", key.name.ns},
          {"name", key.name.name}};
}

std::string to_json(const AcceptedEntry& entry) {
  json out = key_json(entry.key);
  out["path"] = entry.path;
  out["line"] = entry.line;
  out["generation"] = entry.generation;
  out["object"] = entry.json;
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

// Members of the wrong type count as absent: the file may be anybody's.
template <class T>
T member(const json& object, std::string_view name, T otherwise) {
  const auto found = object.find(name);
  if (found == object.end()) return otherwise;
  if constexpr (std::is_same_v<T, std::string>) {
    return found->is_string() ? found->get<std::string>() : otherwise;
  } else {
    return found->is_number_integer() ? found->get<T>() : otherwise;
  }
}

void apply_line(std::string_view line, std::map<model::ObjectKey, AcceptedEntry>& entries) {
  const json object = json::parse(line, nullptr, false);
  if (!object.is_object()) return;
  const auto kind = model::find_kind(member<std::string>(object, "group", ""),
                                     member<std::string>(object, "kind", ""));
  if (!kind) return;
  AcceptedEntry entry;
  entry.key = {
      *kind,
      {member<std::string>(object, "namespace", ""), member<std::string>(object, "name", "")}};
  entry.json = member<std::string>(object, "object", "");
  if (entry.json.empty()) {
    entries.erase(entry.key);
    return;
  }
  entry.path = member<std::string>(object, "path", "");
  entry.line = member<int>(object, "line", 0);
  entry.generation = member<std::int64_t>(object, "generation", 1);
  entries.insert_or_assign(entry.key, std::move(entry));
}

}  // namespace

Result<AcceptedLog> AcceptedLog::open(const std::string& directory) {
  if (directory.empty()) return AcceptedLog(KeptLines(""));
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return fail(Errc::kSystem, fmt::format("creating {}: {}", directory, error.message()));
  ::chmod(directory.c_str(), 0700);

  AcceptedLog log(KeptLines(directory + "/objects.log"));
  std::map<model::ObjectKey, AcceptedEntry> entries;
  // What can't be read was never accepted.
  (void)log.lines_.read([&entries](std::string_view line) { apply_line(line, entries); });
  for (auto& [key, entry] : entries)
    log.restored_.push_back(std::move(entry));
  return log;
}

std::vector<AcceptedEntry> AcceptedLog::take_restored() {
  return std::exchange(restored_, {});
}

void AcceptedLog::put(const AcceptedEntry& entry) {
  lines_.add(to_json(entry));
}

void AcceptedLog::remove(const model::ObjectKey& key) {
  lines_.add(key_json(key).dump());
}

Result<void> AcceptedLog::flush(const Entries& live) {
  return lines_.flush([&live](const KeptLines::Take& take) {
    live([&take](const AcceptedEntry& entry) { take(to_json(entry)); });
  });
}

}  // namespace sluice::source
