#include "controller/resolve/trust_source.h"

#include <gtest/gtest.h>

#include <memory>

#include "test/harness/certificates.h"

namespace sluice::resolve {
namespace {

using model::Kind;
using model::ObjectKey;

const ObjectKey kBundle{Kind::kClusterTrustBundle, {"", "ca"}};

model::Store store_with(const std::string& pem) {
  model::Store store;
  model::ClusterTrustBundle bundle;
  bundle.meta.name = kBundle.name;
  bundle.pem = pem;
  store.apply({kBundle, std::make_shared<const model::Object>(std::move(bundle))});
  return store;
}

TEST(TrustSourceTest, OnlyAConfigMapIsOfTheNamespaceOfTheReference) {
  EXPECT_EQ(trust_source("", "ConfigMap", "shop", "ca"),
            (ObjectKey{Kind::kConfigMap, {"shop", "ca"}}));
  EXPECT_EQ(trust_source("certificates.k8s.io", "ClusterTrustBundle", "shop", "ca"), kBundle);
  EXPECT_EQ(trust_source("", "ClusterTrustBundle", "shop", "ca"), std::nullopt);
  EXPECT_EQ(trust_source("", "Secret", "shop", "ca"), std::nullopt);
  EXPECT_EQ(trust_source("gateway.networking.k8s.io", "Gateway", "shop", "ca"), std::nullopt);
}

TEST(TrustSourceTest, TheCertificatesOfABundleAreRead) {
  const std::string pem = make_certificate("one").certificate + make_certificate("two").certificate;
  const auto found = read_trust_source(kBundle, store_with("# ours\n" + pem));
  EXPECT_EQ(found.problem, "");
  EXPECT_EQ(found.pem, pem);
}

TEST(TrustSourceTest, ABundleThatIsMissingEmptyOrTextIsAProblem) {
  EXPECT_EQ(read_trust_source(kBundle, model::Store{}).problem,
            "ClusterTrustBundle ca does not exist");
  for (const char* const text : {"", "Hello world"}) {
    const auto found = read_trust_source(kBundle, store_with(text));
    EXPECT_EQ(found.pem, "");
    EXPECT_EQ(found.problem,
              "ClusterTrustBundle ca: spec.trustBundle: holds no certificate in PEM form");
  }
}

}  // namespace
}  // namespace sluice::resolve
