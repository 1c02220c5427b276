#include "promql/functions/histogram_notes.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "promql/exec/notes.h"

namespace deucalion::promql {
namespace {

bool WithNotes(const Result<FloatHistogram::OpResult>& result, notes::HistogramOp op,
               std::string_view metric_name, int32_t pos, Annotations* out) {
  if (!result.ok()) {
    out->Add(notes::MixedExponentialCustom(metric_name, pos));
    return false;
  }
  if (result->nhcb_bounds_reconciled) out->Add(notes::MismatchedCustomBuckets(op, pos));
  return true;
}

bool AnyInfinite(const std::vector<double>& v) {
  return std::any_of(v.begin(), v.end(), [](double x) { return std::isinf(x); });
}

}  // namespace

bool AddWithNotes(FloatHistogram* base, const FloatHistogram& other, std::string_view metric_name,
                  int32_t pos, Annotations* out) {
  return WithNotes(base->Add(other), notes::HistogramOp::kAdd, metric_name, pos, out);
}

bool SubWithNotes(FloatHistogram* base, const FloatHistogram& other, std::string_view metric_name,
                  int32_t pos, Annotations* out) {
  return WithNotes(base->Sub(other), notes::HistogramOp::kSub, metric_name, pos, out);
}

std::optional<FloatHistogram> InterpolateWithNotes(const FloatHistogram& a, int64_t a_ms,
                                                   const FloatHistogram& b, int64_t b_ms,
                                                   int64_t t_ms, bool counter,
                                                   std::string_view metric_name, int32_t pos,
                                                   Annotations* out) {
  if (t_ms == a_ms) return a;
  if (t_ms == b_ms) return b;
  const double fraction = static_cast<double>(t_ms - a_ms) / static_cast<double>(b_ms - a_ms);
  FloatHistogram result = b;
  if (counter && b.DetectReset(a)) {
    result.Mul(fraction);
    return result;
  }
  if (!SubWithNotes(&result, a, metric_name, pos, out)) return std::nullopt;
  result.Mul(fraction);
  if (!AddWithNotes(&result, a, metric_name, pos, out)) return std::nullopt;
  return result;
}

bool HasOverflow(const FloatHistogram& h) {
  return std::isinf(h.zero_count) || std::isinf(h.count) || std::isinf(h.sum) ||
         AnyInfinite(h.positive_buckets) || AnyInfinite(h.negative_buckets) ||
         AnyInfinite(h.custom_values);
}

void HistogramSum::NoteHint(const FloatHistogram& h) {
  reset_seen_ = reset_seen_ || h.reset_hint == ResetHint::kReset;
  not_reset_seen_ = not_reset_seen_ || h.reset_hint == ResetHint::kNotReset;
}

bool HistogramSum::AddTo(FloatHistogram* sum, std::unique_ptr<FloatHistogram>* c,
                         const FloatHistogram& h) {
  Result<FloatHistogram::OpResult> result = sum->KahanAdd(h, c);
  if (!result.ok()) return false;
  reconciled_ = reconciled_ || result->nhcb_bounds_reconciled;
  return true;
}

bool HistogramSum::Add(const FloatHistogram& h) {
  NoteHint(h);
  count_++;
  if (count_ == 1) {
    sum_ = h;
    return true;
  }
  if (!mean_) return AddTo(&sum_, &kahan_, h);
  if (!incremental_) {
    FloatHistogram sum = sum_;
    std::unique_ptr<FloatHistogram> c;
    if (kahan_ != nullptr) c = std::make_unique<FloatHistogram>(*kahan_);
    if (!AddTo(&sum, &c, h)) return false;
    if (!HasOverflow(sum)) {
      sum_ = std::move(sum);
      kahan_ = std::move(c);
      return true;
    }
    incremental_ = true;
    sum_.Div(count_ - 1);
    if (kahan_ != nullptr) kahan_->Div(count_ - 1);
  }
  const double q = (count_ - 1) / count_;
  if (kahan_ != nullptr) kahan_->Mul(q);
  FloatHistogram to_add = h;
  to_add.Div(count_);
  sum_.Mul(q);
  return AddTo(&sum_, &kahan_, to_add);
}

bool HistogramSum::Merge(const HistogramSum& other) {
  if (other.empty()) return true;
  reset_seen_ = reset_seen_ || other.reset_seen_;
  not_reset_seen_ = not_reset_seen_ || other.not_reset_seen_;
  reconciled_ = reconciled_ || other.reconciled_;
  const double count = count_ + other.count_;
  FloatHistogram come = other.sum_;
  FloatHistogram come_c;
  if (other.kahan_ != nullptr) come_c = *other.kahan_;
  if (incremental_ || other.incremental_) {
    // Both sides as means, weighted.
    if (!incremental_) {
      sum_.Div(count_);
      if (kahan_ != nullptr) kahan_->Div(count_);
      incremental_ = true;
    }
    sum_.Mul(count_ / count);
    if (kahan_ != nullptr) kahan_->Mul(count_ / count);
    const double weight = other.incremental_ ? other.count_ / count : 1 / count;
    come.Mul(weight);
    come_c.Mul(weight);
  }
  count_ = count;
  if (!AddTo(&sum_, &kahan_, come)) return false;
  return other.kahan_ == nullptr || AddTo(&sum_, &kahan_, come_c);
}

FloatHistogram HistogramSum::Finish() {
  if (mean_ && !incremental_) {
    sum_.Div(count_);
    if (kahan_ != nullptr) kahan_->Div(count_);
  }
  // The compensation has the layout of the sum: this cannot fail.
  if (kahan_ != nullptr) (void)sum_.Add(*kahan_).ok();
  return std::move(sum_);
}

}  // namespace deucalion::promql
