#include "controller/yaml/yaml_to_json.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <exception>
#include <utility>

namespace sluice::yaml {
namespace {

using nlohmann::json;

constexpr int kMaxDepth = 64;
constexpr std::size_t kMaxYamlBytes = std::size_t{4} << 20;
constexpr std::size_t kMaxJsonBytes = std::size_t{64} << 20;
// What aliases may expand to: a scalar costs its length, every node (with its line) kNodeCost more.
// A document without aliases costs at most some 16 times its text.
constexpr std::size_t kExpandedBytes = std::size_t{8} << 20;
constexpr std::size_t kExpandedPerByte = 32;
constexpr std::size_t kNodeCost = 128;

ParsedDocument failed(int line, std::string message) {
  ParsedDocument out;
  out.error = SyntaxError{line, std::move(message)};
  return out;
}

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

template <class Number>
std::optional<Number> parse_whole(std::string_view digits, int base) {
  Number value{};
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) return {};
  return value;
}

std::optional<json> parse_integer(std::string_view text) {
  const bool negative = text.starts_with('-');
  std::string_view digits = text;
  if (negative || text.starts_with('+')) digits.remove_prefix(1);
  if (digits.empty() || digits[0] < '0' || digits[0] > '9') return {};
  int base = 10;
  if (digits.starts_with("0x") || digits.starts_with("0X")) base = 16;
  if (digits.starts_with("0o")) base = 8;
  if (digits.starts_with("0b")) base = 2;
  if (base != 10) {
    digits.remove_prefix(2);
  } else if (digits.size() > 1 && digits[0] == '0') {
    base = 8;  // YAML 1.1: 0644
  }
  const auto value = parse_whole<std::uint64_t>(digits, base);
  if (!value) return {};
  if (!negative) return json(*value);
  constexpr std::uint64_t kMostNegative = std::uint64_t{1} << 63;
  if (*value > kMostNegative) return {};
  return json(static_cast<std::int64_t>(0 - *value));
}

std::optional<json> parse_float(std::string_view text) {
  if (text.find_first_not_of("+-.0123456789eE") != std::string_view::npos) return {};
  if (text.find_first_of("0123456789") == std::string_view::npos) return {};
  std::string_view digits = text;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size()) return {};
  if (!std::isfinite(value)) return {};
  return json(value);
}

json plain_scalar(const std::string& text) {
  if (is_one_of(text, {"", "~", "null", "Null", "NULL"})) return nullptr;
  if (is_one_of(text, {"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"})) return true;
  if (is_one_of(text, {"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"})) {
    return false;
  }
  if (auto integer = parse_integer(text)) return *integer;
  if (auto number = parse_float(text)) return *number;
  return text;
}

std::string escape_pointer(std::string_view key) {
  std::string out;
  for (const char c : key) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

// The length of the UTF-8 sequence at the start of `text`; 0: not valid.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  const std::size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (length == 1) return 1;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0U) != 0x80) return 0;
  }
  const bool overlong = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90);
  const bool outside = (first == 0xed && byte(1) > 0x9f) || (first == 0xf4 && byte(1) > 0x8f);
  return overlong || outside ? 0 : length;
}

// A byte that cannot be text (not UTF-8, or NUL), which yaml-cpp would hand through.
std::optional<std::size_t> find_bad_byte(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text.substr(at, 4));
    if (length == 0 || text[at] == '\0') return at;
    at += length;
  }
  return {};
}

int line_at(std::string_view text, std::size_t position) {
  const auto end = text.begin() + static_cast<std::ptrdiff_t>(std::min(position, text.size()));
  return 1 + static_cast<int>(std::count(text.begin(), end, '\n'));
}

// Walks yaml-cpp's nodes. Stops at the first error.
class Converter {
 public:
  explicit Converter(std::size_t text_bytes)
      : budget_(kExpandedBytes + kExpandedPerByte * text_bytes) {}

  json convert(const YAML::Node& node, const std::string& pointer, int depth);

  std::optional<SyntaxError> error;
  LineMap lines;

 private:
  json convert_scalar(const YAML::Node& node);
  json convert_map(const YAML::Node& node, const std::string& pointer, int depth);
  bool merge(const YAML::Node& source, json& target, const std::string& pointer, int depth);
  std::optional<std::string> key_text(const YAML::Node& key);
  json fail_at(const YAML::Node& node, std::string message);
  bool spend(const YAML::Node& node, std::size_t bytes);

