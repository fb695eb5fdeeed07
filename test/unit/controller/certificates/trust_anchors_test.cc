#include "controller/certificates/trust_anchors.h"

#include <gtest/gtest.h>

#include <string>

#include "test/harness/certificates.h"

namespace sluice::certificates {
namespace {

TEST(TrustAnchorsTest, KeepsTheCertificatesAndNothingElse) {
  const std::string one = make_certificate("one").certificate;
  const std::string two = make_certificate("two").certificate;
  const CheckedAnchors checked = check_trust_anchors("# ours\n" + one + "\nwords\n" + two);
  EXPECT_EQ(checked.problem, "");
  EXPECT_EQ(checked.pem, one + two);
}

TEST(TrustAnchorsTest, TextWithoutCertificatesIsAProblem) {
  for (const char* const text : {"", "Hello world\n"}) {
    const CheckedAnchors checked = check_trust_anchors(text);
    EXPECT_EQ(checked.problem, "holds no certificate in PEM form") << text;
    EXPECT_EQ(checked.pem, "");
  }
}

TEST(TrustAnchorsTest, OneBrokenCertificateMakesAllUnusable) {
  std::string broken = make_certificate("two").certificate;
  broken.replace(broken.find('\n') + 10, 4, "!!!!");
  const CheckedAnchors checked = check_trust_anchors(make_certificate("one").certificate + broken);
  EXPECT_EQ(checked.problem, "certificate 2 can't be read");
  EXPECT_EQ(checked.pem, "");
}

}  // namespace
}  // namespace sluice::certificates
