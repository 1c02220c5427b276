// Hashes. Crc32c guards every frame and page on disk (hardware instruction where there is one);
// Hash64 is XXH3 for tables in memory; XxHash64 is the classic XXH64, wanted where Prometheus's own
// label hash is visible to users (limit_ratio).
#ifndef DEUCALION_BASE_HASH_H_
#define DEUCALION_BASE_HASH_H_

#include <cstdint>
#include <string_view>

namespace deucalion {

uint64_t Hash64(std::string_view bytes);
uint64_t XxHash64(std::string_view bytes);
// Castagnoli, as in iSCSI. `seed` is the crc of the bytes before, 0 at the start.
uint32_t Crc32c(std::string_view bytes, uint32_t seed = 0);

}  // namespace deucalion

#endif  // DEUCALION_BASE_HASH_H_
