#include "test/golden/golden_case.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "controller/source/files/files.h"
#include "test/golden/status_text.h"
#include "test/golden/table_text.h"

namespace sluice::golden {

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kNowMs = 1'767'225'600'000;  // 2026-01-01T00:00:00Z
constexpr std::int64_t kPatienceMs = 1000;          // after it nobody waits for workers
constexpr std::uint64_t kGeneration = 1;

// A directory of its own that vanishes with the object.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (fs::temp_directory_path() / "sluice-golden-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) std::abort();
    path_ = pattern;
  }

  ~TemporaryDirectory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }

  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

void read_option(std::istringstream& words, resolve::Options& options, bool& own_addresses) {
  std::string name;
  std::string value;
  words >> name >> value;
  if (name == "port-offset") options.port_offset = static_cast<std::uint16_t>(std::stoi(value));
  if (name == "controller-name") options.controller_name = value;
  if (name == "source") options.in_cluster = value == "kubernetes";
  if (name == "address-pool") {
    if (const auto network = http::parse_ip_network(value))
      options.address_pool.push_back(*network);
  }
  if (name == "address") {
    if (!own_addresses) options.addresses.clear();
    own_addresses = true;
    options.addresses.push_back(value);
  }
}

void read_data_plane(std::istringstream& words, status::DataPlane& data_plane) {
  std::string first;
  words >> first;
  if (first == "no") {
    std::string what;
    words >> what;
    if (what == "worker") data_plane.any_worker = false;
    if (what == "listeners") data_plane.listeners_on = false;
  } else if (first == "failed") {
    std::string socket;
    std::string why;
    words >> socket >> std::ws;
    std::getline(words, why);
    data_plane.failed_sockets[socket] = why;
  }
}

model::HostAnswer read_answer(std::istringstream& words) {
  model::HostAnswer answer;
  words >> answer.hostname;
  for (std::string address; words >> address;)
    answer.addresses.push_back(address);
  return answer;
}

void read_api(std::istringstream& words, std::optional<model::InstalledApi>& api) {
  std::string release;
  std::string channel;
  words >> release >> channel;
  api.emplace().releases.insert(release);
  for (int i = 0; i <= static_cast<int>(model::kLastKind); ++i) {
    const auto kind = static_cast<model::Kind>(i);
    if (model::kind_group(kind) != model::kind_group(model::Kind::kGateway)) continue;
    api->bundles[kind] = {release, channel == "experimental"};
  }
}

void read_absent(std::istringstream& words, std::optional<model::InstalledApi>& api) {
  std::string name;
  words >> name;
  if (!api) api.emplace();
  for (int i = 0; i <= static_cast<int>(model::kLastKind); ++i) {
    const auto kind = static_cast<model::Kind>(i);
    if (model::kind_name(kind) == name) api->absent.insert(kind);
  }
}

nlohmann::json problem_json(const model::Problem& problem) {
  nlohmann::json json = {{"line", problem.position.line}, {"message", problem.message}};
  if (!problem.object.empty()) json["object"] = problem.object;
  if (!problem.field.empty()) json["field"] = problem.field;
  return json;
}

// Opens what is wanted, but for what the scene says cannot be.
void open_sockets(const resolve::Delta& delta, status::DataPlane& data_plane) {
  if (!data_plane.any_worker || !data_plane.listeners_on) return;
  for (const resolve::ServedListener& listener : delta.listeners) {
    for (const resolve::Socket& socket : listener.sockets) {
      if (!data_plane.failed_sockets.contains(socket.text())) {
        data_plane.open_sockets.insert(socket.text());
      }
    }
  }
}

std::string status_text(const source::Source& source, const resolve::Delta& delta,
                        const Scene& scene) {
  status::StatusBook book(scene.options.controller_name);
  for (const resolve::SharedFindings& findings : delta.findings) {
    book.put(findings, kGeneration, kNowMs);
  }
  status::DataPlane data_plane = scene.data_plane;
  data_plane.acknowledged = kGeneration;
  open_sockets(delta, data_plane);
  book.refresh(data_plane, kNowMs);
  book.refresh(data_plane, kNowMs + kPatienceMs);
  nlohmann::json result = nlohmann::json::object();
  for (const model::Problem& problem : source.problems()) {
    result["problems"].push_back(problem_json(problem));
  }
  for (const std::string& ignored : source.ignored()) {
    result["ignored"].push_back(ignored);
  }
  std::string text = yaml_text(result, 0);
  std::set<model::ObjectKey> objects;
  for (const resolve::SharedFindings& findings : delta.findings) {
    objects.insert(findings->object);
  }
  for (const model::ObjectKey& object : objects) {
    if (object.kind == model::Kind::kGatewayClass && !scene.tells_classes) continue;
    nlohmann::json status = book.status_of(object);
    if (!scene.tells_sets) status.erase("attachedListenerSets");
    text += object.text() + ":\n" + yaml_text(status, 2);
  }
  return text;
}

}  // namespace

std::vector<std::string> case_names() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(SLUICE_GOLDEN_DIR)) {
    if (fs::exists(entry.path() / "in.yaml")) names.push_back(entry.path().filename());
  }
  std::ranges::sort(names);
  return names;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void write_file(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
}

Scene read_scene(const std::string& text) {
  Scene scene;
  scene.data_plane.any_worker = true;
  scene.tells_classes = text.find("GatewayClass") != std::string::npos;
  scene.tells_sets = text.find("ListenerSet") != std::string::npos;
  bool own_addresses = false;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line) && line.starts_with("#");) {
    std::istringstream words(line.substr(1));
    std::string what;
    words >> what;
    if (what == "option:") read_option(words, scene.options, own_addresses);
    if (what == "api:") read_api(words, scene.api);
    if (what == "absent:") read_absent(words, scene.api);
    if (what == "dns:") scene.answers.push_back(read_answer(words));
    if (what == "data-plane:") read_data_plane(words, scene.data_plane);
  }
  return scene;
}

Outcome run_case(const std::string& in_yaml) {
  const Scene scene = read_scene(in_yaml);
  const TemporaryDirectory directory;
  const fs::path objects = directory.path() / "objects";
  fs::create_directory(objects);
  write_file(objects / "in.yaml", in_yaml);
  const auto source = source::open_files({objects, "", scene.options.controller_name});
  if (!source) return {source.error().message, ""};
  const source::Batch batch = (*source)->poll(0);
  model::Store store;
  for (const model::Change& change : batch.changes) {
    store.apply(change);
  }
  if (scene.api) store.set_api(*scene.api);
  resolve::Resolver resolver(scene.options);
  const resolve::Delta delta = resolver.apply(store, batch.changes, scene.answers);
  return {status_text(**source, delta, scene),
          table_text(delta, (directory.path() / "table").string())};
}

}  // namespace sluice::golden
