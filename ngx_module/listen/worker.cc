#include "ngx_module/listen/worker.h"

#include <fcntl.h>

#include <charconv>
#include <ctime>
#include <iterator>
#include <new>
#include <vector>

#include "ngx_module/core/socket_name.h"
#include "ngx_module/listen/instance.h"
#include "ngx_module/listen/plain_bind.h"
#include "shared/arena/paths.h"
#include "shared/secret/read_blob.h"
#include "shared/table/published_sockets.h"

namespace sluice::listen {

namespace {

constexpr ngx_msec_t kTickMs = 100;
constexpr ngx_msec_t kNextSliceMs = 1;
constexpr std::size_t kMaxComplaints = 64;
constexpr std::uint64_t kSliceUs = 2000;  // of compiling patterns, so that requests don't wait

// In the process, not in a static object with a destructor: nginx may unload the library.
Worker* current_worker = nullptr;

std::uint64_t now_us() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1000000 +
         static_cast<std::uint64_t>(now.tv_nsec) / 1000;
}

struct Number {
  char digits[24];
  std::size_t size;

  explicit Number(std::uint64_t value, int base = 10)
      : size(static_cast<std::size_t>(
            std::to_chars(std::begin(digits), std::end(digits), value, base).ptr - digits)) {}

  std::string_view text() const { return {digits, size}; }
};

// The TCP sockets that the published table has listeners on.
std::vector<table::SocketKey> sockets_of(arena::ReadMapping& mapping) {
  const arena::Snapshot snapshot = mapping.enter();
  std::vector<table::SocketKey> sockets = table::published_sockets(table::Reader(snapshot));
  if (!mapping.unmoved(snapshot)) return {};
  std::erase_if(sockets, [](const auto& key) { return key.transport != table::Transport::kTcp; });
  return sockets;
}

}  // namespace

bool Worker::start(ngx_cycle_t* cycle, const CoreConf& conf) {
  current_worker = new (std::nothrow) Worker(cycle, conf);
  if (current_worker == nullptr) return false;
  current_worker->tick();
  return true;
}

void Worker::stop() {
  if (current_worker == nullptr) return;
  current_worker->keeper_.disconnect();
  // Frees the slot, so that the controller settles what this worker counted. Listeners stay: their
  // connections may still point at them.
  current_worker->table_.reset();
}

Worker* Worker::current() {
  return current_worker;
}

arena::ReadMapping* Worker::table_for_request() {
  if (table_ == nullptr) open_table();
  return table_.get();
}

Worker::Worker(ngx_cycle_t* cycle, const CoreConf& conf)
    : cycle_(cycle), conf_(conf), listeners_(conf), datagrams_(conf), keeper_(*this) {
  tick_connection_.fd = static_cast<ngx_socket_t>(-1);
  tick_.data = &tick_connection_;
  tick_.log = cycle->log;
  tick_.handler = on_tick;
  tick_.cancelable = 1;  // never delays a graceful exit
}

void Worker::on_tick(ngx_event_t*) {
  current_worker->tick();
}

void Worker::tick() {
  follow_table();
  if (table_ != nullptr) adopt();
  if (ngx_exiting) datagrams_.end_sessions();
  datagrams_.close_ended();
  if (!ngx_exiting && !ngx_terminate) look_after_keeper();
  ngx_add_timer(&tick_, warming_ ? kNextSliceMs : kTickMs);
}

void Worker::follow_table() {
  if (table_ != nullptr && table_->stale()) {
    table_.reset();
    keeper_.disconnect();  // the greeting names the slot
  }
  if (table_ == nullptr) open_table();
}

