// A hash for the question whether bytes are the same as some that were seen before.
#ifndef DEUCALION_BASE_COMPARE_HASH_H_
#define DEUCALION_BASE_COMPARE_HASH_H_

#include <cstdint>
#include <string_view>

namespace deucalion {

struct Hash128 {
  uint64_t low = 0, high = 0;
  bool operator==(const Hash128&) const = default;
};

// Two different byte strings have the same hash less often than a memory error makes them look
// alike. `seed`: a secret of the process, so that nobody can look for such a pair.
Hash128 HashToCompare(std::string_view bytes, uint64_t seed);

}  // namespace deucalion

#endif  // DEUCALION_BASE_COMPARE_HASH_H_
