#include "controller/cli/offline.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "controller/cli/table_access.h"
#include "shared/table/dump.h"
#include "test/unit/controller/source/followed_directory.h"

namespace sluice::cli {
namespace {

using ::testing::HasSubstr;

const char kObjects[] =
    "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: web}\n"
    "spec:\n  gatewayClassName: sluice\n  listeners: [{name: http, protocol: HTTP, port: 80}]\n"
    "---\napiVersion: sluice.dev/v1alpha1\nkind: Backend\nmetadata: {name: b}\n"
    "spec: {endpoints: [{address: 127.0.0.1, port: 9}]}\n"
    "---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: r}\n"
    "spec:\n  parentRefs: [{name: web}]\n  rules:\n"
    "  - matches: [{path: {type: RegularExpression, value: \"/v[0-9]+\"}}]\n"
    "    backendRefs: [{group: sluice.dev, kind: Backend, name: b}]\n";

class OfflineTest : public ::testing::Test {
 protected:
  OfflineTest() {
    source::write_text(std::filesystem::path(directory->path()) / "a.yaml", kObjects);
    auto loaded = Offline::load(directory->path(), "sluice.dev/gateway-controller");
    if (loaded) offline = std::move(*loaded);
  }

  Result<TemporaryDirectory> directory = TemporaryDirectory::make();
  std::unique_ptr<Offline> offline;
};

TEST_F(OfflineTest, StatusIsThatOfAPerfectDataPlane) {
  ASSERT_NE(offline, nullptr);
  const auto gateway = offline->object({model::Kind::kGateway, {"default", "web"}});
  for (const char* type : {"Accepted", "Programmed"}) {
    EXPECT_THAT(gateway["status"]["conditions"].dump(), HasSubstr(type));
  }
  EXPECT_THAT(gateway["status"].dump(), ::testing::Not(HasSubstr("\"Pending\"")));
  EXPECT_TRUE(offline->object({model::Kind::kGateway, {"default", "none"}}).is_null());
}

TEST_F(OfflineTest, TableIsWrittenWithPatternsToo) {
  TargetOptions target;
  target.directory = directory->path();
  std::string text;
  const Result<void> done = read_table(
      target, [&](const table::Reader& reader, arena::ReadMapping& mapping) -> Result<void> {
        text = table::dump(reader, {false, table::published_endpoints(mapping)});
        return {};
      });
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_THAT(text, HasSubstr("regex /v[0-9]+"));
  EXPECT_THAT(text, HasSubstr("127.0.0.1:9"));
}

TEST(OfflineDirectoryTest, MissingDirectoryIsNotFound) {
  EXPECT_FALSE(Offline::load("/nowhere/at/all", "x/y"));
}

}  // namespace
}  // namespace sluice::cli
