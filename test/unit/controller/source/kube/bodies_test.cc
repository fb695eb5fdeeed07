#include "controller/source/kube/bodies.h"

#include <gtest/gtest.h>

namespace sluice::source {
namespace {

using model::ObjectKey;
using Keys = std::vector<ObjectKey>;

const ObjectKey kA{model::Kind::kSecret, {"shop", "a"}};
const ObjectKey kB{model::Kind::kConfigMap, {"shop", "b"}};

TEST(BodiesTest, OnlyWhatIsNamedAndExistsIsFetched) {
  Bodies bodies;
  bodies.put(kA, "1");
  EXPECT_EQ(bodies.timeout_ms(0), -1);
  EXPECT_EQ(bodies.take_due(0), Keys{});
  bodies.name(kB, true);
  EXPECT_EQ(bodies.take_due(0), Keys{});
  EXPECT_TRUE(bodies.complete());
  bodies.name(kA, true);
  EXPECT_FALSE(bodies.complete());
  EXPECT_EQ(bodies.timeout_ms(0), 0);
  EXPECT_EQ(bodies.take_due(0), Keys{kA});
  EXPECT_EQ(bodies.take_due(0), Keys{});
  bodies.have(kA, "1", 0);
  EXPECT_TRUE(bodies.complete());
  EXPECT_EQ(bodies.take_due(0), Keys{});
}

TEST(BodiesTest, EachVersionIsFetchedOnce) {
  Bodies bodies;
  bodies.name(kA, true);
  bodies.put(kA, "1");
  bodies.take_due(0);
  EXPECT_TRUE(bodies.have(kA, "1", 0));
  bodies.put(kA, "2");
  EXPECT_TRUE(bodies.complete()) << "the last body serves meanwhile";
  EXPECT_EQ(bodies.take_due(0), Keys{kA});
}

TEST(BodiesTest, ABodyThatIsNewerThanTheMetadataWaitsForIt) {
  Bodies bodies;
  bodies.name(kA, true);
  bodies.put(kA, "1");
  bodies.take_due(1000);
  EXPECT_TRUE(bodies.have(kA, "2", 1000));
  EXPECT_EQ(bodies.take_due(1000), Keys{});
  bodies.put(kA, "2");
  EXPECT_EQ(bodies.take_due(1000), Keys{});
  EXPECT_EQ(bodies.timeout_ms(1000), -1);
}

TEST(BodiesTest, ABodyThatIsOlderThanTheMetadataIsFetchedAgain) {
  Bodies bodies;
  bodies.name(kA, true);
  bodies.put(kA, "1");
  bodies.take_due(1000);
  bodies.put(kA, "2");
  EXPECT_TRUE(bodies.have(kA, "1", 1000));
  EXPECT_EQ(bodies.take_due(1000), Keys{kA});
}

TEST(BodiesTest, ABodyOfWhatWasDeletedMeanwhileDoesNotComeBack) {
  Bodies bodies;
  bodies.name(kA, true);
  bodies.put(kA, "1");
  bodies.take_due(0);
  bodies.remove(kA);
  EXPECT_FALSE(bodies.have(kA, "1", 0));
  EXPECT_EQ(bodies.take_dropped(), Keys{});
}

TEST(BodiesTest, WhatNobodyNeedsIsDropped) {
  Bodies bodies;
  for (const ObjectKey& key : {kA, kB}) {
    bodies.name(key, true);
    bodies.put(key, "1");
  }
  bodies.take_due(0);
  bodies.have(kA, "1", 0);
  bodies.have(kB, "1", 0);
  bodies.name(kA, false);
  bodies.remove(kB);
  EXPECT_EQ(bodies.take_dropped(), (Keys{kA, kB}));
  EXPECT_EQ(bodies.take_dropped(), Keys{});
  bodies.name(kA, true);
  EXPECT_EQ(bodies.take_due(0), Keys{kA});
}

TEST(BodiesTest, WhatWasFetchedForNobodyIsNotKept) {
  Bodies bodies;
  bodies.name(kA, true);
  bodies.put(kA, "1");
  bodies.take_due(0);
  bodies.name(kA, false);
  EXPECT_FALSE(bodies.have(kA, "1", 0));
  EXPECT_FALSE(bodies.is_named(kA));
  EXPECT_EQ(bodies.take_dropped(), Keys{});
  bodies.name(kA, true);
  EXPECT_EQ(bodies.take_due(0), Keys{kA});
}

TEST(BodiesTest, FailuresAreTriedAgainLaterAndANewVersionAtOnce) {
  Bodies bodies;
  bodies.name(kA, true);
  bodies.put(kA, "1");
  bodies.take_due(1000);
  bodies.failed(kA, Bodies::Failure::kNoAnswer, 1000);
  EXPECT_EQ(bodies.take_due(1000), Keys{});
  EXPECT_EQ(bodies.timeout_ms(1000), static_cast<int>(Bodies::kFirstRetryMs));
  EXPECT_EQ(bodies.take_due(1500), Keys{kA});
  bodies.failed(kA, Bodies::Failure::kNoAnswer, 1500);
  EXPECT_EQ(bodies.timeout_ms(1500), static_cast<int>(2 * Bodies::kFirstRetryMs));
  bodies.put(kA, "2");
  EXPECT_EQ(bodies.take_due(1500), Keys{kA});
}

TEST(BodiesTest, NothingWaitsForABodyThatMayNotBeRead) {
  Bodies bodies;
  bodies.name(kA, true);
  bodies.put(kA, "1");
  bodies.take_due(0);
  bodies.failed(kA, Bodies::Failure::kNoAnswer, 0);
  EXPECT_FALSE(bodies.complete());
  bodies.take_due(500);
  bodies.failed(kA, Bodies::Failure::kRefused, 500);
  EXPECT_TRUE(bodies.complete());
  bodies.put(kA, "2");
  EXPECT_TRUE(bodies.complete());
  EXPECT_EQ(bodies.take_due(500), Keys{kA}) << "it is asked for again";
}

TEST(BodiesTest, AFetchThatFindsNothingWaitsForTheMetadata) {
  Bodies bodies;
  bodies.name(kA, true);
  bodies.put(kA, "1");
  bodies.take_due(0);
  bodies.gone(kA);
  EXPECT_TRUE(bodies.complete());
  EXPECT_EQ(bodies.take_due(0), Keys{});
  bodies.put(kA, "5");
  EXPECT_EQ(bodies.take_due(0), Keys{kA});
}

TEST(BodiesTest, NotAllAreFetchedAtOnce) {
  Bodies bodies;
  for (int i = 0; i < 20; ++i) {
    const ObjectKey key{model::Kind::kSecret, {"shop", std::to_string(i)}};
    bodies.name(key, true);
    bodies.put(key, "1");
  }
  const Keys first = bodies.take_due(0);
  EXPECT_EQ(first.size(), Bodies::kMostFetches);
  EXPECT_EQ(bodies.timeout_ms(0), -1);
  bodies.have(first[0], "1", 0);
  EXPECT_EQ(bodies.take_due(0).size(), 1U);
}

}  // namespace
}  // namespace sluice::source
