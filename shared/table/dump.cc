#include "shared/table/dump.h"

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdio>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "shared/base/bytes.h"
#include "shared/table/dump_filters.h"
#include "shared/table/dump_text.h"
#include "shared/table/filter_reader.h"
#include "shared/table/networks.h"
#include "shared/table/tab.h"

namespace sluice::table {
namespace {

// Walks one table. Records and texts are counted against what a table of that size can have, so
// that a corrupt one whose blobs overlap ends too.
class Dumper {
 public:
  Dumper(const Reader& reader, const DumpOptions& options)
      : reader_(reader),
        options_(options),
        budget_(4 * reader.units() + 1000),
        text_budget_(512 * reader.units() + (1 << 20)) {}

  std::string run();

 private:
  struct ListenerText {
    std::string head;
    std::string tries;
    std::uint32_t id = 0;
    std::vector<std::string> sockets;
    std::vector<std::string> names;
  };

  template <class Record>
  std::optional<Record> read(Offset offset, std::uint64_t skip_bytes = 0, std::uint32_t index = 0) {
    if (budget_ == 0) return std::nullopt;
    --budget_;
    return reader_.read_element<Record>(offset, skip_bytes, index);
  }

  std::string text(Offset offset, std::uint64_t skip_bytes, std::uint64_t bytes);

  void line(const std::string& text) { out_ += text + "\n"; }

  void broken(const std::string& what) { line("!! " + what); }

  void groups(const Tab& tab);
  void listeners(const Tab& tab);
  std::string tls_text(Offset offset);
  std::string certificate_text(Offset offset, std::size_t behind, std::uint32_t index);
  std::string options_text(Offset offset);
  void shards_by_listener(const Tab& tab);
  void shards_of(std::uint32_t listener);
  void shard(const Shard& shard);
  void regexes(Offset offset);
  void node(Offset offset);
  void index(const std::string& head, Offset offset);
  void entry(std::string head, const Entry& entry);
  std::string conditions(const Entry& entry);
  std::string action(Offset offset, const Entry& entry);
  std::string rule_text(const Action& action);
  std::string filters(Offset offset);
  void patterns(Offset offset);
  bool has_set(Offset offset, std::uint64_t hash);
  void backends();
  std::string place(const std::string& name, std::uint64_t value) const;

