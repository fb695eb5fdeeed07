// Prefix replacement against a reference that joins lists of segments.
#include "shared/http/path_rewrite.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace sluice::http {
namespace {

std::vector<std::string> segments_of(const std::string& path) {
  std::vector<std::string> segments;
  std::size_t begin = 1;
  while (begin <= path.size()) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    segments.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return segments;
}

std::string join(const std::vector<std::string>& segments) {
  std::string path;
  for (const std::string& segment : segments)
    path += "/" + segment;
  return path.empty() ? "/" : path;
}

// "/a/b/" as [a, b]; the empty segment behind a last '/' says nothing about a prefix.
std::vector<std::string> prefix_segments(const std::string& prefix) {
  std::vector<std::string> segments = segments_of("/" + prefix);
  while (!segments.empty() && segments.back().empty())
    segments.pop_back();
  while (!segments.empty() && segments.front().empty())
    segments.erase(segments.begin());
  return segments;
}

std::string expected(const std::string& path, std::size_t matched, const std::string& replacement) {
  std::vector<std::string> result = prefix_segments(replacement);
  const std::vector<std::string> all = segments_of(path);
  std::vector<std::string> rest(all.begin() + static_cast<std::ptrdiff_t>(matched), all.end());
  if (rest.empty()) {
    // The replacement stands alone, also with its last '/'.
    const bool slash = replacement.ends_with('/') && !result.empty();
    return join(result) + (slash ? "/" : "");
  }
  if (result.empty()) {
    while (rest.size() > 1 && rest.front().empty())
      rest.erase(rest.begin());
  }
  result.insert(result.end(), rest.begin(), rest.end());
  return join(result);
}

class Random {
 public:
  std::size_t below(std::size_t bound) {
    return std::uniform_int_distribution<std::size_t>(0, bound - 1)(engine_);
  }

  // Segments of a path, now and then an empty one.
  std::vector<std::string> segments(std::size_t most, bool empty_ones) {
    static const std::vector<std::string> texts = {"a", "bc", "x-1", "%2F", "d;e", ".f", ""};
    std::vector<std::string> result(below(most + 1));
    for (std::string& segment : result)
      segment = texts[below(texts.size() - (empty_ones ? 0 : 1))];
    return result;
  }

 private:
  std::mt19937 engine_{20261121};
};

TEST(PathRewriteProperty, PrefixReplacementIsWhatSegmentsSay) {
  Random random;
  for (int i = 0; i < 200'000; ++i) {
    const std::vector<std::string> prefix = random.segments(3, false);
    std::vector<std::string> all = prefix;
    const std::vector<std::string> rest = random.segments(3, true);
    all.insert(all.end(), rest.begin(), rest.end());
    const std::string path = join(all);
    const std::string matched = prefix.empty() ? "" : join(prefix);
    std::string replacement = random.below(8) == 0 ? "" : join(random.segments(2, false));
    if (random.below(3) == 0) replacement += "/";

    std::string buffer(rewritten_path_bytes(path, replacement), '\0');
    const auto result = replace_prefix(path, matched.size(), replacement, buffer);
    ASSERT_TRUE(result) << path << " " << matched << " -> " << replacement;
    // "/" is one empty segment, which no prefix takes.
    const std::size_t taken = std::min(prefix.size(), segments_of(path).size());
    EXPECT_EQ(*result, expected(path, taken, replacement))
        << path << " " << matched << " -> " << replacement;
    EXPECT_TRUE(result->starts_with('/'));
    EXPECT_FALSE(result->starts_with("//"));
  }
}

TEST(PathRewriteProperty, AnyReplacementIsAPathAndFitsItsBound) {
  std::mt19937 engine(20261122);
  for (int i = 0; i < 50'000; ++i) {
    std::string replacement(engine() % 12, '\0');
    for (char& c : replacement)
      c = static_cast<char>(engine());
    std::string buffer(rewritten_path_bytes("/p/rest", replacement), '\0');
    const auto result = replace_prefix("/p/rest", 2, replacement, buffer);
    ASSERT_TRUE(result);
    EXPECT_TRUE(result->starts_with('/'));
    EXPECT_FALSE(result->starts_with("//"));
    EXPECT_TRUE(result->ends_with("/rest"));
    for (const char c : *result) {
      const auto byte = static_cast<unsigned char>(c);
      EXPECT_TRUE(byte > ' ' && byte < 0x7f && c != '?' && c != '#') << *result;
    }
  }
}

}  // namespace
}  // namespace sluice::http
