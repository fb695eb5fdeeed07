// Whatever is done to the JSON of an object, decoding it never crashes and keeps its promises.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

#include "controller/model/decode/decode.h"

namespace sluice::model {
namespace {

using Json = nlohmann::json;

// One change to an object; rapidcheck makes them up and leaves out those that do not matter.
struct Mutation {
  std::uint32_t place = 0;
  std::uint8_t what = 0;
  std::string text;
};

// NOLINTNEXTLINE(readability-identifier-naming): the name that rapidcheck calls
void showValue(const Mutation& mutation, std::ostream& out) {
  out << "{" << mutation.place << ", " << int{mutation.what} << ", "
      << Json(mutation.text).dump(-1, ' ', true, Json::error_handler_t::replace) << "}";
}

std::vector<Json> read_seeds() {
  std::vector<Json> seeds;
  for (const auto& entry : std::filesystem::directory_iterator(SLUICE_SEEDS)) {
    std::ifstream file(entry.path());
    seeds.push_back(Json::parse(file));
  }
  return seeds;
}

void collect(Json& value, std::vector<Json*>& out) {
  out.push_back(&value);
  if (!value.is_structured()) return;
  for (Json& child : value)
    collect(child, out);
}

Json odd_value(const Mutation& mutation) {
  const std::vector<Json> values = {nullptr,
                                    true,
                                    0,
                                    -1,
                                    65536,
                                    18446744073709551615U,
                                    1e308,
                                    0.5,
                                    "",
                                    mutation.text,
                                    Json::array(),
                                    Json::object(),
                                    Json::array({nullptr, mutation.text, 1}),
                                    Json{{mutation.text, mutation.text}},
                                    std::string(5000, 'a'),
                                    "*.example.com"};
  return values[mutation.place / 7 % values.size()];
}

void mutate(Json& object, const Mutation& mutation) {
  std::vector<Json*> places;
  collect(object, places);
  Json& place = *places[mutation.place % places.size()];
  if (mutation.what % 4 == 0 && place.is_object() && !place.empty()) {
    place.erase(std::next(place.begin(), mutation.what % static_cast<std::uint8_t>(place.size())));
  } else if (mutation.what % 4 == 1 && place.is_object()) {
    place[mutation.text] = odd_value(mutation);
  } else if (mutation.what % 4 == 2 && place.is_array() && !place.empty()) {
    const std::size_t copies = mutation.what % 70;
    for (std::size_t i = 0; i < copies; ++i)
      place.push_back(Json(place[0]));
  } else {
    place = odd_value(mutation);
  }
}

// Messages and paths end up in logs and JSON: printable, well-formed, with their place.
void check_problem(const Problem& problem) {
  RC_ASSERT(problem.position.file == "web.yaml");
  RC_ASSERT(!problem.message.empty());
  for (const std::string& text : {problem.message, problem.field}) {
    RC_ASSERT(text.find('\n') == std::string::npos);
    const std::string strict = Json(text).dump();  // throws on broken UTF-8
    RC_ASSERT(Json::parse(strict) == Json(text));
  }
}

void check_decoded(const Decoded& decoded) {
  RC_ASSERT((decoded.object != nullptr) == (decoded.known && decoded.errors.empty()));
  RC_ASSERT(decoded.known || !decoded.errors.empty() || !decoded.ignored_kind.empty());
  if (decoded.object != nullptr) {
    RC_ASSERT(key_of(*decoded.object) == decoded.key);
    RC_ASSERT(!decoded.key.name.name.empty());
    RC_ASSERT(decoded.key.name.ns.empty() != is_namespaced(decoded.key.kind));
  }
  for (const Problem& problem : decoded.errors)
    check_problem(problem);
  for (const Problem& problem : decoded.warnings)
    check_problem(problem);
}

}  // namespace
}  // namespace sluice::model

namespace rc {

template <>
struct Arbitrary<sluice::model::Mutation> {
  static Gen<sluice::model::Mutation> arbitrary() {
    using sluice::model::Mutation;
    return gen::build<Mutation>(gen::set(&Mutation::place), gen::set(&Mutation::what),
                                gen::set(&Mutation::text, gen::string<std::string>()));
  }
};

}  // namespace rc

namespace sluice::model {
namespace {

TEST(DecodeRandomTest, EverySeedIsAccepted) {
  const std::vector<Json> seeds = read_seeds();
  ASSERT_GE(seeds.size(), 10U);
  for (const Json& seed : seeds) {
    const Decoded decoded = decode_object(seed, {"web.yaml", 1});
    EXPECT_TRUE(decoded.errors.empty()) << seed.dump() << decoded.errors[0].field;
  }
}

RC_GTEST_PROP(DecodeRandomTest, MutatedObjectsAreAcceptedOrRefusedWithAReason,
              (std::uint8_t seed, const std::vector<Mutation>& mutations)) {
  static const std::vector<Json> seeds = read_seeds();
  Json object = seeds[seed % seeds.size()];
  for (const Mutation& mutation : mutations)
    mutate(object, mutation);
  const Decoded decoded = decode_object(object, {"web.yaml", 1});
  check_decoded(decoded);
  const Decoded again = decode_object(object, {"web.yaml", 1});
  RC_ASSERT(again.errors == decoded.errors);
  RC_ASSERT(again.warnings == decoded.warnings);
}

}  // namespace
}  // namespace sluice::model
