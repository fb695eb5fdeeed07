// Where the texts of a plan go: a pool of nginx's.
// Process: nginx worker.   Lifetime: the pool's.
#pragma once

#include "ngx_module/core/plan.h"
#include "ngx_module/listen/nginx.h"

namespace sluice::listen {

class PoolMemory final : public core::Memory {
 public:
  explicit PoolMemory(ngx_pool_t* pool) : pool_(pool) {}

  char* take(std::size_t bytes) override { return static_cast<char*>(ngx_pnalloc(pool_, bytes)); }

 private:
  ngx_pool_t* pool_;
};

}  // namespace sluice::listen
