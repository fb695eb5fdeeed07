// A program that runs beside the loop: its output is read as it comes, its time is bounded.
//
// Process: controller.   Thread: event loop: one of fds() becomes readable when poll() has
// something to do.   Lifetime: what still runs is killed with its process group by the destructor.
// Tested by: test/unit/controller/kube/access_test.cc
#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace sluice::kube {

class ChildProcess {
 public:
  static constexpr std::size_t kMaxOutputBytes = std::size_t{1024} * 1024;
  static constexpr std::size_t kMaxErrorBytes = 4096;  // the rest is thrown away

  // command[0] is looked up in PATH unless it has a slash. `environment`: added to ours.
  static Result<ChildProcess> start(
      const std::vector<std::string>& command,
      const std::vector<std::pair<std::string, std::string>>& environment);
  ChildProcess(ChildProcess&& other) noexcept = default;
  ChildProcess& operator=(ChildProcess&& other) = delete;
  ~ChildProcess();

  // -1: closed already.
  std::array<int, 3> fds() const { return {exit_.get(), output_fd_.get(), error_fd_.get()}; }

  // Returns whether it has ended: the texts are whole then.
  bool poll();

  const std::string& output() const { return output_; }

  const std::string& error_output() const { return error_output_; }

  // REQUIRES: poll() returned true. "" when it exited with 0, else "exited with 1".
  std::string failure() const;

 private:
  ChildProcess(UniqueFd exit, UniqueFd output, UniqueFd error, pid_t pid)
      : exit_(std::move(exit)),
        output_fd_(std::move(output)),
        error_fd_(std::move(error)),
        pid_(pid) {}

  UniqueFd exit_;  // a pidfd: readable when it has ended
  UniqueFd output_fd_;
  UniqueFd error_fd_;
  pid_t pid_;
  std::string output_;
  std::string error_output_;
  bool too_much_ = false;
  bool ended_ = false;
  int code_ = 0;    // of exit, or
  int signal_ = 0;  // the signal that killed it
};

}  // namespace sluice::kube
