// Scans over the values of a series for what is rare in them, two at a time: GCC's and clang's
// vectors, which SSE2 and NEON have in hardware.
#ifndef DEUCALION_PROMQL_EXEC_SCAN_H_
#define DEUCALION_PROMQL_EXEC_SCAN_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "model/value.h"

namespace deucalion::promql {
namespace scan {

using Pair = double __attribute__((vector_size(16)));
using PairMask = int64_t __attribute__((vector_size(16)));

inline Pair Load(const double* v) {
  Pair pair;
  std::memcpy(&pair, v, sizeof(pair));
  return pair;
}
inline bool Any(PairMask m) { return (m[0] | m[1]) != 0; }

}  // namespace scan

// The first i from `from` on with v[i] < v[i - 1], n when there is none. `from` is at least 1.
inline size_t NextDrop(const double* v, size_t from, size_t n) {
  using scan::Load;
  size_t i = from;
  for (; i + 8 <= n; i += 8) {
    const scan::PairMask drops =
        (Load(v + i) < Load(v + i - 1)) | (Load(v + i + 2) < Load(v + i + 1)) |
        (Load(v + i + 4) < Load(v + i + 3)) | (Load(v + i + 6) < Load(v + i + 5));
    if (scan::Any(drops)) break;
  }
  while (i < n && !(v[i] < v[i - 1])) i++;
  return i;
}

// The first i from `from` on at which there is a stale marker, n when there is none.
inline size_t NextStale(const double* v, size_t from, size_t n) {
  using scan::Load;
  size_t i = from;
  while (i < n) {
    for (; i + 8 <= n; i += 8) {
      const scan::Pair a = Load(v + i), b = Load(v + i + 2), c = Load(v + i + 4),
                       d = Load(v + i + 6);
      // A stale marker is a NaN, and few NaNs are anything else.
      if (scan::Any((a != a) | (b != b) | (c != c) | (d != d))) break;
    }
    const size_t end = i + 8 < n ? i + 8 : n;
    for (; i < end; i++) {
      if (IsStaleNan(v[i])) return i;
    }
  }
  return n;
}

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_EXEC_SCAN_H_