void Worker::open_table() {
  auto opened = arena::ReadMapping::open(ngx::to_string(conf_.table_directory));
  if (!opened) return complain("no table yet: " + opened.error().message);
  arena::WorkerIdentity identity;
  identity.instance = instance_of_master();
  identity.pid = static_cast<std::uint32_t>(ngx_pid);
  identity.module_version = SLUICE_VERSION_NUMBER;
  if (const auto taken = (*opened)->take_slot(identity); !taken) {
    return complain("the table can't be used: " + taken.error().message);
  }
  const std::string secrets = arena::table_file(ngx::to_string(conf_.table_directory), "secret");
  opened_secrets_ = UniqueFd(::open(secrets.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  table_ = std::move(*opened);
  ++table_serial_;
  complained_.clear();
  ngx_log_error(NGX_LOG_NOTICE, cycle_->log, 0, "sluice: serving the table in %V",
                &conf_.table_directory);
}

Result<secret::Bytes> Worker::read_secret(const secret::BlobPlace& place) const {
  for (const int file : {given_secrets_.get(), opened_secrets_.get(), int{conf_.secrets}}) {
    if (file < 0) continue;
    Result<secret::Bytes> bytes = secret::read_blob(file, place);
    if (bytes) return bytes;
  }
  return fail(Errc::kUnavailable, "the certificate can't be read");
}

void Worker::adopt() {
  const arena::Snapshot snapshot = table_->enter();
  const table::Reader reader(snapshot);
  warming_ = false;
  if (reader.empty()) return;
  const auto root = reader.read<table::Root>(reader.root());
  if (!root) return;
  const std::uint64_t generation = root->generation;
  const match::RegexCache::Warmth warmth = lookup_.regexes.warm(reader, kSliceUs, now_us);
  if (!table_->unmoved(snapshot)) return;  // stopped for a while in between: at the next tick
  warming_ = !warmth.complete;
  if (!keeper_.connected()) return;
  if (generation != acknowledged_) {
    keeper_.say("ack", {{"generation", Number(generation).text()}});
    acknowledged_ = generation;
  }
  if (warmth.complete && warmth.generation != said_warm_) {
    keeper_.say("warm", {{"patterns", Number(warmth.generation).text()}});
    said_warm_ = warmth.generation;
  }
}

void Worker::look_after_keeper() {
  if (keeper_.connected() || table_ == nullptr) return;
  if (keeper_.connect(ngx::view(conf_.keeper_path), cycle_)) {
    greet();
  } else if (conf_.listeners) {
    bind_missing();
  }
}

void Worker::greet() {
  complained_.clear();
  acknowledged_ = 0;
  said_warm_ = 0;
  const auto* const core =
      reinterpret_cast<const ngx_core_conf_t*>(ngx_get_conf(cycle_->conf_ctx, ngx_core_module));
  keeper_.say("hello",
              {{"version", SLUICE_VERSION},
               {"instance", Number(instance_of_master(), 16).text()},
               {"pid", Number(static_cast<std::uint64_t>(ngx_pid)).text()},
               {"slot", Number(table_->slot()).text()},
               {"workers", Number(static_cast<std::uint64_t>(core->worker_processes)).text()},
               {"listeners", conf_.listeners ? "on" : "off"}});
  const auto* const statics = static_cast<const table::SocketKey*>(conf_.static_sockets.elts);
  for (ngx_uint_t i = 0; i < conf_.static_sockets.nelts; ++i) {
    keeper_.say("static", {{"socket", core::socket_name(statics[i]).text()}});
  }
  const auto say_have = [this](std::string_view name, int fd) {
    keeper_.say("have", {{"socket", name}}, fd);
  };
  listeners_.for_each_open(say_have);
  datagrams_.for_each_open(say_have);
  keeper_.say("ready", {});
  adopt();
}

void Worker::bind_missing() {
  for (const table::SocketKey& key : sockets_of(*table_)) {
    const core::SocketName name = core::socket_name(key);
    if (listeners_.has(name.text())) continue;
    auto fd = plain_bind(key);
    if (!fd) {
      if (fd.error().code != Errc::kConflict) {
        complain(std::string(name.text()) + " without the controller: " + fd.error().message);
      }
      continue;
    }
    if (const auto opened = listeners_.open(std::move(*fd), cycle_); !opened) {
      complain(std::string(name.text()) + ": " + opened.error().message);
      continue;
    }
    ngx_log_error(NGX_LOG_NOTICE, cycle_->log, 0, "sluice: opened %s without the controller",
                  std::string(name.text()).c_str());
  }
}

void Worker::on_keeper_message(keeper::Message& message) {
  if (message.verb == "give") {
    serve(message);
  } else if (message.verb == "drop") {
    const std::string_view name = message.value("socket");
    if (name.starts_with(kDatagramPrefix)) {
      datagrams_.stop_reading(name);
      keeper_.say("dropped", {{"socket", name}});
    } else {
      listeners_.drain_and_close(name);
    }
  } else if (message.verb == "secrets") {
    given_secrets_ = std::move(message.fd);
  } else if (message.verb == "generation" && table_ != nullptr) {
    adopt();
  }
}

void Worker::serve(keeper::Message& message) {
  const std::string socket(message.value("socket"));
  if (!conf_.listeners) {
    keeper_.say("failed", {{"socket", socket}, {"error", "sluice_listeners is off"}});
    return;
  }
  const auto opened = socket.starts_with(kDatagramPrefix)
                          ? datagrams_.open(socket, std::move(message.fd), cycle_)
                          : listeners_.open(std::move(message.fd), cycle_);
  if (opened) {
    keeper_.say("opened", {{"socket", socket}});
  } else {
    keeper_.say("failed", {{"socket", socket}, {"error", opened.error().message}});
  }
}

void Worker::complain(const std::string& problem) {
  if (complained_.size() >= kMaxComplaints || !complained_.insert(problem).second) return;
  ngx_log_error(NGX_LOG_WARN, cycle_->log, 0, "sluice: %s", problem.c_str());
}

}  // namespace sluice::listen
