#include "controller/dns/kept_answers.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <sstream>
#include <utility>

#include "shared/base/file_text.h"

namespace sluice::dns {

namespace {

constexpr const char* kFile = "/dns-answers";
constexpr std::size_t kMaxBytes = std::size_t{64} << 20;

bool is_address(const std::string& text) {
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  return inet_pton(AF_INET, text.c_str(), bytes.data()) == 1 ||
         inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1;
}

}  // namespace

Result<std::vector<model::HostAnswer>> read_answers(const std::string& directory) {
  Result<std::string> text = read_text(directory + kFile, kMaxBytes);
  if (!text && text.error().code == Errc::kNotFound) text = std::string();
  if (!text) return tl::unexpected<Error>(std::move(text.error()));
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
  return replace_text(directory + kFile, text);
}

}  // namespace sluice::dns
