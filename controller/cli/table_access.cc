#include "controller/cli/table_access.h"

#include <memory>
#include <optional>
#include <utility>

#include "controller/cli/client.h"
#include "controller/cli/offline.h"
#include "controller/cli/target.h"

namespace sluice::cli {
namespace {

constexpr int kTries = 20;

Result<std::string> live_table_directory(const TargetOptions& target) {
  const Result<std::string> socket = find_socket(target);
  if (!socket) return tl::unexpected<Error>(socket.error());
  const Result<Answer> info = Client(*socket).get("/v1/info");
  if (!info) return tl::unexpected<Error>(info.error());
  std::string directory = text_member(info->body, "tableDirectory");
  if (directory.empty()) return fail(Errc::kUnavailable, "the controller names no table directory");
  return directory;
}

std::string without_version(std::string directory) {
  while (directory.size() > 1 && directory.ends_with('/'))
    directory.pop_back();
  if (directory.ends_with("/v1")) directory.resize(directory.size() - 3);
  return directory;
}

Result<void> read_directory(
    const std::string& directory,
    const std::function<Result<void>(const table::Reader&, arena::ReadMapping&)>& read) {
  Result<std::unique_ptr<arena::ReadMapping>> mapping = arena::ReadMapping::open(directory);
  if (!mapping) return propagate(std::move(mapping), directory);
  for (int i = 0; i < kTries; ++i) {
    const arena::Snapshot before = (*mapping)->enter();
    const table::Reader reader(before);
    if (reader.empty()) return fail(Errc::kNotFound, directory + ": no table is published yet");
    Result<void> done = read(reader, **mapping);
    if ((*mapping)->enter().root_word == before.root_word) return done;
  }
  return fail(Errc::kUnavailable, directory + ": the table changes all the time; try again");
}

}  // namespace

Result<void> read_table(
    const TargetOptions& target,
    const std::function<Result<void>(const table::Reader&, arena::ReadMapping&)>& read) {
  if (!target.table_directory.empty()) {
    return read_directory(without_version(target.table_directory), read);
  }
  if (target.directory.empty()) {
    const Result<std::string> directory = live_table_directory(target);
    if (!directory) return tl::unexpected<Error>(directory.error());
    return read_directory(*directory, read);
  }
  const auto offline = Offline::load(target.directory, CheckOptions{}.controller_name);
  if (!offline) return tl::unexpected<Error>(offline.error());
  const Result<TemporaryDirectory> temporary = TemporaryDirectory::make();
  if (!temporary) return tl::unexpected<Error>(temporary.error());
  if (auto written = (*offline)->write_table(temporary->path()); !written) return written;
  return read_directory(temporary->path(), read);
}

}  // namespace sluice::cli
