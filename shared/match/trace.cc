#include "shared/match/trace.h"

#include <utility>

namespace sluice::match {

namespace {

std::string text_or_mark(const table::Reader& reader, table::Offset offset, std::uint64_t bytes) {
  if (bytes == 0) return {};
  const std::optional<std::string_view> text = reader.text(offset, 0, bytes);
  return text ? std::string(*text) : "(unreadable)";
}

std::string host_text(const table::Reader& reader, table::HostKind kind, table::Offset offset,
                      std::uint64_t bytes) {
  const std::string name = text_or_mark(reader, offset, bytes);
  return kind == table::HostKind::kWildcard ? "*." + name : name;
}

}  // namespace

void Trace::listener(const table::Reader& reader, const table::Listener& listener) {
  TraceStep step;
  step.kind = TraceStep::Kind::kListener;
  step.hostname =
      host_text(reader, listener.hostname_kind, listener.hostname, listener.hostname_bytes);
  step.gateway = text_or_mark(reader, listener.gateway, listener.gateway_bytes);
  step.listener = text_or_mark(reader, listener.name, listener.name_bytes);
  steps_.push_back(std::move(step));
}

void Trace::hostname(const table::Reader& reader, const table::Shard& shard) {
  hostname_ = host_text(reader, shard.hostname_kind, shard.hostname, shard.hostname_bytes);
  TraceStep step;
  step.kind = TraceStep::Kind::kHostname;
  step.hostname = hostname_;
  steps_.push_back(std::move(step));
}

void Trace::path(table::PathKind kind, std::string_view path) {
  path_kind_ = kind;
  path_ = kind == table::PathKind::kPrefix && path.empty() ? "/" : path;
}

void Trace::candidate(const table::Reader& reader, const table::Entry& entry, const Loss& loss) {
  TraceStep step;
  step.hostname = hostname_;
  step.path_kind = path_kind_;
  step.path = path_;
  if (const auto action = reader.read<table::Action>(entry.action)) {
    step.route = text_or_mark(reader, action->route, action->route_bytes);
    step.rule_name = text_or_mark(reader, action->rule_name, action->rule_name_bytes);
  }
  step.rule = entry.rule;
  step.match = entry.match;
  step.verdict = loss.verdict;
  step.name = loss.name;
  step.wanted = loss.wanted;
  step.found = loss.found;
  steps_.push_back(std::move(step));
}

std::string_view verdict_name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kWon:
      return "won";
    case Verdict::kPath:
      return "path";
    case Verdict::kMethod:
      return "method";
    case Verdict::kHeaderMissing:
      return "header missing";
    case Verdict::kHeaderDiffers:
      return "header differs";
    case Verdict::kQueryMissing:
      return "query parameter missing";
    case Verdict::kQueryDiffers:
      return "query parameter differs";
    case Verdict::kBroken:
      return "broken";
  }
  return "?";
}

}  // namespace sluice::match
