#include "ngx_module/core/grpc_status.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace sluice::core {
namespace {

TEST(GrpcStatusTest, TheContentTypeTellsACall) {
  for (const char* type : {"application/grpc", "application/grpc+proto", "application/grpc;a=b",
                           "Application/gRPC", "application/grpc +x"}) {
    EXPECT_TRUE(is_grpc(type)) << type;
  }
}

TEST(GrpcStatusTest, OtherContentTypesAreNoCall) {
  for (const char* type : {"", "application/grp", "application/grpc-web", "application/grpcx",
                           "text/plain; application/grpc", "application/json"}) {
    EXPECT_FALSE(is_grpc(type)) << type;
  }
}

TEST(GrpcStatusTest, ARuleThatIsMissingIsUnimplemented) {
  EXPECT_EQ(grpc_status(Reason::kNoRule, 404), GrpcStatus::kUnimplemented);
  EXPECT_EQ(grpc_status(Reason::kNoListener, 404), GrpcStatus::kUnimplemented);
}

TEST(GrpcStatusTest, ABackendThatIsMissingIsUnavailable) {
  for (const Reason reason : {Reason::kNoBackends, Reason::kInvalidBackend, Reason::kNoEndpoints,
                              Reason::kBackendGone, Reason::kConnectFailed, Reason::kNoTable}) {
    EXPECT_EQ(grpc_status(reason, reason_status(reason)), GrpcStatus::kUnavailable)
        << reason_name(reason);
  }
}

TEST(GrpcStatusTest, ALimitThatPassedIsDeadlineExceeded) {
  EXPECT_EQ(grpc_status(Reason::kRequestTimeout, 504), GrpcStatus::kDeadlineExceeded);
  EXPECT_EQ(grpc_status(Reason::kBackendTimeout, 504), GrpcStatus::kDeadlineExceeded);
}

TEST(GrpcStatusTest, WithoutAReasonTheHttpStatusDecides) {
  EXPECT_EQ(grpc_status(Reason::kNone, 400), GrpcStatus::kInternal);
  EXPECT_EQ(grpc_status(Reason::kNone, 401), GrpcStatus::kUnauthenticated);
  EXPECT_EQ(grpc_status(Reason::kNone, 403), GrpcStatus::kPermissionDenied);
  EXPECT_EQ(grpc_status(Reason::kNone, 413), GrpcStatus::kResourceExhausted);
  EXPECT_EQ(grpc_status(Reason::kNone, 429), GrpcStatus::kUnavailable);
  EXPECT_EQ(grpc_status(Reason::kNone, 502), GrpcStatus::kUnavailable);
  EXPECT_EQ(grpc_status(Reason::kNone, 418), GrpcStatus::kUnknown);
}

TEST(GrpcStatusTest, TheClientsDeadlineHasAUnit) {
  EXPECT_EQ(grpc_timeout_ms("1H"), 3'600'000U);
  EXPECT_EQ(grpc_timeout_ms("2M"), 120'000U);
  EXPECT_EQ(grpc_timeout_ms("7S"), 7'000U);
  EXPECT_EQ(grpc_timeout_ms("250m"), 250U);
  EXPECT_EQ(grpc_timeout_ms("1500u"), 1U);
  EXPECT_EQ(grpc_timeout_ms("99999999n"), 99U);
  EXPECT_EQ(grpc_timeout_ms("99999999H"), 359'999'996'400'000U);
}

TEST(GrpcStatusTest, WhatIsNoDeadlineIsNone) {
  for (const char* value : {"", "1", "S", "1s", "-1S", "1 S", "1.5S", "123456789n", "1SS"}) {
    EXPECT_EQ(grpc_timeout_ms(value), std::nullopt) << value;
  }
}

TEST(GrpcStatusTest, TextsAreTheNumbers) {
  EXPECT_EQ(grpc_status_text(GrpcStatus::kUnknown), "2");
  EXPECT_EQ(grpc_status_text(GrpcStatus::kDeadlineExceeded), "4");
  EXPECT_EQ(grpc_status_text(GrpcStatus::kUnimplemented), "12");
  EXPECT_EQ(grpc_status_text(GrpcStatus::kUnavailable), "14");
}

TEST(GrpcStatusTest, MessagesNeedNoEscapes) {
  for (int reason = 0; reason <= static_cast<int>(Reason::kBackendTimeout); ++reason) {
    for (const GrpcStatus status :
         {GrpcStatus::kUnavailable, GrpcStatus::kDeadlineExceeded, GrpcStatus::kUnimplemented}) {
      const std::string_view message = grpc_message(static_cast<Reason>(reason), status);
      EXPECT_FALSE(message.empty());
      EXPECT_TRUE(std::all_of(message.begin(), message.end(), [](char c) {
        return c >= ' ' && c <= '~' && c != '%';
      })) << message;
    }
  }
}

}  // namespace
}  // namespace sluice::core
