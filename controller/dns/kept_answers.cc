#include "controller/dns/kept_answers.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <sstream>
#include <string_view>
#include <utility>

#include "shared/base/unique_fd.h"

namespace sluice::dns {

namespace {

constexpr const char* kFile = "/dns-answers";

bool is_address(const std::string& text) {
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  return inet_pton(AF_INET, text.c_str(), bytes.data()) == 1 ||
         inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1;
}

Result<std::string> read_all(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd && errno == ENOENT) return std::string();
  if (!fd) return fail_errno(path);
  std::string text;
  std::array<char, 65536> block;
  while (true) {
    const ssize_t got = ::read(fd.get(), block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(path);
    if (got == 0) return text;
    text.append(block.data(), static_cast<std::size_t>(got));
  }
}

Result<void> write_all(const std::string& path, std::string_view text) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd) return fail_errno(path);
  while (!text.empty()) {
    const ssize_t written = ::write(fd.get(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail_errno(path);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace

Result<std::vector<model::HostAnswer>> read_answers(const std::string& directory) {
  const Result<std::string> text = read_all(directory + kFile);
  if (!text) return tl::unexpected<Error>(text.error());
  std::vector<model::HostAnswer> answers;
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    model::HostAnswer answer;
    words >> answer.hostname;
    for (std::string address; words >> address;)
      answer.addresses.push_back(address);
    if (answer.addresses.empty() || !std::ranges::all_of(answer.addresses, is_address)) continue;
    answers.push_back(std::move(answer));
  }
  return answers;
}

Result<void> write_answers(const std::string& directory,
                           const std::vector<model::HostAnswer>& answers) {
  std::string text;
  for (const model::HostAnswer& answer : answers) {
    text += answer.hostname;
    for (const std::string& address : answer.addresses)
      text += " " + address;
    text += "\n";
  }
  const std::string path = directory + kFile;
  const std::string temporary = path + ".new";
  if (Result<void> written = write_all(temporary, text); !written) return written;
  if (::rename(temporary.c_str(), path.c_str()) != 0) return fail_errno(path);
  return {};
}

}  // namespace sluice::dns
