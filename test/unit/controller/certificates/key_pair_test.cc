#include "controller/certificates/key_pair.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test/harness/certificates.h"

namespace sluice::certificates {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string problem_of(const std::string& certificate, const std::string& key) {
  const CheckedKeyPair checked = check_key_pair(certificate, key);
  EXPECT_EQ(checked.pair == nullptr, !checked.problem.empty());
  return checked.problem;
}

TEST(KeyPairTest, RsaAndEcdsaPairsAreGood) {
  for (const TestKey type : {TestKey::kRsa2048, TestKey::kEcdsa}) {
    const TestCertificate made = make_certificate("a.example.com", type);
    EXPECT_EQ(problem_of(made.certificate, made.key), "");
  }
}

TEST(KeyPairTest, TheChainComesBeforeTheKey) {
  const TestCertificate leaf = make_certificate("leaf");
  const TestCertificate issuer = make_certificate("issuer");
  const CheckedKeyPair checked = check_key_pair(leaf.certificate + issuer.certificate, leaf.key);
  ASSERT_NE(checked.pair, nullptr) << checked.problem;
  EXPECT_THAT(checked.pair->pem,
              StartsWith(leaf.certificate + issuer.certificate + "-----BEGIN PRIVATE KEY-----"));
}

TEST(KeyPairTest, TextAroundTheSameCertificateChangesNothing) {
  const TestCertificate made = make_certificate("a");
  const CheckedKeyPair plain = check_key_pair(made.certificate, made.key);
  const CheckedKeyPair commented =
      check_key_pair("# issued by hand\n" + made.certificate + "\n\n", "\n" + made.key);
  ASSERT_NE(plain.pair, nullptr);
  ASSERT_NE(commented.pair, nullptr);
  EXPECT_EQ(plain.pair->pem, commented.pair->pem);
  EXPECT_EQ(plain.pair->hash, commented.pair->hash);
  const TestCertificate other = make_certificate("a");
  EXPECT_NE(check_key_pair(other.certificate, other.key).pair->hash, plain.pair->hash);
}

TEST(KeyPairTest, GarbageIsNamed) {
  const TestCertificate made = make_certificate("a");
  EXPECT_EQ(problem_of("Hello world", "Hello world"), "tls.crt: holds no certificate in PEM form");
  EXPECT_EQ(problem_of("", ""), "tls.crt: holds no certificate in PEM form");
  EXPECT_EQ(problem_of(made.key, made.key), "tls.crt: holds no certificate in PEM form");
  EXPECT_EQ(problem_of(made.certificate, "Hello world"),
            "tls.key: holds no private key in PEM form");
  EXPECT_EQ(problem_of(made.certificate, made.certificate),
            "tls.key: holds no private key in PEM form");
}

TEST(KeyPairTest, ABrokenCertificateInTheChainIsNamedByItsNumber) {
  const TestCertificate made = make_certificate("a");
  const std::string broken =
      "-----BEGIN CERTIFICATE-----\nMIIBdjCCARugAwIBAgIBATAKBggq\n-----END CERTIFICATE-----\n";
  EXPECT_THAT(problem_of(made.certificate + broken, made.key),
              StartsWith("tls.crt: certificate 2 can't be read: "));
  EXPECT_THAT(problem_of(broken, made.key), StartsWith("tls.crt: the certificate can't be read: "));
}

TEST(KeyPairTest, TheKeyOfAnotherCertificateIsRefused) {
  EXPECT_EQ(problem_of(make_certificate("a").certificate, make_certificate("a").key),
            "tls.key: is not the key of the first certificate in tls.crt");
  EXPECT_EQ(
      problem_of(make_certificate("a").certificate, make_certificate("a", TestKey::kRsa2048).key),
      "tls.key: is not the key of the first certificate in tls.crt");
}

TEST(KeyPairTest, AnEncryptedKeyIsRefused) {
  const TestCertificate made = make_certificate("a");
  EXPECT_EQ(problem_of(made.certificate, encrypt_key(made.key)),
            "tls.key: the private key is encrypted; it must be stored without a password");
}

TEST(KeyPairTest, AKeyThatOpensslWouldNotServeIsRefused) {
  const TestCertificate weak = make_certificate("a", TestKey::kRsa1024);
  EXPECT_EQ(problem_of(weak.certificate, weak.key), "tls.crt: ee key too small");
}

TEST(KeyPairTest, AKeyOfAnotherTypeIsRefusedByName) {
  const TestCertificate made = make_certificate("a", TestKey::kEd25519);
  EXPECT_EQ(problem_of(made.certificate, made.key),
            "tls.key: the private key is of type ED25519; RSA and ECDSA are served");
}

TEST(KeyPairTest, NoProblemShowsAByteOfTheKey) {
  const TestCertificate made = make_certificate("a");
  std::string broken = made.key;
  broken.replace(broken.size() / 2, 8, "!!!!!!!!");
  const std::string problem = problem_of(made.certificate, broken);
  EXPECT_EQ(problem, "tls.key: the private key can't be read");
}

TEST(CipherListTest, OpensslDecides) {
  EXPECT_EQ(cipher_list_problem("ECDHE+AESGCM:!aNULL"), "");
  EXPECT_THAT(cipher_list_problem("NO-SUCH-CIPHER"), HasSubstr("no cipher match"));
}

}  // namespace
}  // namespace sluice::certificates
