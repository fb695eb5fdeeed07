#include "controller/cli/render_template.h"

#include <fmt/format.h>

#include <algorithm>
#include <kainjow/mustache.hpp>

namespace sluice::cli {
namespace {

using kainjow::mustache::data;
using kainjow::mustache::mustache;

std::string escape(const std::string& value) {
  std::string out;
  for (const char c : value) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

bool fits_into_configuration(const std::string& value) {
  return std::none_of(value.begin(), value.end(),
                      [](char c) { return c == '$' || (c >= 0 && c < ' ') || c == '\x7f'; });
}

}  // namespace

Result<std::string> render_template(const std::string& text, const TemplateValues& values) {
  mustache parsed(text);
  if (!parsed.is_valid()) return fail(Errc::kInvalid, "template: " + parsed.error_message());
  parsed.set_custom_escape(escape);
  data context;
  for (const auto& [name, value] : values.texts) {
    if (!fits_into_configuration(value)) {
      return fail(
          Errc::kInvalid,
          fmt::format("\"{}\" has a character that nginx's configuration can't express", value));
    }
    context.set(name, value);
  }
  for (const auto& [name, value] : values.flags)
    context.set(name, data(value));
  std::string out = parsed.render(context);
  if (!parsed.error_message().empty()) {
    return fail(Errc::kInvalid, "template: " + parsed.error_message());
  }
  return out;
}

}  // namespace sluice::cli
