// The verbs of sluicectl, one file each. A verb prints what was asked for on stdout and everything
// else on stderr, and returns the exit code.
//
// Process: sluicectl.   Tested by: test/unit/controller/cli/, test/e2e/test_cli.py
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::cli {

inline constexpr int kFine = 0;
inline constexpr int kProblems = 1;
inline constexpr int kUsage = 2;
inline constexpr int kNotFound = 3;  // or a timeout

// Which Sluice is meant; at most one is given, none: the default (target.h).
struct TargetOptions {
  std::string directory;  // -f: offline
  std::string state_directory;
  std::string socket;
  std::string table_directory;  // dump and explain only
};

struct CheckOptions {
  std::string directory;
  std::string controller_name = "sluice.dev/gateway-controller";
};

int check(const CheckOptions& options);

struct GetOptions {
  TargetOptions target;
  std::string kind;
  std::string name;
  std::string ns = "default";
  bool all_namespaces = false;
  std::string output = "table";
  bool headers = true;
};

int get(const GetOptions& options);

struct DescribeOptions {
  TargetOptions target;
  std::string kind;
  std::string name;  // NS/NAME or NAME
  std::string ns = "default";
};

int describe(const DescribeOptions& options);

struct WaitOptions {
  TargetOptions target;
  std::string object;  // KIND/NS/NAME, KIND/NAME, or ""
  double timeout_seconds = 30;
};

int wait(const WaitOptions& options);

struct DumpOptions {
  TargetOptions target;
  bool placement = false;
};

int dump(const DumpOptions& options);

// A request (host), a connection that begins with a ClientHello (sni), or one of a TCP or UDP
// listener.
struct ExplainOptions {
  TargetOptions target;
  std::string host;
  std::optional<std::string> sni;
  bool tcp = false;
  bool udp = false;
  std::string path = "/";
  std::string method = "GET";
  std::string query;
  std::vector<std::string> headers;  // "Name: value"
  std::string gateway;               // NS/NAME
  std::uint16_t port = 0;
};

int explain(const ExplainOptions& options);

struct RenderOptions {
  std::string name;
  std::string table_directory = "/dev/shm/sluice";
  std::string state_directory = "/run/sluice";
  std::string nginx;
};

int render(const RenderOptions& options);

struct RunOptions {
  std::string directory;
  std::vector<std::string> addresses;
  std::string controller_name;
  std::uint16_t port_offset = 0;
  std::string dns_server;
  std::uint32_t workers = 0;  // 0: one per processor
  std::string nginx;
  std::string state_directory;
  std::string log_format = "text";
};

int run(const RunOptions& options);

}  // namespace sluice::cli
