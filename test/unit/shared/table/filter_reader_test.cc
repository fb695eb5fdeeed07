#include "shared/table/filter_reader.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

namespace sluice::table {
namespace {

// Bytes as add_filters() writes them, by hand.
class List {
 public:
  List& filter(FilterType type, std::uint16_t parts) {
    close();
    open_ = bytes_.size();
    Filter record{};
    record.type = type;
    record.parts = parts;
    append(record);
    ++count_;
    return *this;
  }

  List& part(PartKind kind, std::string_view name, std::string_view value) {
    Part head{};
    head.kind = kind;
    head.name_bytes = static_cast<std::uint16_t>(name.size());
    head.value_bytes = static_cast<std::uint32_t>(value.size());
    append(head);
    bytes_.append(name).append(value);
    bytes_.resize((bytes_.size() + 7) / 8 * 8);
    return *this;
  }

  std::string text() {
    close();
    FilterList head{static_cast<std::uint32_t>(sizeof head + bytes_.size()), count_};
    return std::string(reinterpret_cast<const char*>(&head), sizeof head) + bytes_;
  }

 private:
  template <class Record>
  void append(const Record& record) {
    bytes_.append(reinterpret_cast<const char*>(&record), sizeof record);
  }

  void close() {
    if (count_ == 0) return;
    const auto bytes = static_cast<std::uint32_t>(bytes_.size() - open_);
    std::memcpy(bytes_.data() + open_, &bytes, sizeof bytes);
  }

  std::string bytes_;
  std::size_t open_ = 0;
  std::uint32_t count_ = 0;
};

std::string two_filters() {
  return List()
      .filter(FilterType::kRequestHeaderModifier, 2)
      .part(PartKind::kSetHeader, "X-A", "one")
      .part(PartKind::kRemoveHeader, "X-B", "")
      .filter(FilterType::kUrlRewrite, 1)
      .part(PartKind::kPrefixPath, "", "/v2")
      .text();
}

TEST(FilterReaderTest, GivesFiltersAndPartsInTheirOrder) {
  const std::string list = two_filters();
  FilterReader reader(list);
  ASSERT_EQ(reader.next()->type, FilterType::kRequestHeaderModifier);
  auto part = reader.next_part();
  ASSERT_TRUE(part);
  EXPECT_EQ(part->kind, PartKind::kSetHeader);
  EXPECT_EQ(part->name, "X-A");
  EXPECT_EQ(part->value, "one");
  part = reader.next_part();
  ASSERT_TRUE(part);
  EXPECT_EQ(part->name, "X-B");
  EXPECT_FALSE(reader.next_part());
  ASSERT_EQ(reader.next()->type, FilterType::kUrlRewrite);
  EXPECT_EQ(reader.next_part()->value, "/v2");
  EXPECT_FALSE(reader.next());
  EXPECT_FALSE(reader.broken());
}

TEST(FilterReaderTest, PartsThatNobodyReadAreSkipped) {
  const std::string list = two_filters();
  FilterReader reader(list);
  ASSERT_TRUE(reader.next());
  ASSERT_EQ(reader.next()->type, FilterType::kUrlRewrite);
  EXPECT_EQ(reader.next_part()->value, "/v2");
}

TEST(FilterReaderTest, NoListHasNoFilters) {
  FilterReader reader{std::string_view()};
  EXPECT_FALSE(reader.next());
  EXPECT_FALSE(reader.broken());
}

TEST(FilterReaderTest, EveryShortenedListIsBrokenOrShorterNeverReadBeyondItsEnd) {
  const std::string list = two_filters();
  for (std::size_t bytes = 1; bytes < list.size(); ++bytes) {
    // A copy of its own, so that a sanitizer sees a byte read behind it.
    const std::vector<char> part(list.begin(), list.begin() + static_cast<std::ptrdiff_t>(bytes));
    FilterReader reader(std::string_view(part.data(), part.size()));
    while (reader.next()) {
      while (reader.next_part()) {
      }
    }
    EXPECT_TRUE(reader.broken()) << bytes;
  }
}

TEST(FilterReaderTest, AFilterShorterThanItsRecordIsBroken) {
  std::string list = two_filters();
  const std::uint32_t none = 0;
  std::memcpy(list.data() + sizeof(FilterList), &none, sizeof none);
  FilterReader reader(list);
  EXPECT_FALSE(reader.next());
  EXPECT_TRUE(reader.broken());
}

}  // namespace
}  // namespace sluice::table
