// What may fail, as a value.
//
// Result<T> is tl::expected with our Error inside a [[nodiscard]] class, so that a dropped result
// does not compile.
// `.value()` is never used (it may throw): test, then `*`. One layer of context is added per
// boundary by propagate().
//
//   Result<Table> table = Table::open(dir);
//   if (!table) return propagate(std::move(table), "opening the table");
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace sluice {

enum class Errc {
  kInvalid,      // the bytes or the arguments make no sense
  kNotFound,     // a file, an object or an address that is not there
  kUnavailable,  // the other side is away; trying again may help
  kFull,         // no room: disk, shared memory, slots
  kSystem,       // a system call failed; the message holds errno's text
  kConflict,     // somebody else holds it
};

struct Error {
  Errc code = Errc::kInvalid;
  std::string message;
};

template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
  using Base = tl::expected<T, Error>;

 public:
  using Base::Base;

  Result(Base&& base)  // NOLINT(google-explicit-constructor): lets chains return
      : Base(std::move(base)) {}
};

inline tl::unexpected<Error> fail(Errc code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}

// Fails with Errc::kSystem and "<what>: <text of errno>".
tl::unexpected<Error> fail_errno(std::string_view what);

// REQUIRES: !result. Puts "<context>: " before the message.
template <class T>
tl::unexpected<Error> propagate(Result<T>&& result, std::string_view context) {
  Error error = std::move(result.error());
  error.message = std::string(context) + ": " + error.message;
  return tl::unexpected<Error>(std::move(error));
}

}  // namespace sluice
