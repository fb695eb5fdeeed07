// Request methods as bits, numbered as in the table's entries (shared/match/entries.cc asserts
// that they agree with table::MethodBit).
//
// Methods are case-sensitive: "get" is another method.
// Process: all.   Thread: any.   Allocates: nothing.   Fails: never.   Spec: RFC 9110 9.1
// Tested by: test/unit/shared/http/method_test.cc
#pragma once

#include <cstdint>
#include <string_view>

namespace sluice::http {

// The method's bit, or kOtherMethodBit for one that an HTTPRoute can't name.
std::uint16_t method_bit(std::string_view name);

// The name of one bit, for people; "other" for kOtherMethodBit and what is no bit.
std::string_view method_name(std::uint16_t bit);

inline constexpr std::uint16_t kOtherMethodBit = 1 << 15;

}  // namespace sluice::http
