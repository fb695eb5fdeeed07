#include "shared/table/format.h"

#include <gtest/gtest.h>

#include <type_traits>

#include "shared/http/host.h"
#include "shared/http/method.h"

namespace sluice::table {
namespace {

// The layout itself is compared with its page by test/checks/format_page.py.
template <class... Records>
constexpr bool can_lie_in_shared_memory() {
  return ((std::is_trivially_copyable_v<Records> && std::is_standard_layout_v<Records> &&
           alignof(Records) <= 8 && sizeof(Records) % 8 == 0) &&
          ...);
}

static_assert(can_lie_in_shared_memory<Tab, Line, Root, Group, Listener, Shard, Entry, Node>());
static_assert(can_lie_in_shared_memory<Condition, HeaderIndex, IndexName, IndexBucket>());
static_assert(can_lie_in_shared_memory<RegexList, RegexEntry, PatternList, Pattern, PatternSet>());
static_assert(can_lie_in_shared_memory<Action, BackendShare>());
static_assert(can_lie_in_shared_memory<EndpointSlot, EndpointList, Endpoint>());

TEST(FormatTest, WordsOfTheHttpRoomHaveTheValuesOfTheTable) {
  EXPECT_EQ(static_cast<int>(http::HostForm::kExact), static_cast<int>(HostKind::kExact));
  EXPECT_EQ(static_cast<int>(http::HostForm::kWildcard), static_cast<int>(HostKind::kWildcard));
  EXPECT_EQ(static_cast<int>(http::HostForm::kAny), static_cast<int>(HostKind::kAny));
  EXPECT_EQ(http::kMaxHostBytes, kMaxHostBytes);
  EXPECT_EQ(http::method_bit("GET"), kGet);
  EXPECT_EQ(http::method_bit("HEAD"), kHead);
  EXPECT_EQ(http::method_bit("POST"), kPost);
  EXPECT_EQ(http::method_bit("PUT"), kPut);
  EXPECT_EQ(http::method_bit("DELETE"), kDelete);
  EXPECT_EQ(http::method_bit("CONNECT"), kConnect);
  EXPECT_EQ(http::method_bit("OPTIONS"), kOptions);
  EXPECT_EQ(http::method_bit("TRACE"), kTrace);
  EXPECT_EQ(http::method_bit("PATCH"), kPatch);
  EXPECT_EQ(http::method_bit("get"), kOtherMethod);
}

}  // namespace
}  // namespace sluice::table
