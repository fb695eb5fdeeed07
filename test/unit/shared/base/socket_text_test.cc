#include "shared/base/socket_text.h"

#include <gmock/gmock.h>

namespace sluice {
namespace {

using ::testing::HasSubstr;

TEST(SocketTextTest, AnAddressAndAPortAreTakenApart) {
  EXPECT_EQ(parse_socket_text("127.0.0.1:53")->address, "127.0.0.1");
  EXPECT_EQ(parse_socket_text("[::1]:5353")->address, "::1");
  EXPECT_EQ(parse_socket_text("[::1]:5353")->port, 5353);
  EXPECT_EQ(why_no_socket_text("127.0.0.1:53"), "");
}

TEST(SocketTextTest, EverythingElseIsRefusedWithWhatIsValid) {
  for (const char* bad : {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:70000", ":53",
                          "localhost:53", "::1:53", "[::1]", "[127.0.0.1]:53", "1.2.3.4:53,x"}) {
    EXPECT_FALSE(parse_socket_text(bad)) << bad;
    EXPECT_THAT(why_no_socket_text(bad), HasSubstr("ADDRESS:PORT")) << bad;
  }
}

}  // namespace
}  // namespace sluice
