#include "shared/keeper/message.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <cstring>

namespace sluice::keeper {
namespace {

struct Pair {
  UniqueFd worker;
  UniqueFd controller;
};

Pair connected_pair() {
  std::array<int, 2> fds{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds.data()), 0);
  return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

Message message_of(std::string verb, std::vector<std::pair<std::string, std::string>> values) {
  Message message;
  message.verb = std::move(verb);
  message.values = std::move(values);
  return message;
}

TEST(MessageTest, WhatIsEncodedDecodesToTheSameValues) {
  const Message sent = message_of(
      "failed", {{"socket", "tcp/[::1]:80"}, {"error", "100% wrong: a=b \n\x01\xc3\xa9"}});
  const std::string packet = encode(sent);
  EXPECT_EQ(packet, "failed socket=tcp/[::1]:80 error=100%25%20wrong:%20a=b%20%0A%01%C3%A9");
  const Result<Message> got = decode(packet);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->verb, "failed");
  EXPECT_EQ(got->values, sent.values);
  EXPECT_EQ(got->value("absent"), "");
}

TEST(MessageTest, AMessageWithoutValuesIsItsVerb) {
  EXPECT_EQ(encode(message_of("ready", {})), "ready");
  const Result<Message> got = decode("ready");
  ASSERT_TRUE(got);
  EXPECT_TRUE(got->values.empty());
}

TEST(MessageTest, AnEmptyValueSurvives) {
  const Result<Message> got = decode("hello instance=");
  ASSERT_TRUE(got);
  ASSERT_EQ(got->values.size(), 1U);
  EXPECT_EQ(got->value("instance"), "");
}

TEST(MessageTest, MalformedPacketsAreRefused) {
  for (const char* packet :
       {"", " ", "Hello", "hello x", "hello =x", "hello a=%", "hello a=%2", "hello a=%zz",
        "hello  a=b", "hello a=\x01", "hel1o", "hello a=\xff"}) {
    EXPECT_FALSE(decode(packet)) << '"' << packet << '"';
  }
  EXPECT_FALSE(decode("hello a=" + std::string(kMaxMessageBytes, 'x')));
}

TEST(MessageTest, ADescriptorTravelsWithItsMessage) {
  Pair pair = connected_pair();
  UniqueFd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(
      send(pair.controller.get(), message_of("give", {{"socket", "tcp/127.0.0.1:1"}}), file.get()));
  Message got;
  ASSERT_EQ(receive(pair.worker.get(), got), Received::kMessage);
  EXPECT_EQ(got.value("socket"), "tcp/127.0.0.1:1");
  ASSERT_TRUE(got.fd);
  struct stat sent{};
  struct stat received{};
  ASSERT_EQ(::fstat(file.get(), &sent), 0);
  ASSERT_EQ(::fstat(got.fd.get(), &received), 0);
  EXPECT_EQ(sent.st_rdev, received.st_rdev);
  EXPECT_NE(::fcntl(got.fd.get(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_EQ(receive(pair.worker.get(), got), Received::kNothing);
}

TEST(MessageTest, AMessageWithoutADescriptorClearsTheOneBefore) {
  Pair pair = connected_pair();
  Message got;
  got.fd = UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(send(pair.worker.get(), message_of("ready", {})));
  ASSERT_EQ(receive(pair.controller.get(), got), Received::kMessage);
  EXPECT_FALSE(got.fd);
}

TEST(MessageTest, ADescriptorBeyondTheFirstIsClosed) {
  Pair pair = connected_pair();
  UniqueFd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const std::array<int, 2> fds{file.get(), file.get()};
  char text[] = "have socket=x";
  iovec part{text, sizeof(text) - 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(fds))> control{};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  cmsghdr* rights = CMSG_FIRSTHDR(&header);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof(fds));
  std::memcpy(CMSG_DATA(rights), fds.data(), sizeof(fds));
  ASSERT_GT(::sendmsg(pair.worker.get(), &header, 0), 0);

  Message got;
  ASSERT_EQ(receive(pair.controller.get(), got), Received::kMessage);
  ASSERT_TRUE(got.fd);
  UniqueFd next(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(next.get(), got.fd.get() + 1) << "the second descriptor is still open";
}

TEST(MessageTest, AnUndecodablePacketIsSkippedForTheNextOne) {
  Pair pair = connected_pair();
  const std::string huge(kMaxMessageBytes + 1, 'a');
  ASSERT_GT(::send(pair.worker.get(), "?!", 2, 0), 0);
  ASSERT_GT(::send(pair.worker.get(), huge.data(), huge.size(), 0), 0);
  ASSERT_TRUE(send(pair.worker.get(), message_of("ready", {})));
  Message got;
  EXPECT_EQ(receive(pair.controller.get(), got), Received::kMessage);
  EXPECT_EQ(got.verb, "ready");
}

TEST(MessageTest, AClosedPeerIsReportedAfterWhatItSaid) {
  Pair pair = connected_pair();
  ASSERT_TRUE(send(pair.worker.get(), message_of("ready", {})));
  pair.worker.reset();
  Message got;
  EXPECT_EQ(receive(pair.controller.get(), got), Received::kMessage);
  EXPECT_EQ(receive(pair.controller.get(), got), Received::kClosed);
  const Result<void> sent = send(pair.controller.get(), message_of("drop", {}));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, Errc::kUnavailable);
}

TEST(MessageTest, AFullQueueFailsInsteadOfBlocking) {
  Pair pair = connected_pair();
  bool full = false;
  for (int i = 0; i < 100000 && !full; ++i) {
    const Result<void> sent =
        send(pair.controller.get(), message_of("generation", {{"generation", "1"}}));
    full = !sent;
    if (full) {
      EXPECT_EQ(sent.error().code, Errc::kUnavailable);
    }
  }
  EXPECT_TRUE(full);
}

TEST(MessageTest, AMessageThatIsTooLongIsNotSent) {
  Pair pair = connected_pair();
  const Result<void> sent = send(
      pair.worker.get(), message_of("failed", {{"error", std::string(kMaxMessageBytes, ' ')}}));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, Errc::kInvalid);
}

}  // namespace
}  // namespace sluice::keeper
