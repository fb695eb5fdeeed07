// The words by which people name kinds: "gateway", "Gateways", "gtw", "svc" ...
//
// Pure.   Tested by: test/unit/controller/control/kinds_test.cc
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/model/object.h"

namespace sluice::control {

// Any case; singular, plural and short names; with or without the group ("gateways.gateway...").
std::optional<model::Kind> find_kind_by_word(std::string_view word);

std::vector<model::Kind> known_kinds();

// "gatewayclasses, gateways, ...": for messages.
std::string known_kind_words();

}  // namespace sluice::control
