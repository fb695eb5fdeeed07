#include "controller/kube/write.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace sluice::kube {

namespace {

using Json = nlohmann::json;

// Bytes that are no UTF-8 can't come from an API server; what is made of them is no concern.
std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Call write(const ObjectPlace& object, std::string method, const Json& body) {
  Call call{object_path(object.resource, object.ns, object.name), {}};
  call.request.method = std::move(method);
  call.request.path = call.key;
  call.request.content_type = "application/json";
  call.request.body = text_of(body);
  return call;
}

Call patch_at(const ObjectPlace& object, std::string_view subresource, const Json& patch,
              std::string_view manager) {
  Call call = write(object, "PATCH", patch);
  call.request.path += fmt::format("{}?fieldManager={}", subresource, percent_encoded(manager));
  call.request.content_type = "application/merge-patch+json";
  return call;
}

}  // namespace

Call merge_patch(const ObjectPlace& object, const Json& patch, std::string_view manager) {
  return patch_at(object, "", patch, manager);
}

Call merge_patch_status(const ObjectPlace& object, const Json& patch, std::string_view manager) {
  return patch_at(object, "/status", patch, manager);
}

Call apply(const ObjectPlace& object, const Json& fields, std::string_view manager,
           Ownership ownership) {
  Call call = write(object, "PATCH", fields);
  call.request.path += fmt::format("?fieldManager={}&force={}", percent_encoded(manager),
                                   ownership == Ownership::kTakeOver ? "true" : "false");
  // JSON is YAML, and older servers know this name only.
  call.request.content_type = "application/apply-patch+yaml";
  return call;
}

Call create(const ObjectPlace& object, const Json& json, std::string_view manager) {
  Call call = write(object, "POST", json);
  call.request.path = fmt::format("{}?fieldManager={}", collection_path(object.resource, object.ns),
                                  percent_encoded(manager));
  return call;
}

Call remove(const ObjectPlace& object, std::string_view uid, std::string_view resource_version) {
  Json options = {{"apiVersion", "v1"}, {"kind", "DeleteOptions"}};
  if (!uid.empty()) options["preconditions"]["uid"] = uid;
  if (!resource_version.empty()) options["preconditions"]["resourceVersion"] = resource_version;
  return write(object, "DELETE", options);
}

}  // namespace sluice::kube
