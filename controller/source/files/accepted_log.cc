#include "controller/source/files/accepted_log.h"

#define XXH_INLINE_ALL
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "controller/source/files/tree.h"

namespace sluice::source {
namespace {

using nlohmann::json;

constexpr std::string_view kLogName = "/objects.log";
constexpr std::size_t kRewriteSlack = std::size_t{1} << 20;
constexpr std::size_t kChecksumDigits = 16;

std::string checksum(std::string_view text) {
  return fmt::format("{:016x}", XXH3_64bits(text.data(), text.size()));
}

std::string to_line(std::string_view json_text) {
  return fmt::format("{} {}\n", checksum(json_text), json_text);
}

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
  if (line.size() < kChecksumDigits + 2) return;
  const std::string_view text = line.substr(kChecksumDigits + 1);
  if (checksum(text) != line.substr(0, kChecksumDigits)) return;
  const json object = json::parse(text, nullptr, false);
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

Result<void> write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail_errno("writing the accepted objects");
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace

Result<AcceptedLog> AcceptedLog::open(const std::string& directory) {
  AcceptedLog log;
  log.directory_ = directory;
  if (directory.empty()) return log;
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return fail(Errc::kSystem, fmt::format("creating {}: {}", directory, error.message()));
  ::chmod(directory.c_str(), 0700);

  const std::string path = directory + std::string(kLogName);
  std::map<model::ObjectKey, AcceptedEntry> entries;
  const Result<std::string> text = read_file(path);
  std::string_view rest = text ? std::string_view(*text) : std::string_view();
  log.file_bytes_ = rest.size();
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    apply_line(rest.substr(0, end), entries);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  for (auto& [key, entry] : entries)
    log.restored_.push_back(std::move(entry));
  log.torn_ = true;  // the end may be torn: the first write starts the file anew
  return log;
}

std::vector<AcceptedEntry> AcceptedLog::take_restored() {
  return std::exchange(restored_, {});
}

void AcceptedLog::add_line(std::string_view json_text) {
  if (!directory_.empty()) unwritten_ += to_line(json_text);
}

void AcceptedLog::put(const AcceptedEntry& entry) {
  add_line(to_json(entry));
}

void AcceptedLog::remove(const model::ObjectKey& key) {
  add_line(key_json(key).dump());
}

Result<void> AcceptedLog::flush(const Entries& live) {
  if (unwritten_.empty()) return {};
  const bool mostly_old = file_bytes_ + unwritten_.size() > 2 * rewritten_bytes_ + kRewriteSlack;
  Result<void> written = torn_ || mostly_old ? rewrite(live) : append();
  if (!written) torn_ = true;
  unwritten_.clear();  // on failure the rewrite that follows has it
  return written;
}

Result<void> AcceptedLog::append() {
  if (auto written = write_all(fd_.get(), unwritten_); !written) return written;
  if (::fdatasync(fd_.get()) != 0) return fail_errno("syncing the accepted objects");
  file_bytes_ += unwritten_.size();
  return {};
}

Result<void> AcceptedLog::rewrite(const Entries& live) {
  const std::string path = directory_ + std::string(kLogName);
  const std::string temporary = path + ".new";
  UniqueFd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd) return fail_errno(fmt::format("opening {}", temporary));
  std::string text;
  live([&text](const AcceptedEntry& entry) { text += to_line(to_json(entry)); });
  if (auto written = write_all(fd.get(), text); !written) return written;
  if (::fsync(fd.get()) != 0) return fail_errno(fmt::format("syncing {}", temporary));
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    return fail_errno(fmt::format("renaming {}", temporary));
  }
  const UniqueFd directory(::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory) ::fsync(directory.get());
  fd_ = std::move(fd);
  file_bytes_ = rewritten_bytes_ = text.size();
  torn_ = false;
  return {};
}

}  // namespace sluice::source
