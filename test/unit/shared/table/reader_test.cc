#include "shared/table/reader.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "shared/table/keys.h"
#include "shared/table/tab.h"
#include "shared/table/tab_writer.h"

namespace sluice::table {
namespace {

// 1 KiB of "memory", of which the test fills what it needs.
class ReaderTest : public ::testing::Test {
 protected:
  template <class Record>
  void put(std::size_t at, const Record& record) {
    std::memcpy(bytes_.data() + at, &record, sizeof record);
  }

  Reader reader() const {
    arena::Snapshot snapshot;
    snapshot.base = bytes_.data();
    snapshot.units = bytes_.size() / 8;
    snapshot.root = 1;
    return Reader(snapshot);
  }

  alignas(64) std::array<std::byte, 1024> bytes_{};
};

constexpr Offset kUnits = 1024 / 8;
constexpr std::uint64_t kHuge = std::numeric_limits<std::uint64_t>::max();

TEST_F(ReaderTest, AnEmptyReaderHasNothing) {
  EXPECT_TRUE(Reader().empty());
  EXPECT_FALSE(Reader().read<Root>(0));
  EXPECT_FALSE(Reader().read<Root>(1));
  EXPECT_FALSE(Reader().text(1, 0, 0));
}

TEST_F(ReaderTest, CopiesARecordThatFits) {
  put(64, Entry{1, 2, 3, 4, 5, 6, 7});
  const auto entry = reader().read<Entry>(8);
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->action, 1u);
  EXPECT_EQ(entry->match, 7u);
}

TEST_F(ReaderTest, RefusesARecordThatDoesNotFit) {
  EXPECT_FALSE(reader().read<Entry>(0)) << "offset 0 means none";
  EXPECT_TRUE(reader().read<Entry>(kUnits - 2));
  EXPECT_FALSE(reader().read<Entry>(kUnits - 1));
  EXPECT_FALSE(reader().read<Entry>(kUnits));
  EXPECT_FALSE(reader().read<Entry>(0xffffffff));
}

TEST_F(ReaderTest, ReadsElementsBehindARecord) {
  put(64 + sizeof(Node) + 2 * sizeof(Entry), Entry{42, 0, 0, 0, 0, 0, 0});
  const auto entry = reader().read_element<Entry>(8, sizeof(Node), 2);
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->action, 42u);
}

TEST_F(ReaderTest, NoSumOfNumbersWraps) {
  EXPECT_FALSE(reader().read_element<Entry>(8, 0, 0xffffffff));
  EXPECT_FALSE(reader().read_element<Entry>(8, kHuge - 7, 0));
  EXPECT_FALSE(reader().read_element<Entry>(0xffffffff, kHuge - 7, 0xffffffff));
  EXPECT_FALSE(reader().text(8, kHuge, 1));
  EXPECT_FALSE(reader().text(8, 0, kHuge));
  EXPECT_FALSE(reader().text(8, kHuge, kHuge));
  EXPECT_FALSE(reader().text(8, 0, kHuge - kReadAhead + 1));
}

TEST_F(ReaderTest, ATextHasReadableBytesBehindIt) {
  std::memcpy(bytes_.data() + 64, "hello", 5);
  EXPECT_EQ(reader().text(8, 0, 5), "hello");
  EXPECT_EQ(reader().text(8, 1, 4), "ello");
  EXPECT_TRUE(reader().text(kUnits - 2, 0, 0));
  EXPECT_FALSE(reader().text(kUnits - 2, 0, 1));
  EXPECT_TRUE(reader().text(kUnits - 3, 0, 8));
  EXPECT_FALSE(reader().text(kUnits - 3, 0, 9));
}

TEST_F(ReaderTest, FindsAllKeysOfFilledLines) {
  std::vector<TabKey> keys;
  for (Offset i = 1; i <= 40; ++i) {
    keys.push_back({hash_bytes(std::to_string(i), 7), i});
  }
  const std::vector<Line> lines = build_lines(keys);
  ASSERT_LE(lines.size() * sizeof(Line), bytes_.size() - 64);
  std::memcpy(bytes_.data() + 64, lines.data(), lines.size() * sizeof(Line));
  const Tab tab{static_cast<std::uint32_t>(lines.size()), 8, 40, 0};
  for (const TabKey& key : keys) {
    EXPECT_TRUE(
        find_in_tab(reader(), tab, key.hash, [&](Offset offset) { return offset == key.offset; }));
  }
  std::set<Offset> all;
  EXPECT_TRUE(for_each_in_tab(reader(), tab, [&](Offset offset) { all.insert(offset); }));
  EXPECT_EQ(all.size(), keys.size());
}

TEST_F(ReaderTest, AFullLineLeadsToTheNextOne) {
  // Twelve keys with one hash: ten fill their line, two go on.
  std::vector<TabKey> keys;
  for (Offset i = 1; i <= 12; ++i) {
    keys.push_back({0x1234567800000099, i});
  }
  const std::vector<Line> lines = build_lines(keys);
  ASSERT_FALSE(lines.empty());
  std::memcpy(bytes_.data() + 64, lines.data(), lines.size() * sizeof(Line));
  const Tab tab{static_cast<std::uint32_t>(lines.size()), 8, 12, 0};
  std::set<Offset> found;
  find_in_tab(reader(), tab, keys[0].hash, [&](Offset offset) {
    found.insert(offset);
    return false;
  });
  EXPECT_EQ(found.size(), 12u);
}

