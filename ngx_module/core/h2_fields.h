// Fields of a request as nginx's grpc module codes them: of the static table only the fields whose
// names begin with a colon, of the dynamic table none. Anything else is refused.
//
// Process: nginx worker.   Thread: any.   Allocates: nothing.   Spec: RFC 7541 5, 6, appendix A
// Tested by: test/unit/ngx_module/core/h2_fields_test.cc
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace sluice::core {

struct H2Field {
  std::string_view name;
  std::string_view value;
};

class H2FieldReader {
 public:
  // `memory`: of huffman_decoded_bytes(coded.size()) bytes, for one field at a time.
  H2FieldReader(std::string_view coded, std::span<char> memory) : rest_(coded), memory_(memory) {}

  // The next one, there until the one after it is asked for. None: the end, or broken().
  std::optional<H2Field> next();

  // What was read last is not coded so.
  bool broken() const { return broken_; }

 private:
  std::optional<H2Field> read();
  std::optional<std::size_t> read_number(unsigned prefix_bits);
  std::optional<std::string_view> read_text(std::span<char>& memory);

  std::string_view rest_;
  std::span<char> memory_;
  bool broken_ = false;
};

}  // namespace sluice::core
