// What comes in a watch.
#include "controller/kube/watch.h"
#include "test/unit/controller/kube/watched_world.h"

namespace sluice::kube {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class WatchStreamTest : public WatchedWorld {};

TEST_F(WatchStreamTest, EventsAreChanges) {
  list({object_json("a", 5)}, 9);
  take();
  data(event_json("ADDED", object_json("b", 10)) + event_json("MODIFIED", object_json("a", 11)) +
       event_json("DELETED", object_json("b", 12)));
  EXPECT_THAT(take(), ElementsAre("put default/b 10", "put default/a 11", "delete default/b 10"));
}

TEST_F(WatchStreamTest, AnEventCutAtAnyByteIsOneEvent) {
  list({}, 9);
  const std::string line = event_json("ADDED", object_json("a", 10));
  for (std::size_t cut = 1; cut < line.size(); ++cut) {
    const std::string name = "o" + std::to_string(cut);
    const std::string whole = event_json("ADDED", object_json(name, 10));
    data(whole.substr(0, cut));
    EXPECT_THAT(take(), IsEmpty()) << cut;
    data(whole.substr(cut));
    EXPECT_THAT(take(), ElementsAre("put default/" + name + " 10")) << cut;
  }
}

TEST_F(WatchStreamTest, AnEventCutByADroppedConnectionIsNotTakenAndTheNextWatchBringsIt) {
  list({}, 9);
  const std::string line = event_json("ADDED", object_json("a", 10));
  for (std::size_t cut = 1; cut < line.size(); ++cut) {
    data(line.substr(0, cut));
    drop();
    open_watch();
    EXPECT_TRUE(asks_for("resourceVersion=9&")) << cut;
  }
  EXPECT_THAT(take(), IsEmpty());
  data(line);
  EXPECT_THAT(take(), ElementsAre("put default/a 10"));
}

TEST_F(WatchStreamTest, TheWatchGoesOnAfterTheLastBookmark) {
  list({object_json("a", 5)}, 9);
  take();
  data(bookmark_json(40));
  pass(Reflector::kSteadyMs);
  drop();
  EXPECT_EQ(wait_for_request(), 0U);
  EXPECT_TRUE(is_watching());
  EXPECT_TRUE(asks_for("resourceVersion=40"));
  EXPECT_THAT(take(), IsEmpty());
}

TEST_F(WatchStreamTest, RepeatedEventsSayNothingNew) {
  list({object_json("a", 5)}, 9);
  take();
  const std::string line = event_json("MODIFIED", object_json("a", 11));
  data(line + line + event_json("ADDED", object_json("a", 11)));
  EXPECT_THAT(take(), ElementsAre("put default/a 11"));
}

TEST_F(WatchStreamTest, OlderEventsOfAnObjectAreIgnored) {
  list({object_json("a", 5)}, 9);
  take();
  data(event_json("MODIFIED", object_json("a", 100)));
  data(event_json("MODIFIED", object_json("a", 99)) + event_json("DELETED", object_json("a", 98)));
  EXPECT_THAT(take(), ElementsAre("put default/a 100"));
}

TEST_F(WatchStreamTest, AnOlderEventOfAnotherObjectCounts) {
  list({}, 9);
  data(event_json("ADDED", object_json("a", 100)) + event_json("ADDED", object_json("b", 99)));
  EXPECT_THAT(take(), ElementsAre("put default/a 100", "put default/b 99"));
  drop();
  wait_for_request();
  EXPECT_TRUE(asks_for("resourceVersion=100"));
}

TEST_F(WatchStreamTest, ADeletedObjectDoesNotComeBackByALateEvent) {
  list({object_json("a", 5)}, 9);
  take();
  data(event_json("DELETED", object_json("a", 12)) + event_json("MODIFIED", object_json("a", 11)) +
       event_json("DELETED", object_json("a", 12)));
  EXPECT_THAT(take(), ElementsAre("delete default/a 5"));
}

TEST_F(WatchStreamTest, An410InTheStreamListsAnewAtOnce) {
  list({object_json("a", 5)}, 9);
  data(event_json("ERROR", status_json(410, "Gone")));
  EXPECT_EQ(wait_for_request(), 0U);
  EXPECT_FALSE(is_watching());
  EXPECT_TRUE(reflector_.synced());
}

TEST_F(WatchStreamTest, ListsThatAreAlwaysTooOldAreAskedForWithPauses) {
  std::uint64_t waited = 0;
  wait_for_request();
  for (int i = 0; i < 6; ++i) {
    reply(200, list_json({}, 9));
    open_watch();
    data(event_json("ERROR", status_json(410, "Gone")));
    waited += wait_for_request();
  }
  EXPECT_GE(waited, 4000U);
}

TEST_F(WatchStreamTest, AnotherErrorInTheStreamWatchesAgainAfterAPause) {
  list({object_json("a", 5)}, 9);
  take();
  data(event_json("ERROR", status_json(500, "InternalError")));
  EXPECT_THAT(reflector_.problem(), HasSubstr("InternalError"));
  EXPECT_GT(wait_for_request(), 0U);
  EXPECT_TRUE(is_watching());
  EXPECT_TRUE(asks_for("resourceVersion=9"));
}

TEST_F(WatchStreamTest, ALineThatIsNoEventEndsTheWatchAndNothingIsLost) {
  for (const char* line : {"null\n", "{\"type\":\"ADDED\"}\n", "{\"type\":\"ADDED\",\"obj\n",
                           "{\"type\":7,\"object\":{}}\n", "[[[[[\n", "\xff\xfe\n"}) {
    FakeTransport transport;
    Reflector reflector(transport, {.resource = {"v1", "services"}, .kind = "Service"}, 1);
    reflector.poll(0);
    transport.reply(200, list_json({object_json("a", 5)}, 9), 0);
    reflector.poll(0);
    transport.begin(0);
    transport.data(std::string(line) + event_json("ADDED", object_json("b", 10)), 0);
    EXPECT_EQ(transport.under_way(), 0U) << line;
    EXPECT_THAT(reflector.problem(), HasSubstr("no event")) << line;
    EXPECT_GT(reflector.timeout_ms(0), 0) << line;
    EXPECT_EQ(reflector.take_events().size(), 1U) << line;
    EXPECT_TRUE(reflector.synced());
  }
}

TEST_F(WatchStreamTest, AnEventOfManyMegabytesIsLeftOutAndTheOthersCount) {
  list({}, 9);
  nlohmann::json huge = object_json("huge", 10);
  huge["data"] = std::string(Reflector::kMaxLineBytes, 'x');
  const std::string line = event_json("ADDED", huge) + event_json("ADDED", object_json("b", 11));
  for (std::size_t at = 0; at < line.size(); at += 1'000'000)
    data(line.substr(at, 1'000'000));
  EXPECT_THAT(take(), ElementsAre("put default/b 11"));
  EXPECT_THAT(reflector_.problem(), HasSubstr("more than 8388608 bytes"));
  EXPECT_TRUE(is_watching());
}

TEST_F(WatchStreamTest, AnEventLargerThanAnyBufferIsTaken) {
  list({}, 9);
  nlohmann::json large = object_json("large", 10);
  large["data"] = std::string(1'500'000, 'x');
  const std::string line = event_json("ADDED", large);
  for (std::size_t at = 0; at < line.size(); at += 16'384)
    data(line.substr(at, 16'384));
  EXPECT_THAT(take(), ElementsAre("put default/large 10"));
}

}  // namespace
}  // namespace sluice::kube
