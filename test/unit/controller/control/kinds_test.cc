#include "controller/control/kinds.h"

#include <gtest/gtest.h>

namespace sluice::control {
namespace {

using model::Kind;

TEST(KindsTest, PeopleNameAKindInManyWays) {
  for (const char* word :
       {"Gateway", "gateway", "GATEWAYS", "gtw", "gateways.gateway.networking.k8s.io"}) {
    EXPECT_EQ(find_kind_by_word(word), Kind::kGateway) << word;
  }
  EXPECT_EQ(find_kind_by_word("HTTPRoutes"), Kind::kHttpRoute);
  EXPECT_EQ(find_kind_by_word("grpcroute"), Kind::kGrpcRoute);
  EXPECT_EQ(find_kind_by_word("svc"), Kind::kService);
  EXPECT_EQ(find_kind_by_word("gatewayclasses"), Kind::kGatewayClass);
}

TEST(KindsTest, UnknownWordsNameNothing) {
  for (const char* word : {"", "gate", "gateways.example.com", "pods", ".sluice.dev"}) {
    EXPECT_EQ(find_kind_by_word(word), std::nullopt) << word;
  }
}

TEST(KindsTest, EveryKindHasAWord) {
  for (int kind = 0; kind <= static_cast<int>(model::kLastKind); ++kind) {
    EXPECT_EQ(find_kind_by_word(model::kind_name(static_cast<Kind>(kind))),
              static_cast<Kind>(kind));
  }
}

}  // namespace
}  // namespace sluice::control
