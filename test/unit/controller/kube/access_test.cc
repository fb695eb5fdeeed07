#include "controller/kube/access.h"

#include <gmock/gmock.h>
#include <poll.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "test/harness/certificates.h"
#include "test/harness/temp_directory.h"

namespace sluice::kube {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class AccessTest : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return directory_.path() + "/" + name; }

  // Replaced as a whole, as a mounted Secret is: readers see the old or the new one.
  std::string write(const std::string& name, const std::string& text) {
    std::ofstream(path(name) + ".new") << text;
    std::filesystem::rename(path(name) + ".new", path(name));
    return path(name);
  }

  void open(Cluster cluster) {
    auto opened = Access::open(std::move(cluster));
    ASSERT_TRUE(opened) << opened.error().message;
    access_ = std::move(*opened);
  }

  Cluster with_token_file() {
    Cluster cluster;
    cluster.server = "https://localhost";
    cluster.token = {"tokenFile", write("token", "first\n"), ""};
    return cluster;
  }

  // A plugin that does what the shell script says.
  Cluster with_plugin(const std::string& script) {
    Cluster cluster;
    cluster.server = "https://localhost:6443";
    ExecPlugin plugin;
    plugin.field = "config: users[dev].user.exec";
    plugin.command = write("plugin", "#!/bin/sh\n" + script);
    ::chmod(plugin.command.c_str(), 0700);
    plugin.api_version = "client.authentication.k8s.io/v1";
    plugin.provide_cluster_info = true;
    cluster.exec = plugin;
    return cluster;
  }

  static std::string answer(const std::string& status) {
    return R"(echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1",)"
           R"("status":{)" +
           status + "}}'\n";
  }

  // Until the plugin that runs has ended.
  const Credentials* wait(std::uint64_t now_ms) {
    for (int i = 0; i < 200; ++i) {
      access_->poll(now_ms);
      const Credentials* credentials = access_->current(now_ms);
      if (credentials != nullptr || !access_->problem().empty()) return credentials;
      pollfd waiting{access_->fd(), POLLIN, 0};
      ::poll(&waiting, 1, 100);
    }
    return nullptr;
  }

  TempDirectory directory_;
  std::unique_ptr<Access> access_;
};