  std::size_t spent_ = 0;
  std::size_t budget_;
};

json Converter::fail_at(const YAML::Node& node, std::string message) {
  if (!error) error = SyntaxError{node.Mark().line + 1, std::move(message)};
  return nullptr;
}

bool Converter::spend(const YAML::Node& node, std::size_t bytes) {
  spent_ += bytes + kNodeCost;
  if (spent_ <= budget_) return true;
  fail_at(node, "the document's aliases expand to too much; use fewer");
  return false;
}

json Converter::convert_scalar(const YAML::Node& node) {
  const std::string& text = node.Scalar();
  if (!spend(node, text.size())) return nullptr;
  const std::string& tag = node.Tag();
  if (tag == "!" || tag == "tag:yaml.org,2002:str" || tag == "tag:yaml.org,2002:timestamp") {
    return text;
  }
  if (tag == "tag:yaml.org,2002:binary") return text;
  if (tag.empty() || tag == "?" || tag.starts_with("tag:yaml.org,2002:")) return plain_scalar(text);
  return fail_at(node, fmt::format("unknown tag {}", tag));
}

std::optional<std::string> Converter::key_text(const YAML::Node& key) {
  if (!key.IsScalar()) {
    fail_at(key, "a key must be a string");
    return {};
  }
  if (!spend(key, key.Scalar().size())) return {};
  return key.Scalar();
}

bool Converter::merge(const YAML::Node& source, json& target, const std::string& pointer,
                      int depth) {
  if (source.IsSequence()) {
    for (const YAML::Node& each : source) {
      if (!each.IsMap() || !merge(each, target, pointer, depth)) {
        fail_at(source, "a merge key (<<) needs mappings");
        return false;
      }
    }
    return true;
  }
  if (!source.IsMap()) {
    fail_at(source, "a merge key (<<) needs a mapping");
    return false;
  }
  const json merged = convert_map(source, pointer, depth + 1);
  if (error) return false;
  for (const auto& [key, value] : merged.items()) {
    if (!target.contains(key)) target[key] = value;
  }
  return true;
}

json Converter::convert_map(const YAML::Node& node, const std::string& pointer, int depth) {
  if (depth > kMaxDepth) return fail_at(node, fmt::format("nested deeper than {}", kMaxDepth));
  json out = json::object();
  std::vector<YAML::Node> merges;
  for (const auto& entry : node) {
    const YAML::Node& key = entry.first;
    const YAML::Node& value = entry.second;
    const auto name = key_text(key);
    if (!name) return nullptr;
    if (*name == "<<" && key.Tag() != "!") {
      merges.push_back(value);
      continue;
    }
    if (out.contains(*name))
      return fail_at(key, fmt::format("the key \"{}\" is there twice", *name));
    const std::string child = pointer + "/" + escape_pointer(*name);
    lines.insert_or_assign(child, key.Mark().line + 1);
    out[*name] = convert(value, child, depth + 1);
    if (error) return nullptr;
  }
  for (const YAML::Node& source : merges) {
    if (!merge(source, out, pointer, depth)) return nullptr;
  }
  return out;
}

json Converter::convert(const YAML::Node& node, const std::string& pointer, int depth) {
  if (depth > kMaxDepth) return fail_at(node, fmt::format("nested deeper than {}", kMaxDepth));
  switch (node.Type()) {
    case YAML::NodeType::Undefined:
    case YAML::NodeType::Null:
      return nullptr;
    case YAML::NodeType::Scalar:
      return convert_scalar(node);
    case YAML::NodeType::Map:
      return spend(node, 0) ? convert_map(node, pointer, depth) : json(nullptr);
    case YAML::NodeType::Sequence:
      break;
  }
  if (!spend(node, 0)) return nullptr;
  json out = json::array();
  for (const YAML::Node& item : node) {
    const std::string child = fmt::format("{}/{}", pointer, out.size());
    lines.insert_or_assign(child, item.Mark().line + 1);
    out.push_back(convert(item, child, depth + 1));
    if (error) return nullptr;
  }
  return out;
}

