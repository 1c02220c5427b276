#include "base/compare_hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace deucalion {

Hash128 HashToCompare(std::string_view bytes, uint64_t seed) {
  const XXH128_hash_t h = XXH3_128bits_withSeed(bytes.data(), bytes.size(), seed);
  return {h.low64, h.high64};
}

}  // namespace deucalion
