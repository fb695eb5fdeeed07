// Lists: pages, differences, what they ask for.
#include "controller/kube/watch.h"

#include "test/unit/controller/kube/watched_world.h"

namespace sluice::kube {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class WatchTest : public WatchedWorld {};

TEST_F(WatchTest, AListIsAskedForInPagesOf500) {
  wait_for_request();
  EXPECT_EQ(transport_.request().path, "/apis/gateway.networking.k8s.io/v1/httproutes?limit=500");
  EXPECT_EQ(transport_.request().accept, "application/json");
}

TEST_F(WatchTest, ObjectsOfAListThatLackApiVersionAndKindGetThem) {
  list({object_json("a", 5)}, 9);
  const std::vector<WatchEvent> events = reflector_.take_events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].json["apiVersion"], "gateway.networking.k8s.io/v1");
  EXPECT_EQ(events[0].json["kind"], "HTTPRoute");
  EXPECT_EQ(events[0].object.uid, "uid-a");
}

TEST_F(WatchTest, AllPagesAreOneListAndTheWatchStartsAfterIt) {
  wait_for_request();
  reply(200, list_json({object_json("a", 5)}, 9, "to/b=="));
  EXPECT_FALSE(reflector_.synced());
  wait_for_request();
  EXPECT_TRUE(asks_for("&continue=to%2Fb%3D%3D"));
  reply(200, list_json({object_json("b", 6)}, 9));
  EXPECT_TRUE(reflector_.synced());
  EXPECT_THAT(take(), ElementsAre("put default/a 5", "put default/b 6"));
  wait_for_request();
  EXPECT_TRUE(is_watching());
  EXPECT_TRUE(asks_for("resourceVersion=9"));
  EXPECT_TRUE(asks_for("allowWatchBookmarks=true"));
}

TEST_F(WatchTest, APageTokenThatTheServerForgotStartsTheListOver) {
  wait_for_request();
  reply(200, list_json({object_json("a", 5)}, 9, "page2"));
  wait_for_request();
  refuse(410, "Expired");
  EXPECT_EQ(wait_for_request(), 0U);
  EXPECT_FALSE(asks_for("continue"));
  reply(200, list_json({object_json("a", 5), object_json("b", 6)}, 11));
  EXPECT_THAT(take(), ElementsAre("put default/a 5", "put default/b 6"));
  EXPECT_TRUE(reflector_.synced());
}

TEST_F(WatchTest, ATokenForgottenAgainAndAgainIsAskedForWithPauses) {
  wait_for_request();
  std::uint64_t waited = 0;
  for (int i = 0; i < 4; ++i) {
    reply(200, list_json({}, 9, "page2"));
    wait_for_request();
    refuse(410, "Expired");
    waited += wait_for_request();
  }
  EXPECT_GE(waited, 1000U);
}

TEST_F(WatchTest, A410AtTheListItselfIsTriedAgain) {
  wait_for_request();
  refuse(410, "Expired");
  EXPECT_FALSE(reflector_.settled());
  list({object_json("a", 5)}, 9);
  EXPECT_TRUE(reflector_.synced());
}

TEST_F(WatchTest, AListWithoutChangesTellsNothing) {
  list({object_json("a", 5), object_json("b", 6)}, 9);
  take();
  data(event_json("ERROR", status_json(410, "Expired")));
  EXPECT_EQ(wait_for_request(), 0U);
  EXPECT_FALSE(is_watching());
  reply(200, list_json({object_json("b", 6), object_json("a", 5)}, 30));
  EXPECT_THAT(take(), IsEmpty());
  EXPECT_TRUE(reflector_.synced());
}

TEST_F(WatchTest, ALaterListTellsOnlyWhatIsDifferent) {
  list({object_json("a", 5), object_json("b", 6), object_json("c", 7)}, 9);
  take();
  data(event_json("ERROR", status_json(410, "Expired")));
  wait_for_request();
  reply(200, list_json({object_json("a", 5), object_json("b", 12), object_json("d", 13)}, 30));
  EXPECT_THAT(take(),
              UnorderedElementsAre("put default/b 12", "put default/d 13", "delete default/c 7"));
}

