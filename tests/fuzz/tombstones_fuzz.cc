// Deletions: ours as they are in the catalogue, Prometheus's as a file, with its checksum made
// right.
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/check.h"
#include "base/hash.h"
#include "tsdb/interop/prometheus_tombstones.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace deucalion;
  using namespace deucalion::tsdb;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (const auto own = Tombstones::Decode(input); own.ok()) {
    const auto again = Tombstones::Decode(own->Encode());
    CHECK(again.ok() && again->all() == own->all());
  }
  (void)DecodePrometheusTombstones(input, "fuzz");
  std::string mended(input);
  if (size >= 9) {
    std::string crc;
    PutBigEndian32(&crc, Crc32c(input.substr(5, size - 9)));
    mended.replace(size - 4, 4, crc);
  }
  (void)DecodePrometheusTombstones(mended, "fuzz");
  return 0;
}
