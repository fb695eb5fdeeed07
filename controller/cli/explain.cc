// sluicectl explain: which rule answers a request, or relays a connection, and why the others did
// not. The matcher is the one that workers use.
#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <map>
#include <utility>

#include "controller/cli/table_access.h"
#include "controller/cli/target.h"
#include "controller/cli/text_table.h"
#include "controller/cli/verbs.h"
#include "shared/http/header.h"
#include "shared/http/host.h"
#include "shared/http/method.h"
#include "shared/http/path.h"
#include "shared/match/lookup_context.h"
#include "shared/match/matcher.h"
#include "shared/match/trace.h"
#include "shared/table/dump.h"
#include "shared/table/dump_filters.h"
#include "shared/table/dump_text.h"
#include "shared/table/filter_reader.h"
#include "shared/table/tab.h"

namespace sluice::cli {
namespace {

// How it is said what becomes of a client.
struct Words {
  const char* refused;
  const char* invalid;
  const char* empty;
};

constexpr Words kRequestWords = {"answer 404", "500", "503"};
constexpr Words kConnectionWords = {"closed", "closed", "closed"};
constexpr Words kSessionWords = {"dropped", "dropped", "dropped"};

bool is_request(const ExplainOptions& options) {
  return !options.sni && !options.tcp && !options.udp;
}

const Words& words_for(const ExplainOptions& options) {
  if (is_request(options)) return kRequestWords;
  return options.udp ? kSessionWords : kConnectionWords;
}

// The request, normalised as a worker does it. Owns its texts.
struct Request {
  std::array<char, http::kMaxHostBytes> host_buffer{};
  std::string path_buffer;
  std::string raw_path;
  std::vector<std::pair<std::string, std::string>> header_texts;
  std::vector<match::HeaderView> headers;
  match::RequestView view;
};

Result<void> prepare_headers(const ExplainOptions& options, Request& request) {
  for (const std::string& line : options.headers) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos || colon == 0) {
      return fail(Errc::kInvalid, fmt::format("header \"{}\" is not \"Name: value\"", line));
    }
    const std::size_t value = line.find_first_not_of(" \t", colon + 1);
    request.header_texts.emplace_back(
        line.substr(0, colon), value == std::string::npos ? std::string() : line.substr(value));
  }
  for (const auto& [name, value] : request.header_texts) {
    request.headers.push_back({http::header_name_hash(name), name, value});
  }
  request.view.headers = request.headers;
  return {};
}

Result<void> prepare(const ExplainOptions& options, Request& request) {
  const std::string& written = options.sni.value_or(options.host);
  if (is_request(options) || !written.empty()) {
    const auto host = http::normalise_host(written, request.host_buffer);
    if (!host) return fail(Errc::kInvalid, fmt::format("\"{}\" is no host", written));
    request.view.host = *host;
  }
  request.raw_path = options.path;
  std::string_view raw = request.raw_path;
  std::string_view query = options.query;
  if (const std::size_t mark = raw.find('?'); mark != std::string_view::npos) {
    if (query.empty()) query = raw.substr(mark + 1);
    raw = raw.substr(0, mark);
  }
  request.path_buffer.resize(raw.size());
  const http::NormalisedPath path = http::normalise_path(raw, request.path_buffer);
  const bool usable =
      path.status == http::PathStatus::kUnchanged || path.status == http::PathStatus::kChanged;
  if (!usable)
    return fail(Errc::kInvalid, fmt::format("\"{}\" is no path: a worker answers 400", raw));
  request.view.path = path.path;
  request.view.query = query.starts_with('?') ? query.substr(1) : query;
  request.view.method = http::method_bit(options.method);
  return prepare_headers(options, request);
}

// Whether what comes may come to such a socket.
bool fits(const table::Group& group, const ExplainOptions& options) {
  if ((group.transport == table::Transport::kUdp) != options.udp) return false;
  if (options.udp) return true;
  return options.tcp == (group.raw_tcp != 0) && (!options.sni || group.tls != 0);
}