  const Reader& reader_;
  const DumpOptions& options_;
  std::uint64_t budget_;       // records
  std::uint64_t text_budget_;  // bytes: matches of one rule repeat its action
  std::string out_;
  Offset pattern_list_ = 0;
  std::map<std::uint32_t, std::pair<Group, std::string>> groups_;  // by id
  std::map<std::uint32_t, std::vector<std::pair<std::string, Shard>>> shards_;
  std::set<std::tuple<std::string, std::uint32_t, std::uint32_t>> backends_;  // name, slot, life
};

std::string tries_text(std::uint64_t wildcard_labels, bool exact, bool any) {
  std::string result = exact ? " exact" : "";
  if (wildcard_labels != 0) result += " *.(" + mask_text(wildcard_labels) + ")";
  if (any) result += " any";
  return result.empty() ? " nothing" : result;
}

std::string joined(std::vector<std::string> words) {
  std::ranges::sort(words);
  std::string result;
  for (const std::string& word : words) {
    result += (result.empty() ? "" : " ") + word;
  }
  return "[" + result + "]";
}

std::string Dumper::text(Offset offset, std::uint64_t skip_bytes, std::uint64_t bytes) {
  if (bytes == 0) return {};
  const auto view = reader_.text(offset, skip_bytes, bytes);
  if (!view || bytes > text_budget_) return "!!";
  text_budget_ -= bytes;
  return std::string(*view);
}

std::string Dumper::place(const std::string& name, std::uint64_t value) const {
  return options_.placement ? "  " + name + "=" + std::to_string(value) : "";
}

std::string Dumper::run() {
  const auto root = read<Root>(reader_.root());
  if (!root) return "no table\n";
  pattern_list_ = root->patterns;
  line("table v" + std::to_string(kMajor) + place("generation", root->generation) +
       place("offset", reader_.root()));
  groups(root->sockets);
  groups(root->named);
  shards_by_listener(root->shards);
  listeners(root->listeners);
  for (const auto& [id, orphans] : shards_) {
    line("no listener");
    shards_of(id);
  }
  patterns(root->patterns);
  if (options_.endpoints != nullptr || options_.placement) backends();
  if (budget_ == 0) broken("more records than can be");
  return out_;
}

std::string_view transport_text(Transport transport) {
  return transport == Transport::kUdp ? "/udp" : "";
}

std::string_view mode_text(ListenerMode mode) {
  switch (mode) {
    case ListenerMode::kHttp:
      return "";
    case ListenerMode::kTlsPassthrough:
      return "  tls passthrough";
    case ListenerMode::kTlsTerminate:
      return "  tls terminate";
    case ListenerMode::kTcp:
      return "  tcp";
    case ListenerMode::kUdp:
      return "  udp";
  }
  return "  !! mode";
}

std::string_view route_kind_text(RouteKind kind) {
  switch (kind) {
    case RouteKind::kHttpRoute:
      return "";
    case RouteKind::kGrpcRoute:
      return " grpc";
    case RouteKind::kTlsRoute:
      return " tls";
    case RouteKind::kTcpRoute:
      return " tcp";
    case RouteKind::kUdpRoute:
      return " udp";
  }
  return " !!";
}

void Dumper::groups(const Tab& tab) {
  std::vector<std::string> lines;
  const bool whole = for_each_in_tab(reader_, tab, [&](Offset offset) {
    const auto group = read<Group>(offset);
    if (!group) return broken("a group does not fit");
    std::string name = group->kind == GroupKind::kSocket
                           ? address_text(group->family, group->address, group->port)
                           : quoted(text(group->name, 0, group->name_bytes));
    if (group->kind == GroupKind::kSocket) {
      name += transport_text(group->transport);
    } else if (group->port != 0) {
      name += ":" + std::to_string(group->port);
    }
    lines.push_back("group " + name + "  tries" +
                    tries_text(group->wildcard_labels, group->has_exact != 0, group->has_any != 0) +
                    (group->tls != 0 ? "  tls" : "") +
                    (group->proxy_protocol != 0 ? "  proxy-protocol" : "") +
                    (group->raw_tcp != 0 ? "  raw-tcp" : "") +
                    (group->server_names != 0 ? "  server-names" : "") + place("id", group->id) +
                    place("offset", offset));
    groups_.try_emplace(group->id, *group, name);
  });
  if (!whole) broken("the groups do not fit");
  std::ranges::sort(lines);
  for (const std::string& text : lines) {
    line(text);
  }
}

void Dumper::listeners(const Tab& tab) {
  std::map<std::pair<std::string, std::string>, ListenerText> found;  // by head and tries
  const bool whole = for_each_in_tab(reader_, tab, [&](Offset offset) {
    const auto listener = read<Listener>(offset);
    if (!listener) return broken("a listener does not fit");
    ListenerText entry;
    entry.id = listener->id;
    entry.head =
        "listener " + text(listener->gateway, 0, listener->gateway_bytes) + "/" +
        text(listener->name, 0, listener->name_bytes) + "  " +
        host_text(listener->hostname_kind, text(listener->hostname, 0, listener->hostname_bytes)) +
        ":" + std::to_string(listener->port);
    if (listener->client_port != listener->port) {
      entry.head += " client port " + std::to_string(listener->client_port);
    }
    entry.head += mode_text(listener->mode);
    if (listener->backend_proxy_protocol != 0) entry.head += "  proxy-protocol to backends";
    entry.head += place("id", listener->id);
    entry.tries = "  tries" + tries_text(listener->wildcard_labels, listener->has_exact != 0,
                                         listener->has_any != 0);
    if (listener->tls != 0) entry.tries += "\n" + tls_text(listener->tls);
    if (listener->client_certificate != 0) {
      entry.tries += "\n  shows backends " + certificate_text(listener->client_certificate, 0, 0);
    }
    if (listener->options != 0) entry.tries += "\n" + options_text(listener->options);
    const auto group = groups_.find(listener->group);
    ListenerText& merged = found.try_emplace({entry.head, entry.tries}, entry).first->second;
    if (group == groups_.end()) return broken("a listener's group is not there");
    const bool socket = group->second.first.kind == GroupKind::kSocket;
    (socket ? merged.sockets : merged.names).push_back(group->second.second);
  });
  if (!whole) broken("the listeners do not fit");
  for (const auto& [key, listener] : found) {
    const std::string names = listener.names.empty() ? "" : " as " + joined(listener.names);
    line(listener.head + " -> " + joined(listener.sockets) + names);
    line(listener.tries);
    shards_of(listener.id);
    shards_.erase(listener.id);
  }
}

std::string Dumper::tls_text(Offset offset) {
  const auto tls = read<ListenerTls>(offset);
  if (!tls) return "!! how a listener answers handshakes does not fit";
  std::string found = tls->min_version == TlsVersion::kTls13 ? "  tls from 1.3" : "  tls from 1.2";
  if (tls->ciphers != 0) found += "  ciphers " + text(tls->ciphers, 0, tls->ciphers_bytes);
  for (std::uint32_t i = 0; i < tls->certificates; ++i) {
    if (!read<CertificateRef>(offset, sizeof(ListenerTls), i)) {
      return found + "\n!! a certificate does not fit";
    }
    found += "\n  certificate " + certificate_text(offset, sizeof(ListenerTls), i);
  }
  if (tls->client_validation == ClientValidation::kNone) return found;
  const bool all = tls->client_validation == ClientValidation::kAllowInsecureFallback;
  return found + "\n  clients " + (all ? "AllowInsecureFallback" : "AllowValidOnly") + " by " +
         certificate_text(offset, sizeof(ListenerTls), tls->certificates);
}

std::string Dumper::certificate_text(Offset offset, std::size_t behind, std::uint32_t index) {
  const auto ref = read<CertificateRef>(offset, behind, index);
  if (!ref) return "!! does not fit";
  std::array<char, 33> hash{};
  std::snprintf(hash.data(), hash.size(), "%016" PRIx64 "%016" PRIx64, ref->hash[1], ref->hash[0]);
  return text(ref->name, 0, ref->name_bytes) + "  " + hash.data() + "  " +
         std::to_string(ref->bytes) + " bytes" + place("unit", ref->unit);
}

std::string Dumper::options_text(Offset offset) {
  const auto options = read<ListenerOptions>(offset);
  if (!options) return "!! the options of a listener do not fit";
  std::string found;
  const auto limit = [&found](const char* what, std::uint64_t bytes) {
    if (bytes != 0) found += std::string("  max ") + what + " " + std::to_string(bytes);
  };
  limit("body", options->max_body_bytes);
  limit("header", options->max_header_bytes);
  limit("uri", options->max_uri_bytes);
  for (std::uint32_t i = 0; i < options->networks; ++i) {
    const auto network = read<Network>(offset, sizeof(ListenerOptions), i);
    if (!network) return found + "\n!! a network does not fit";
    if (i == 0) found += "  trusts";
    found += " " + http::network_text(to_ip_network(*network));
  }
  return found;
}

void Dumper::shards_by_listener(const Tab& tab) {
  const bool whole = for_each_in_tab(reader_, tab, [&](Offset offset) {
    const auto shard = read<Shard>(offset);
    if (!shard) return broken("a hostname does not fit");
    const std::string name = text(shard->hostname, 0, shard->hostname_bytes);
    shards_[shard->listener].emplace_back(name, *shard);
  });
  if (!whole) broken("the hostnames do not fit");
}

void Dumper::shards_of(std::uint32_t listener) {
  const auto found = shards_.find(listener);
  if (found == shards_.end()) return;
  std::ranges::sort(found->second, {}, [](const auto& shard) {
    return std::pair(shard.second.hostname_kind, shard.first);
  });
  for (const auto& [name, record] : found->second) {
    shard(record);
  }
}

void Dumper::shard(const Shard& shard) {
  line("  host " + host_text(shard.hostname_kind, text(shard.hostname, 0, shard.hostname_bytes)) +
       "  rules " + std::to_string(shard.rules) + "  exact depths " +
       mask_text(shard.exact_depths) + "  prefix depths " + mask_text(shard.prefix_depths) +
       place("lines", shard.nodes.lines));
  if (shard.regexes != 0) regexes(shard.regexes);
  std::vector<std::pair<std::string, Offset>> nodes;  // by path
  const bool whole = for_each_in_tab(reader_, shard.nodes, [&](Offset offset) {
    const auto node = read<Node>(offset);
    if (!node) return broken("a path does not fit");
    const std::uint64_t entries = std::uint64_t{node->exact_entries} + node->prefix_entries;
    nodes.emplace_back(text(offset, sizeof(Node) + entries * sizeof(Entry), node->path_bytes),
                       offset);
  });
  if (!whole) broken("the paths do not fit");
  std::ranges::sort(nodes);
  for (const auto& [path, offset] : nodes) {
    node(offset);
  }
}

void Dumper::regexes(Offset offset) {
  const auto list = read<RegexList>(offset);
  if (!list) return broken("the regular expressions do not fit");
  for (std::uint32_t i = 0; i < list->count; ++i) {
    const auto regex = read<RegexEntry>(offset, sizeof(RegexList), i);
    if (!regex) return broken("a regular expression does not fit");
    entry("regex " + quoted(text(regex->pattern, 0, regex->pattern_bytes)), regex->entry);
  }
  if (list->set_hash == 0) return;
  line(has_set(offset, list->set_hash) ? "    one automaton over the regexes"
                                       : "!! the regexes' automaton is not in the pattern list");
}

// Whether the pattern list has the set, with the patterns of the list at `offset` in order.
bool Dumper::has_set(Offset offset, std::uint64_t hash) {
  const auto list = read<PatternList>(pattern_list_);
  if (!list) return false;
  for (std::uint32_t i = 0; i < list->sets; ++i) {
    const auto set_offset = read<Offset>(list->set_off, 0, i);
    const auto set = set_offset ? read<PatternSet>(*set_offset) : std::nullopt;
    if (!set) return false;
    if (set->hash != hash) continue;
    for (std::uint32_t k = 0; k < set->count; ++k) {
      const auto id = read<std::uint32_t>(*set_offset, sizeof(PatternSet), k);
      const auto regex = read<RegexEntry>(offset, sizeof(RegexList), k);
      if (!id || !regex || *id != regex->pattern_id) return false;
    }
    return true;
  }
  return false;
}

void Dumper::node(Offset offset) {
  const auto node = read<Node>(offset);
  if (!node) return broken("a path does not fit");
  const std::uint64_t count = std::uint64_t{node->exact_entries} + node->prefix_entries;
  const std::string path = text(offset, sizeof(Node) + count * sizeof(Entry), node->path_bytes);
  const std::string exact = "exact " + quoted(path);
  const std::string prefix = "prefix " + (path.empty() ? "/" : quoted(path));
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto record = read<Entry>(offset, sizeof(Node) + i * sizeof(Entry));
    if (!record) return broken("an entry does not fit");
    entry(i < node->exact_entries ? exact : prefix, *record);
  }
  if (node->exact_index != 0) index(exact, node->exact_index);
  if (node->prefix_index != 0) index(prefix, node->prefix_index);
}

void Dumper::index(const std::string& head, Offset offset) {
  const auto record = read<HeaderIndex>(offset);
  if (!record) return broken("a header index does not fit");
  std::vector<std::string> names;
  for (std::uint32_t i = 0; i < record->names; ++i) {
    const auto name = read<IndexName>(offset, sizeof(HeaderIndex), i);
    if (!name) return broken("a header index does not fit");
    names.push_back(quoted(text(name->name, 0, name->name_bytes)));
  }
  std::uint64_t filed = 0;
  const Tab tab{record->lines, record->line_off, 0, 0};
  const bool whole = for_each_in_tab(reader_, tab, [&](Offset bucket_offset) {
    const auto bucket = read<IndexBucket>(bucket_offset);
    if (bucket) filed += bucket->count;
  });
  if (!whole) broken("a header index does not fit");
  line("    index of " + head + "  by " + joined(std::move(names)) + "  filed " +
       std::to_string(filed) + "  others " + std::to_string(record->residual_count));
}

void Dumper::entry(std::string head, const Entry& entry) {
  if (entry.methods != 0) head += "  " + methods_text(entry.methods);
  line("    " + head + conditions(entry) + "  -> " + action(entry.action, entry));
}

std::string Dumper::conditions(const Entry& entry) {
  std::string result;
  std::uint64_t at = 0;
  for (std::uint32_t i = 0; i < std::uint32_t{entry.headers} + entry.queries; ++i) {
    const auto condition = read<Condition>(entry.conditions, at);
    if (!condition) return result + " !!";
    at += sizeof(Condition);
    const std::string name = text(entry.conditions, at, condition->name_bytes);
    at += condition->name_bytes;
    const std::string value = text(entry.conditions, at, condition->value_bytes);
    at = align_up(at + condition->value_bytes, 8);
    const bool regex = condition->kind == ConditionKind::kHeaderRegex ||
                       condition->kind == ConditionKind::kQueryRegex;
    result += (i == 0 ? "  " : " ") + std::string(i < entry.headers ? "header " : "query ") +
              quoted(name) + (regex ? "~" : "=") + quoted(value);
  }
  return result;
}

std::string Dumper::action(Offset offset, const Entry& entry) {
  const auto record = read<Action>(offset);
  if (!record) return "!!";
  std::string result =
      quoted(text(record->route, 0, record->route_bytes)) + " rule " + std::to_string(entry.rule);
  if (entry.rule != record->rule) result += " !!";
  if (record->rule_name_bytes != 0) {
    result += " " + quoted(text(record->rule_name, 0, record->rule_name_bytes));
  }
  result += " match " + std::to_string(entry.match) + rule_text(*record) + " -> ";
  if (record->shares == 0) return result + "500";
  std::uint64_t drawn = 0;
  for (std::uint32_t i = 0; i < record->shares; ++i) {
    const auto share = read<BackendShare>(offset, sizeof(Action), i);
    if (!share) return result + "!!";
    const std::string name = quoted(text(share->name, 0, share->name_bytes));
    if (i != 0) result += ", ";
    result += name;
    const std::uint64_t end = std::uint64_t{share->threshold} + 1;
    if (record->shares > 1) result += " w " + percent_text(end > drawn ? end - drawn : 0);
    drawn = std::max(drawn, end);
    if (share->protocol == BackendProtocol::kHttp2) result += " http2";
    result += filters(share->filters);
    if (share->status != 0) {
      result += " answers " + std::to_string(share->status);
    } else {
      backends_.emplace(name, share->slot, share->incarnation);
    }
  }
  if (drawn != std::uint64_t{1} << 32) result += " !!";
  return result;
}

std::string limit_text(std::string_view name, std::uint32_t limit_ms) {
  if (limit_ms == 0) return "";
  return std::string(name) + (limit_ms == kNoDeadline ? "off" : std::to_string(limit_ms) + "ms");
}

// What a rule does beside choosing a backend.
std::string Dumper::rule_text(const Action& action) {
  std::string result(route_kind_text(action.route_kind));
  result += limit_text(" timeout ", action.request_timeout_ms);
  result += limit_text(" backend timeout ", action.backend_request_timeout_ms);
  if (action.retry != 0) {
    const auto retry = read<Retry>(action.retry);
    result += retry ? retry_text(*retry) : " !!";
  }
  return result + filters(action.filters);
}

std::string Dumper::filters(Offset offset) {
  if (offset == 0) return "";
  const auto list = read<FilterList>(offset);
  if (!list || list->bytes < sizeof *list || list->bytes > kMaxFilterBytes) return " !!";
  return filters_text(text(offset, 0, list->bytes),
                      [this](const std::string& name, const Filter& mirror) {
                        backends_.emplace(name, mirror.slot, mirror.incarnation);
                      });
}

void Dumper::patterns(Offset offset) {
  if (offset == 0) return;
  const auto list = read<PatternList>(offset);
  if (!list) return broken("the pattern list does not fit");
  std::vector<std::string> lines;
  for (std::uint32_t i = 0; i < list->count; ++i) {
    const auto pattern = read<Pattern>(list->patterns, 0, i);
    if (!pattern) return broken("a pattern does not fit");
    lines.push_back("pattern " + quoted(text(pattern->text, 0, pattern->text_bytes)) +
                    place("id", pattern->id));
  }
  std::ranges::sort(lines);
  for (const std::string& text : lines) {
    line(text);
  }
}

void Dumper::backends() {
  for (const auto& [name, slot, incarnation] : backends_) {
    std::string text = "backend " + name + place("slot", slot) + place("incarnation", incarnation);
    if (options_.endpoints != nullptr) {
      text += " ->";
      for (const std::string& endpoint : options_.endpoints(slot, incarnation)) {
        text += " " + endpoint;
      }
    }
    line(text);
  }
}

}  // namespace

std::string dump(const Reader& reader, const DumpOptions& options) {
  return Dumper(reader, options).run();
}

}  // namespace sluice::table
