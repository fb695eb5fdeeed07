// HTTPS listeners in the table: what a worker needs to answer a handshake.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "shared/match/matcher.h"
#include "test/unit/shared/table/table_fixture.h"

namespace sluice::table {
namespace {

using testing::HasSubstr;
using testing::Not;

ListenerSpec https(std::uint32_t id, const std::string& name, const Host& hostname = {}) {
  ListenerSpec spec = listener_spec(id, name, 443);
  spec.hostname = hostname;
  ListenerTlsSpec& tls = spec.tls.emplace();
  tls.certificates = {{"default/" + name + "-rsa", {1, 2}, 7, 3000},
                      {"default/" + name + "-ec", {0xfe, 0xff00000000000000}, 60, 900}};
  tls.min_version = TlsVersion::kTls13;
  tls.ciphers = "ECDHE+AESGCM";
  return spec;
}

match::GroupKey socket_of(std::uint16_t port) {
  match::GroupKey key;
  key.socket.port = port;
  return key;
}

bool expects_tls(const Reader& reader, std::uint16_t port) {
  Group group{};
  return match::find_group(reader, socket_of(port), group) && group.tls != 0;
}

class ListenerTlsTest : public testing::Test, public TableFixture {};

TEST_F(ListenerTlsTest, ADumpShowsNamesAndHashesOfCertificates) {
  editor().put_listener(https(1, "secure"));
  EXPECT_THAT(committed(),
              HasSubstr("group 0.0.0.0:8443  tries any  tls\n"
                        "group default/web  tries any  tls\n"
                        "group default/web:443  tries any  tls\n"
                        "listener default/web/secure  *:443 -> [0.0.0.0:8443] as [default/web "
                        "default/web:443]\n"
                        "  tries nothing\n"
                        "  tls from 1.3  ciphers ECDHE+AESGCM\n"
                        "  certificate default/secure-rsa  00000000000000020000000000000001  "
                        "3000 bytes\n"
                        "  certificate default/secure-ec  ff0000000000000000000000000000fe  900 "
                        "bytes\n"));
}

TEST_F(ListenerTlsTest, ARecordLeadsToEveryCertificate) {
  editor().put_listener(https(1, "secure", exact_host("a.example.com")));
  committed();
  Listener found{};
  ASSERT_TRUE(match::find_listener(reader(), socket_of(8443), "a.example.com", found));
  const auto tls = reader().read<ListenerTls>(found.tls);
  ASSERT_TRUE(tls);
  ASSERT_EQ(tls->certificates, 2U);
  const auto second = reader().read_element<CertificateRef>(found.tls, sizeof(ListenerTls), 1);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->unit, 60U);
  EXPECT_EQ(second->bytes, 900U);
  EXPECT_EQ(reader().text(second->name, 0, second->name_bytes), "default/secure-ec");
}

TEST_F(ListenerTlsTest, TheAuthoritiesOfClientsFollowTheCertificates) {
  ListenerSpec spec = https(1, "secure");
  spec.tls->client_validation = ClientValidation::kAllowValidOnly;
  spec.tls->authorities = {"default/ca", {5, 6}, 90, 1200};
  editor().put_listener(spec);
  EXPECT_THAT(committed(), HasSubstr("  clients AllowValidOnly by default/ca  "
                                     "00000000000000060000000000000005  1200 bytes\n"));
  Listener found{};
  ASSERT_TRUE(match::find_listener(reader(), socket_of(8443), "", found));
  const auto tls = reader().read<ListenerTls>(found.tls);
  ASSERT_TRUE(tls);
  EXPECT_EQ(tls->certificates, 2U);
  EXPECT_EQ(tls->client_validation, ClientValidation::kAllowValidOnly);
  const auto ref = reader().read_element<CertificateRef>(found.tls, sizeof(ListenerTls), 2);
  ASSERT_TRUE(ref);
  EXPECT_EQ(ref->unit, 90U);
  spec.tls->client_validation = ClientValidation::kAllowInsecureFallback;
  editor().put_listener(spec);
  EXPECT_THAT(committed(), HasSubstr("  clients AllowInsecureFallback by default/ca  "));
  spec.tls->client_validation = ClientValidation::kNone;
  editor().put_listener(spec);
  EXPECT_THAT(committed(), Not(HasSubstr("clients")));
}

TEST_F(ListenerTlsTest, AListenerOfHttpHasAClientCertificateToo) {
  ListenerSpec spec = listener_spec(1, "plain");
  spec.client_certificate = CertificateSpec{"default/client", {7, 8}, 3, 800};
  editor().put_listener(spec);
  EXPECT_THAT(committed(), HasSubstr("  tries nothing\n"
                                     "  shows backends default/client  "
                                     "00000000000000080000000000000007  800 bytes\n"));
  spec.client_certificate.reset();
  editor().put_listener(spec);
  EXPECT_THAT(committed(), Not(HasSubstr("shows backends")));
}

TEST_F(ListenerTlsTest, TheIdentityOfAListenerOutlivesItsNumber) {
  const auto identity = [this] {
    Listener found{};
    EXPECT_TRUE(match::find_listener(reader(), socket_of(8443), "x", found));
    const auto tls = reader().read<ListenerTls>(found.tls);
    return tls ? std::pair(tls->identity[0], tls->identity[1])
               : std::pair<std::uint64_t, std::uint64_t>();
  };
  editor().put_listener(https(1, "secure"));
  committed();
  const auto first = identity();
  editor().remove_listener(1);
  editor().put_listener(https(2, "secure"));
  committed();
  EXPECT_EQ(identity(), first);
  editor().remove_listener(2);
  editor().put_listener(https(3, "other"));
  committed();
  EXPECT_NE(identity(), first);
}

TEST_F(ListenerTlsTest, OnlySocketsOfHttpsListenersExpectAHandshake) {
  editor().put_listener(https(1, "secure"));
  editor().put_listener(listener_spec(2, "plain"));
  committed();
  EXPECT_TRUE(expects_tls(reader(), 8443));
  EXPECT_FALSE(expects_tls(reader(), 8080));
  EXPECT_FALSE(expects_tls(reader(), 1));
}

TEST_F(ListenerTlsTest, AGroupFollowsItsListenersFromHttpToHttpsAndBack) {
  ListenerSpec spec = https(1, "web");
  editor().put_listener(spec);
  committed();
  const auto tls = std::exchange(spec.tls, std::nullopt);
  editor().put_listener(spec);
  EXPECT_THAT(committed(), Not(HasSubstr("tls")));
  spec.tls = tls;
  editor().put_listener(spec);
  EXPECT_THAT(committed(), HasSubstr("group 0.0.0.0:8443  tries any  tls\n"));
}

TEST_F(ListenerTlsTest, ANewCertificateReplacesTheRecordOnly) {
  ListenerSpec spec = https(1, "secure");
  editor().put_listener(spec);
  committed();
  spec.tls->certificates.pop_back();
  spec.tls->certificates[0].hash = {9, 9};
  spec.tls->ciphers.clear();
  editor().put_listener(spec);
  EXPECT_THAT(committed(), HasSubstr("  tls from 1.3\n"
                                     "  certificate default/secure-rsa  "
                                     "00000000000000090000000000000009  3000 bytes\n"));
}

TEST_F(ListenerTlsTest, NoServerNameFindsOnlyTheListenerWithoutHostname) {
  editor().put_listener(https(1, "named", wildcard_host("example.com")));
  committed();
  Listener found{};
  EXPECT_FALSE(match::find_listener(reader(), socket_of(8443), "", found));
  EXPECT_TRUE(match::find_listener(reader(), socket_of(8443), "a.example.com", found));
  editor().put_listener(https(2, "any"));
  committed();
  ASSERT_TRUE(match::find_listener(reader(), socket_of(8443), "", found));
  EXPECT_EQ(found.id, 2U);
}

}  // namespace
}  // namespace sluice::table
