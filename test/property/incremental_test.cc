// Incremental = full, for the whole pipeline: after any sequence of changes the table, its
// endpoints and all statuses equal those of a fresh pipeline that saw only the objects left over.
// Now and then the incremental one is restarted over its own table, as after kill -9.
//
// SLUICE_CHANGES: how many changes (default 10,000); SLUICE_CHECK_EVERY: batches between two
// comparisons (default 1); SLUICE_SEED: the random seed. All are printed.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "controller/publish/publisher.h"
#include "controller/resolve/resolve.h"
#include "controller/status/status.h"
#include "shared/arena/read_mapping.h"
#include "shared/secret/read_blob.h"
#include "shared/table/dump.h"
#include "shared/table/tab.h"
#include "test/harness/temp_directory.h"
#include "test/property/random_objects.h"

namespace sluice {
namespace {

constexpr std::int64_t kNowMs = 1'767'225'600'000;  // status compares without its clock
constexpr std::uint64_t kRestartEvery = 500;        // batches
constexpr int kMaxBatch = 6;
constexpr std::uint64_t kStepMs =
    700;  // of the clock per batch: certificates that went are wiped meanwhile

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::vector<model::Change> all_objects(const model::Store& store) {
  std::vector<model::Change> changes;
  for (int kind = 0; kind <= static_cast<int>(model::kLastKind); ++kind) {
    for (const auto& [name, object] : store.all(static_cast<model::Kind>(kind))) {
      changes.push_back({{static_cast<model::Kind>(kind), name}, object});
    }
  }
  return changes;
}

// Resolving, publishing and status over one table directory; workers adopt at once.
class Pipeline {
 public:
  explicit Pipeline(const std::string& directory)
      : directory_(directory),
        resolver_(resolve::Options{}),
        book_("sluice.dev/gateway-controller") {
    arena::ArenaOptions options;
    options.directory = directory;
    options.segment_bytes = std::size_t{1} << 20;
    Result<std::unique_ptr<publish::Publisher>> publisher = publish::Publisher::open(options);
    EXPECT_TRUE(publisher) << publisher.error().message;
    if (publisher) publisher_ = std::move(*publisher);
  }

  void apply(const model::Store& store, const std::vector<model::Change>& changes,
             const std::vector<model::HostAnswer>& answers) {
    const resolve::Delta delta = resolver_.apply(store, changes, answers);
    now_ms_ += kStepMs;
    Result<publish::Stage> stage = publisher_->publish(delta, now_ms_);
    ASSERT_TRUE(stage) << stage.error().message;
    if (*stage == publish::Stage::kWarming) {
      stage = publisher_->resume(true, now_ms_);
      ASSERT_TRUE(stage) << stage.error().message;
    }
    ASSERT_EQ(*stage, publish::Stage::kDone);
    publisher_->tidy(now_ms_);
    for (const resolve::SharedFindings& found : delta.findings) {
      book_.put(found, publisher_->generation(), kNowMs);
    }
    for (const model::ObjectKey& key : delta.findings_gone)
      book_.remove(key);
    for (const resolve::ListenerKey& key : delta.listeners_gone)
      sockets_.erase(key);
    for (const resolve::ServedListener& listener : delta.listeners) {
      sockets_[listener.key] = listener.sockets;
    }
    adopt();
  }

  std::string table() const {
    Result<std::unique_ptr<arena::ReadMapping>> mapping = arena::ReadMapping::open(directory_);
    EXPECT_TRUE(mapping) << mapping.error().message;
    if (!mapping) return "";
    table::DumpOptions options;
    options.endpoints = table::published_endpoints(**mapping);
    return table::dump(table::Reader((*mapping)->enter()), options);
  }

  // How many certificates the published table names; -1: one of them can't be read.
  int readable_certificates() const {
    Result<std::unique_ptr<arena::ReadMapping>> mapping = arena::ReadMapping::open(directory_);
    Result<UniqueFd> file = publisher_->open_secrets();
    if (!mapping || !file) return -1;
    const table::Reader reader((*mapping)->enter());
    const auto root = reader.read<table::Root>(reader.root());
    int count = 0;
    bool all = root.has_value();
    if (!all) return -1;
    table::for_each_in_tab(reader, root->listeners, [&](table::Offset offset) {
      const auto look_at = [&](const table::CertificateRef& ref) {
        const secret::BlobPlace place{ref.unit, ref.bytes, {ref.hash[0], ref.hash[1]}};
        all = all && secret::read_blob(file->get(), place).has_value();
        ++count;
      };
      const table::Listener listener = *reader.read<table::Listener>(offset);
      if (listener.client_certificate != 0) {
        look_at(*reader.read<table::CertificateRef>(listener.client_certificate));
      }
      if (listener.tls == 0) return;
      const table::ListenerTls tls = *reader.read<table::ListenerTls>(listener.tls);
      const bool asks = tls.client_validation != table::ClientValidation::kNone;
      for (std::uint32_t i = 0; i < tls.certificates + (asks ? 1 : 0); ++i) {
        look_at(*reader.read_element<table::CertificateRef>(listener.tls,
                                                            sizeof(table::ListenerTls), i));
      }
    });
    return all ? count : -1;
  }

