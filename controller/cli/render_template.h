// Renders a configuration template: static text with a few values of this machine, never anything
// out of an API object. Placeholders: config-templates/README.md.
//
// A value stands between the template's double quotes; its own quotes and backslashes are escaped.
// nginx has no escape for '$' and cannot take control characters: such a value is refused.
//
// Process: sluicectl.   Tested by: test/unit/controller/cli/nginx_test.cc
#pragma once

#include <map>
#include <string>

#include "shared/base/result.h"

namespace sluice::cli {

struct TemplateValues {
  std::map<std::string, std::string> texts;
  std::map<std::string, bool> flags;  // {{#name}} ... {{/name}}
};

Result<std::string> render_template(const std::string& text, const TemplateValues& values);

}  // namespace sluice::cli
