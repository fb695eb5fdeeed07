#include "controller/telemetry/log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

namespace sluice::log {
namespace {

std::atomic<Format> g_format{Format::kText};
std::atomic<Level> g_level{Level::kInfo};

constexpr std::array<std::string_view, 4> kLevelNames = {"debug", "info", "warning", "error"};

std::string_view level_name(Level level) {
  return kLevelNames[static_cast<std::size_t>(level)];
}

// As a JSON string in quotes; bytes that are not UTF-8 become U+FFFD.
std::string quoted(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

bool is_plain(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c < '\x7f' && c != '"' && c != '=';
  });
}

// A message keeps its spaces and its UTF-8; control characters would forge lines or colours.
std::string printable(std::string_view text) {
  std::string out(text);
  std::replace_if(
      out.begin(), out.end(), [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; }, ' ');
  return out;
}

std::string text_line(std::tm local, int milliseconds, Level level, std::string_view message,
                      std::initializer_list<Field> fields) {
  std::string line = fmt::format("{:%H:%M:%S}.{:03} {:<7} {}", local, milliseconds,
                                 level_name(level), printable(message));
  std::string_view separator = "  ";
  for (const auto& [name, value] : fields) {
    line += fmt::format("{}{}={}", separator, name,
                        is_plain(value) ? std::string(value) : quoted(value));
    separator = " ";
  }
  return line;
}

std::string json_line(std::tm utc, int milliseconds, Level level, std::string_view message,
                      std::initializer_list<Field> fields) {
  std::string line = fmt::format(R"({{"time":"{:%Y-%m-%dT%H:%M:%S}.{:03}Z","level":"{}",)", utc,
                                 milliseconds, level_name(level));
  line += "\"message\":" + quoted(message);
  for (const auto& [name, value] : fields)
    line += "," + quoted(name) + ":" + quoted(value);
  return line + "}";
}

void write_all(std::string_view line) {
  while (!line.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // nobody reads stderr: there is nowhere to complain to
    line.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

void set_format(Format format) {
  g_format = format;
}

void set_level(Level level) {
  g_level = level;
}

void write(Level level, std::string_view message, std::initializer_list<Field> fields) {
  if (level < g_level.load()) return;
  const int saved_errno = errno;
  const auto now = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch());
  const int milliseconds = static_cast<int>(since.count() % 1000);
  std::tm parts{};
  std::string line;
  if (g_format.load() == Format::kJson) {
    ::gmtime_r(&seconds, &parts);
    line = json_line(parts, milliseconds, level, message, fields);
  } else {
    ::localtime_r(&seconds, &parts);
    line = text_line(parts, milliseconds, level, message, fields);
  }
  line += '\n';
  write_all(line);  // one write(2) a line: lines of several threads and processes do not mix
  errno = saved_errno;
}

}  // namespace sluice::log
