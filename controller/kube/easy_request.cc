#include "controller/kube/easy_request.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <string_view>

namespace sluice::kube {

namespace {

// "https://host:6443/prefix" -> "host:6443"
std::string authority_of(const std::string& server) {
  const std::size_t start = server.find("://") + 3;
  return server.substr(start, server.find('/', start) - start);
}

bool has_port(const std::string& authority) {
  const std::size_t colon = authority.rfind(':');
  return colon != std::string::npos && authority.find(']', colon) == std::string::npos;
}

bool is_loopback(const std::string& authority) {
  return authority.starts_with("127.") || authority.starts_with("localhost:") ||
         authority.starts_with("[::1]");
}

void add(UniqueCurlList& list, const std::string& line) {
  curl_slist* const first = curl_slist_append(list.get(), line.c_str());
  if (!list) list.reset(first);
}

void set_blob(CURL* easy, CURLoption option, const std::string& bytes) {
  if (bytes.empty()) return;
  curl_blob blob = {const_cast<char*>(bytes.data()), bytes.size(), CURL_BLOB_COPY};
  curl_easy_setopt(easy, option, &blob);
}

// "... after 12 ms: Connection refused" -> "...: Connection refused": one failure has one text,
// however often it happens.
std::string without_duration(std::string text) {
  constexpr std::string_view kAfter = " after ";
  constexpr std::string_view kUnit = " ms";
  const std::size_t from = text.find(kAfter);
  if (from == std::string::npos) return text;
  const std::size_t digits = from + kAfter.size();
  const std::size_t end = text.find_first_not_of("0123456789", digits);
  const bool is_duration = end != digits && end != std::string::npos &&
                           std::string_view(text).substr(end).starts_with(kUnit);
  if (is_duration) text.erase(from, end + kUnit.size() - from);
  return text;
}

int on_new_socket(void*, curl_socket_t socket, curlsocktype) noexcept {
  const unsigned silence_ms = EasyRequest::kSilenceMs;
  ::setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &silence_ms, sizeof(silence_ms));
  return CURL_SOCKOPT_OK;
}

}  // namespace

EasyRequest::EasyRequest(const Cluster& cluster, const Credentials& credentials,
                         const Request& request, const std::string& user_agent)
    : easy_(curl_easy_init()) {
  if (!easy_) return;
  curl_easy_setopt(easy_.get(), CURLOPT_ERRORBUFFER, error_.data());
  curl_easy_setopt(easy_.get(), CURLOPT_USERAGENT, user_agent.c_str());
  set_server(cluster, request.path);
  set_connection();
  set_credentials(credentials);
  add(headers_, "Accept: " + request.accept);
  if (request.method != "GET") set_body(request);
  curl_easy_setopt(easy_.get(), CURLOPT_HTTPHEADER, headers_.get());
}

void EasyRequest::call(const Callbacks& callbacks) {
  CURL* const easy = easy_.get();
  curl_easy_setopt(easy, CURLOPT_PRIVATE, callbacks.user);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, callbacks.on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, callbacks.user);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, callbacks.on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, callbacks.user);
}

void EasyRequest::set_server(const Cluster& cluster, const std::string& path) {
  std::string server = cluster.server;
  const std::string authority = authority_of(server);
  if (!cluster.tls_server_name.empty()) {
    // libcurl verifies the host of the URL: it gets the name, and is led to the server.
    const std::string port = has_port(authority) ? authority.substr(authority.rfind(':')) : ":443";
    const std::string prefix = server.substr(server.find(authority) + authority.size());
    server = fmt::format("https://{}{}{}", cluster.tls_server_name, port, prefix);
    add(connect_to_, fmt::format("::{}{}", authority, has_port(authority) ? "" : port));
    curl_easy_setopt(easy_.get(), CURLOPT_CONNECT_TO, connect_to_.get());
    add(headers_, "Host: " + authority);
  }
  curl_easy_setopt(easy_.get(), CURLOPT_URL, (server + path).c_str());
  // libcurl's own way is HTTPS_PROXY and NO_PROXY; as for kubectl they are not for this machine.
  if (!cluster.proxy_url.empty() || is_loopback(authority)) {
    curl_easy_setopt(easy_.get(), CURLOPT_PROXY, cluster.proxy_url.c_str());
  }
}

void EasyRequest::set_connection() {
  CURL* const easy = easy_.get();
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https");
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS);
  curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, kMostAtOnce);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, kConnectMs);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, kKeepIdleSeconds);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, kKeepEverySeconds);
  curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_new_socket);
}

// libcurl shares a connection only among requests with the same authorities and certificate.
void EasyRequest::set_credentials(const Credentials& credentials) {
  CURL* const easy = easy_.get();
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  set_blob(easy, CURLOPT_CAINFO_BLOB, credentials.authority_pem);
  set_blob(easy, CURLOPT_SSLCERT_BLOB, credentials.client_certificate_pem);
  set_blob(easy, CURLOPT_SSLKEY_BLOB, credentials.client_key_pem);
  if (!credentials.token.empty()) add(headers_, "Authorization: Bearer " + credentials.token);
}

void EasyRequest::set_body(const Request& request) {
  CURL* const easy = easy_.get();
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(request.body.size()));
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.c_str());
  add(headers_, "Content-Type: " + request.content_type);
  add(headers_, "Expect:");
}

void* EasyRequest::user_of(CURL* handle) {
  void* user = nullptr;
  curl_easy_getinfo(handle, CURLINFO_PRIVATE, &user);
  return user;
}

int EasyRequest::status() const {
  long status = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
  return static_cast<int>(status);
}

std::optional<std::uint64_t> EasyRequest::retry_after_ms() const {
  curl_off_t seconds = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RETRY_AFTER, &seconds);
  if (seconds <= 0) return std::nullopt;
  constexpr curl_off_t kDay = 86'400;
  return static_cast<std::uint64_t>(std::min(seconds, kDay)) * 1000;
}

std::string EasyRequest::failure(CURLcode code) const {
  return without_duration(error_[0] == '\0' ? curl_easy_strerror(code) : error_.data());
}

}  // namespace sluice::kube
