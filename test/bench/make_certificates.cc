// Writes certificates with their keys: DIRECTORY/0.crt, 0.key, 1.crt and so on, for the names
// h0.bench.example.com, h1.bench.example.com and so on.
//
// Usage: make_certificates DIRECTORY COUNT
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

#include "test/harness/certificates.h"

int main(int count_of_arguments, char** arguments) {
  if (count_of_arguments != 3) {
    std::cerr << "usage: make_certificates DIRECTORY COUNT\n";
    return 2;
  }
  const std::filesystem::path directory = arguments[1];
  const int count = std::atoi(arguments[2]);
  for (int i = 0; i < count; ++i) {
    const std::string number = std::to_string(i);
    const sluice::TestCertificate made =
        sluice::make_certificate("h" + number + ".bench.example.com");
    std::ofstream(directory / (number + ".crt")) << made.certificate;
    std::ofstream key(directory / (number + ".key"));
    key << made.key;
    if (!key.flush()) {
      std::cerr << "make_certificates: cannot write in " << directory << "\n";
      return 1;
    }
  }
  return 0;
}