TEST_F(ReaderTest, ASearchLooksAtFewLinesWhateverTheySay) {
  Line full{};
  for (std::uint32_t i = 0; i < 10; ++i) {
    full.tag[i] = 1;
    full.off[i] = 5;
  }
  full.count = 10;
  full.overflow = 0xffff;
  for (std::size_t at = 64; at + sizeof full <= bytes_.size(); at += sizeof full) {
    put(at, full);
  }
  for (const std::uint32_t lines : {1u, 15u}) {
    std::uint32_t visits = 0;
    find_in_tab(reader(), Tab{lines, 8, 0, 0}, 1, [&](Offset) {
      ++visits;
      return false;
    });
    EXPECT_EQ(visits, 10 * kMaxProbes);
  }
}

TEST_F(ReaderTest, LinesThatDoNotFitAreNotFollowed) {
  const auto visit = [](Offset) { return true; };
  const std::uint64_t last = kHuge;  // the last line of any table
  EXPECT_FALSE(find_in_tab(reader(), Tab{0, 8, 0, 0}, 1, visit));
  EXPECT_FALSE(find_in_tab(reader(), Tab{0xffffffff, 8, 0, 0}, last, visit));
  EXPECT_FALSE(find_in_tab(reader(), Tab{0xffffffff, 8, 0, 1}, last, visit));
  EXPECT_FALSE(find_in_tab(reader(), Tab{64, kUnits - 1, 0, 1}, last, visit));
  put(64, std::uint32_t{kUnits - 8});
  EXPECT_FALSE(find_in_tab(reader(), Tab{64, 8, 0, 7}, last, visit)) << "a page that sticks out";
  EXPECT_FALSE(for_each_in_tab(reader(), Tab{0xffffffff, 8, 0, 0}, [](Offset) {}));
}

TEST_F(ReaderTest, AllPairsOfOverlappingPagesAreNotVisitedForEver) {
  Line full{};
  for (std::uint32_t i = 0; i < 10; ++i) {
    full.tag[i] = 1;
    full.off[i] = 1;
  }
  for (std::size_t at = 0; at + sizeof full <= bytes_.size(); at += sizeof full) {
    put(at, full);
  }
  std::uint64_t visits = 0;
  EXPECT_FALSE(for_each_in_tab(reader(), Tab{0xffffffff, 1, 0, 1}, [&](Offset) { ++visits; }));
  EXPECT_LE(visits, kUnits);
}

TEST(KeysTest, APathIsCutInFrontOfEachSlash) {
  EXPECT_EQ(path_key(1, "").depth, 0u);
  EXPECT_EQ(path_key(1, "").hash, path_hash_start(1));
  EXPECT_EQ(path_key(1, "/").depth, 1u);
  EXPECT_EQ(path_key(1, "/a/b").depth, 2u);
  EXPECT_EQ(path_key(1, "/a/").depth, 2u);
  EXPECT_EQ(path_key(1, "/a//b").depth, 3u);
  EXPECT_EQ(path_key(1, "/a/b").hash,
            path_hash_continue(path_hash_continue(path_hash_start(1), "/a"), "/b"));
  EXPECT_NE(path_key(1, "/a/b").hash, path_key(1, "/ab").hash);
  EXPECT_NE(path_key(1, "/a/b").hash, path_key(2, "/a/b").hash);
}

TEST(KeysTest, EveryPartOfAKeyCounts) {
  std::array<std::uint8_t, 16> address{};
  std::set<std::uint64_t> hashes = {
      socket_key_hash(1, Transport::kTcp, Family::kIpv4, 80, address),
      socket_key_hash(1, Transport::kUdp, Family::kIpv4, 80, address),
      socket_key_hash(1, Transport::kTcp, Family::kIpv6, 80, address),
      socket_key_hash(1, Transport::kTcp, Family::kIpv4, 81, address),
      socket_key_hash(2, Transport::kTcp, Family::kIpv4, 80, address)};
  address[15] = 1;
  hashes.insert(socket_key_hash(1, Transport::kTcp, Family::kIpv4, 80, address));
  EXPECT_EQ(hashes.size(), 6U);
  const std::set<std::uint64_t> others = {shard_key_hash(1, 1, HostKind::kExact, "a"),
                                          shard_key_hash(1, 2, HostKind::kExact, "a"),
                                          shard_key_hash(1, 1, HostKind::kWildcard, "a"),
                                          shard_key_hash(1, 1, HostKind::kExact, "b"),
                                          named_key_hash(1, "a", 1),
                                          named_key_hash(1, "a", 0)};
  EXPECT_EQ(others.size(), 6u);
}

TEST(KeysTest, NoKeyHasTheTagOfAnUnusedPair) {
  EXPECT_EQ(tag_of(0x10000), 1u);
  EXPECT_EQ(tag_of(0xffff), 0xffffu);
}

}  // namespace
}  // namespace sluice::table
