#include "controller/source/kube/snapshot.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "test/harness/temp_directory.h"

namespace sluice::source {
namespace {

using Json = nlohmann::json;
using model::Kind;
using model::ObjectKey;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const std::string kServer = "https://api.example.com:6443";
const ObjectKey kBlue{Kind::kService, {"shop", "blue"}};
const ObjectKey kGreen{Kind::kService, {"shop", "green"}};
const ObjectKey kTls{Kind::kSecret, {"shop", "web-tls"}};

Json service(const std::string& name, int port) {
  return {{"metadata",
           {{"namespace", "shop"},
            {"name", name},
            {"uid", "uid-of-" + name},
            {"resourceVersion", std::to_string(port)}}},
          {"spec", {{"ports", {{{"port", port}}}}}},
          {"status", {{"loadBalancer", Json::object()}}}};
}

Json secret() {
  return {{"metadata", {{"namespace", "shop"}, {"name", "web-tls"}, {"resourceVersion", "5"}}},
          {"type", "kubernetes.io/tls"},
          {"data", {{"tls.crt", "b25l"}, {"tls.key", "a2V5"}}}};
}

class SnapshotTest : public ::testing::Test {
 protected:
  using Kept = std::map<ObjectKey, Json>;

  SnapshotOptions options() const {
    return {directory_.path() + "/snapshot", "sluice.dev/gateway-controller", kServer, false};
  }

  std::string file() const { return options().directory + "/objects.log"; }

  std::string secrets_file() const { return options().directory + "/secrets.log"; }

  // Keeps what `objects_` has.
  void keep(const SnapshotOptions& given) {
    Snapshot snapshot(given);
    snapshot.start(objects_, 0);
    snapshot.flush(objects_);
  }

  Kept kept(const SnapshotOptions& given) {
    Snapshot snapshot(given);
    Kept found;
    snapshot.read([&found](const ObjectKey& key, Json object) { found[key] = std::move(object); });
    problems_.clear();
    snapshot.add_problems(problems_);
    return found;
  }

  static std::string bytes_of(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }

  static void write(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::trunc) << bytes;
  }

  TempDirectory directory_;
  KubeObjects objects_;
  std::vector<std::string> problems_;
};

TEST_F(SnapshotTest, ObjectsComeBackAsTheApiServerSentThem) {
  objects_.put(Kind::kService, service("blue", 80));
  keep(options());
  const Kept found = kept(options());
  ASSERT_THAT(found, SizeIs(1));
  Json expected = service("blue", 80);
  expected["apiVersion"] = "v1";
  expected["kind"] = "Service";
  EXPECT_EQ(found.at(kBlue), expected);
  EXPECT_FALSE(objects_.put(Kind::kService, found.at(kBlue))) << "nothing changed";
  EXPECT_THAT(problems_, IsEmpty());
}

TEST_F(SnapshotTest, ChangesAreWrittenOneSecondAfterTheFirst) {
  Snapshot snapshot(options());
  objects_.put(Kind::kService, service("blue", 80));
  snapshot.start(objects_, 1000);
  snapshot.turn(objects_, 1999);
  EXPECT_FALSE(std::filesystem::exists(file()));
  EXPECT_EQ(snapshot.timeout_ms(1999), 1);
  snapshot.turn(objects_, 2000);
  EXPECT_EQ(snapshot.timeout_ms(2000), -1);
  objects_.put(Kind::kService, service("blue", 81));
  snapshot.touch(kBlue, 5000);
  objects_.put(Kind::kService, service("green", 80));
  snapshot.touch(kGreen, 5500);
  objects_.remove(kBlue);
  snapshot.touch(kBlue, 5900);
  snapshot.turn(objects_, 6000);
  const Kept found = kept(options());
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found.begin()->first, kGreen);
}

TEST_F(SnapshotTest, WhatThereIsNowReplacesWhatWasKept) {
  objects_.put(Kind::kService, service("blue", 80));
  keep(options());
  objects_.remove(kBlue);
  keep(options());
  EXPECT_THAT(kept(options()), IsEmpty());
}

