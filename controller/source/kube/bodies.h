// Secrets and ConfigMaps: all are followed by their metadata, and the bodies of those that are
// named (references.h) are asked for, each version once.
//
// Process: controller.   Pure: time comes in.
// Tested by: test/unit/controller/source/kube/bodies_test.cc
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "controller/model/object.h"

namespace sluice::source {

class Bodies {
 public:
  static constexpr std::uint64_t kFirstRetryMs = 500;
  static constexpr std::uint64_t kLastRetryMs = 30'000;
  static constexpr std::uint64_t kNewsMs = 5000;  // that metadata may be behind a body
  static constexpr std::size_t kMostFetches = 16;

  enum class Failure : std::uint8_t { kNoAnswer, kRefused };

  // News of the metadata.
  void put(const model::ObjectKey& key, const std::string& resource_version);
  void remove(const model::ObjectKey& key);

  void name(const model::ObjectKey& key, bool named);

  // To be fetched now. Each is under way until its settle().
  std::vector<model::ObjectKey> take_due(std::uint64_t now_ms);
  // False: it was deleted meanwhile, or nobody names it any more.
  bool have(const model::ObjectKey& key, const std::string& resource_version, std::uint64_t now_ms);
  void gone(const model::ObjectKey& key);  // the metadata will say so too
  // Tried again in any case; nothing waits for a body that may not be read.
  void failed(const model::ObjectKey& key, Failure failure, std::uint64_t now_ms);

  // Bodies that were fetched and that nobody needs any more, or that are deleted.
  std::vector<model::ObjectKey> take_dropped();

  bool is_named(const model::ObjectKey& key) const;
  // Whether a body was fetched, or refused, of everything that is named and exists.
  bool complete() const;
  int timeout_ms(std::uint64_t now_ms) const;  // until take_due() has something to do; -1: none

 private:
  // Of what is named.
  struct Need {
    std::string fetched;      // resourceVersion; "": nothing
    std::uint64_t at_ms = 0;  // not before
    std::uint64_t retry_ms = 0;
    bool refused = false;
  };

  bool is_due(const model::ObjectKey& key, const Need& need) const;
  void drop(const model::ObjectKey& key, Need& need);

  std::map<model::ObjectKey, std::string> exists_;  // -> resourceVersion
  std::map<model::ObjectKey, Need> needs_;
  std::map<model::ObjectKey, bool> under_way_;  // whether news came meanwhile
  std::vector<model::ObjectKey> dropped_;
};

}  // namespace sluice::source