TEST_F(WatchTest, ObjectsOfAPagedListAreNotDroppedBeforeItsEnd) {
  list({object_json("a", 5), object_json("b", 6)}, 9);
  take();
  data(event_json("ERROR", status_json(410, "Expired")));
  wait_for_request();
  reply(200, list_json({object_json("a", 5)}, 30, "page2"));
  EXPECT_THAT(take(), IsEmpty());
  wait_for_request();
  transport_.end(Ending::kNetwork, 0, now_ms_);
  EXPECT_THAT(take(), IsEmpty());
  wait_for_request();
  EXPECT_TRUE(asks_for("continue=page2"));
  reply(200, list_json({object_json("b", 6)}, 30));
  EXPECT_THAT(take(), IsEmpty());
}

// A watch of the metadata of no objects never started: its list has null for its items.
TEST_F(WatchTest, AListWithoutItemsIsEmpty) {
  wait_for_request();
  reply(200, R"({"kind":"PartialObjectMetadataList","metadata":{"resourceVersion":"9"},)"
             R"("items":null})");
  EXPECT_TRUE(reflector_.synced());
  EXPECT_EQ(reflector_.problem(), "");
}

TEST_F(WatchTest, AnObjectMadeAnewUnderItsNameIsDroppedAndPut) {
  list({object_json("a", 5, "old")}, 9);
  take();
  data(event_json("ERROR", status_json(410, "Expired")));
  wait_for_request();
  reply(200, list_json({object_json("a", 20, "new")}, 30));
  EXPECT_THAT(take(), ElementsAre("delete default/a 5", "put default/a 20"));
}

TEST_F(WatchTest, PagesThatAreTooLargeAreAskedForSmaller) {
  wait_for_request();
  transport_.end(Ending::kTooLarge, 200, now_ms_);
  EXPECT_EQ(wait_for_request(), 0U);
  EXPECT_TRUE(asks_for("limit=125"));
}

TEST_F(WatchTest, OneObjectThatIsTooLargeForAPageIsAProblem) {
  std::uint64_t requests = 0;
  while (reflector_.problem().empty() && ++requests < 10) {
    wait_for_request();
    transport_.end(Ending::kTooLarge, 200, now_ms_);
  }
  EXPECT_THAT(reflector_.problem(), HasSubstr("the connection broke"));
  EXPECT_EQ(reflector_.state(), WatchState::kFailing);
  EXPECT_GT(reflector_.timeout_ms(now_ms_), 0);
}

TEST_F(WatchTest, AnObjectWithoutAUidIsLeftOutAndTheOthersAreThere) {
  nlohmann::json bad = object_json("bad", 4);
  bad["metadata"].erase("uid");
  list({bad, nlohmann::json(17), object_json("a", 5)}, 9);
  EXPECT_THAT(take(), ElementsAre("put default/a 5"));
  EXPECT_TRUE(reflector_.synced());
}

TEST_F(WatchTest, AnAnswerThatIsNoListIsAProblemAndTriedAgain) {
  wait_for_request();
  reply(200, "<html>captive portal</html>");
  EXPECT_THAT(reflector_.problem(), HasSubstr("no list"));
  EXPECT_GT(wait_for_request(), 0U);
}

TEST(MetadataWatchTest, SecretsAreAskedForWithoutTheirData) {
  FakeTransport transport;
  Reflector secrets(transport,
                    {.resource = {"v1", "secrets"},
                     .kind = "Secret",
                     .form = Form::kMetadata,
                     .ns = "team a",
                     .label_selector = "app in (x)"},
                    1);
  secrets.poll(0);
  EXPECT_EQ(transport.request().path,
            "/api/v1/namespaces/team%20a/secrets?limit=500&labelSelector=app%20in%20%28x%29");
  EXPECT_EQ(transport.request().accept,
            "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1");
  transport.reply(200, list_json({}, 3), 0);
  secrets.poll(0);
  EXPECT_EQ(transport.request().accept,
            "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1");
  EXPECT_TRUE(transport.request().streaming);
}

TEST(MetadataWatchTest, AReflectorThatGoesTakesItsRequestWithIt) {
  FakeTransport transport;
  {
    Reflector services(transport, {.resource = {"v1", "services"}, .kind = "Service"}, 1);
    services.poll(0);
    EXPECT_EQ(transport.under_way(), 1U);
  }
  EXPECT_EQ(transport.under_way(), 0U);
}

}  // namespace
}  // namespace sluice::kube