TEST_F(AccessTest, ATokenFileIsReadAgainWhenItIsReplaced) {
  open(with_token_file());
  EXPECT_EQ(access_->current(0)->token, "first");
  const std::uint64_t version = access_->current(0)->version;
  write("token", "second");
  EXPECT_EQ(access_->current(Access::kLookEveryMs - 1)->token, "first");
  EXPECT_EQ(access_->current(Access::kLookEveryMs)->token, "second");
  EXPECT_GT(access_->current(Access::kLookEveryMs)->version, version);
  EXPECT_LE(Access::kLookEveryMs, 60'000U);
}

TEST_F(AccessTest, ATurnedLinkIsAReplacedFile) {
  write("a", "first");
  write("b", "other");
  std::filesystem::create_symlink(path("a"), path("link"));
  Cluster cluster;
  cluster.token = {"tokenFile", path("link"), ""};
  open(cluster);
  EXPECT_EQ(access_->current(0)->token, "first");
  std::filesystem::create_symlink(path("b"), path("link2"));
  std::filesystem::rename(path("link2"), path("link"));
  EXPECT_EQ(access_->current(Access::kLookEveryMs)->token, "other");
}

TEST_F(AccessTest, ARefusalReadsFilesAtOnce) {
  open(with_token_file());
  const std::uint64_t version = access_->current(0)->version;
  write("token", "second");
  access_->refused(version, 1);
  EXPECT_EQ(access_->current(1)->token, "second");
}

TEST_F(AccessTest, AFileThatMakesNoSenseLeavesTheLastGoodOneAndIsAProblem) {
  open(with_token_file());
  access_->current(0);
  for (const char* text : {"", "two words", "bell\a"}) {
    write("token", text);
    access_->refused(access_->current(0)->version, 0);
    EXPECT_EQ(access_->current(0)->token, "first");
    EXPECT_THAT(access_->problem(), HasSubstr("tokenFile: " + path("token") + ": found"));
  }
  std::filesystem::remove(path("token"));
  EXPECT_EQ(access_->current(60'000)->token, "first");
  EXPECT_THAT(access_->problem(), HasSubstr("No such file"));
  write("token", "third");
  EXPECT_EQ(access_->current(120'000)->token, "third");
  EXPECT_THAT(access_->problem(), IsEmpty());
}

TEST_F(AccessTest, AnAuthorityThatIsHalfWrittenLeavesTheLastGoodOne) {
  const std::string pem = make_certificate("a").certificate;
  Cluster cluster;
  cluster.authority = {"certificate-authority", write("ca.crt", pem), ""};
  open(cluster);
  EXPECT_THAT(access_->current(0)->authority_pem, HasSubstr("BEGIN CERTIFICATE"));
  write("ca.crt", pem.substr(0, pem.size() / 2));
  access_->current(60'000);
  EXPECT_THAT(access_->current(60'000)->authority_pem, HasSubstr("END CERTIFICATE"));
  EXPECT_THAT(access_->problem(), HasSubstr("ca.crt: certificate 1 can't be read"));
}

TEST_F(AccessTest, WhatIsMissingAtTheStartIsToldWithItsFieldAndFile) {
  Cluster cluster;
  cluster.authority = {"config: clusters[a].cluster.certificate-authority", "/no/ca.crt", ""};
  auto opened = Access::open(cluster);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().message,
            "config: clusters[a].cluster.certificate-authority: /no/ca.crt: No such file or "
            "directory");
  cluster.authority = {"the CA data", "", "nonsense"};
  opened = Access::open(cluster);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().message, "the CA data: holds no certificate in PEM form");
}

TEST_F(AccessTest, APluginBringsATokenWithoutHoldingTheLoop) {
  open(with_plugin("sleep 0.2\n" + answer(R"("token":"of-plugin")")));
  EXPECT_EQ(access_->current(0), nullptr);
  EXPECT_GT(access_->timeout_ms(0), 0);
  const Credentials* credentials = wait(1);
  ASSERT_NE(credentials, nullptr) << access_->problem();
  EXPECT_EQ(credentials->token, "of-plugin");
  EXPECT_EQ(access_->timeout_ms(1), -1);
}

TEST_F(AccessTest, APluginIsToldAboutTheCluster) {
  open(with_plugin("printf %s \"$KUBERNETES_EXEC_INFO\" > " + path("told") + "\n" +
                   answer(R"("token":"t")")));
  access_->current(0);
  ASSERT_NE(wait(0), nullptr) << access_->problem();
  std::ifstream told(path("told"));
  const std::string text((std::istreambuf_iterator<char>(told)), {});
  EXPECT_THAT(text, HasSubstr(R"("apiVersion":"client.authentication.k8s.io/v1")"));
  EXPECT_THAT(text, HasSubstr(R"("server":"https://localhost:6443")"));
  EXPECT_THAT(text, HasSubstr(R"("interactive":false)"));
}

TEST_F(AccessTest, APluginRunsAgainBeforeItsTokenExpires) {
  open(with_plugin(R"(n=$(cat "$0.count" 2>/dev/null || echo 0); n=$((n+1)); echo $n > "$0.count"
echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":)"
                   R"({"token":"t'$n'","expirationTimestamp":"'$(date -u -d '+10 minutes' )"
                   R"(+%Y-%m-%dT%H:%M:%SZ)'"}}')"));
  access_->current(0);
  ASSERT_NE(wait(0), nullptr) << access_->problem();
  EXPECT_EQ(access_->current(0)->token, "t1");
  EXPECT_EQ(access_->current(400'000)->token, "t1");
  EXPECT_EQ(access_->timeout_ms(400'000), -1);
  EXPECT_EQ(access_->current(560'000)->token, "t1");
  EXPECT_GT(access_->timeout_ms(560'000), 0);
  for (int i = 0; i < 100 && access_->current(560'000)->token == "t1"; ++i) {
    pollfd waiting{access_->fd(), POLLIN, 0};
    ::poll(&waiting, 1, 100);
    access_->poll(560'000);
  }
  EXPECT_EQ(access_->current(560'000)->token, "t2");
}

TEST_F(AccessTest, ARefusedTokenOfAPluginIsAskedForAgain) {
  open(with_plugin(R"(n=$(cat "$0.count" 2>/dev/null || echo 0); n=$((n+1)); echo $n > "$0.count"
echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":)"
                   R"({"token":"t'$n'"}}')"));
  access_->current(0);
  ASSERT_NE(wait(0), nullptr) << access_->problem();
  access_->refused(access_->current(0)->version, 20'000);
  EXPECT_EQ(access_->current(20'000), nullptr);
  ASSERT_NE(wait(20'000), nullptr);
  EXPECT_EQ(access_->current(20'000)->token, "t2");
}

TEST_F(AccessTest, APluginThatFailsIsAProblemWithWhatItSaidAndRunsAgainLater) {
  open(with_plugin("echo 'not logged in' >&2; echo secret; exit 3\n"));
  access_->current(0);
  EXPECT_EQ(wait(0), nullptr);
  EXPECT_THAT(access_->problem(), HasSubstr("config: users[dev].user.exec: "));
  EXPECT_THAT(access_->problem(), HasSubstr("exited with 3: not logged in"));
  EXPECT_EQ(access_->timeout_ms(0), static_cast<int>(Access::kFirstPauseMs));
}

TEST_F(AccessTest, APluginThatHangsIsKilled) {
  open(with_plugin("sleep 1000 & sleep 1000\n"));
  access_->current(0);
  EXPECT_EQ(access_->timeout_ms(0), static_cast<int>(Access::kPluginMs));
  access_->poll(Access::kPluginMs);
  EXPECT_THAT(access_->problem(), HasSubstr("gave no answer in 60 s"));
}

TEST_F(AccessTest, APluginThatFloodsUsIsStopped) {
  open(with_plugin("exec cat /dev/zero\n"));
  access_->current(0);
  EXPECT_EQ(wait(0), nullptr);
  EXPECT_THAT(access_->problem(), HasSubstr("printed more than 1048576 bytes"));
}

TEST_F(AccessTest, WhatAPluginMustNotPrintIsNamedWithoutItsWords) {
  struct Case {
    const char* script;
    const char* message;
  };

  for (const Case& each :
       {Case{"echo s3cret\n", "printed something else than an ExecCredential"},
        Case{"echo '{\"kind\":\"Pod\",\"apiVersion\":\"v1\"}'\n", "printed kind \"Pod\" of \"v1\""},
        Case{"", "printed something else"}}) {
    open(with_plugin(each.script));
    access_->current(0);
    EXPECT_EQ(wait(0), nullptr);
    EXPECT_THAT(access_->problem(), HasSubstr(each.message));
    EXPECT_THAT(access_->problem(), ::testing::Not(HasSubstr("s3cret")));
  }
  for (const char* status : {"", R"("token":7)", R"("clientCertificateData":"c")",
                             R"("token":"t","expirationTimestamp":"soon")",
                             R"("token":"t","expirationTimestamp":"2020-01-01T00:00:00Z")"}) {
    open(with_plugin(answer(status)));
    access_->current(0);
    EXPECT_EQ(wait(0), nullptr) << status;
    EXPECT_THAT(access_->problem(), HasSubstr("printed")) << status;
  }
}

TEST_F(AccessTest, APluginThatIsNotInstalledIsToldWithItsHint) {
  Cluster cluster = with_plugin("");
  cluster.exec->command = path("absent");
  cluster.exec->install_hint = "apt install login";
  open(cluster);
  EXPECT_EQ(access_->current(0), nullptr);
  EXPECT_THAT(access_->problem(), HasSubstr("No such file or directory (apt install login)"));
}

}  // namespace
}  // namespace sluice::kube
