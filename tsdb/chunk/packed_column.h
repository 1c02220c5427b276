// Integer columns: first value, greatest common divisor and order of differences around
// packed_ints.
//
//   u8      order         0 values, 1 deltas, 2 deltas of deltas, 3 XOR; bit 7: see small
//   svarint first
//   varint  divisor       0: every value equals the first, nothing follows
//   [svarint first delta] order 2 only, already divided
//   packed_ints of the rest (count - 1, or count - 2 for order 2)
//
// With order 3 the divisor is the number of common trailing zero bits plus one.
#ifndef DEUCALION_TSDB_CHUNK_PACKED_COLUMN_H_
#define DEUCALION_TSDB_CHUNK_PACKED_COLUMN_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "tsdb/chunk/packed_ints.h"

namespace deucalion::tsdb {

// How a column of integers is best written. Holds the residuals, so that writing does not compute
// them again.
struct IntegerPlan {
  unsigned order = 0;
  uint64_t divisor = 0;
  int64_t first = 0;
  int64_t first_delta = 0;
  std::vector<int64_t> residuals;
  size_t bytes = 0;    // about what WriteIntegers appends
  bool small = false;  // every value within +-2^51
};

// Arithmetic is modulo 2^64, so any values may come. `with_xor` tries order 3 too.
void PlanIntegers(std::span<const int64_t> values, bool with_xor, IntegerPlan* plan);
void WriteIntegers(const IntegerPlan& plan, std::string* out);

// Walks an integer column, up to 32 values at a time.
class IntegerReader {
 public:
  bool Init(ByteReader* in, size_t count);
  // 0 at the end. out[0..32) may be written whole.
  size_t Next(int64_t* out);
  bool small() const { return small_; }
  // Every value is first().
  bool constant() const { return divisor_ == 0; }
  int64_t first() const { return static_cast<int64_t>(first_); }

 private:
  PackedIntsReader packed_;
  size_t left_ = 0;
  unsigned order_ = 0;
  bool small_ = false;
  bool head_ = false;  // values before the packed ones are still to come
  uint64_t divisor_ = 0;
  uint64_t first_ = 0;
  uint64_t value_ = 0;
  uint64_t delta_ = 0;
};

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_CHUNK_PACKED_COLUMN_H_
