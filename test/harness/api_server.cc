#include "test/harness/api_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <nghttp2/nghttp2.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

namespace sluice {

namespace {

constexpr std::uint32_t kMaxStreams = 100;  // as kube-apiserver allows

void must(bool done) {
  if (!done) std::abort();
}

struct Stream {
  ApiServer::Exchange exchange;
  std::string out;
  bool finished = false;
};

X509* read_certificate(const std::string& pem) {
  BIO* const bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  X509* const certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  must(certificate != nullptr);
  return certificate;
}

SSL_CTX* make_context(const TestCertificate& certificate, const std::string& client_authority) {
  SSL_CTX* const context = SSL_CTX_new(TLS_server_method());
  X509* const own = read_certificate(certificate.certificate);
  must(SSL_CTX_use_certificate(context, own) == 1);
  X509_free(own);
  BIO* const bio =
      BIO_new_mem_buf(certificate.key.data(), static_cast<int>(certificate.key.size()));
  EVP_PKEY* const key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  must(SSL_CTX_use_PrivateKey(context, key) == 1);
  EVP_PKEY_free(key);
  if (client_authority.empty()) return context;
  X509* const authority = read_certificate(client_authority);
  X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority);
  X509_free(authority);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return context;
}

int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_bytes,
                    const unsigned char* in, unsigned in_bytes, void* wanted) {
  const auto* const name = static_cast<const char*>(wanted);
  const auto* const bytes = reinterpret_cast<const unsigned char*>(name);
  auto* selected = const_cast<unsigned char*>(*out);
  const auto size = static_cast<unsigned>(std::strlen(name));
  const int found = SSL_select_next_proto(&selected, out_bytes, bytes, size, in, in_bytes);
  *out = selected;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char each) { return static_cast<char>(std::tolower(each)); });
  return text;
}

nghttp2_nv field(const std::string& name, const std::string& value) {
  const auto bytes = [](const std::string& text) {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
  };
  return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

}  // namespace

struct ApiServer::Connection {
  ApiServer* server = nullptr;
  UniqueFd fd;
  SSL* tls = nullptr;
  int number = 0;
  bool ready = false;
  bool silent = false;
  nghttp2_session* session = nullptr;
  std::string in;   // HTTP/1.1 only
  std::string out;  // for TLS
  std::map<std::int32_t, Stream> streams;

  ~Connection() {
    if (session != nullptr) nghttp2_session_del(session);
    SSL_free(tls);
  }

  // Returns whether the connection still lives.
  bool step();
  bool read_all();
  bool write_all();
  void start_http2();
  void take_http1();
};

namespace {

using Connection = ApiServer::Connection;

Connection& self(void* user) {
  return *static_cast<Connection*>(user);
}

int on_begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) {
  self(user).streams[frame->hd.stream_id];
  return 0;
}

// NOLINTNEXTLINE(readability-function-size): nghttp2 names the parameters
int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
              std::size_t name_bytes, const std::uint8_t* value, std::size_t value_bytes,
              std::uint8_t, void* user) {
  ApiServer::Exchange& exchange = self(user).streams[frame->hd.stream_id].exchange;
  const std::string key(reinterpret_cast<const char*>(name), name_bytes);
  const std::string text(reinterpret_cast<const char*>(value), value_bytes);
  if (key == ":method") exchange.method = text;
  if (key == ":path") exchange.path = text;
  exchange.headers[key] = text;
  return 0;
}

int on_data(nghttp2_session*, std::uint8_t, std::int32_t stream, const std::uint8_t* data,
            std::size_t bytes, void* user) {
  self(user).streams[stream].exchange.body.append(reinterpret_cast<const char*>(data), bytes);
  return 0;
}

// NOLINTNEXTLINE(readability-function-size): nghttp2 names the parameters
ssize_t read_out(nghttp2_session*, std::int32_t id, std::uint8_t* buffer, std::size_t room,
                 std::uint32_t* flags, nghttp2_data_source*, void* user) {
  Stream& stream = self(user).streams[id];
  if (stream.out.empty() && !stream.finished) return NGHTTP2_ERR_DEFERRED;
  const std::size_t count = std::min(room, stream.out.size());
  std::copy_n(stream.out.begin(), count, buffer);
  stream.out.erase(0, count);
  if (stream.out.empty() && stream.finished) *flags |= NGHTTP2_DATA_FLAG_EOF;
  return static_cast<ssize_t>(count);
}

}  // namespace

