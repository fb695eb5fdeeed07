// Whether both descriptors are the same socket of the kernel.
//
// Process: any.   Thread: any.   Fails: false, also for what is no descriptor.
// Tested by: test/unit/controller/keeper/listen_test.cc
#pragma once

#include <sys/stat.h>

namespace sluice {

inline bool same_socket(int left, int right) {
  struct stat a{};
  struct stat b{};
  return ::fstat(left, &a) == 0 && ::fstat(right, &b) == 0 && a.st_dev == b.st_dev &&
         a.st_ino == b.st_ino;
}

}  // namespace sluice
