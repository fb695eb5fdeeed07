#include "ngx_module/http/mirror_opening.h"

#include <optional>
#include <span>

#include "ngx_module/core/h2_head.h"
#include "ngx_module/core/head_translation.h"
#include "shared/http/mirror_head.h"

namespace sluice::http_module {

namespace {

using Head = std::optional<std::string_view>;

bool is_http2(table::BackendProtocol protocol) {
  return protocol == table::BackendProtocol::kHttp2;
}

// Out of memory: one that nothing fits into.
std::span<char> allocate(ngx_pool_t* pool, std::size_t bytes) {
  auto* const memory = static_cast<char*>(ngx_pnalloc(pool, bytes));
  return memory == nullptr ? std::span<char>() : std::span(memory, bytes);
}

Head http1_head(const SentRequest& sent, ngx_pool_t* pool) {
  Head head = sent.head;
  if (is_http2(sent.protocol)) {
    head = core::http1_head_of(sent.head, allocate(pool, core::http1_head_room(sent.head.size())));
  }
  if (!head) return head;
  const auto room = allocate(pool, http::mirror_head_bytes(*head));
  return http::write_mirror_head(*head, sent.body_bytes, room);
}

// A backend's head on a connection of its own.
Head adopt_http2_head(const SentRequest& sent, bool https, ngx_pool_t* pool, bool& ends_stream) {
  auto* const memory = static_cast<u_char*>(ngx_pnalloc(pool, sent.head.size()));
  if (memory == nullptr) return std::nullopt;
  const std::span copy(memory, sent.head.size());
  ngx_memcpy(memory, sent.head.data(), sent.head.size());
  const auto ends = core::begin_h2_stream(copy);
  if (!ends) return std::nullopt;
  core::write_scheme(copy, https);
  ends_stream = *ends;
  return std::string_view(reinterpret_cast<const char*>(memory), copy.size());
}

Head http2_head(const SentRequest& sent, bool https, ngx_pool_t* pool, bool& ends_stream) {
  if (is_http2(sent.protocol)) return adopt_http2_head(sent, https, pool, ends_stream);
  const Head head = http1_head(sent, pool);
  if (!head) return head;
  ends_stream = sent.body_bytes == 0;
  return core::http2_head_of(*head, {https, ends_stream},
                             allocate(pool, core::http2_head_room(head->size())));
}

}  // namespace

MirrorOpening open_mirror(const SentRequest& sent, const MirrorProtocol& mirror, ngx_pool_t* pool) {
  MirrorOpening opening;
  const bool http2 = is_http2(mirror.protocol);
  const Head head =
      http2 ? http2_head(sent, mirror.https, pool, opening.ends_stream) : http1_head(sent, pool);
  if (!head) return {};
  ngx_buf_t* const buf = static_cast<ngx_buf_t*>(ngx_calloc_buf(pool));
  ngx_chain_t* const link = ngx_alloc_chain_link(pool);
  if (buf == nullptr || link == nullptr) return {};
  const ngx_str_t bytes = ngx::str(*head);
  buf->pos = bytes.data;
  buf->last = bytes.data + bytes.len;
  buf->memory = 1;
  // Of HTTP/2 the body is framed while it is sent.
  *link = {buf, http2 ? nullptr : sent.body};
  opening.chain = link;
  return opening;
}

}  // namespace sluice::http_module