void ApiServer::Connection::start_http2() {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
  nghttp2_session_callbacks_set_on_frame_recv_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
        const bool request = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
        if (request && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
          self(user).server->received(self(user), frame->hd.stream_id);
        }
        return 0;
      });
  nghttp2_session_callbacks_set_on_stream_close_callback(
      callbacks, [](nghttp2_session*, std::int32_t stream, std::uint32_t, void* user) {
        self(user).server->forget(self(user), stream);
        return 0;
      });
  nghttp2_session_server_new(&session, callbacks, this);
  nghttp2_session_callbacks_del(callbacks);
  const nghttp2_settings_entry limit = {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, kMaxStreams};
  nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, &limit, 1);
}

bool ApiServer::Connection::step() {
  if (silent) return true;
  if (!ready) {
    const int done = SSL_accept(tls);
    if (done != 1) {
      const int error = SSL_get_error(tls, done);
      return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
    }
    ready = true;
    if (server->protocol_ == Protocol::kHttp2) start_http2();
  }
  return read_all() && write_all();
}

bool ApiServer::Connection::read_all() {
  std::array<char, 16384> bytes;
  while (true) {
    const int count = SSL_read(tls, bytes.data(), static_cast<int>(bytes.size()));
    if (count <= 0) return SSL_get_error(tls, count) == SSL_ERROR_WANT_READ;
    const auto size = static_cast<std::size_t>(count);
    if (session == nullptr) {
      in.append(bytes.data(), size);
      take_http1();
    } else if (nghttp2_session_mem_recv(
                   session, reinterpret_cast<const std::uint8_t*>(bytes.data()), size) < 0) {
      return false;
    }
  }
}

bool ApiServer::Connection::write_all() {
  while (session != nullptr) {
    const std::uint8_t* data = nullptr;
    const ssize_t count = nghttp2_session_mem_send(session, &data);
    if (count <= 0) break;
    out.append(reinterpret_cast<const char*>(data), static_cast<std::size_t>(count));
  }
  while (!out.empty()) {
    const int count = SSL_write(tls, out.data(), static_cast<int>(out.size()));
    if (count <= 0) return SSL_get_error(tls, count) == SSL_ERROR_WANT_WRITE;
    out.erase(0, static_cast<std::size_t>(count));
  }
  return true;
}

// One request after the other.
void ApiServer::Connection::take_http1() {
  const std::size_t end = in.find("\r\n\r\n");
  if (end == std::string::npos) return;
  Exchange exchange;
  const std::string head = in.substr(0, end + 2);
  std::size_t at = head.find("\r\n");
  const std::string first = head.substr(0, at);
  exchange.method = first.substr(0, first.find(' '));
  exchange.path = first.substr(exchange.method.size() + 1);
  exchange.path.resize(exchange.path.find(' '));
  for (at += 2; at < head.size();) {
    const std::size_t next = head.find("\r\n", at);
    const std::size_t colon = head.find(": ", at);
    exchange.headers[lower(head.substr(at, colon - at))] = head.substr(colon + 2, next - colon - 2);
    at = next + 2;
  }
  const auto length = exchange.headers.find("content-length");
  const std::size_t bytes = length == exchange.headers.end() ? 0 : std::stoul(length->second);
  if (in.size() < end + 4 + bytes) return;
  exchange.body = in.substr(end + 4, bytes);
  in.erase(0, end + 4 + bytes);
  streams.clear();
  streams[1].exchange = std::move(exchange);
  server->received(*this, 1);
}

