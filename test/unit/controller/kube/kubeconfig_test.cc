#include "controller/kube/kubeconfig.h"

#include <gmock/gmock.h>

#include <fstream>

#include "controller/kube/find_cluster.h"
#include "test/harness/temp_directory.h"

namespace sluice::kube {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

// Of the cluster "kind": its fields, and those of the user "dev", in YAML's flow style.
std::string config(const std::string& cluster, const std::string& user) {
  return R"(apiVersion: v1
kind: Config
current-context: dev@kind
contexts:
- {name: dev@kind, context: {cluster: kind, user: dev, namespace: gateways}}
- {name: lost, context: {cluster: gone, user: dev}}
clusters:
- name: kind
  cluster: {)" +
         cluster + R"(}
users:
- name: dev
  user: {)" +
         user + "}\n";
}

const std::string kServer = "server: 'https://127.0.0.1:6443'";

class KubeconfigTest : public ::testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& text) {
    const std::string path = directory_.path() + "/" + name;
    std::ofstream(path) << text;
    return path;
  }

  Cluster read(const std::string& text, const std::string& context = "") {
    Result<Cluster> cluster = read_kubeconfig({write("config", text)}, context);
    EXPECT_TRUE(cluster) << cluster.error().message;
    return cluster ? *cluster : Cluster();
  }

  std::string why_not(const std::string& text, const std::string& context = "") {
    const Result<Cluster> cluster = read_kubeconfig({write("config", text)}, context);
    return cluster ? "" : cluster.error().message;
  }

  TempDirectory directory_;
};

TEST_F(KubeconfigTest, TheCurrentContextSaysWhereAndWho) {
  const Cluster cluster =
      read(config(kServer + ", certificate-authority: ca/ca.crt, tls-server-name: kubernetes",
                  "client-certificate-data: Y2VydA==, client-key-data: a2V5, token: t0k"));
  EXPECT_EQ(cluster.server, "https://127.0.0.1:6443");
  EXPECT_EQ(cluster.ns, "gateways");
  EXPECT_EQ(cluster.tls_server_name, "kubernetes");
  EXPECT_EQ(cluster.authority.file, directory_.path() + "/ca/ca.crt");
  EXPECT_EQ(cluster.client_certificate.text, "cert");
  EXPECT_EQ(cluster.client_key.text, "key");
  EXPECT_EQ(cluster.token.text, "t0k");
  EXPECT_FALSE(cluster.exec);
}

TEST_F(KubeconfigTest, DataComesBeforeAFileAndATokenFileBeforeAToken) {
  const Cluster cluster =
      read(config(kServer + ", certificate-authority: a, certificate-authority-data: Y2E=",
                  "token: t, tokenFile: /run/token"));
  EXPECT_EQ(cluster.authority.text, "ca");
  EXPECT_EQ(cluster.authority.file, "");
  EXPECT_EQ(cluster.token.file, "/run/token");
}

TEST_F(KubeconfigTest, APluginIsReadWithItsArgumentsAndEnvironment) {
  const Cluster cluster =
      read(config(kServer,
                  "exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: bin/login, "
                  "args: [get, token], env: [{name: REGION, value: eu}], interactiveMode: Never, "
                  "provideClusterInfo: true, installHint: 'apt install login'}"));
  ASSERT_TRUE(cluster.exec);
  EXPECT_EQ(cluster.exec->command, directory_.path() + "/bin/login");
  EXPECT_THAT(cluster.exec->arguments, ElementsAre("get", "token"));
  EXPECT_THAT(cluster.exec->environment, ElementsAre(Pair("REGION", "eu")));
  EXPECT_TRUE(cluster.exec->provide_cluster_info);
}

TEST_F(KubeconfigTest, WhatIsWrongIsNamedWithItsPlaceAndWhatIsValid) {
  struct Case {
    const char* cluster;
    const char* user;
    const char* message;
  };

  for (const Case& each : {
           Case{"server: 'http://10.0.0.1:8080'", "",
                "config: clusters[kind].cluster.server: found \"http://10.0.0.1:8080\"; valid is "
                "https://HOST:PORT"},
           Case{"server: 7", "", "clusters[kind].cluster.server: found 7; valid is a string"},
           Case{"server: 'https://a', insecure-skip-tls-verify: true", "",
                "clusters[kind].cluster.insecure-skip-tls-verify: found true; the server's "
                "certificate is always verified"},
           Case{"server: 'https://a', certificate-authority-data: '%%'", "",
                "clusters[kind].cluster.certificate-authority-data: found something else; valid is "
                "base64"},
           Case{"server: 'https://a'", "client-certificate: c.pem",
                "users[dev].user.client-key: is missing beside client-certificate"},
           Case{"server: 'https://a'", "username: admin, password: x",
                "users[dev].user.username: user names with passwords are not supported"},
           Case{"server: 'https://a'", "token: t, as: root",
                "users[dev].user.as: impersonation is not supported"},
           Case{"server: 'https://a'", "auth-provider: {name: gcp}",
                "users[dev].user.auth-provider: is not supported: valid is exec"},
           Case{"server: 'https://a'", "exec: {apiVersion: v1, command: x}",
                "users[dev].user.exec.apiVersion: found \"v1\"; valid are "
                "client.authentication.k8s.io/v1 and"},
           Case{"server: 'https://a'",
                "exec: {apiVersion: client.authentication.k8s.io/v1, command: x, interactiveMode: "
                "Always}",
                "users[dev].user.exec.interactiveMode: found Always"},
           Case{"server: 'https://a'",
                "exec: {apiVersion: client.authentication.k8s.io/v1, command: x, args: [1]}",
                "users[dev].user.exec.args: found 1; valid are strings"},
       }) {
    EXPECT_THAT(why_not(config(each.cluster, each.user)), HasSubstr(each.message));
  }
}

