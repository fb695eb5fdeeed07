#include "controller/model/decode/timestamp.h"

#include <chrono>

namespace sluice::model {

namespace {

// Takes `digits` digits off the front of `text`; -1 when they are not there.
int take_number(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return -1;
  int number = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    number = number * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return number;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

// Days since the epoch of "2026-01-31" at the front of `text`.
std::optional<std::int64_t> take_date(std::string_view& text) {
  const int year = take_number(text, 4);
  if (year < 0 || !take(text, '-')) return std::nullopt;
  const int month = take_number(text, 2);
  if (month < 0 || !take(text, '-')) return std::nullopt;
  const int day = take_number(text, 2);
  if (day < 0) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date).time_since_epoch().count();
}

// Seconds of "23:59:60" at the front of `text`; a leap second counts as the next minute's first.
std::optional<std::int64_t> take_time(std::string_view& text) {
  const int hour = take_number(text, 2);
  if (hour < 0 || hour > 23 || !take(text, ':')) return std::nullopt;
  const int minute = take_number(text, 2);
  if (minute < 0 || minute > 59 || !take(text, ':')) return std::nullopt;
  const int second = take_number(text, 2);
  if (second < 0 || second > 60) return std::nullopt;
  return hour * 3600 + minute * 60 + second;
}

bool take_fraction(std::string_view& text) {
  if (!take(text, '.')) return true;
  bool any = false;
  while (take_number(text, 1) >= 0)
    any = true;
  return any;
}

// Seconds east of Greenwich of "Z" or "+01:00", which must be all that is left.
std::optional<std::int64_t> take_zone(std::string_view& text) {
  if (take(text, 'Z') || take(text, 'z')) return text.empty() ? std::optional(0) : std::nullopt;
  int sign = 1;
  if (take(text, '-')) {
    sign = -1;
  } else if (!take(text, '+')) {
    return std::nullopt;
  }
  const int hour = take_number(text, 2);
  if (hour < 0 || hour > 23 || !take(text, ':')) return std::nullopt;
  const int minute = take_number(text, 2);
  if (minute < 0 || minute > 59 || !text.empty()) return std::nullopt;
  return sign * (hour * 3600 + minute * 60);
}

}  // namespace

std::optional<std::int64_t> parse_timestamp(std::string_view text) {
  const std::optional<std::int64_t> days = take_date(text);
  if (!days || !(take(text, 'T') || take(text, 't'))) return std::nullopt;
  const std::optional<std::int64_t> time = take_time(text);
  if (!time || !take_fraction(text)) return std::nullopt;
  const std::optional<std::int64_t> zone = take_zone(text);
  if (!zone) return std::nullopt;
  return *days * 86400 + *time - *zone;
}

}  // namespace sluice::model
