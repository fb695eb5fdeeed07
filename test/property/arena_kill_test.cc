// The writer is killed at any instruction, readers are stopped and killed, freed memory is
// poisoned: no reader may ever see anything but a whole table.
//
// SLUICE_KILLS sets how many writers are killed; by default 100, which CI runs.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "shared/arena/arena.h"
#include "shared/arena/layout.h"
#include "shared/arena/read_mapping.h"
#include "test/harness/temp_directory.h"
#include "test/property/checked_table.h"

namespace sluice {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kPatienceMs = 30;
constexpr int kReaders = 2;
constexpr auto kDeadline = std::chrono::seconds(300);  // of a machine that does much else

// What the processes tell each other: in memory that they share and a kill can't take away.
struct Board {
  std::atomic<std::uint64_t> starts;  // of writers, with a whole table published
  std::atomic<std::uint64_t> changes;
  std::atomic<std::uint64_t> compactions;
  std::atomic<std::uint64_t> writer_errors;
  std::atomic<std::uint64_t> right[kReaders];
  std::atomic<std::uint64_t> moved;
  std::atomic<std::uint64_t> wrong;
  char what[200];
};

std::uint64_t now_ms() {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now().time_since_epoch())
          .count());
}

void nap() {
  const timespec short_time = {.tv_sec = 0, .tv_nsec = 200000};
  nanosleep(&short_time, nullptr);
}

int writer_count() {
  const char* const text = std::getenv("SLUICE_KILLS");
  return text != nullptr ? std::max(1, std::atoi(text)) : 100;
}

[[noreturn]] void write_until_killed(const std::string& directory, Board& board, std::uint64_t seed,
                                     std::uint64_t steps_to_live) {
  const arena::ArenaOptions options = {.directory = directory,
                                       .segment_bytes = std::size_t{256} << 10,
                                       .reserve_bytes = std::size_t{64} << 20,
                                       .poison_freed = true};
  Result<std::unique_ptr<CheckedWriter>> writer =
      CheckedWriter::start(options, seed, steps_to_live);
  if (!writer) {
    std::snprintf(board.what, sizeof board.what, "%s", writer.error().message.c_str());
    ++board.writer_errors;
    _exit(1);
  }
  ++board.starts;
  while (true) {
    if (const Result<void> changed = (*writer)->change(); !changed) {
      std::snprintf(board.what, sizeof board.what, "%s", changed.error().message.c_str());
      ++board.writer_errors;
      _exit(1);
    }
    ++board.changes;
    board.compactions += (*writer)->take_compactions();
    (*writer)->reclaim(now_ms(), kPatienceMs);
  }
}

// Counts requests as a worker does, so that its death leaves some behind.
void count_now_and_then(CheckedReader& reader, std::vector<std::uint32_t>& running) {
  if (running.size() < 20 && reader.counter != 0xffffffff) {
    if (reader.mapping.count_started(reader.counter)) running.push_back(reader.counter);
  } else if (!running.empty()) {
    reader.mapping.count_finished(running.back());
    running.pop_back();
  }
}

[[noreturn]] void read_until_killed(const std::string& directory, Board& board, int index) {
  Result<std::unique_ptr<arena::ReadMapping>> mapping = arena::ReadMapping::open(directory);
  if (!mapping || !(*mapping)->take_slot({.instance = 1, .pid = 1, .module_version = 1})) _exit(1);
  CheckedReader reader{.mapping = **mapping,
                       .random = std::mt19937_64(static_cast<std::uint64_t>(getpid()))};
  std::vector<std::uint32_t> running;
  while (true) {
    const Verdict verdict = check_table(reader);
    if (verdict == Verdict::kRight) {
      ++board.right[index];
      count_now_and_then(reader, running);
    } else if (verdict == Verdict::kMoved) {
      ++board.moved;
    } else if (verdict == Verdict::kWrong) {
      std::snprintf(board.what, sizeof board.what, "%s", reader.what.c_str());
      ++board.wrong;
    }
  }
}

class ArenaKillTest : public testing::Test {
 protected:
  void SetUp() override {
    void* const memory =
        mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(memory, MAP_FAILED);
    board_ = new (memory) Board();
  }

  void TearDown() override {
    kill_child(writer_);
    for (pid_t& reader : readers_)
      kill_child(reader);
    munmap(board_, sizeof(Board));
  }

  static void kill_child(pid_t& child) {
    if (child <= 0) return;
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    child = 0;
  }

