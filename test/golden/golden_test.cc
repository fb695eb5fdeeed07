// Every folder beside this file is a case: see golden_case.h.
#include <gtest/gtest.h>

#include <cctype>
#include <cstdlib>
#include <string>

#include "test/golden/golden_case.h"

namespace sluice::golden {
namespace {

class GoldenTest : public testing::TestWithParam<std::string> {};

void expect_same(const std::string& path, const std::string& actual) {
  if (std::getenv("SLUICE_GOLDEN_UPDATE") != nullptr) {
    write_file(path, actual);
    return;
  }
  EXPECT_EQ(read_file(path), actual) << "see " << path << "; SLUICE_GOLDEN_UPDATE=1 writes it";
}

TEST_P(GoldenTest, ObjectsMeanWhatTheCaseSays) {
  const std::string folder = std::string(SLUICE_GOLDEN_DIR) + "/" + GetParam() + "/";
  const Outcome outcome = run_case(read_file(folder + "in.yaml"));
  expect_same(folder + "status.yaml", outcome.status);
  expect_same(folder + "table.txt", outcome.table);
}

// "a-route-without-rules" -> "ARouteWithoutRules"
std::string test_name(const testing::TestParamInfo<std::string>& info) {
  std::string name;
  bool upper = true;
  for (const char c : info.param) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) {
      upper = true;
      continue;
    }
    name += upper ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    upper = false;
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(Cases, GoldenTest, testing::ValuesIn(case_names()), test_name);

TEST(GoldenSuiteTest, HasAtLeastSixtyCases) {
  EXPECT_GE(case_names().size(), 60U);
}

}  // namespace
}  // namespace sluice::golden
