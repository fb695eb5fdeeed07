// A directory of a test's own, gone with it. In shared memory where there is some, as a table is.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

namespace sluice {

class TempDirectory {
 public:
  TempDirectory() {
    const bool has_shm = access("/dev/shm", W_OK) == 0;
    path_ = std::string(has_shm ? "/dev/shm" : "/tmp") + "/sluice-test-XXXXXX";
    if (mkdtemp(path_.data()) == nullptr) std::abort();
  }

  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;

  ~TempDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace sluice
