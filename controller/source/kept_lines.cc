#include "controller/source/kept_lines.h"

#define XXH_INLINE_ALL
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "shared/base/file_text.h"

namespace sluice::source {
namespace {

constexpr std::size_t kRewriteSlack = std::size_t{1} << 20;
constexpr std::size_t kBlockBytes = std::size_t{1} << 18;
constexpr std::size_t kChecksumDigits = 16;

std::string checksum(std::string_view text) {
  return fmt::format("{:016x}", XXH3_64bits(text.data(), text.size()));
}

void add_line(std::string& text, std::string_view line) {
  text += checksum(line);
  text += ' ';
  text += line;
  text += '\n';
}

bool is_whole(std::string_view line) {
  return line.size() > kChecksumDigits && line[kChecksumDigits] == ' ' &&
         checksum(line.substr(kChecksumDigits + 1)) == line.substr(0, kChecksumDigits);
}

Result<void> write_all(int fd, const std::string& path, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail_errno(path);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace

Result<std::size_t> KeptLines::read(const Take& take) const {
  const Result<std::string> text = read_text(path_, kMaxBytes);
  if (!text) return tl::unexpected<Error>(text.error());
  std::size_t damaged = 0;
  std::string_view rest = *text;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    if (is_whole(line)) {
      take(line.substr(kChecksumDigits + 1));
    } else {
      ++damaged;
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return damaged;
}

void KeptLines::add(std::string_view line) {
  if (path_.empty()) return;
  changed_ = true;
  if (!torn_) add_line(unwritten_, line);  // a rewrite asks for everything that is live
}

Result<void> KeptLines::flush(const Live& live) {
  if (!changed_) return {};
  const bool mostly_old = file_bytes_ + unwritten_.size() > 2 * rewritten_bytes_ + kRewriteSlack;
  Result<void> written = torn_ || mostly_old ? rewrite(live) : append();
  if (!written) torn_ = true;
  unwritten_ = {};  // on failure the rewrite that follows has it
  changed_ = false;
  return written;
}

Result<void> KeptLines::append() {
  if (auto written = write_all(fd_.get(), path_, unwritten_); !written) return written;
  if (::fdatasync(fd_.get()) != 0) return fail_errno(path_);
  file_bytes_ += unwritten_.size();
  return {};
}

Result<void> KeptLines::rewrite(const Live& live) {
  const std::string temporary = path_ + ".new";
  UniqueFd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd) return fail_errno(temporary);
  std::size_t bytes = 0;
  std::string block;
  Result<void> written;
  const auto write_block = [&] {
    if (written) written = write_all(fd.get(), temporary, block);
    bytes += block.size();
    block.clear();
  };
  live([&](std::string_view line) {
    add_line(block, line);
    if (block.size() >= kBlockBytes) write_block();
  });
  write_block();
  if (!written) return written;
  if (::fsync(fd.get()) != 0) return fail_errno(temporary);
  if (::rename(temporary.c_str(), path_.c_str()) != 0) return fail_errno(path_);
  const std::string directory = path_.substr(0, path_.rfind('/'));
  const UniqueFd entries(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (entries) ::fsync(entries.get());
  fd_ = std::move(fd);
  file_bytes_ = rewritten_bytes_ = bytes;
  torn_ = false;
  return {};
}

}  // namespace sluice::source
