// Writes the entries of one path, and the regular expressions of one hostname: one blob each, with
// all that belongs to it (conditions, index, texts) but the actions, which rules share.
//
// Process: controller.   Thread: event loop.   Format: shared/doc/table_format.md, "Node"
// Tested by: test/unit/shared/table/editor_test.cc
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "shared/table/pattern_book.h"
#include "shared/table/rules.h"
#include "shared/table/transaction.h"

namespace sluice::table {

using RulePtr = std::shared_ptr<const Rule>;

struct WriteContext {
  Transaction& tx;
  const PatternBook& patterns;
  std::uint64_t seed;
  std::function<Offset(const RuleAction&)> action;  // its blob, written before
};

// `exact`, `prefix`: in precedence order.
Blob write_node(const WriteContext& context, std::string_view path, std::span<const RulePtr> exact,
                std::span<const RulePtr> prefix);

// `regexes`: in precedence order. `set_hash` 0: no automaton over them.
Blob write_regex_list(const WriteContext& context, std::span<const RulePtr> regexes,
                      std::uint64_t set_hash);

}  // namespace sluice::table
