#include "controller/cli/offline.h"

#include <stdlib.h>

#include <ctime>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "controller/publish/publisher.h"
#include "controller/resolve/resolve.h"
#include "controller/source/files/files.h"

namespace sluice::cli {
namespace {

constexpr std::uint64_t kGeneration = 1;
constexpr std::size_t kSegmentBytes = std::size_t{1} << 20;

std::int64_t wall_clock_ms() {
  return std::int64_t{std::time(nullptr)} * 1000;
}

status::DataPlane perfect_data_plane(const resolve::Delta& delta) {
  status::DataPlane plane;
  plane.any_worker = true;
  plane.acknowledged = kGeneration;
  for (const resolve::ServedListener& listener : delta.listeners) {
    for (const resolve::Socket& socket : listener.sockets)
      plane.open_sockets.insert(socket.text());
  }
  return plane;
}

}  // namespace

Offline::Offline(std::unique_ptr<source::Source> source, const std::string& controller_name)
    : source_(std::move(source)), book_(controller_name) {
  const source::Batch batch = source_->poll(0);
  for (const model::Change& change : batch.changes)
    store_.apply(change);
  resolve::Options options;
  options.controller_name = controller_name;
  resolve::Resolver resolver(options);
  delta_ = resolver.apply(store_, batch.changes);
  const std::int64_t now_ms = wall_clock_ms();
  for (const resolve::SharedFindings& findings : delta_.findings) {
    book_.put(findings, kGeneration, now_ms);
  }
  book_.refresh(perfect_data_plane(delta_), now_ms);
}

Result<std::unique_ptr<Offline>> Offline::load(const std::string& directory,
                                               const std::string& controller_name) {
  Result<std::unique_ptr<source::Source>> source =
      source::open_files({directory, "", controller_name});
  if (!source) return tl::unexpected<Error>(source.error());
  return std::unique_ptr<Offline>(new Offline(std::move(*source), controller_name));
}

nlohmann::json Offline::object(const model::ObjectKey& key) const {
  nlohmann::json object = nlohmann::json::parse(source_->object_json(key), nullptr, false);
  if (!object.is_object()) return nullptr;
  nlohmann::json status = book_.status_of(key);
  if (!status.is_null()) object["status"] = std::move(status);
  return object;
}

Result<void> Offline::write_table(const std::string& table_directory) const {
  arena::ArenaOptions options;
  options.directory = table_directory;
  options.segment_bytes = kSegmentBytes;
  Result<std::unique_ptr<publish::Publisher>> publisher = publish::Publisher::open(options);
  if (!publisher) return tl::unexpected<Error>(publisher.error());
  Result<publish::Stage> stage = (*publisher)->publish(delta_, 0);
  // Nobody has to warm up; no round may publish less than the one before.
  for (int round = 0; stage && *stage == publish::Stage::kWarming && round < 8; ++round) {
    stage = (*publisher)->resume(true, 0);
  }
  if (!stage) return tl::unexpected<Error>(stage.error());
  return {};
}

Result<TemporaryDirectory> TemporaryDirectory::make() {
  for (const char* base : {"/dev/shm", "/tmp"}) {
    std::string pattern = std::string(base) + "/sluicectl-XXXXXX";
    if (::mkdtemp(pattern.data()) != nullptr) return TemporaryDirectory(std::move(pattern));
  }
  return fail_errno("making a temporary directory");
}

TemporaryDirectory::TemporaryDirectory(TemporaryDirectory&& other) noexcept
    : path_(std::exchange(other.path_, {})) {}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code error;
  if (!path_.empty()) std::filesystem::remove_all(path_, error);
}

}  // namespace sluice::cli
