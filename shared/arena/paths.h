// Where the files of a table lie. The major version of the format names the directory.
#pragma once

#include <string>

namespace sluice::arena {

inline std::string table_directory(const std::string& directory) {
  return directory + "/v1";
}

inline std::string table_file(const std::string& directory, const char* name) {
  return table_directory(directory) + "/" + name;
}

}  // namespace sluice::arena
