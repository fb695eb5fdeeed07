#include "shared/table/tab_writer.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "shared/table/keys.h"

namespace sluice::table {
namespace {

constexpr std::uint32_t kPairs = 10;
constexpr std::uint32_t kPageBytes = kLinesPerPage * sizeof(Line);
// Load of a table that is written anew, and the loads between which it is left as it is; of 10.
constexpr double kFreshLoad = 6.5;
constexpr std::uint64_t kMostLoadTenths = 85;
constexpr std::uint64_t kLeastLoadTenths = 10;

std::uint32_t page_count(std::uint32_t lines) {
  return (lines + kLinesPerPage - 1) / kLinesPerPage;
}

// Finds room for the key in `lines`, through line(i) -> Line&; false when there is none.
template <class LineAt>
bool insert(std::uint32_t lines, const TabKey& key, LineAt&& line_at) {
  std::uint32_t index = line_of(key.hash, lines);
  for (std::uint32_t probe = 0; probe < kMaxProbes; ++probe) {
    Line& line = line_at(index);
    if (line.count < kPairs) {
      line.tag[line.count] = tag_of(key.hash);
      line.off[line.count] = key.offset;
      ++line.count;
      return true;
    }
    line.overflow = 1;
    index = index + 1 == lines ? 0 : index + 1;
  }
  return false;
}

// The copy-on-write of one Tab within one commit.
class TabCopy {
 public:
  TabCopy(Transaction& tx, const Tab& old) : tx_(tx), tab_(old) {
    if (tab_.paged == 0) {
      run_ = copy(tab_.off, tab_.lines * std::uint32_t{sizeof(Line)}, 64);
    } else {
      run_ = copy(tab_.off, page_count(tab_.lines) * std::uint32_t{sizeof(Offset)}, 8);
      pages_.resize(page_count(tab_.lines));
    }
    tab_.off = run_.offset;
  }

  // False: no room, all lines must be written again.
  bool apply(const TabChange& change) {
    if (change.from == 0) {
      if (!insert(tab_.lines, {change.hash, change.to},
                  [this](std::uint32_t i) -> Line& { return writable(i); })) {
        return false;
      }
      ++tab_.entries;
      return true;
    }
    return replace(change);
  }

  const Tab& tab() const { return tab_; }

  // The copy takes the place of `old`: what it doesn't share goes.
  void accept(const Tab& old) {
    if (old.paged == 0) {
      tx_.retire({old.off, old.lines * std::uint32_t{sizeof(Line)}, 64});
      return;
    }
    const Offset* pages = reinterpret_cast<const Offset*>(tx_.bytes(old.off));
    for (std::size_t page = 0; page < pages_.size(); ++page) {
      if (pages_[page].offset != 0) tx_.retire({pages[page], kPageBytes, 64});
    }
    tx_.retire({old.off, page_count(old.lines) * std::uint32_t{sizeof(Offset)}, 8});
  }

  // Gives the copies back: they are in no table.
  void discard() {
    tx_.retire(run_);
    for (const Blob& page : pages_) {
      if (page.offset != 0) tx_.retire(page);
    }
  }

 private:
  Blob copy(Offset from, std::uint32_t bytes, std::uint32_t alignment) {
    return tx_.write({tx_.bytes(from), bytes}, alignment);
  }

  Offset& page_offset(std::uint32_t page) {
    return reinterpret_cast<Offset*>(tx_.bytes(tab_.off))[page];
  }

  Line& line(std::uint32_t index) {
    if (tab_.paged == 0) return reinterpret_cast<Line*>(tx_.bytes(tab_.off))[index];
    Line* page = reinterpret_cast<Line*>(tx_.bytes(page_offset(index / kLinesPerPage)));
    return page[index % kLinesPerPage];
  }

  // The line in a page that belongs to this commit.
  Line& writable(std::uint32_t index) {
    if (tab_.paged != 0 && pages_[index / kLinesPerPage].offset == 0) {
      const std::uint32_t page = index / kLinesPerPage;
      const Blob fresh = copy(page_offset(page), kPageBytes, 64);
      if (fresh.offset == 0) return spare_;
      pages_[page] = fresh;
      page_offset(page) = fresh.offset;
    }
    return line(index);
  }

  bool replace(const TabChange& change) {
    const std::uint16_t tag = tag_of(change.hash);
    std::uint32_t index = line_of(change.hash, tab_.lines);
    for (std::uint32_t probe = 0; probe < kMaxProbes; ++probe) {
      const Line& candidate = line(index);
      for (std::uint32_t pair = 0; pair < candidate.count; ++pair) {
        if (candidate.tag[pair] != tag || candidate.off[pair] != change.from) continue;
        Line& own = writable(index);
        if (tx_.failed()) return true;
        if (change.to != 0) {
          own.off[pair] = change.to;
        } else {
          erase(own, pair);
        }
        return true;
      }
      index = index + 1 == tab_.lines ? 0 : index + 1;
    }
    return false;
  }

