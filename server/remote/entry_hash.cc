#include "server/remote/entry_hash.h"

#include <openssl/evp.h>

#include <array>

namespace deucalion::remote {

std::string EntryHash(const std::string& yaml) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  EVP_Digest(yaml.data(), yaml.size(), digest.data(), &size, EVP_md5(), nullptr);
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) {
    static constexpr char kDigits[] = "0123456789abcdef";
    hex += kDigits[digest[i] >> 4];
    hex += kDigits[digest[i] & 15];
  }
  return hex;
}

}  // namespace deucalion::remote
