#include "controller/source/kube/identity.h"

#include <fmt/format.h>
#include <sys/random.h>
#include <unistd.h>

#include <array>
#include <cstdint>

#include "shared/base/file_text.h"

namespace sluice::source {

namespace {

constexpr std::size_t kDigits = 16;

bool is_number(const std::string& text) {
  return text.size() == kDigits && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

}  // namespace

Result<std::string> identity_in(const std::string& state_directory) {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) return fail_errno("gethostname");
  const std::string path = state_directory + "/identity";
  Result<std::string> kept = read_text(path, kDigits);
  if (kept && is_number(*kept)) return fmt::format("{}_{}", host.data(), *kept);
  if (!kept && kept.error().code == Errc::kSystem) return kept;
  std::uint64_t number = 0;
  if (::getrandom(&number, sizeof(number), 0) != sizeof(number)) return fail_errno("getrandom");
  const std::string made = fmt::format("{:016x}", number);
  if (Result<void> written = replace_text(path, made); !written) {
    return tl::unexpected<Error>(std::move(written.error()));
  }
  return fmt::format("{}_{}", host.data(), made);
}

}  // namespace sluice::source
