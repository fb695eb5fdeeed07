// Certificates for tests, made when they are asked for.
#pragma once

#include <string>

namespace sluice {

struct TestCertificate {
  std::string certificate;  // PEM
  std::string key;          // PEM
};

enum class TestKey { kRsa2048, kRsa1024, kEcdsa, kEd25519 };

// Signed by itself, for the DNS name.
TestCertificate make_certificate(const std::string& name, TestKey type = TestKey::kEcdsa);

// The same key in a form that asks for a password.
std::string encrypt_key(const std::string& key);

}  // namespace sluice
