// Certificate chains with their private keys, as users write them in Secrets: read, checked, and
// written in one normal form for the workers.
//
// A pair is good when OpenSSL would serve it: every certificate and the key can be read, the key is
// RSA or ECDSA and belongs to the first certificate, both are strong enough for OpenSSL's security
// level. Whether clients trust it, or still trust it, is between them and its owner.
//
// Process: controller, sluicectl.   Thread: one.   Pure, but for OpenSSL's error queue.
// Fails: a problem in words, without a byte of the key. Spec: gateway-api v1
// ListenerTLSConfig.certificateRefs, Kubernetes kubernetes.io/tls Secrets
// Tested by: test/unit/controller/certificates/key_pair_test.cc
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace sluice::certificates {

struct KeyPair {
  std::string pem;                      // the chain, the first certificate first, then the key
  std::array<std::uint64_t, 2> hash{};  // content_hash128 of `pem`

  KeyPair() = default;
  KeyPair(const KeyPair&) = delete;
  KeyPair& operator=(const KeyPair&) = delete;
  ~KeyPair();  // wipes the key
};

// Exactly one of the two is set.
struct CheckedKeyPair {
  std::shared_ptr<const KeyPair> pair;
  std::string problem;  // "tls.crt: holds no certificate in PEM form"
};

CheckedKeyPair check_key_pair(std::string_view certificates_pem, std::string_view key_pem);

// Why OpenSSL does not take `list` as ciphers of TLS 1.2; "" when it does.
std::string cipher_list_problem(const std::string& list);

}  // namespace sluice::certificates
