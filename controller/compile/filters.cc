#include "controller/compile/filters.h"

#include <algorithm>
#include <string>
#include <variant>

#include "shared/http/header.h"

namespace sluice::compile {
namespace {

bool has_header(const std::vector<table::HeaderEdit>& edits, table::PartKind kind,
                std::string_view name) {
  return std::any_of(edits.begin(), edits.end(), [&](const table::HeaderEdit& edit) {
    return edit.kind == kind && http::same_header_name(edit.name, name);
  });
}

// Spec: "If multiple entries specify equivalent header names, the first entry with an equivalent
// name MUST be considered ... Subsequent entries with an equivalent header name MUST be ignored."
void add_edit(table::PartKind kind, const std::string& name, const std::string& value,
              std::vector<table::HeaderEdit>& edits) {
  if (!has_header(edits, kind, name)) edits.push_back({kind, name, value});
}

std::vector<table::HeaderEdit> to_edits(const model::HeaderEdits& written) {
  std::vector<table::HeaderEdit> edits;
  for (const model::HeaderValue& header : written.set) {
    add_edit(table::PartKind::kSetHeader, header.name, header.value, edits);
  }
  for (const model::HeaderValue& header : written.add) {
    add_edit(table::PartKind::kAddHeader, header.name, header.value, edits);
  }
  for (const std::string& name : written.remove) {
    add_edit(table::PartKind::kRemoveHeader, name, "", edits);
  }
  return edits;
}

table::PathEdit to_path_edit(const std::optional<model::PathModifier>& path) {
  if (!path) return table::PathEdit::kNone;
  return path->type == model::PathModifierType::kFullPath ? table::PathEdit::kFull
                                                          : table::PathEdit::kPrefix;
}

std::string path_of(const std::optional<model::PathModifier>& path) {
  return path ? path->value : "";
}

struct ToValue {
  table::FilterValue operator()(const model::RequestHeaderModifier& written) const {
    return table::RequestHeaderModifier{to_edits(written.edits)};
  }

  table::FilterValue operator()(const model::ResponseHeaderModifier& written) const {
    return table::ResponseHeaderModifier{to_edits(written.edits)};
  }

  table::FilterValue operator()(const model::RequestRedirect& written) const {
    return table::RequestRedirect{.status = written.status_code,
                                  .port = written.port.value_or(0),
                                  .scheme = written.scheme.value_or(""),
                                  .hostname = written.hostname.value_or(""),
                                  .path_edit = to_path_edit(written.path),
                                  .path = path_of(written.path)};
  }

  table::FilterValue operator()(const model::UrlRewrite& written) const {
    return table::UrlRewrite{.hostname = written.hostname.value_or(""),
                             .path_edit = to_path_edit(written.path),
                             .path = path_of(written.path)};
  }

  table::FilterValue operator()(const resolve::ResolvedMirror& mirror) const {
    return table::RequestMirror{.backend = mirror.backend,
                                .name = mirror.name,
                                .protocol = to_protocol(mirror.protocol),
                                .numerator = mirror.numerator,
                                .denominator = mirror.denominator};
  }

  table::FilterValue operator()(const model::Cors& written) const {
    return table::Cors{.allow_credentials = written.allow_credentials,
                       .max_age = written.max_age,
                       .allow_origins = written.allow_origins,
                       .allow_methods = written.allow_methods,
                       .allow_headers = written.allow_headers,
                       .expose_headers = written.expose_headers};
  }
};

}  // namespace

table::BackendProtocol to_protocol(resolve::BackendProtocol protocol) {
  return protocol == resolve::BackendProtocol::kHttp2 ? table::BackendProtocol::kHttp2
                                                      : table::BackendProtocol::kHttp1;
}

std::vector<table::FilterValue> to_filters(const std::vector<resolve::ResolvedFilter>& filters) {
  std::vector<table::FilterValue> values;
  values.reserve(filters.size());
  for (const resolve::ResolvedFilter& filter : filters) {
    values.push_back(std::visit(ToValue{}, filter));
  }
  return values;
}

}  // namespace sluice::compile