  // Every second writer kills itself at a step soon after its start: while it takes over, or
  // compacts at once. The others are killed from outside, at any instruction.
  void start_writer() {
    const std::uint64_t seed = random_();
    const std::uint64_t steps_to_live = random_() % 2 == 0 ? 0 : random_() % 200 + 1;
    kills_itself_ = steps_to_live != 0;
    writer_ = fork();
    if (writer_ == 0) write_until_killed(directory_.path(), *board_, seed, steps_to_live);
  }

  void start_reader(int index) {
    readers_[index] = fork();
    if (readers_[index] == 0) read_until_killed(directory_.path(), *board_, index);
  }

  // Polls until `condition` holds; false when it doesn't come true, or a process has failed.
  template <class Condition>
  bool wait_until(Condition condition) {
    while (!condition()) {
      if (board_->writer_errors != 0 || board_->wrong != 0 || Clock::now() > end_) return false;
      nap();
    }
    return true;
  }

  // Most writers die in the middle of steady work, some before they have published anything.
  bool let_it_work() {
    if (kills_itself_) {
      const bool dead = wait_until([&] { return waitpid(writer_, nullptr, WNOHANG) != 0; });
      if (dead) writer_ = 0;
      return dead;
    }
    const std::uint64_t choice = random_() % 5;
    if (choice == 0) {
      for (std::uint64_t left = random_() % 20; left > 0; --left)
        nap();
      return true;
    }
    const std::uint64_t starts = board_->starts;
    const std::uint64_t target = board_->changes + random_() % 100;
    return wait_until([&] { return board_->starts > starts || board_->changes > target; }) &&
           wait_until([&] { return board_->changes > target; });
  }

  // A worker killed between the shared count and its own leaves the shared one too high by one.
  void check_counters(int killed_workers) {
    Result<std::unique_ptr<arena::Arena>> arena =
        arena::Arena::open({.directory = directory_.path()});
    ASSERT_TRUE(arena.has_value()) << arena.error().message;
    (*arena)->settle_dead_workers();
    const auto* const counters =
        reinterpret_cast<arena::EndpointCounter*>((*arena)->counters_file());
    const std::size_t lines = (*arena)->counters_file_bytes() / sizeof(arena::EndpointCounter);
    std::uint64_t left = 0;
    for (std::size_t line = 0; line < lines; ++line)
      left += counters[line].active;
    EXPECT_LE(left, static_cast<std::uint64_t>(killed_workers));
  }

  TempDirectory directory_;
  Board* board_ = nullptr;
  pid_t writer_ = 0;
  bool kills_itself_ = false;
  pid_t readers_[kReaders] = {};
  std::mt19937_64 random_{static_cast<std::uint64_t>(getpid())};
  Clock::time_point end_ = Clock::now() + kDeadline;
};

TEST_F(ArenaKillTest, NoReaderSeesAnythingButAWholeTable) {
  const int kills = writer_count();
  end_ = Clock::now() + kDeadline * std::max(1, kills / 100);
  while (board_->starts == 0) {
    start_writer();
    ASSERT_TRUE(let_it_work()) << board_->what;
    kill_child(writer_);
  }
  start_writer();
  for (int i = 0; i < kReaders; ++i)
    start_reader(i);
  int killed_readers = 0;
  for (int round = 0; round < kills; ++round) {
    ASSERT_TRUE(let_it_work()) << board_->what << ", after " << round << " kills";
    kill_child(writer_);
    start_writer();
    if (round % 10 == 5) {  // stopped for longer than the writer's patience, wherever it is
      kill(readers_[0], SIGSTOP);
      const std::uint64_t since = now_ms();
      const bool waited = wait_until([&] { return now_ms() > since + 2 * kPatienceMs; });
      kill(readers_[0], SIGCONT);
      ASSERT_TRUE(waited) << board_->what;
    }
    if (round % 10 == 9) {
      kill_child(readers_[1]);
      start_reader(1);
      ++killed_readers;
    }
  }
  for (int i = 0; i < kReaders; ++i) {
    const std::uint64_t before = board_->right[i];
    EXPECT_TRUE(wait_until([&] { return board_->right[i] > before; })) << "reader " << i;
  }
  EXPECT_EQ(board_->wrong, 0U) << board_->what;
  EXPECT_EQ(board_->writer_errors, 0U) << board_->what;
  std::uint64_t right = 0;
  for (const auto& count : board_->right)
    right += count;
  std::printf(
      "%d writers and %d readers killed: %lu changes, %lu compactions, %lu reads, "
      "%lu repeated for a fence, %lu wrong\n",
      kills, killed_readers, board_->changes.load(), board_->compactions.load(), right,
      board_->moved.load(), board_->wrong.load());

  kill_child(writer_);
  for (pid_t& reader : readers_)
    kill_child(reader);
  check_counters(killed_readers + kReaders);
}

}  // namespace
}  // namespace sluice
