#include "shared/table/endpoints.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "shared/arena/arena.h"
#include "shared/arena/layout.h"
#include "shared/arena/read_mapping.h"
#include "shared/table/dump.h"
#include "test/harness/temp_directory.h"

namespace sluice::table {
namespace {

using arena::Arena;
using arena::ReadMapping;

EndpointAddress ipv4(std::uint8_t last_byte, std::uint16_t port = 8080) {
  EndpointAddress endpoint;
  endpoint.port = port;
  endpoint.address = {10, 0, 0, last_byte};
  return endpoint;
}

EndpointAddress unix_socket(std::string path) {
  EndpointAddress endpoint;
  endpoint.family = Family::kUnix;
  endpoint.path = std::move(path);
  return endpoint;
}

// What a worker sees in a slot, followed byte by byte.
struct Seen {
  std::uint32_t incarnation = 0;
  std::vector<Endpoint> endpoints;
  std::vector<std::string> paths;
};

class EndpointTableTest : public testing::Test {
 protected:
  void SetUp() override {
    start_controller();
    Result<std::unique_ptr<ReadMapping>> worker = ReadMapping::open(directory_.path());
    ASSERT_TRUE(worker.has_value());
    worker_ = std::move(*worker);
    ASSERT_TRUE(worker_->take_slot({.instance = 1, .pid = 1, .module_version = 1}).has_value());
  }

  void start_controller() {
    endpoints_.reset();
    arena_.reset();
    Result<std::unique_ptr<Arena>> arena = Arena::open({.directory = directory_.path(),
                                                        .segment_bytes = std::size_t{1} << 20,
                                                        .reserve_bytes = std::size_t{4} << 20,
                                                        .poison_freed = true});
    ASSERT_TRUE(arena.has_value()) << arena.error().message;
    arena_ = std::move(*arena);
    Result<std::unique_ptr<EndpointTable>> endpoints = EndpointTable::open(*arena_);
    ASSERT_TRUE(endpoints.has_value());
    endpoints_ = std::move(*endpoints);
  }

  SlotRef put(const BackendId& backend, const std::vector<EndpointAddress>& endpoints) {
    const Result<SlotRef> ref = endpoints_->put(backend, endpoints);
    EXPECT_TRUE(ref.has_value());
    return ref ? *ref : SlotRef{};
  }

  // A root that every worker has moved on to.
  void publish_root() {
    const Result<arena::Offset> root = arena_->allocate(64);
    ASSERT_TRUE(root.has_value());
    arena_->publish_root(*root, arena_->published_generation() + 1);
    worker_->idle();
    arena_->reclaim(++now_ms_);
  }

  Seen look(std::uint32_t slot) {
    worker_->enter();
    const std::span<const std::byte> file =
        worker_->endpoint_file((slot + 1) * sizeof(EndpointSlot));
    EndpointSlot found = {};
    std::memcpy(&found, file.data() + slot * sizeof(EndpointSlot), sizeof found);
    Seen seen;
    seen.incarnation = arena::slot_word_incarnation(found.word);
    if (arena::word_offset(found.word) == 0) return seen;
    const std::byte* const base = worker_->segment(arena::slot_word_segment(found.word)).data();
    const std::byte* const at = base + std::size_t{arena::word_offset(found.word)} * 8;
    EndpointList list = {};
    std::memcpy(&list, at, sizeof list);
    EXPECT_EQ(list.incarnation, seen.incarnation);
    for (std::uint32_t i = 0; i < list.count && i < 1000; ++i) {
      Endpoint endpoint = {};
      std::memcpy(&endpoint, at + sizeof list + i * sizeof endpoint, sizeof endpoint);
      seen.endpoints.push_back(endpoint);
      const std::size_t path_at = std::size_t{endpoint.path} * 8;
      seen.paths.push_back(
          endpoint.family == Family::kUnix
              ? std::string(reinterpret_cast<const char*>(base + path_at), endpoint.path_bytes)
              : std::string());
    }
    return seen;
  }

  std::uint32_t counter_of(const SlotRef& ref, std::size_t index = 0) {
    return look(ref.slot).endpoints.at(index).counter;
  }

