#include "controller/dns/problems.h"

#include <gmock/gmock.h>

#include <memory>

namespace sluice::dns {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(DnsProblemsTest, ATroubleIsToldAtTheFirstEndpointWithTheName) {
  model::Backend backend;
  backend.meta.name = {"default", "api"};
  backend.meta.position = {"api.yaml", 7};
  backend.endpoints = {
      {"10.0.0.1", 80, ""}, {"", 80, "", "api.example.com"}, {"", 81, "", "api.example.com"}};
  model::Store store;
  store.apply(
      {{model::Kind::kBackend, backend.meta.name}, std::make_shared<const model::Object>(backend)});
  NameBook book;
  book.follow(backend.meta.name, {"api.example.com"}, 0);
  EXPECT_THAT(problems(book, store), IsEmpty());
  for (const Question& question : book.take_due(2, 0))
    book.answer(question, {.failure = "the server failed"}, 0);
  const auto found = problems(book, store);
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found.front().object, "Backend/default/api");
  EXPECT_EQ(found.front().field, "spec.endpoints[1].hostname");
  EXPECT_EQ(found.front().position.line, 7);
  EXPECT_THAT(found.front().message, HasSubstr("the server failed"));
}

}  // namespace
}  // namespace sluice::dns
