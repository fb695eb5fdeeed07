// Log lines on stderr: for people by default, one JSON object a line with --log-format json.
//
//   log::info("listener open", {{"listener", "default/web/http"}, {"socket", "0.0.0.0:8080"}});
//   12:01:02.123 info    listener open  listener=default/web/http socket=0.0.0.0:8080
//
// A line is one write(2), so lines of several threads or processes do not mix. What users wrote
// cannot forge a line: control characters are replaced (text) or escaped (JSON).
//
// Process: controller, sluicectl run.   Thread: any.   Fails: never; keeps errno.
// Tested by: test/unit/controller/telemetry/log_test.cc
#pragma once

#include <initializer_list>
#include <string_view>
#include <utility>

namespace sluice::log {

enum class Format { kText, kJson };
enum class Level { kDebug, kInfo, kWarning, kError };

using Field = std::pair<std::string_view, std::string_view>;

void set_format(Format format);
void set_level(Level level);
void write(Level level, std::string_view message, std::initializer_list<Field> fields = {});

inline void info(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::kInfo, message, fields);
}

inline void warning(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::kWarning, message, fields);
}

inline void error(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::kError, message, fields);
}

}  // namespace sluice::log