  TempDirectory directory_;
  std::unique_ptr<Arena> arena_;
  std::unique_ptr<EndpointTable> endpoints_;
  std::unique_ptr<ReadMapping> worker_;
  std::uint64_t now_ms_ = 0;
};

TEST_F(EndpointTableTest, HowEndpointsAreReachedIsPartOfTheirList) {
  BackendTlsRule rule;
  rule.hostname = "a.example.com";
  rule.subject_alt_names = {{PartKind::kUri, "spiffe://a/b"}};
  rule.ca_certificates = "one\ntwo\n";
  EndpointAddress socket;
  socket.family = Family::kUnix;
  socket.path = "/run/a";
  const std::vector<EndpointAddress> endpoints = {ipv4(1), socket};
  const SlotRef ref = put("a", endpoints);
  const auto texts = [&] { return published_endpoints(*worker_)(ref.slot, ref.incarnation); };
  EXPECT_EQ(texts().size(), 2U);
  ASSERT_TRUE(endpoints_->put("a", endpoints, rule));
  ASSERT_EQ(texts().size(), 3U);
  EXPECT_EQ(texts()[1], "unix:/run/a");
  EXPECT_EQ(texts()[2], "tls a.example.com verifies uri spiffe://a/b by 2 lines of certificates");
  ASSERT_TRUE(endpoints_->rewrite());
  EXPECT_EQ(texts().size(), 3U);
  rule = BackendTlsRule{};
  rule.usable = false;
  rule.system_certificates = true;
  rule.hostname = "b";
  ASSERT_TRUE(endpoints_->put("a", endpoints, rule));
  EXPECT_EQ(texts()[2], "tls b by system unusable");
  ASSERT_TRUE(endpoints_->put("a", endpoints));
  EXPECT_EQ(texts().size(), 2U);
}

TEST_F(EndpointTableTest, WorkerSeesTheListAtOnce) {
  const SlotRef ref = put("a", {ipv4(1), ipv4(2, 9090)});
  const Seen seen = look(ref.slot);
  EXPECT_EQ(seen.incarnation, ref.incarnation);
  ASSERT_EQ(seen.endpoints.size(), 2U);
  EXPECT_EQ(seen.endpoints[1].family, Family::kIpv4);
  EXPECT_EQ(seen.endpoints[1].port, 9090);
  EXPECT_EQ(seen.endpoints[1].address[3], 2);
  EXPECT_NE(seen.endpoints[0].counter, seen.endpoints[1].counter);
}

TEST_F(EndpointTableTest, PathsOfUnixSocketsLieBehindTheList) {
  const SlotRef ref = put("a", {unix_socket("/run/one.sock"), ipv4(1), unix_socket("/run/b")});
  const Seen seen = look(ref.slot);
  ASSERT_EQ(seen.paths.size(), 3U);
  EXPECT_EQ(seen.paths[0], "/run/one.sock");
  EXPECT_EQ(seen.paths[2], "/run/b");
}

TEST_F(EndpointTableTest, NewListReplacesTheOldOneInTheSameSlot) {
  const SlotRef ref = put("a", {ipv4(1)});
  EXPECT_EQ(put("a", {ipv4(2)}), ref);
  EXPECT_EQ(look(ref.slot).endpoints.at(0).address[3], 2);
  EXPECT_EQ(put("a", {}), ref);
  EXPECT_TRUE(look(ref.slot).endpoints.empty());
  EXPECT_EQ(look(ref.slot).incarnation, ref.incarnation);
}

TEST_F(EndpointTableTest, SameListAgainPublishesNothing) {
  put("a", {ipv4(1)});
  const std::uint64_t epoch = arena_->epoch();
  put("a", {ipv4(1)});
  EXPECT_EQ(arena_->epoch(), epoch);
}

TEST_F(EndpointTableTest, SteadyChangesDoNotGrowTheArena) {
  std::size_t used = 0;
  for (std::uint8_t round = 0; round < 200; ++round) {
    std::vector<EndpointAddress> list;
    for (std::uint8_t i = 0; i <= round % 20; ++i)
      list.push_back(ipv4(i, round));
    put("a", list);
    worker_->idle();
    arena_->reclaim(++now_ms_);
    if (round == 100) used = arena_->used_bytes();
  }
  EXPECT_EQ(arena_->used_bytes(), used);
}

TEST_F(EndpointTableTest, ReservedSlotHasNoEndpointsUntilPut) {
  const Result<SlotRef> reserved = endpoints_->find_or_reserve("a");
  ASSERT_TRUE(reserved.has_value());
  EXPECT_NE(reserved->incarnation, 0U);
  EXPECT_EQ(look(reserved->slot).incarnation, reserved->incarnation);
  EXPECT_TRUE(look(reserved->slot).endpoints.empty());
  EXPECT_EQ(put("a", {ipv4(1)}), *reserved);
}

TEST_F(EndpointTableTest, RemovedBackendServesUntilTheRootsThatKnowItAreGone) {
  const SlotRef ref = put("a", {ipv4(1)});
  publish_root();
  endpoints_->remove("a");
  EXPECT_EQ(look(ref.slot).endpoints.size(), 1U);
  EXPECT_NE(put("b", {ipv4(2)}).slot, ref.slot);
  publish_root();
  endpoints_->collect();
  EXPECT_TRUE(look(ref.slot).endpoints.empty());
  const SlotRef next = put("c", {ipv4(3)});
  EXPECT_EQ(next.slot, ref.slot);
  EXPECT_NE(next.incarnation, ref.incarnation);
}

TEST_F(EndpointTableTest, BackendThatComesBackInTimeKeepsItsSlot) {
  const SlotRef ref = put("a", {ipv4(1)});
  publish_root();
  endpoints_->remove("a");
  EXPECT_EQ(put("a", {ipv4(1)}), ref);
  publish_root();
  publish_root();
  endpoints_->collect();
  EXPECT_EQ(look(ref.slot).endpoints.size(), 1U);
  EXPECT_EQ(look(ref.slot).incarnation, ref.incarnation);
}

TEST_F(EndpointTableTest, BackendsWithOneAddressShareItsCounter) {
  const SlotRef a = put("a", {ipv4(1)});
  const SlotRef b = put("b", {ipv4(2), ipv4(1)});
  EXPECT_EQ(counter_of(a), counter_of(b, 1));
  EXPECT_NE(counter_of(a), counter_of(b, 0));
}

TEST_F(EndpointTableTest, CounterWithRunningRequestsIsNotGivenToAnotherAddress) {
  const SlotRef ref = put("a", {ipv4(1)});
  const std::uint32_t line = counter_of(ref);
  ASSERT_TRUE(worker_->count_started(line));
  put("a", {});
  worker_->idle();
  arena_->reclaim(++now_ms_);
  put("a", {ipv4(2)});
  EXPECT_NE(counter_of(ref), line);
  worker_->count_finished(line);
  put("b", {ipv4(3)});
  EXPECT_EQ(counter_of(*endpoints_->find_or_reserve("b")), line);
}

TEST_F(EndpointTableTest, CounterIsNotGivenAwayWhileAWorkerMayStillCountThere) {
  const SlotRef ref = put("a", {ipv4(1)});
  const std::uint32_t line = counter_of(ref);
  put("a", {ipv4(2)});
  arena_->reclaim(++now_ms_);
  EXPECT_NE(counter_of(put("b", {ipv4(3)})), line);
}

TEST_F(EndpointTableTest, AddressThatComesBackKeepsItsCounter) {
  const SlotRef ref = put("a", {ipv4(1)});
  const std::uint32_t line = counter_of(ref);
  put("a", {ipv4(2)});
  put("a", {ipv4(1)});
  EXPECT_EQ(counter_of(ref), line);
}

TEST_F(EndpointTableTest, ManyBackendsGrowTheFiles) {
  std::vector<SlotRef> refs;
  refs.reserve(5000);
  for (int i = 0; i < 5000; ++i) {
    refs.push_back(put("backend" + std::to_string(i),
                       {ipv4(static_cast<std::uint8_t>(i), static_cast<std::uint16_t>(i / 256))}));
  }
  for (int i = 0; i < 5000; i += 77) {
    const Seen seen = look(refs[static_cast<std::size_t>(i)].slot);
    ASSERT_EQ(seen.endpoints.size(), 1U);
    EXPECT_EQ(seen.endpoints[0].address[3], i % 256);
    EXPECT_TRUE(worker_->count_started(seen.endpoints[0].counter));
  }
}

TEST_F(EndpointTableTest, CompactionMovesAllLists) {
  const SlotRef a = put("a", {ipv4(1)});
  const SlotRef b = put("b", {unix_socket("/run/x")});
  publish_root();
  ASSERT_TRUE(arena_->begin_compaction().has_value());
  ASSERT_TRUE(endpoints_->rewrite().has_value());
  publish_root();
  ASSERT_TRUE(arena_->begin_compaction().has_value()) << "nothing may point to the old segment";
  EXPECT_EQ(look(a.slot).endpoints.at(0).address[3], 1);
  EXPECT_EQ(look(b.slot).paths.at(0), "/run/x");
}

TEST_F(EndpointTableTest, RewriteWithoutRoomChangesNoSlot) {
  const SlotRef ref = put("a", std::vector<EndpointAddress>(1000, ipv4(1)));
  publish_root();
  ASSERT_TRUE(arena_->begin_compaction().has_value());
  while (arena_->allocate(20000).has_value()) {
  }
  const Result<void> moved = endpoints_->rewrite();
  ASSERT_FALSE(moved.has_value());
  EXPECT_EQ(moved.error().code, Errc::kFull);
  arena_->abort_compaction();
  EXPECT_EQ(look(ref.slot).endpoints.size(), 1000U);
  put("a", {ipv4(2)});
  EXPECT_EQ(look(ref.slot).endpoints.at(0).address[3], 2);
}

TEST_F(EndpointTableTest, SuccessorKeepsSlotsAndCountersByIdentity) {
  const SlotRef a = put("a", {ipv4(1)});
  const SlotRef b = put("b", {ipv4(2)});
  const std::uint32_t line = counter_of(b);
  publish_root();
  start_controller();
  EXPECT_EQ(look(a.slot).endpoints.size(), 1U) << "served while the successor starts";
  EXPECT_EQ(put("b", {ipv4(2)}), b);
  EXPECT_EQ(put("a", {ipv4(3)}), a);
  EXPECT_EQ(counter_of(b), line);
  publish_root();
  EXPECT_EQ(look(a.slot).endpoints.at(0).address[3], 3);
}

TEST_F(EndpointTableTest, SlotThatNobodyClaimsIsFreedWhenThePredecessorsRootIsGone) {
  const SlotRef a = put("a", {ipv4(1)});
  const SlotRef b = put("b", {ipv4(2)});
  publish_root();
  start_controller();
  EXPECT_EQ(put("b", {ipv4(2)}), b);
  endpoints_->collect();
  EXPECT_EQ(look(a.slot).endpoints.size(), 1U);
  publish_root();
  endpoints_->collect();
  EXPECT_TRUE(look(a.slot).endpoints.empty());
  EXPECT_NE(look(a.slot).incarnation, a.incarnation);
  EXPECT_EQ(look(b.slot).endpoints.size(), 1U);
  worker_->idle();
  arena_->reclaim(++now_ms_);
  EXPECT_TRUE(arena_->begin_compaction().has_value());
}

TEST_F(EndpointTableTest, ReservedBackendOfAPredecessorKeepsItsListUntilTheRootIsGone) {
  const SlotRef a = put("a", {ipv4(1)});
  publish_root();
  start_controller();
  EXPECT_EQ(*endpoints_->find_or_reserve("a"), a);
  EXPECT_EQ(look(a.slot).endpoints.size(), 1U);
  publish_root();
  endpoints_->collect();
  EXPECT_TRUE(look(a.slot).endpoints.empty());
  EXPECT_EQ(look(a.slot).incarnation, a.incarnation);
}

TEST_F(EndpointTableTest, SuccessorOfADeadCompactionServesBothHalves) {
  const SlotRef a = put("a", {ipv4(1)});
  const SlotRef b = put("b", {ipv4(2)});
  publish_root();
  ASSERT_TRUE(arena_->begin_compaction().has_value());
  put("b", {ipv4(3)});  // its list lies in the new segment, then the controller dies
  start_controller();
  EXPECT_EQ(look(a.slot).endpoints.at(0).address[3], 1);
  EXPECT_EQ(look(b.slot).endpoints.at(0).address[3], 3);
  EXPECT_EQ(put("a", {ipv4(4)}), a);
  EXPECT_EQ(look(b.slot).endpoints.at(0).address[3], 3);
  EXPECT_EQ(put("b", {ipv4(5)}), b);
  publish_root();
  endpoints_->collect();
  EXPECT_TRUE(arena_->begin_compaction().has_value());
}

TEST_F(EndpointTableTest, FullArenaKeepsTheListBefore) {
  const SlotRef ref = put("a", {ipv4(1)});
  while (arena_->allocate(20000).has_value()) {
  }
  const Result<SlotRef> failed = endpoints_->put("a", std::vector<EndpointAddress>(2000, ipv4(2)));
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().code, Errc::kFull);
  EXPECT_EQ(look(ref.slot).endpoints.at(0).address[3], 1);
}

}  // namespace
}  // namespace sluice::table