TEST_F(SnapshotTest, SecretsAreKeptOnlyIfAskedForAndInAFileOfTheirOwn) {
  objects_.put(Kind::kSecret, secret());
  objects_.put(Kind::kService, service("blue", 80));
  keep(options());
  EXPECT_THAT(bytes_of(file()), Not(HasSubstr("a2V5")));
  EXPECT_FALSE(std::filesystem::exists(secrets_file()));
  SnapshotOptions with_secrets = options();
  with_secrets.secrets = true;
  keep(with_secrets);
  EXPECT_THAT(bytes_of(file()), Not(HasSubstr("a2V5")));
  for (const std::string& path : {file(), secrets_file()}) {
    struct stat found{};
    ASSERT_EQ(::stat(path.c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777, 0600) << path;
  }
  EXPECT_EQ(kept(with_secrets).at(kTls)["data"], secret()["data"]);
  write(secrets_file() + ".new", "half of a write");
  EXPECT_FALSE(kept(options()).contains(kTls));
  EXPECT_FALSE(std::filesystem::exists(secrets_file())) << "it is not asked for any more";
  EXPECT_FALSE(std::filesystem::exists(secrets_file() + ".new"));
}

TEST_F(SnapshotTest, SecretsThatAreGoneAreNotKept) {
  SnapshotOptions with_secrets = options();
  with_secrets.secrets = true;
  objects_.put(Kind::kSecret, secret());
  keep(with_secrets);
  objects_.remove(kTls);
  keep(with_secrets);
  EXPECT_THAT(bytes_of(secrets_file()), Not(HasSubstr("a2V5")));
}

TEST_F(SnapshotTest, ASnapshotOfAnotherClusterOrControllerIsLeftOut) {
  objects_.put(Kind::kService, service("blue", 80));
  keep(options());
  SnapshotOptions other = options();
  other.server = "https://other.example.com";
  EXPECT_THAT(kept(other), IsEmpty());
  EXPECT_THAT(problems_, ElementsAre(AllOf(HasSubstr(file()), HasSubstr(kServer))));
  other = options();
  other.controller_name = "example.com/other";
  EXPECT_THAT(kept(other), IsEmpty());
  EXPECT_THAT(problems_, ElementsAre(AllOf(HasSubstr(file()), HasSubstr("gateway-controller"))));
}

TEST_F(SnapshotTest, ASnapshotOfANewerVersionIsLeftOut) {
  std::filesystem::create_directory(options().directory);
  KeptLines lines(file());
  lines.add("");
  ASSERT_TRUE(lines.flush([](const KeptLines::Take& take) {
    take(R"({"format":"sluice snapshot of a cluster's objects","version":2})");
    take(R"({"something":"new"})");
  }));
  EXPECT_THAT(kept(options()), IsEmpty());
  EXPECT_THAT(problems_, ElementsAre(AllOf(HasSubstr(file()), HasSubstr("version 2"))));
}

TEST_F(SnapshotTest, AnythingElseThatLiesThereIsAProblemThatNamesIt) {
  std::filesystem::create_directory(options().directory);
  for (const char* text : {"", "\n\n", "apiVersion: v1\n", "{}\n", "\0\0\0\0"}) {
    write(file(), text);
    EXPECT_THAT(kept(options()), IsEmpty());
    EXPECT_THAT(problems_, ElementsAre(HasSubstr(file()))) << text;
  }
  std::filesystem::remove(file());
  std::filesystem::create_directory(file());
  EXPECT_THAT(kept(options()), IsEmpty());
  EXPECT_THAT(problems_, ElementsAre(HasSubstr(file())));
}

TEST_F(SnapshotTest, OfADamagedSnapshotOnlyWholeLinesCount) {
  objects_.put(Kind::kService, service("blue", 80));
  objects_.put(Kind::kService, service("green", 81));
  keep(options());
  const Kept whole = kept(options());
  const std::string bytes = bytes_of(file());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (const char change : {'\x01', '\x80', '\n'}) {
      std::string damaged = bytes;
      damaged[i] = static_cast<char>(damaged[i] ^ change);
      write(file(), damaged);
      for (const auto& [key, object] : kept(options()))
        EXPECT_EQ(object, whole.at(key)) << i;
      EXPECT_THAT(problems_, ElementsAre(HasSubstr(file()))) << i;
    }
  }
}

TEST_F(SnapshotTest, OfATruncatedSnapshotTheBeginningCounts) {
  objects_.put(Kind::kService, service("blue", 80));
  objects_.put(Kind::kService, service("green", 81));
  keep(options());
  const Kept whole = kept(options());
  std::string bytes = bytes_of(file());
  while (!bytes.empty()) {
    const bool between_lines = bytes.back() == '\n';
    bytes.pop_back();
    write(file(), bytes);
    for (const auto& [key, object] : kept(options()))
      EXPECT_EQ(object, whole.at(key));
    // What is missing behind a whole line, and be it a line feed, cannot be known.
    const bool told = !problems_.empty();
    EXPECT_TRUE(told || between_lines || bytes.ends_with('\n')) << bytes.size();
  }
}

TEST_F(SnapshotTest, ADiskThatFailsIsAProblemUntilItIsMended) {
  Snapshot snapshot(options());
  write(options().directory, "a file in its place");
  objects_.put(Kind::kService, service("blue", 80));
  snapshot.start(objects_, 0);
  EXPECT_TRUE(snapshot.turn(objects_, 1000));
  snapshot.add_problems(problems_);
  EXPECT_THAT(problems_, ElementsAre(HasSubstr(options().directory)));
  std::filesystem::remove(options().directory);
  objects_.put(Kind::kService, service("green", 80));
  snapshot.touch(kGreen, 1500);
  EXPECT_FALSE(snapshot.turn(objects_, 1000 + Snapshot::kRetryMs - 1));
  EXPECT_TRUE(snapshot.turn(objects_, 1000 + Snapshot::kRetryMs));
  EXPECT_THAT(kept(options()), SizeIs(2));
  std::vector<std::string> now;
  snapshot.add_problems(now);
  EXPECT_THAT(now, IsEmpty());
}

}  // namespace
}  // namespace sluice::source