  std::map<std::string, std::string> statuses(const model::Store& store) const {
    std::map<std::string, std::string> texts;
    for (const model::Change& change : all_objects(store)) {
      texts[change.key.text()] = book_.status_of(change.key).dump();
    }
    return texts;
  }

 private:
  void adopt() {
    status::DataPlane data_plane;
    data_plane.any_worker = true;
    data_plane.acknowledged = publisher_->generation();
    for (const auto& [key, sockets] : sockets_) {
      for (const resolve::Socket& socket : sockets)
        data_plane.open_sockets.insert(socket.text());
    }
    book_.refresh(data_plane, kNowMs);
  }

  std::string directory_;
  resolve::Resolver resolver_;
  status::StatusBook book_;
  std::unique_ptr<publish::Publisher> publisher_;
  std::map<resolve::ListenerKey, std::vector<resolve::Socket>> sockets_;
  std::uint64_t now_ms_ = 1000;
};

// `answers`: what the hostnames stand for.
void expect_same_as_fresh(const Pipeline& pipeline, const model::Store& store,
                          const std::vector<model::HostAnswer>& answers) {
  TempDirectory directory;
  Pipeline fresh(directory.path());
  fresh.apply(store, all_objects(store), answers);
  ASSERT_EQ(pipeline.table(), fresh.table());
  const auto statuses = pipeline.statuses(store);
  for (const auto& [key, status] : fresh.statuses(store)) {
    ASSERT_EQ(statuses.at(key), status) << key;
  }
}

TEST(IncrementalTest, ChangesAddUpToWhatAFreshPipelinePublishes) {
  const auto seed = number_from_environment("SLUICE_SEED", std::random_device{}());
  const auto changes = number_from_environment("SLUICE_CHANGES", 10'000);
  const auto check_every = number_from_environment("SLUICE_CHECK_EVERY", 1);
  std::cout << "SLUICE_SEED=" << seed << " SLUICE_CHANGES=" << changes
            << " SLUICE_CHECK_EVERY=" << check_every << "\n";
  RandomObjects objects(seed);
  model::Store store;
  std::vector<model::HostAnswer> answers;  // of the one hostname that there is
  TempDirectory directory;
  auto pipeline = std::make_unique<Pipeline>(directory.path());
  std::uint64_t batches = 0;
  std::size_t largest_table = 0;
  std::size_t resolved_tables = 0;
  int most_certificates = 0;
  for (std::uint64_t done = 0; done < changes;) {
    std::vector<model::Change> batch;
    for (int left = objects.below(kMaxBatch) + 1; left > 0; --left) {
      batch.push_back(objects.next_change());
      store.apply(batch.back());
    }
    done += batch.size();
    if (objects.below(20) == 0) store.set_api(objects.next_api());
    const bool answered = objects.below(4) == 0;
    if (answered) answers = {objects.next_answer()};
    pipeline->apply(store, batch, answered ? answers : std::vector<model::HostAnswer>{});
    if (++batches % kRestartEvery == 0) {
      pipeline.reset();
      pipeline = std::make_unique<Pipeline>(directory.path());
      pipeline->apply(store, all_objects(store), answers);
    }
    if (batches % check_every != 0 && done < changes) continue;
    expect_same_as_fresh(*pipeline, store, answers);
    const int certificates = pipeline->readable_certificates();
    ASSERT_GE(certificates, 0);
    most_certificates = std::max(most_certificates, certificates);
    ASSERT_FALSE(HasFailure()) << "after " << done << " changes";
    const std::string table = pipeline->table();
    largest_table = std::max(largest_table, table.size());
    resolved_tables += table.find(" 10.2.0.") == std::string::npos ? 0U : 1U;
  }
  EXPECT_GT(largest_table, 1000U) << "the tables are too small to prove it";
  EXPECT_GT(resolved_tables, 0U) << "no hostname of a backend was answered for";
  EXPECT_GT(most_certificates, 0) << "no listener had a certificate";
  EXPECT_LT(objects.refused(), changes / 10) << "too many objects are refused";
}

}  // namespace
}  // namespace sluice
