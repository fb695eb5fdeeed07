#include "controller/kube/status_reply.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

namespace sluice::kube {

namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxMessageBytes = 500;

std::string text_at(const Json& object, std::string_view key) {
  const auto found = object.find(key);
  return found == object.end() || !found->is_string() ? "" : found->get<std::string>();
}

std::string one_line(std::string text) {
  if (text.size() > kMaxMessageBytes) text = text.substr(0, kMaxMessageBytes) + "...";
  std::replace_if(
      text.begin(), text.end(), [](char each) { return static_cast<unsigned char>(each) < ' '; },
      ' ');
  return text;
}

bool has_cause(const Json& status, std::string_view wanted) {
  const auto details = status.find("details");
  if (details == status.end() || !details->is_object()) return false;
  const auto causes = details->find("causes");
  if (causes == details->end() || !causes->is_array()) return false;
  return std::any_of(causes->begin(), causes->end(), [&](const Json& each) {
    return each.is_object() && text_at(each, "reason") == wanted;
  });
}

}  // namespace

StatusReply read_status(const Json& status) {
  StatusReply reply;
  if (status.is_object()) {
    const auto code = status.find("code");
    if (code != status.end() && code->is_number_integer()) reply.code = code->get<int>();
    reply.reason = text_at(status, "reason");
    reply.message = one_line(text_at(status, "message"));
    reply.version_too_large = has_cause(status, "ResourceVersionTooLarge");
  }
  if (reply.message.empty()) reply.message = fmt::format("status {}", reply.code);
  return reply;
}

StatusReply read_status(const Reply& reply) {
  if (reply.ending != Ending::kComplete) {
    StatusReply failure;
    failure.code = reply.status;
    failure.message = one_line(reply.failure);
    return failure;
  }
  StatusReply said = read_status(Json::parse(reply.body, nullptr, false));
  if (said.message == "status 0" && !reply.body.empty()) said.message = one_line(reply.body);
  if (said.message == "status 0") said.message = fmt::format("status {}", reply.status);
  said.code = reply.status;
  return said;
}

}  // namespace sluice::kube