// The groups of listeners that the client may reach, with their names.
std::vector<std::pair<std::string, match::GroupKey>> find_groups(const table::Reader& reader,
                                                                 const ExplainOptions& options) {
  std::vector<std::pair<std::string, match::GroupKey>> out;
  if (!options.gateway.empty()) {
    match::GroupKey key;
    key.named = true;
    key.gateway = options.gateway;
    key.port = options.port;
    out.emplace_back("gateway " + options.gateway, key);
    return out;
  }
  const auto root = reader.read<table::Root>(reader.root());
  if (!root) return out;
  table::for_each_in_tab(reader, root->sockets, [&](table::Offset offset) {
    const auto group = reader.read<table::Group>(offset);
    if (!group || (options.port != 0 && group->port != options.port)) return;
    if (!fits(*group, options)) return;
    match::GroupKey key;
    key.socket.transport = group->transport;
    key.socket.family = group->family;
    key.socket.port = group->port;
    std::copy(std::begin(group->address), std::end(group->address), std::begin(key.socket.address));
    out.emplace_back(table::address_text(group->family, group->address, group->port), key);
  });
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  return out;
}

std::string path_kind_name(table::PathKind kind) {
  switch (kind) {
    case table::PathKind::kExact:
      return "exact";
    case table::PathKind::kRegex:
      return "regex";
    case table::PathKind::kPrefix:
      break;
  }
  return "prefix";
}

std::string verdict_text(const match::TraceStep& step) {
  if (step.verdict == match::Verdict::kWon) return "wins";
  std::string text = "lost: " + std::string(match::verdict_name(step.verdict));
  if (!step.name.empty()) text += fmt::format(" {}", step.name);
  if (!step.wanted.empty()) text += fmt::format(", wanted \"{}\"", step.wanted);
  if (!step.found.empty()) text += fmt::format(", found \"{}\"", step.found);
  return text;
}

std::string trace_text(const match::Trace& trace) {
  std::string out;
  std::vector<Row> rows;
  const auto flush = [&] {
    const std::string table = format_table(std::exchange(rows, {}));
    for (std::size_t at = 0; at < table.size();) {
      const std::size_t end = table.find('\n', at) + 1;
      out += "    " + table.substr(at, end - at);
      at = end;
    }
  };
  for (const match::TraceStep& step : trace.steps()) {
    switch (step.kind) {
      case match::TraceStep::Kind::kListener:
        flush();
        out += fmt::format("listener {}/{}\n", step.gateway, step.listener);
        break;
      case match::TraceStep::Kind::kHostname:
        flush();
        out += fmt::format("  hostname {}\n", step.hostname.empty() ? "(any)" : step.hostname);
        break;
      case match::TraceStep::Kind::kCandidate:
        rows.push_back({path_kind_name(step.path_kind) + " " + step.path,
                        fmt::format("{} rule {} match {}", step.route, step.rule, step.match),
                        verdict_text(step)});
        break;
    }
  }
  flush();
  return out;
}

// The bytes of a rule's or a backendRef's FilterList; empty without one.
std::string_view filter_list(const table::Reader& reader, table::Offset offset) {
  if (offset == 0) return {};
  const auto list = reader.read<table::FilterList>(offset);
  if (!list || list->bytes > table::kMaxFilterBytes) return {};
  return reader.text(offset, 0, list->bytes).value_or(std::string_view());
}

std::string filters_of(const table::Reader& reader, table::Offset offset) {
  return table::filters_text(filter_list(reader, offset),
                             [](const std::string&, const table::Filter&) {});
}

bool is_redirect(const table::Reader& reader, table::Offset offset) {
  table::FilterReader filters(filter_list(reader, offset));
  while (const auto filter = filters.next()) {
    if (filter->type == table::FilterType::kRequestRedirect) return true;
  }
  return false;
}

std::string shares_text(const table::Reader& reader, const match::Match& match,
                        const table::EndpointLookup& endpoints, const Words& words) {
  if (match.action.shares == 0) {
    if (is_redirect(reader, match.action.filters)) return "";
    return fmt::format("  {}: the rule has no backend\n", words.invalid);
  }
  std::string out;
  std::uint64_t below = 0;
  for (std::uint32_t i = 0; i < match.action.shares; ++i) {
    const auto share =
        reader.read_element<table::BackendShare>(match.entry.action, sizeof(table::Action), i);
    if (!share) return out + "  (broken)\n";
    const auto name = reader.text(share->name, 0, share->name_bytes);
    const std::uint64_t through = std::uint64_t{share->threshold} + 1;
    std::string addresses;
    if (share->status == 0) {
      for (const std::string& each : endpoints(share->slot, share->incarnation)) {
        addresses += " " + each;
      }
    }
    out += fmt::format("  {:>8} {}{} ->{}\n", table::percent_text(through - below),
                       name ? *name : std::string_view("?"), filters_of(reader, share->filters),
                       share->status != 0  ? fmt::format(" {}: invalid reference", words.invalid)
                       : addresses.empty() ? fmt::format(" {}: no ready endpoint", words.empty)
                                           : addresses);
    below = through;
  }
  return out;
}

