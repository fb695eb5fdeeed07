// HTTP/2 that was not written here: what a mirror's backend sends, and the head of a request as
// nginx wrote it. The first byte chooses; of an answer the second one says how it is cut.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

#include "ngx_module/core/h2_exchange.h"
#include "ngx_module/core/h2_head.h"

namespace {

namespace core = sluice::core;

constexpr std::uint64_t kBody = 100'000;

void require(bool holds) {
  if (!holds) std::abort();
}

struct Outcome {
  bool good = true;
  bool answered = false;
  std::uint64_t body = 0;  // sent of the request's
  bool operator==(const Outcome&) const = default;
};

// Whatever the server says, no more than the body is sent, and its end only once.
Outcome exchange(std::string_view answer, std::size_t piece) {
  core::H2Exchange exchange(false, kBody);
  Outcome outcome;
  std::array<char, core::kH2FrameHead> head{};
  while (outcome.good && !answer.empty()) {
    outcome.good = exchange.read(answer.substr(0, piece));
    answer.remove_prefix(std::min(piece, answer.size()));
    outcome.answered = exchange.answered();
    exchange.take_replies();
  }
  if (!outcome.good) return {.good = false};
  while (const auto bytes = exchange.next_data(head)) {
    require(!exchange.sent() || outcome.body + *bytes == kBody);
    outcome.body += *bytes;
  }
  require(outcome.body <= kBody && exchange.sent() == (outcome.body == kBody));
  return outcome;
}

void check_answer(std::string_view answer, std::uint8_t cut) {
  const Outcome cut_up = exchange(answer, std::size_t{1} + cut);
  const Outcome whole = exchange(answer, answer.size());
  // Replies that nobody takes meanwhile may be too many, in one piece sooner than in several.
  require(cut_up == whole || !whole.good);
}

// What was read once is read again with the same result, and only single bytes change.
void check_head(std::string head) {
  const std::span<unsigned char> bytes(reinterpret_cast<unsigned char*>(head.data()), head.size());
  const auto ends = core::begin_h2_stream(bytes);
  core::write_scheme(bytes, true);
  const std::string secured = head;
  core::write_scheme(bytes, false);
  core::write_scheme(bytes, true);
  require(head == secured);
  require(core::begin_h2_stream(bytes) == ends && head == secured);
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  if (data[0] % 2 == 0) {
    check_answer(bytes, data[1]);
  } else {
    check_head(std::string(bytes));
  }
  return 0;
}
