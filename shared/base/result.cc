#include "shared/base/result.h"

#include <cerrno>
#include <cstring>

namespace sluice {

tl::unexpected<Error> fail_errno(std::string_view what) {
  const int error = errno;
  return fail(Errc::kSystem, std::string(what) + ": " + std::strerror(error));
}

}  // namespace sluice
