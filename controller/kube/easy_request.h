// One HTTP request as libcurl wants it: where to, as whom, how.
//
// Process: controller.   Thread: event loop.   Lifetime: borrows the body of the Request; its
// handle is in no lane when it goes.   Tested by: test/unit/controller/kube/http_test.cc,
// http_credentials_test.cc
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "controller/kube/access.h"
#include "controller/kube/curl_handles.h"
#include "controller/kube/transport.h"

namespace sluice::kube {

// The server's certificate is verified, its name is the cluster's tls-server-name or the server's
// host. Peers that are gone are noticed: by keepalive when nothing is sent, else by what they leave
// unconfirmed.
class EasyRequest {
 public:
  static constexpr long kConnectMs = 10'000;
  static constexpr long kKeepIdleSeconds = 15;  // then a probe every kKeepEverySeconds
  static constexpr long kKeepEverySeconds = 5;
  static constexpr unsigned kSilenceMs = 30'000;
  // libcurl 7.88 reads the frames of all requests of a connection in the name of one. When those
  // of another are more than that one's buffer holds, the rest waits in nghttp2, and no event says
  // so: the end of an answer may never be seen (http2.c: on_data_chunk_recv pauses,
  // h2_process_pending_input goes on only when there is input). So the buffer holds whole answers;
  // it costs memory only as far as it is written.
  static constexpr long kMostAtOnce = 4L * 1024 * 1024;

  // What libcurl calls; both get `user`.
  struct Callbacks {
    curl_write_callback on_header;
    curl_write_callback on_body;
    void* user;
  };

  // handle() is null when there is no memory.
  EasyRequest(const Cluster& cluster, const Credentials& credentials, const Request& request,
              const std::string& user_agent);
  EasyRequest(const EasyRequest&) = delete;
  EasyRequest& operator=(const EasyRequest&) = delete;

  CURL* handle() const { return easy_.get(); }

  void call(const Callbacks& callbacks);
  // That the callbacks were given for `handle`.
  static void* user_of(CURL* handle);

  int status() const;  // 0: none came yet
  std::optional<std::uint64_t> retry_after_ms() const;
  std::string failure(CURLcode code) const;  // for people

 private:
  void set_server(const Cluster& cluster, const std::string& path);
  void set_connection();
  void set_credentials(const Credentials& credentials);
  void set_body(const Request& request);

  UniqueCurlList headers_;
  UniqueCurlList connect_to_;
  UniqueCurl easy_;  // goes first: it points to the lists
  std::array<char, CURL_ERROR_SIZE> error_{};
};

}  // namespace sluice::kube