TEST_F(KubeconfigTest, ANameThatIsNotThereIsToldWithThoseThatAre) {
  const std::string text = config(kServer, "");
  EXPECT_THAT(why_not(text, "prod"),
              HasSubstr("contexts: found no entry named \"prod\"; there is: dev@kind, lost"));
  EXPECT_THAT(why_not(text, "lost"), HasSubstr("found no entry named \"gone\"; there is: kind"));
}

TEST_F(KubeconfigTest, WhatIsNoKubeconfigIsToldWithItsFile) {
  EXPECT_THAT(why_not("- a\n"), HasSubstr("config: found no mapping"));
  EXPECT_THAT(why_not("a: [\n"), HasSubstr("config: line "));
  EXPECT_THAT(why_not("kind: Config\n"), HasSubstr("current-context: is missing"));
  EXPECT_THAT(read_kubeconfig({"/no/such/file"}, "").error().message,
              HasSubstr("/no/such/file: No such file"));
}

TEST_F(KubeconfigTest, TheFirstFileThatHasANameWins) {
  const std::string first = write("first", R"(
current-context: both
contexts: [{name: both, context: {cluster: kind, user: dev}}]
users: [{name: dev, user: {token: of-first}}]
)");
  const std::string second = write("second", config(kServer, "token: of-second"));
  const Result<Cluster> cluster =
      read_kubeconfig({directory_.path() + "/absent", first, second}, "");
  ASSERT_TRUE(cluster) << cluster.error().message;
  EXPECT_EQ(cluster->token.text, "of-first");
  EXPECT_EQ(cluster->server, "https://127.0.0.1:6443");
}

class FindClusterTest : public KubeconfigTest {
 protected:
  Surroundings in_pod() {
    Surroundings around;
    around.service_account = directory_.path();
    around.service_host = "10.96.0.1";
    around.service_port = "443";
    write("namespace", "sluice-system");
    return around;
  }
};

TEST_F(FindClusterTest, APodUsesItsServiceAccount) {
  const Result<Cluster> cluster = find_cluster({}, in_pod());
  ASSERT_TRUE(cluster) << cluster.error().message;
  EXPECT_EQ(cluster->server, "https://10.96.0.1:443");
  EXPECT_EQ(cluster->ns, "sluice-system");
  EXPECT_EQ(cluster->token.file, directory_.path() + "/token");
  EXPECT_EQ(cluster->authority.file, directory_.path() + "/ca.crt");
}

TEST_F(FindClusterTest, AnIpv6ServiceHasBrackets) {
  Surroundings around = in_pod();
  around.service_host = "fd00::1";
  EXPECT_EQ(find_cluster({}, around)->server, "https://[fd00::1]:443");
}

TEST_F(FindClusterTest, AnAskedForFileComesFirstThenTheVariableThenThePod) {
  Surroundings around = in_pod();
  around.kubeconfig = ":" + write("variable", config("server: 'https://variable'", ""));
  EXPECT_EQ(find_cluster({}, around)->server, "https://variable");
  const std::string asked = write("asked", config("server: 'https://asked/'", ""));
  EXPECT_EQ(find_cluster({asked, ""}, around)->server, "https://asked");
}

TEST_F(FindClusterTest, NothingAtAllSaysWhatWasLookedAt) {
  Surroundings around;
  around.home = directory_.path();
  const Result<Cluster> cluster = find_cluster({}, around);
  ASSERT_FALSE(cluster);
  EXPECT_THAT(cluster.error().message, HasSubstr("KUBERNETES_SERVICE_HOST"));
  EXPECT_THAT(cluster.error().message, HasSubstr(directory_.path() + "/.kube/config"));
  EXPECT_THAT(cluster.error().message, HasSubstr("give --kubeconfig FILE"));
}

}  // namespace
}  // namespace sluice::kube