  // The pairs stay in front. The overflow mark stays too: it only costs a probe.
  void erase(Line& own, std::uint32_t pair) {
    --own.count;
    own.tag[pair] = own.tag[own.count];
    own.off[pair] = own.off[own.count];
    own.tag[own.count] = 0;
    own.off[own.count] = 0;
    --tab_.entries;
  }

  Transaction& tx_;
  Tab tab_;
  Blob run_;                 // the lines, or the directory of pages
  std::vector<Blob> pages_;  // pages copied in this commit; offset 0: still the old one
  Line spare_{};             // takes the writes after a failure
};

void retire_lines(Transaction& tx, const Tab& tab) {
  if (tab.lines == 0) return;
  if (tab.paged == 0) {
    tx.retire({tab.off, tab.lines * std::uint32_t{sizeof(Line)}, 64});
    return;
  }
  const Offset* pages = reinterpret_cast<const Offset*>(tx.bytes(tab.off));
  for (std::uint32_t page = 0; page < page_count(tab.lines); ++page) {
    tx.retire({pages[page], kPageBytes, 64});
  }
  tx.retire({tab.off, page_count(tab.lines) * std::uint32_t{sizeof(Offset)}, 8});
}

Tab write_lines(Transaction& tx, std::vector<Line> lines, std::size_t keys) {
  Tab tab{};
  tab.lines = static_cast<std::uint32_t>(lines.size());
  tab.entries = static_cast<std::uint32_t>(keys);
  tab.paged = tab.lines > kLinesPerPage ? 1 : 0;
  if (tab.paged == 0) {
    tab.off = tx.write(std::as_bytes(std::span(lines)), 64).offset;
    return tab;
  }
  std::vector<Offset> pages(page_count(tab.lines));
  lines.resize(pages.size() * kLinesPerPage);
  for (std::size_t page = 0; page < pages.size(); ++page) {
    const std::span own = std::span(lines).subspan(page * kLinesPerPage, kLinesPerPage);
    pages[page] = tx.write(std::as_bytes(own), 64).offset;
  }
  tab.off = tx.write(std::as_bytes(std::span(pages)), 8).offset;
  return tab;
}

bool fits_lines(const Tab& tab, std::int64_t entries) {
  const std::uint64_t tenths = static_cast<std::uint64_t>(entries) * 10;
  if (tenths > kMostLoadTenths * tab.lines && !(tab.lines == 1 && entries <= kPairs)) return false;
  return tab.lines == 1 || tenths >= kLeastLoadTenths * tab.lines;
}

}  // namespace

std::vector<Line> build_lines(std::span<const TabKey> keys) {
  std::size_t count = 1;
  if (keys.size() > kPairs) {
    count = static_cast<std::size_t>(static_cast<double>(keys.size()) / kFreshLoad) + 1;
  }
  // Each try is larger by a quarter; sixteen lines per key are enough unless hashes are equal.
  for (const std::size_t most = 16 * keys.size() + 16; count <= most; count += count / 4 + 1) {
    std::vector<Line> lines(count, Line{});
    const bool placed = std::ranges::all_of(keys, [&lines](const TabKey& key) {
      return insert(static_cast<std::uint32_t>(lines.size()), key,
                    [&lines](std::uint32_t i) -> Line& { return lines[i]; });
    });
    if (placed) return lines;
  }
  return {};
}

void update_tab(Transaction& tx, TabSlot& slot, std::span<const TabChange> changes,
                const std::function<std::vector<TabKey>()>& all) {
  if ((changes.empty() && !tx.moves()) || tx.failed()) return;
  const Tab old = tx.tab(slot);
  std::int64_t entries = old.entries;
  for (const TabChange& change : changes) {
    entries += (change.from == 0 ? 1 : 0) - (change.to == 0 ? 1 : 0);
  }
  if (entries == 0) {
    retire_lines(tx, old);
    tx.replace(slot, Tab{});
    return;
  }
  if (old.lines != 0 && fits_lines(old, entries)) {
    TabCopy copy(tx, old);
    if (tx.failed()) return;
    if (std::ranges::all_of(changes, [&](const TabChange& c) { return copy.apply(c); })) {
      copy.accept(old);
      tx.replace(slot, copy.tab());
      return;
    }
    copy.discard();
    if (tx.failed()) return;
  }
  const std::vector<TabKey> keys = all();
  std::vector<Line> lines = build_lines(keys);
  if (lines.empty()) {
    tx.fail({Errc::kFull, "too many keys with one hash"});
    return;
  }
  retire_lines(tx, old);
  tx.replace(slot, write_lines(tx, std::move(lines), keys.size()));
}

}  // namespace sluice::table
