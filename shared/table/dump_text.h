// The words of a dump: how single values of the table are written for people.
// Process: sluicectl, controller, tests.   Tested by: test/unit/shared/table/dump_test.cc
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "shared/table/format.h"

namespace sluice::table {

// As it is when it is one plain word, else in double quotes with \xNN for what can't be printed.
std::string quoted(std::string_view text);

// "10.0.0.1:80", "[::1]:80".
std::string address_text(Family family, const std::uint8_t (&address)[16], std::uint16_t port);

// "*", "*.example.com", "a.example.com".
std::string host_text(HostKind kind, std::string_view name);

// "GET,POST"; "" for any.
std::string methods_text(std::uint16_t methods);

// "1 2 5", "63+" for the last bit; "-" for none.
std::string mask_text(std::uint64_t mask);

// "90%", "33.3333%": the part of the 2^32 draws.
std::string percent_text(std::uint64_t draws);

}  // namespace sluice::table
