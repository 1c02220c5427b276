// Bucket layouts of native histograms: spans name the indices that have a bucket. For model/
// and the chunk codecs.
//
// Indices are 64 bits wide here: spans come from outside, and offsets of int32 add up beyond int32
// before anyone has validated them. Everything below stops at the end of the shorter of spans and
// buckets, so a layout that contradicts itself gives a wrong histogram but never a wild read.
#ifndef DEUCALION_MODEL_HISTOGRAM_LAYOUT_H_
#define DEUCALION_MODEL_HISTOGRAM_LAYOUT_H_

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#include "model/histogram.h"

namespace deucalion::histogram_internal {

using Spans = std::vector<BucketSpan>;

// Walks the bucket indices of a layout in order. Borrows the spans.
class BucketCursor {
 public:
  BucketCursor(const Spans& spans, size_t bucket_count) : spans_(spans), count_(bucket_count) {
    if (!spans_.empty()) index_ = spans_[0].offset;
    SkipEmptySpans();
  }
  bool Valid() const { return span_ < spans_.size() && position_ < count_; }
  int64_t index() const { return index_; }
  // Into the bucket vector.
  size_t position() const { return position_; }
  void Next() {
    position_++;
    index_++;
    in_span_++;
    SkipEmptySpans();
  }

 private:
  void SkipEmptySpans() {
    while (span_ < spans_.size() && in_span_ >= spans_[span_].length) {
      in_span_ = 0;
      if (++span_ < spans_.size()) index_ += spans_[span_].offset;
    }
  }
  const Spans& spans_;
  size_t count_;
  size_t span_ = 0;
  uint32_t in_span_ = 0;
  size_t position_ = 0;
  int64_t index_ = 0;
};

// Collects ascending indices into spans.
class SpanBuilder {
 public:
  void Append(int64_t index) {
    if (spans_.empty()) {
      spans_.push_back({static_cast<int32_t>(index), 1});
    } else if (index == next_) {
      spans_.back().length++;
    } else {
      spans_.push_back({static_cast<int32_t>(index - next_), 1});
    }
    next_ = index + 1;
  }
  bool empty() const { return spans_.empty(); }
  // Behind the last index.
  int64_t next() const { return next_; }
  Spans Take() { return std::move(spans_); }

 private:
  Spans spans_;
  int64_t next_ = 0;
};

// Index, at schema `to`, of the bucket that holds bucket `index` of schema `from` >= `to`.
inline int64_t CoarserIndex(int64_t index, int32_t from, int32_t to) {
  return ((index - 1) >> (from - to)) + 1;
}

// Upper bound of bucket `index` in absolute terms. Custom: -Inf before the first, +Inf behind the
// last.
double BucketBound(int64_t index, int32_t schema, const std::vector<double>& custom_values);

// One step of Neumaier's summation: *sum += increment, what was lost goes to *compensation.
inline void KahanInc(double increment, double* sum, double* compensation) {
  const double t = *sum + increment;
  if (std::isinf(t)) {
    *compensation = 0;
  } else if (std::fabs(*sum) >= std::fabs(increment)) {
    *compensation += (*sum - t) + increment;
  } else {
    *compensation += (increment - t) + *sum;
  }
  *sum = t;
}

// Counts of IntHistogram are deltas. Their sums may overflow in hostile input, so they wrap.
inline int64_t WrapAdd(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
inline int64_t WrapSub(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}

// Reads and writes bucket vectors as absolute counts, whichever way T stores them: double absolute,
// int64_t as deltas.
template <typename T>
class AbsoluteReader {
 public:
  explicit AbsoluteReader(const std::vector<T>& buckets) : buckets_(buckets) {}
  // Call with 0, 1, 2, … each once.
  T At(size_t position) {
    if constexpr (std::is_same_v<T, double>) return buckets_[position];
    if constexpr (!std::is_same_v<T, double>) return last_ = WrapAdd(last_, buckets_[position]);
  }

 private:
  const std::vector<T>& buckets_;
  T last_ = 0;
};

template <typename T>
class AbsoluteWriter {
 public:
  void Append(T absolute) {
    if constexpr (std::is_same_v<T, double>) {
      buckets_.push_back(absolute);
    } else {
      buckets_.push_back(WrapSub(absolute, last_));
      last_ = absolute;
    }
  }
  // Adds to the bucket appended last.
  void AddToLast(T absolute) {
    if constexpr (std::is_same_v<T, double>) {
      buckets_.back() += absolute;
    } else {
      buckets_.back() = WrapAdd(buckets_.back(), absolute);
      last_ = WrapAdd(last_, absolute);
    }
  }
  void Reserve(size_t n) { buckets_.reserve(n); }
  std::vector<T> Take() { return std::move(buckets_); }

 private:
  std::vector<T> buckets_;
  T last_ = 0;
};

// Layouts that name the same buckets, spans of length zero aside.
bool SpansMatch(const Spans& a, const Spans& b);
bool SameDoubles(const std::vector<double>& a, const std::vector<double>& b);

// See Compact in histogram.h. `compensation`: null, or parallel to `buckets` and treated alike; a
// bucket with compensation left is not empty.
void CompactSide(int max_empty, Spans* spans, std::vector<double>* buckets,
                 std::vector<double>* compensation);
void CompactSide(int max_empty, Spans* spans, std::vector<int64_t>* buckets);

void ReduceSide(int32_t from, int32_t to, Spans* spans, std::vector<double>* buckets);
void ReduceSide(int32_t from, int32_t to, Spans* spans, std::vector<int64_t>* buckets);
// Compensated; `compensation` is parallel to `buckets` before and after.
void ReduceSide(int32_t from, int32_t to, Spans* spans, std::vector<double>* buckets,
                std::vector<double>* compensation);

// Grows the zero bucket of `h` so far that it covers that of `other` and no populated bucket of
// either straddles its edge. Returns the zero count `other` would have with that threshold.
// `compensation` may be null.
double ReconcileZeroBuckets(const FloatHistogram& other, FloatHistogram* h,
                            FloatHistogram* compensation);

// What the zero count would be with the larger (or equal) `threshold`, which moves up when it lies
// inside a populated bucket.
struct ZeroCount {
  double count = 0;
  double threshold = 0;
  double compensation = 0;
};
ZeroCount ZeroCountForThreshold(const FloatHistogram& h, double threshold,
                                const FloatHistogram* compensation);

}  // namespace deucalion::histogram_internal

#endif  // DEUCALION_MODEL_HISTOGRAM_LAYOUT_H_
