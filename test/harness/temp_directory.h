// A directory of a test's own, gone with it. In shared memory where there is some, as a table is.
#pragma once

#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
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

  // Writes over a part of a file that is there; its length stays. False: that was not possible.
  bool overwrite(const std::string& name, std::size_t at, std::string_view bytes) const {
    std::fstream file(path_ + "/" + name, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(at));
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return static_cast<bool>(file.flush());
  }

 private:
  std::string path_;
};

}  // namespace sluice