ApiServer::ApiServer(const TestCertificate& certificate, Protocol protocol)
    : protocol_(protocol),
      listening_(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  ::signal(SIGPIPE, SIG_IGN);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  must(::bind(listening_.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
  must(::listen(listening_.get(), 64) == 0);
  ::getsockname(listening_.get(), reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  epoll_event event{};
  event.events = EPOLLIN;
  must(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, listening_.get(), &event) == 0);
  use_certificate(certificate);
}

ApiServer::~ApiServer() {
  connections_.clear();
  SSL_CTX_free(context_);
}

void ApiServer::use_certificate(const TestCertificate& certificate,
                                const std::string& client_authority) {
  if (context_ != nullptr) SSL_CTX_free(context_);
  context_ = make_context(certificate, client_authority);
  static constexpr char kHttp1[] = "\x08http/1.1";
  static constexpr char kHttp2[] = "\x02h2";
  SSL_CTX_set_alpn_select_cb(context_, choose_protocol,
                             const_cast<char*>(protocol_ == Protocol::kHttp2 ? kHttp2 : kHttp1));
}

void ApiServer::accept_all() {
  while (true) {
    UniqueFd fd(::accept4(listening_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) return;
    auto connection = std::make_unique<Connection>();
    connection->server = this;
    connection->number = ++accepted_;
    connection->tls = SSL_new(context_);
    SSL_set_fd(connection->tls, fd.get());
    SSL_set_mode(connection->tls,
                 SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    epoll_event event{};
    event.events = EPOLLIN;
    must(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd.get(), &event) == 0);
    connection->fd = std::move(fd);
    const int key = connection->fd.get();
    connections_[key] = std::move(connection);
  }
}

void ApiServer::step() {
  accept_all();
  std::vector<int> dead;
  for (auto& [fd, connection] : connections_) {
    if (!connection->step()) dead.push_back(fd);
  }
  for (const int fd : dead)
    close_connection(fd);
}

void ApiServer::close_connection(int fd) {
  Connection* const connection = connections_.find(fd)->second.get();
  std::erase_if(places_, [&](const auto& each) { return each.second.connection == connection; });
  connections_.erase(fd);
}

void ApiServer::drop_connections() {
  while (!connections_.empty())
    close_connection(connections_.begin()->first);
}

void ApiServer::go_silent() {
  for (auto& [fd, connection] : connections_) {
    connection->silent = true;
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  }
}

void ApiServer::received(Connection& connection, std::int32_t id) {
  Exchange& exchange = connection.streams[id].exchange;
  exchange.id = ++last_id_;
  exchange.connection = connection.number;
  if (X509* const certificate = SSL_get0_peer_certificate(connection.tls); certificate != nullptr) {
    std::array<char, 256> name{};
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name.data(),
                              static_cast<int>(name.size()));
    exchange.client_certificate = name.data();
  }
  places_[exchange.id] = {&connection, id};
  most_streams_ = std::max(most_streams_, connection.streams.size());
  const Exchange copy = exchange;
  if (handler_) handler_(copy);
}

void ApiServer::forget(Connection& connection, std::int32_t stream) {
  std::erase_if(places_, [&](const auto& each) {
    return each.second.connection == &connection && each.second.stream == stream;
  });
  connection.streams.erase(stream);
}

ApiServer::Place* ApiServer::find(std::uint64_t id) {
  const auto found = places_.find(id);
  return found == places_.end() ? nullptr : &found->second;
}

void ApiServer::answer(std::uint64_t id, int status, const std::string& body,
                       const Headers& headers) {
  Place* const place = find(id);
  if (place == nullptr) return;
  Connection& connection = *place->connection;
  if (connection.session == nullptr) {
    connection.out += "HTTP/1.1 " + std::to_string(status) + " Said\r\n";
    for (const auto& [name, value] : headers)
      connection.out.append(name).append(": ").append(value).append("\r\n");
    connection.out += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    return;
  }
  Stream& stream = connection.streams[place->stream];
  stream.out = body;
  stream.finished = true;
  const std::string code = std::to_string(status);
  const std::string status_name = ":status";
  std::vector<nghttp2_nv> fields = {field(status_name, code)};
  for (const auto& [name, value] : headers)
    fields.push_back(field(name, value));
  nghttp2_data_provider source{};
  source.read_callback = read_out;
  nghttp2_submit_response(connection.session, place->stream, fields.data(), fields.size(), &source);
}

void ApiServer::begin(std::uint64_t id, int status) {
  Place* const place = find(id);
  if (place == nullptr) return;
  Connection& connection = *place->connection;
  const std::string code = std::to_string(status);
  if (connection.session == nullptr) {
    connection.out += "HTTP/1.1 " + code + " Said\r\nTransfer-Encoding: chunked\r\n\r\n";
    return;
  }
  const std::string status_name = ":status";
  const nghttp2_nv first = field(status_name, code);
  nghttp2_data_provider source{};
  source.read_callback = read_out;
  nghttp2_submit_response(connection.session, place->stream, &first, 1, &source);
}

void ApiServer::send(std::uint64_t id, const std::string& data) {
  Place* const place = find(id);
  if (place == nullptr || data.empty()) return;
  Connection& connection = *place->connection;
  if (connection.session == nullptr) {
    std::array<char, 32> size{};
    std::snprintf(size.data(), size.size(), "%zx\r\n", data.size());
    connection.out += size.data() + data + "\r\n";
    return;
  }
  connection.streams[place->stream].out += data;
  nghttp2_session_resume_data(connection.session, place->stream);
}

void ApiServer::finish(std::uint64_t id) {
  Place* const place = find(id);
  if (place == nullptr) return;
  Connection& connection = *place->connection;
  if (connection.session == nullptr) {
    connection.out += "0\r\n\r\n";
    return;
  }
  connection.streams[place->stream].finished = true;
  nghttp2_session_resume_data(connection.session, place->stream);
}

}  // namespace sluice