// Looks for the first error, so that the parse after it needs no exception: nlohmann throws or
// says nothing.
class JsonChecker : public nlohmann::json_sax<json> {
 public:
  explicit JsonChecker(std::string_view text) : text_(text) {}

  bool null() override { return true; }

  bool boolean(bool) override { return true; }

  bool number_integer(number_integer_t) override { return true; }

  bool number_unsigned(number_unsigned_t) override { return true; }

  bool number_float(number_float_t, const string_t&) override { return true; }

  bool string(string_t&) override { return true; }

  bool binary(binary_t&) override { return true; }

  bool key(string_t&) override { return true; }

  bool start_object(std::size_t) override { return enter(); }

  bool end_object() override { return leave(); }

  bool start_array(std::size_t) override { return enter(); }

  bool end_array() override { return leave(); }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::json::exception& exception) override {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error while ..."
    std::string_view what = exception.what();
    if (const auto colon = what.find(": "); colon != std::string_view::npos) {
      what.remove_prefix(colon + 2);
    }
    error = SyntaxError{line_at(text_, position == 0 ? 0 : position - 1), std::string(what)};
    return false;
  }

  std::optional<SyntaxError> error;

 private:
  bool enter() {
    if (++depth_ <= kMaxDepth) return true;
    error = SyntaxError{1, fmt::format("nested deeper than {}", kMaxDepth)};
    return false;
  }

  bool leave() {
    --depth_;
    return true;
  }

  std::string_view text_;
  int depth_ = 0;
};

// "spec.rules[0].x" -> "spec", "rules", "0", "x"; "labels[a.b/c]" -> "labels", "a.b/c".
std::vector<std::string> field_segments(std::string_view path) {
  std::vector<std::string> out;
  while (!path.empty()) {
    if (path[0] == '.') {
      path.remove_prefix(1);
    } else if (path[0] == '[') {
      const std::size_t close = std::min(path.find(']'), path.size());
      std::string_view inner = path.substr(1, close - 1);
      if (inner.size() >= 2 && inner.front() == '"' && inner.back() == '"') {
        inner = inner.substr(1, inner.size() - 2);
      }
      out.emplace_back(inner);
      path.remove_prefix(std::min(close + 1, path.size()));
    } else {
      const std::size_t end = std::min(path.find_first_of(".["), path.size());
      out.emplace_back(path.substr(0, end));
      path.remove_prefix(end);
    }
  }
  return out;
}

}  // namespace

ParsedDocument parse_yaml(std::string_view text) {
  if (text.size() > kMaxYamlBytes) {
    return failed(1, "one YAML document has more than 4 MiB; split it into several documents");
  }
  if (const auto bad = find_bad_byte(text)) {
    return failed(line_at(text, *bad), "the text is not UTF-8, or has a NUL byte");
  }
  Converter converter(text.size());
  ParsedDocument out;
  try {
    const YAML::Node root = YAML::Load(std::string(text));
    out.json = converter.convert(root, "", 0);
  } catch (const YAML::Exception& exception) {
    const int line = exception.mark.is_null() ? 1 : exception.mark.line + 1;
    return failed(line, exception.msg);
  } catch (const std::exception& exception) {
    return failed(1, exception.what());
  }
  if (converter.error) return failed(converter.error->line, converter.error->message);
  out.lines = std::move(converter.lines);
  return out;
}

ParsedDocument parse_json(std::string_view text) {
  if (text.size() > kMaxJsonBytes) return failed(1, "the JSON text has more than 64 MiB");
  JsonChecker checker(text);
  ParsedDocument out;
  if (!json::sax_parse(text, &checker)) {
    out.error = checker.error.value_or(SyntaxError{1, "not valid JSON"});
    return out;
  }
  out.json = json::parse(text, nullptr, false);
  return out;
}

int find_line(const LineMap& lines, std::string_view prefix, std::string_view field_path) {
  std::string pointer(prefix);
  int line = 0;
  if (const auto found = lines.find(pointer); found != lines.end()) line = found->second;
  for (const std::string& segment : field_segments(field_path)) {
    pointer += "/" + escape_pointer(segment);
    const auto found = lines.find(pointer);
    if (found == lines.end()) break;
    line = found->second;
  }
  return line;
}

}  // namespace sluice::yaml
