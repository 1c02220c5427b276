// The two unpackers of packed_ints, apart because the AVX2 one needs intrinsics.
#ifndef DEUCALION_TSDB_CHUNK_PACKED_UNPACK_H_
#define DEUCALION_TSDB_CHUNK_PACKED_UNPACK_H_

#include "tsdb/chunk/packed_ints.h"

namespace deucalion::tsdb::packed_internal {

// out[i] = double(values[i]) for |values[i]| < 2^51, divided by `divisor` when that is not 1.
using ConvertFn = void (*)(const int64_t* values, size_t count, double divisor, double* out);
void ConvertSmallPortable(const int64_t* values, size_t count, double divisor, double* out);
// Only where HasAvx2(). Writes up to 3 values behind `count`.
void ConvertSmallAvx2(const int64_t* values, size_t count, double divisor, double* out);

}  // namespace deucalion::tsdb::packed_internal

#endif  // DEUCALION_TSDB_CHUNK_PACKED_UNPACK_H_
