#include "shared/base/hash.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <set>
#include <string>
#include <string_view>

namespace sluice {
namespace {

std::string text_of_length(std::size_t bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes; ++i)
    text += static_cast<char>('a' + i % 26);
  return text;
}

TEST(HashTest, EveryByteOfEveryLengthMatters) {
  for (std::size_t bytes = 1; bytes <= 70; ++bytes) {
    const std::string text = text_of_length(bytes);
    const std::uint64_t original = hash_bytes(text, 42);
    for (std::size_t i = 0; i < bytes; ++i) {
      std::string changed = text;
      changed[i] = static_cast<char>(changed[i] ^ 1);
      EXPECT_NE(hash_bytes(changed, 42), original) << bytes << " bytes, byte " << i;
    }
  }
}

TEST(HashTest, LengthMattersEvenForZeroBytes) {
  std::set<std::uint64_t> hashes;
  for (std::size_t bytes = 0; bytes <= 70; ++bytes) {
    hashes.insert(hash_bytes(std::string(bytes, '\0'), 42));
  }
  EXPECT_EQ(hashes.size(), 71U);
}

TEST(HashTest, SeedChangesTheHash) {
  EXPECT_NE(hash_bytes("/orders", 1), hash_bytes("/orders", 2));
  EXPECT_NE(hash_bytes("", 1), hash_bytes("", 2));
}

TEST(HashTest, OneInputBitFlipsAboutHalfOfTheOutputBits) {
  for (const std::size_t bytes : {1U, 3U, 5U, 8U, 12U, 16U, 17U, 40U}) {
    const std::string text = text_of_length(bytes);
    int flipped = 0;
    int trials = 0;
    for (std::uint64_t seed = 0; seed < 64; ++seed) {
      for (std::size_t bit = 0; bit < 8 * bytes; ++bit) {
        std::string changed = text;
        changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
        flipped += std::popcount(hash_bytes(text, seed) ^ hash_bytes(changed, seed));
        ++trials;
      }
    }
    const double mean = static_cast<double>(flipped) / trials;
    EXPECT_NEAR(mean, 32.0, 0.7) << bytes << " bytes";
  }
}

TEST(HashTest, NumberedPathsSpreadOverLowAndHighBits) {
  std::set<std::uint64_t> low;
  std::set<std::uint64_t> high;
  constexpr int kPaths = 20000;
  for (int i = 0; i < kPaths; ++i) {
    const std::uint64_t hash = hash_bytes("/api/v1/item" + std::to_string(i), 7);
    low.insert(hash & 0xffff);
    high.insert(hash >> 48);
  }
  // 65,536 * (1 - e^(-20000/65536)) distinct values are expected of a random function.
  EXPECT_NEAR(static_cast<double>(low.size()), 17236, 300);
  EXPECT_NEAR(static_cast<double>(high.size()), 17236, 300);
}

TEST(HashTest, SegmentBordersEnterTheContinuedHash) {
  const std::uint64_t seed = 99;
  EXPECT_NE(hash_continue(hash_continue(seed, "ab"), "c"),
            hash_continue(hash_continue(seed, "a"), "bc"));
  EXPECT_NE(hash_continue(hash_continue(seed, "a"), "b"),
            hash_continue(hash_continue(seed, "b"), "a"));
  EXPECT_NE(hash_continue(seed, ""), seed);
  EXPECT_EQ(hash_continue(seed, "abc"), hash_bytes("abc", seed));
}

TEST(HashTest, ReadsNothingOutsideTheText) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  void* const map =
      mmap(nullptr, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(map, MAP_FAILED);
  char* const middle = static_cast<char*>(map) + page;
  ASSERT_EQ(mprotect(map, page, PROT_NONE), 0);
  ASSERT_EQ(mprotect(middle + page, page, PROT_NONE), 0);
  for (std::size_t bytes = 0; bytes <= 40; ++bytes) {
    const std::string text = text_of_length(bytes);
    const std::uint64_t expected = hash_bytes(text, 5);
    std::memcpy(middle, text.data(), bytes);
    EXPECT_EQ(hash_bytes(std::string_view(middle, bytes), 5), expected);
    std::memcpy(middle + page - bytes, text.data(), bytes);
    EXPECT_EQ(hash_bytes(std::string_view(middle + page - bytes, bytes), 5), expected);
  }
  munmap(map, 3 * page);
}

// The values are part of the table's format: a change here needs a new incompatible feature.
TEST(HashTest, ValuesStayTheSame) {
  EXPECT_EQ(hash_bytes("", 0), 0xf03c262b8132db0bU);
  EXPECT_EQ(hash_bytes("/orders", 1), 0x1a810d61f60c4bd5U);
  EXPECT_EQ(hash_bytes("www.example.com", 2), 0xef3ee3cd7851fdb2U);
  EXPECT_EQ(hash_bytes("/a/path/of/more/than/thirty-two/bytes", 3), 0x95eca8e76c9a8628U);
}

TEST(HashTest, ContentHashIsXxh3) {
  const std::array<std::uint64_t, 2> empty = content_hash128("");
  EXPECT_EQ(empty[0], 0x6001c324468d497fU);
  EXPECT_EQ(empty[1], 0x99aa06d3014798d8U);
  EXPECT_NE(content_hash128("Service/default/a:80"), content_hash128("Service/default/b:80"));
}

}  // namespace
}  // namespace sluice
