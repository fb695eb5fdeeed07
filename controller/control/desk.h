// Answers what arrives at the control socket out of what the controller knows.
//
// A `wait` is answered later: once the source was looked at after it arrived, everything is
// published, and every live worker has acknowledged that table; with an object named, also once its
// status holds nothing back. It times out with what was missing.
//
// Process: controller.   Thread: event loop.   Borrows everything it looks at.
// Protocol: controller/doc/control.md   Tested by: test/unit/controller/control/desk_test.cc
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "controller/control/server.h"
#include "controller/dns/name_book.h"
#include "controller/keeper/keeper.h"
#include "controller/model/store.h"
#include "controller/source/source.h"
#include "controller/status/status.h"

namespace sluice::control {

struct Info {
  std::string directory;
  std::string table_directory;
  std::string version;
  std::string instance;  // of this controller process
};

// What the event loop knows and the rooms do not.
struct Progress {
  bool published = false;        // everything that was taken from the source is in the table
  std::uint64_t generation = 0;  // of the published table
  std::string obstacle;          // why it is not published, if something is wrong
  bool sockets_settled = false;  // every socket that is wanted is open or known to fail
};

struct Rooms {
  const source::Source& source;
  const model::Store& store;
  const status::StatusBook& book;
  const dns::NameBook& names;
};

class Desk {
 public:
  Desk(Rooms rooms, Info info) : rooms_(rooms), info_(std::move(info)) {}

  void take(Call call, const keeper::Keeper& keeper, const Progress& progress,
            std::uint64_t now_ms);
  // A `wait` arrived: look at the source, then call looked().
  bool wants_rescan() const;
  void looked();
  // Answers the waits that are over.
  void settle(const keeper::Keeper& keeper, const Progress& progress, std::uint64_t now_ms);
  int timeout_ms(std::uint64_t now_ms) const;  // -1: nobody waits

 private:
  struct Wait {
    Call call;
    std::uint64_t deadline_ms = 0;
    std::optional<model::ObjectKey> object;
    bool looked = false;                    // the source was looked at since it arrived
    std::optional<std::uint64_t> contains;  // the generation that has all of it
  };

  Response info(const Progress& progress) const;
  Response objects(const Request& request) const;
  Response problems() const;
  void begin_wait(Call call, std::uint64_t now_ms);
  std::optional<Response> outcome(Wait& wait, const keeper::Keeper& keeper,
                                  const Progress& progress, std::uint64_t now_ms) const;
  std::string missing(Wait& wait, const keeper::Keeper& keeper, const Progress& progress) const;
  nlohmann::json object(const model::ObjectKey& key) const;

  Rooms rooms_;
  Info info_;
  std::vector<Wait> waits_;
};

}  // namespace sluice::control
