#include "ngx_module/http/mirror_frames.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace sluice::http_module {

namespace {

class Chain {
 public:
  Chain(ngx_pool_t* pool, ngx_chain_t*& out) : pool_(pool), end_(&out) { out = nullptr; }

  bool copy(std::string_view bytes) {
    ngx_buf_t* const buf = ngx_create_temp_buf(pool_, bytes.size());
    if (buf == nullptr) return false;
    buf->last = ngx_cpymem(buf->pos, bytes.data(), bytes.size());
    return append(buf);
  }

  bool lend(const ngx_buf_t& from, std::size_t offset, std::size_t bytes) {
    auto* const buf = static_cast<ngx_buf_t*>(ngx_alloc_buf(pool_));
    if (buf == nullptr) return false;
    *buf = from;
    buf->pos = from.pos + offset;
    buf->last = buf->pos + bytes;
    return append(buf);
  }

 private:
  bool append(ngx_buf_t* buf) {
    ngx_chain_t* const link = ngx_alloc_chain_link(pool_);
    if (link == nullptr) return false;
    *link = {buf, nullptr};
    *end_ = link;
    end_ = &link->next;
    return true;
  }

  ngx_pool_t* pool_;
  ngx_chain_t** end_;
};

bool put_payload(Chain& chain, MirrorBody& body, std::size_t bytes) {
  while (bytes > 0) {
    const ngx_buf_t& buf = *body.link->buf;
    const auto rest = static_cast<std::size_t>(buf.last - buf.pos) - body.offset;
    const std::size_t taken = std::min(bytes, rest);
    if (!chain.lend(buf, body.offset, taken)) return false;
    bytes -= taken;
    body.offset += taken;
    if (taken == rest) body = {body.link->next, 0};
  }
  return true;
}

}  // namespace

bool queue_frames(core::H2Exchange& exchange, MirrorBody& body, ngx_pool_t* pool,
                  ngx_chain_t*& out) {
  Chain chain(pool, out);
  const std::string_view replies = exchange.take_replies();
  if (!replies.empty() && !chain.copy(replies)) return false;
  std::array<char, core::kH2FrameHead> head;
  while (const auto bytes = exchange.next_data(head)) {
    if (!chain.copy({head.data(), head.size()}) || !put_payload(chain, body, *bytes)) return false;
  }
  return true;
}

}  // namespace sluice::http_module
