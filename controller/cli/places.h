// Where things lie: what is installed beside this program, and the directories of `run`.
//
// Built:     build/bin/sluicectl, build/modules/, build/config-templates/ (a link)
// Installed: /usr/bin/sluicectl, /usr/lib/nginx/modules/, /usr/share/sluice/config-templates/
//
// Process: sluicectl.   Tested by: test/unit/controller/cli/run_place_test.cc
#pragma once

#include <string>

#include "shared/base/result.h"

namespace sluice::cli {

std::string program_directory();

Result<std::string> find_controller();
// --nginx (when given), $SLUICE_NGINX, $PATH, /usr/sbin.
Result<std::string> find_nginx(const std::string& given);
// "ngx_http_sluice_module.so", "ngx_stream_sluice_module.so".
Result<std::string> find_module(const std::string& name);
Result<std::string> find_template(const std::string& name);

// Where runs of this user keep what lives only as long as they do. Not $XDG_RUNTIME_DIR for root:
// its workers are another user and could not enter it.
std::string runtime_directory();

// 16 hexadecimal digits.
std::string short_hash(const std::string& text);

// Creates `directory` (and its parents) for us alone to write; refuses what somebody else owns.
Result<void> make_own_directory(const std::string& directory, unsigned mode);

}  // namespace sluice::cli
