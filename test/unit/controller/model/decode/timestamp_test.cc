#include "controller/model/decode/timestamp.h"

#include <gtest/gtest.h>

namespace sluice::model {
namespace {

TEST(TimestampTest, TimesCountFromTheEpoch) {
  EXPECT_EQ(parse_timestamp("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(parse_timestamp("2026-11-21T13:00:00Z"), 1795266000);
  EXPECT_EQ(parse_timestamp("1969-12-31T23:59:59Z"), -1);
  EXPECT_EQ(parse_timestamp("2024-02-29t12:30:15z"), 1709209815);
}

TEST(TimestampTest, OffsetsAreSubtracted) {
  EXPECT_EQ(parse_timestamp("1970-01-01T01:30:00+01:30"), 0);
  EXPECT_EQ(parse_timestamp("1969-12-31T22:00:00-02:00"), 0);
}

TEST(TimestampTest, FractionsAreCutOff) {
  EXPECT_EQ(parse_timestamp("1970-01-01T00:00:01.999999Z"), 1);
  EXPECT_EQ(parse_timestamp("1970-01-01T00:00:01.Z"), std::nullopt);
}

TEST(TimestampTest, LeapSecondIsTheNextSecond) {
  EXPECT_EQ(parse_timestamp("2016-12-31T23:59:60Z"), parse_timestamp("2017-01-01T00:00:00Z"));
}

TEST(TimestampTest, WhatIsNoPointInTimeIsRefused) {
  for (const char* text :
       {"", "2026-11-21", "2026-11-21T13:00:00", "2026-11-21 13:00:00Z", "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z", "2026-01-32T00:00:00Z", "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z", "2026-01-01T00:00:61Z", "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00+0100", "2026-01-01T00:00:00Zx", "26-01-01T00:00:00Z",
        "2026-1-1T00:00:00Z", "now"}) {
    EXPECT_EQ(parse_timestamp(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace sluice::model
