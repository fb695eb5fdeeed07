#include "controller/compile/listener_certificates.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "shared/base/hash.h"
#include "shared/secret/read_blob.h"
#include "test/harness/temp_directory.h"

namespace sluice::compile {
namespace {

constexpr std::uint64_t kLater = secret::SecretFile::kQuarantineMs;

class ListenerCertificatesTest : public testing::Test {
 protected:
  ListenerCertificatesTest() {
    Result<std::unique_ptr<secret::SecretFile>> opened =
        secret::SecretFile::open(directory_.path() + "/secret");
    EXPECT_TRUE(opened);
    file_ = std::move(*opened);
    reader_ = std::move(*file_->open_for_readers());
    certificates_ = std::make_unique<ListenerCertificates>(*file_);
  }

  static resolve::ListenerKey key(const std::string& name) { return {{"default", "web"}, name}; }

  static resolve::Delta delta_of(const std::string& listener,
                                 std::initializer_list<const char*> contents) {
    resolve::ServedListener served;
    served.key = key(listener);
    served.tls.emplace();
    for (const char* content : contents) {
      served.tls->certificates.push_back({std::string("default/") + content, pair_of(content)});
    }
    resolve::Delta delta;
    delta.listeners.push_back(std::move(served));
    return delta;
  }

  static std::shared_ptr<certificates::KeyPair> pair_of(const char* content) {
    auto pair = std::make_shared<certificates::KeyPair>();
    pair->pem = content;
    pair->hash = content_hash128(content);
    return pair;
  }

  // As one publication does.
  StoredCertificates publish_all(const resolve::Delta& delta) {
    EXPECT_TRUE(certificates_->store(delta));
    auto taken = certificates_->take(delta.listeners.front().key);
    certificates_->release(0);
    return taken;
  }

  std::vector<table::CertificateSpec> publish(const resolve::Delta& delta) {
    return publish_all(delta).served;
  }

  bool is_stored(const table::CertificateSpec& spec) const {
    return secret::read_blob(reader_.get(), {spec.unit, spec.bytes, spec.hash}).has_value();
  }

  TempDirectory directory_;
  std::unique_ptr<secret::SecretFile> file_;
  UniqueFd reader_;
  std::unique_ptr<ListenerCertificates> certificates_;
};

TEST_F(ListenerCertificatesTest, AListenerNamesItsCertificatesInOrder) {
  const auto taken = publish(delta_of("a", {"one", "two"}));
  ASSERT_EQ(taken.size(), 2U);
  EXPECT_EQ(taken[0].name, "default/one");
  EXPECT_EQ(taken[1].name, "default/two");
  EXPECT_TRUE(is_stored(taken[0]) && is_stored(taken[1]));
}

TEST_F(ListenerCertificatesTest, ARotatedCertificateGoesOnlyAfterTheCommit) {
  const auto old = publish(delta_of("a", {"old"}));
  ASSERT_TRUE(certificates_->store(delta_of("a", {"new"})));
  certificates_->take(key("a"));
  file_->tidy(kLater);
  EXPECT_TRUE(is_stored(old[0]));
  certificates_->release(kLater);
  file_->tidy(2 * kLater);
  EXPECT_FALSE(is_stored(old[0]));
}

TEST_F(ListenerCertificatesTest, ACertificateOfTwoListenersStaysForTheOther) {
  const auto shared = publish(delta_of("a", {"shared"}));
  publish(delta_of("b", {"shared"}));
  certificates_->leave(key("a"));
  certificates_->release(0);
  file_->tidy(kLater);
  EXPECT_TRUE(is_stored(shared[0]));
  certificates_->leave(key("b"));
  certificates_->release(0);
  file_->tidy(kLater);
  EXPECT_FALSE(is_stored(shared[0]));
}

TEST_F(ListenerCertificatesTest, StoringAgainBeforeTheCommitLeavesNothingBehind) {
  const auto first = publish(delta_of("a", {"first"}));
  ASSERT_TRUE(certificates_->store(delta_of("a", {"second"})));
  ASSERT_TRUE(certificates_->store(delta_of("a", {"second"})));
  ASSERT_TRUE(certificates_->store(delta_of("a", {"first"})));
  certificates_->take(key("a"));
  certificates_->leave(key("a"));
  certificates_->release(0);
  file_->tidy(kLater);
  EXPECT_FALSE(is_stored(first[0]));
}

TEST_F(ListenerCertificatesTest, AuthoritiesAndTheClientCertificateAreStoredAsLongAsTheyAreNamed) {
  resolve::Delta delta = delta_of("a", {"one"});
  resolve::ServedListener& listener = delta.listeners.front();
  listener.tls->clients = resolve::ServedClientValidation{
      "default/ca", std::make_shared<std::string>("anchors"), false};
  listener.client_certificate = {"default/client", pair_of("client")};
  const StoredCertificates taken = publish_all(delta);
  ASSERT_TRUE(taken.authorities && taken.client_certificate);
  EXPECT_EQ(taken.authorities->name, "default/ca");
  EXPECT_EQ(taken.client_certificate->name, "default/client");
  EXPECT_TRUE(is_stored(*taken.authorities) && is_stored(*taken.client_certificate));
  publish(delta_of("a", {"one"}));
  file_->tidy(kLater);
  EXPECT_FALSE(is_stored(*taken.authorities) || is_stored(*taken.client_certificate));
  EXPECT_TRUE(is_stored(taken.served[0]));
}

TEST_F(ListenerCertificatesTest, AListenerWithoutTlsStillHasAClientCertificate) {
  resolve::Delta delta = delta_of("a", {});
  delta.listeners.front().tls.reset();
  delta.listeners.front().client_certificate = {"default/client", pair_of("client")};
  const StoredCertificates taken = publish_all(delta);
  EXPECT_TRUE(taken.served.empty());
  ASSERT_TRUE(taken.client_certificate);
  EXPECT_TRUE(is_stored(*taken.client_certificate));
}

TEST_F(ListenerCertificatesTest, AListenerWithoutTlsNamesNone) {
  resolve::Delta delta = delta_of("a", {});
  delta.listeners.front().tls.reset();
  EXPECT_TRUE(publish(delta).empty());
}

}  // namespace
}  // namespace sluice::compile