// A connection whose server name is that of an HTTPS listener.
bool is_for_requests(const match::Match& match, bool request) {
  return !request && match.outcome == match::Outcome::kNoRule &&
         match.listener.mode == table::ListenerMode::kHttp;
}

std::string_view kind_text(table::RouteKind kind) {
  switch (kind) {
    case table::RouteKind::kHttpRoute:
      break;
    case table::RouteKind::kGrpcRoute:
      return " grpc";
    case table::RouteKind::kTlsRoute:
      return " tls";
    case table::RouteKind::kTcpRoute:
      return " tcp";
    case table::RouteKind::kUdpRoute:
      return " udp";
  }
  return "";
}

std::string refusal_text(const match::Match& match, bool request, const Words& words) {
  switch (match.outcome) {
    case match::Outcome::kNoGroup:
      return fmt::format("{}: nothing listens there\n", words.refused);
    case match::Outcome::kNoListener:
      return fmt::format("{}: no listener has this {}\n", words.refused,
                         request ? "hostname" : "server name");
    case match::Outcome::kNoRule:
      return fmt::format("{}: no rule matches\n", words.refused);
    default:
      return fmt::format("{}: the table's bytes make no sense\n", words.refused);
  }
}

std::string outcome_text(const table::Reader& reader, const match::Match& match,
                         const table::EndpointLookup& endpoints, const ExplainOptions& options) {
  const Words& words = words_for(options);
  const bool request = is_request(options);
  if (match.outcome != match::Outcome::kMatched) {
    return is_for_requests(match, request)
               ? "HTTPS: each request is answered by its host (--host)\n"
               : refusal_text(match, request, words);
  }
  const auto route = reader.text(match.action.route, 0, match.action.route_bytes);
  return fmt::format("{}:{} {} rule {} match {}{}\n", request ? "answer" : "relayed",
                     kind_text(match.action.route_kind), route ? *route : std::string_view("?"),
                     match.entry.rule, match.entry.match,
                     filters_of(reader, match.action.filters)) +
         shares_text(reader, match, endpoints, words);
}

struct Explanation {
  std::string text;
  bool matched = false;
};

Explanation explain_in(const table::Reader& reader, arena::ReadMapping& mapping,
                       const ExplainOptions& options, const Request& request) {
  Explanation explanation;
  const auto endpoints = table::published_endpoints(mapping);
  std::map<std::string, std::string> sockets_by_text;  // listeners on several sockets: told once
  for (const auto& [name, key] : find_groups(reader, options)) {
    match::LookupContext context;
    match::Trace trace;
    const bool asks = is_request(options);
    const match::Match match =
        asks ? match::find_rule(reader, key, request.view, context, &trace)
             : match::find_relay_rule(reader, key, request.view.host, context, &trace);
    explanation.matched = explanation.matched || match.outcome == match::Outcome::kMatched ||
                          is_for_requests(match, asks);
    const std::string text = trace_text(trace) + outcome_text(reader, match, endpoints, options);
    std::string& names = sockets_by_text[text];
    if (!names.empty()) names += ", ";
    names += name;
  }
  for (const auto& [text, names] : sockets_by_text) {
    explanation.text += names;
    explanation.text += '\n';
    explanation.text += text;
  }
  if (sockets_by_text.empty()) {
    explanation.text = fmt::format("{}: nothing listens there\n", words_for(options).refused);
  }
  return explanation;
}

}  // namespace

int explain(const ExplainOptions& options) {
  Request request;
  if (auto prepared = prepare(options, request); !prepared) return report_error(prepared.error());
  Explanation explanation;
  const Result<void> done =
      read_table(options.target,
                 [&](const table::Reader& reader, arena::ReadMapping& mapping) -> Result<void> {
                   explanation = explain_in(reader, mapping, options, request);
                   return {};
                 });
  if (!done) return report_error(done.error());
  if (is_request(options)) {
    std::printf("%s http://%s%s\n", options.method.c_str(), options.host.c_str(),
                options.path.c_str());
  }
  std::fputs(explanation.text.c_str(), stdout);
  return explanation.matched ? kFine : kNotFound;
}

}  // namespace sluice::cli
