// Samples of histogram chunks, given the layout. One state serves writing and reading; both leave
// the sample's own numbers in it.
//
//   field      time   count, zero count   sum       buckets
//   integer    varbit: the number, then its delta, then deltas of deltas; sum: float64, then XOR
//   float      time as above; everything else float64, then XOR with the value before
//
// A stale marker is a sum and nothing else: its other numbers stand still (integer) or are zero
// (float), and it has no buckets.
#ifndef DEUCALION_TSDB_CHUNK_HISTOGRAM_CODEC_H_
#define DEUCALION_TSDB_CHUNK_HISTOGRAM_CODEC_H_

#include <cstdint>
#include <vector>

#include "model/histogram.h"
#include "tsdb/chunk/bit_stream.h"
#include "tsdb/chunk/chunk_layout.h"

namespace deucalion::tsdb {

// A float64 written as its difference in bits from the one before, and the window of bits used
// last.
struct XorField {
  double value = 0;
  uint8_t leading = 0xff;  // 0xff: no window yet
  uint8_t trailing = 0;

  void Write(double next, BitWriter* out);
  void Read(BitReader* in);
};

class IntSampleState {
 public:
  using Histogram = IntHistogram;
  static constexpr unsigned kLeastBucketBits = 1;

  void SetLayout(const ChunkLayout& layout);
  // `h` has the layout's buckets (or is a stale marker, whose buckets are not looked at).
  void Write(bool first, int64_t time_ms, const IntHistogram& h, BitWriter* out);
  // False when the bits ended early.
  bool Read(bool first, BitReader* in);

  int64_t time_ms() const { return time_ms_; }
  double sum() const { return sum_.value; }
  uint64_t count() const { return count_.value; }
  uint64_t zero_count() const { return zero_count_.value; }
  const std::vector<int64_t>& positive() const { return positive_; }
  const std::vector<int64_t>& negative() const { return negative_; }

 private:
  struct Counter {
    uint64_t value = 0;
    uint64_t delta = 0;
  };
  static void WriteCounter(bool first, uint64_t next, bool stale, Counter* c, BitWriter* out);
  static void ReadCounter(bool first, Counter* c, BitReader* in);
  static void WriteBuckets(bool first, const std::vector<int64_t>& next,
                           std::vector<int64_t>* buckets, std::vector<int64_t>* deltas,
                           BitWriter* out);
  static void ReadBuckets(bool first, std::vector<int64_t>* buckets, std::vector<int64_t>* deltas,
                          BitReader* in);

  int64_t time_ms_ = 0;
  uint64_t time_delta_ = 0;
  Counter count_, zero_count_;
  XorField sum_;
  std::vector<int64_t> positive_, negative_;  // as in IntHistogram: deltas between buckets
  std::vector<int64_t> positive_deltas_, negative_deltas_;
};

class FloatSampleState {
 public:
  using Histogram = FloatHistogram;
  static constexpr unsigned kLeastBucketBits = 64;

  void SetLayout(const ChunkLayout& layout);
  void Write(bool first, int64_t time_ms, const FloatHistogram& h, BitWriter* out);
  bool Read(bool first, BitReader* in);

  int64_t time_ms() const { return time_ms_; }
  double sum() const { return sum_.value; }
  double count() const { return count_.value; }
  double zero_count() const { return zero_count_.value; }
  const std::vector<double>& positive() const { return positive_values_; }
  const std::vector<double>& negative() const { return negative_values_; }

 private:
  static void WriteField(bool first, double next, XorField* field, BitWriter* out);
  static void ReadField(bool first, XorField* field, BitReader* in);
  static void WriteBuckets(bool first, const std::vector<double>& next,
                           std::vector<XorField>* fields, std::vector<double>* values,
                           BitWriter* out);
  static void ReadBuckets(bool first, std::vector<XorField>* fields, std::vector<double>* values,
                          BitReader* in);

  int64_t time_ms_ = 0;
  uint64_t time_delta_ = 0;
  XorField count_, zero_count_, sum_;
  std::vector<XorField> positive_, negative_;
  std::vector<double> positive_values_, negative_values_;
};

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_CHUNK_HISTOGRAM_CODEC_H_
