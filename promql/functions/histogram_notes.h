// Histogram arithmetic whose failures become annotations.
#ifndef DEUCALION_PROMQL_FUNCTIONS_HISTOGRAM_NOTES_H_
#define DEUCALION_PROMQL_FUNCTIONS_HISTOGRAM_NOTES_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "model/histogram.h"
#include "promql/annotations.h"

namespace deucalion::promql {

// *base += other, *base -= other. False after adding "mix of exponential and custom buckets"; adds
// an info when custom bounds had to be reconciled.
bool AddWithNotes(FloatHistogram* base, const FloatHistogram& other, std::string_view metric_name,
                  int32_t pos, Annotations* out);
bool SubWithNotes(FloatHistogram* base, const FloatHistogram& other, std::string_view metric_name,
                  int32_t pos, Annotations* out);

// The histogram at `t_ms` on the line from `a` at `a_ms` to `b` at `b_ms`. Of a counter that was
// reset between them, what it counted from zero. None when they do not go together (noted).
std::optional<FloatHistogram> InterpolateWithNotes(const FloatHistogram& a, int64_t a_ms,
                                                   const FloatHistogram& b, int64_t b_ms,
                                                   int64_t t_ms, bool counter,
                                                   std::string_view metric_name, int32_t pos,
                                                   Annotations* out);

// Whether a sum has left what a double can hold.
bool HasOverflow(const FloatHistogram& h);

// The mean and the sum of histograms, with Kahan compensation, as upstream's avg and sum build
// them: a running sum that turns into an incremental mean when it would overflow.
class HistogramSum {
 public:
  explicit HistogramSum(bool mean) : mean_(mean) {}
  HistogramSum(HistogramSum&&) = default;
  HistogramSum& operator=(HistogramSum&&) = default;

  bool empty() const { return count_ == 0; }
  // False when schemas do not go together: nothing more may be added.
  bool Add(const FloatHistogram& h);
  // Another part of the same sum, after all of this one.
  bool Merge(const HistogramSum& other);
  // The result, not compacted. May be called once; not on an empty sum.
  FloatHistogram Finish();

  bool reset_seen() const { return reset_seen_; }
  bool not_reset_seen() const { return not_reset_seen_; }
  bool bounds_reconciled() const { return reconciled_; }

 private:
  void NoteHint(const FloatHistogram& h);
  bool AddTo(FloatHistogram* sum, std::unique_ptr<FloatHistogram>* c, const FloatHistogram& h);

  bool mean_;
  bool incremental_ = false;
  bool reset_seen_ = false, not_reset_seen_ = false, reconciled_ = false;
  double count_ = 0;
  FloatHistogram sum_;                     // or the mean, when incremental_
  std::unique_ptr<FloatHistogram> kahan_;  // compensation of sum_
};

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_FUNCTIONS_HISTOGRAM_NOTES_H_
