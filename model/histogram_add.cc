// Addition and subtraction. Layouts are merged by bucket index; most pairs share one layout, or the
// right one's buckets all exist on the left, and then nothing moves.
#include <algorithm>

#include "model/histogram.h"
#include "model/histogram_layout.h"

namespace deucalion {
namespace {

using histogram_internal::BucketBound;
using histogram_internal::BucketCursor;
using histogram_internal::KahanInc;
using histogram_internal::ReconcileZeroBuckets;
using histogram_internal::ReduceSide;
using histogram_internal::SpanBuilder;
using histogram_internal::Spans;

using Doubles = std::vector<double>;

// One side of one histogram; compensation null when there is none.
struct Side {
  Spans* spans;
  Doubles* buckets;
  Doubles* compensation;
};
struct ConstSide {
  const Spans* spans;
  const Doubles* buckets;
  const Doubles* compensation;

  double Extra(size_t position) const { return compensation ? (*compensation)[position] : 0; }
};

struct AddRule {
  int32_t schema = 0;
  double threshold = 0;  // buckets of the right side that end at or below it are in the zero bucket
  double sign = 1;
};

// At the first bucket of the right side that counts.
BucketCursor FirstAbove(const AddRule& rule, const ConstSide& right) {
  BucketCursor at(*right.spans, right.buckets->size());
  if (!IsExponentialSchema(rule.schema)) return at;
  while (at.Valid() &&
         ExponentialBound(static_cast<int32_t>(at.index()), rule.schema) <= rule.threshold) {
    at.Next();
  }
  return at;
}

void AddBucket(const AddRule& rule, const ConstSide& right, size_t from, const Side& left,
               size_t to) {
  const double count = (*right.buckets)[from] * rule.sign;
  double* sum = &(*left.buckets)[to];
  if (left.compensation == nullptr) {
    *sum += count;
    return;
  }
  double* compensation = &(*left.compensation)[to];
  KahanInc(count, sum, compensation);
  const double extra = right.Extra(from) * rule.sign;
  if (extra != 0) KahanInc(extra, sum, compensation);
}

// Adds in place while every bucket of the right side exists on the left. False, and nothing
// changed, when one does not.
bool AddInPlace(const AddRule& rule, const ConstSide& right, const Side& left) {
  BucketCursor probe(*left.spans, left.buckets->size());
  for (BucketCursor b = FirstAbove(rule, right); b.Valid(); b.Next()) {
    while (probe.Valid() && probe.index() < b.index()) probe.Next();
    if (!probe.Valid() || probe.index() != b.index()) return false;
  }
  BucketCursor a(*left.spans, left.buckets->size());
  for (BucketCursor b = FirstAbove(rule, right); b.Valid(); b.Next()) {
    while (a.index() < b.index()) a.Next();
    AddBucket(rule, right, b.position(), left, a.position());
  }
  return true;
}

void MergeSides(const AddRule& rule, const ConstSide& right, const Side& left) {
  SpanBuilder spans;
  Doubles buckets, compensation;
  buckets.reserve(left.buckets->size() + right.buckets->size());
  const Side out{nullptr, &buckets, left.compensation ? &compensation : nullptr};
  const auto append = [&](int64_t index, double count, double extra) {
    spans.Append(index);
    buckets.push_back(count);
    if (out.compensation) compensation.push_back(extra);
  };
  BucketCursor a(*left.spans, left.buckets->size());
  BucketCursor b = FirstAbove(rule, right);
  while (a.Valid() || b.Valid()) {
    if (!b.Valid() || (a.Valid() && a.index() <= b.index())) {
      const double extra = left.compensation ? (*left.compensation)[a.position()] : 0;
      append(a.index(), (*left.buckets)[a.position()], extra);
      if (b.Valid() && a.index() == b.index()) {
        AddBucket(rule, right, b.position(), out, buckets.size() - 1);
        b.Next();
      }
      a.Next();
    } else {
      append(b.index(), (*right.buckets)[b.position()] * rule.sign,
             right.Extra(b.position()) * rule.sign);
      b.Next();
    }
  }
  *left.spans = spans.Take();
  *left.buckets = std::move(buckets);
  if (left.compensation) *left.compensation = std::move(compensation);
}

void AddSides(const AddRule& rule, const ConstSide& right, const Side& left) {
  if (!AddInPlace(rule, right, left)) MergeSides(rule, right, left);
}

Doubles IntersectBounds(const Doubles& a, const Doubles& b) {
  Doubles both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  return both;
}

// Custom buckets with bounds that differ: both are counted into the buckets between the bounds they
// share.
class CustomRemapper {
 public:
  explicit CustomRemapper(const Doubles& shared_bounds)
      : bounds_(shared_bounds), sums_(bounds_.size() + 1), compensations_(bounds_.size() + 1) {}

  void Take(const ConstSide& side, const Doubles& side_bounds, double sign) {
    size_t target = 0;
    for (BucketCursor at(*side.spans, side.buckets->size()); at.Valid(); at.Next()) {
      target = Target(at.index(), side_bounds, target);
      KahanInc((*side.buckets)[at.position()] * sign, &sums_[target], &compensations_[target]);
      if (side.compensation) {
        KahanInc(side.Extra(at.position()), &sums_[target], &compensations_[target]);
      }
    }
  }

  void Store(const Side& out) const {
    SpanBuilder spans;
    out.buckets->clear();
    if (out.compensation) out.compensation->clear();
    for (size_t i = 0; i < sums_.size(); i++) {
      if (sums_[i] == 0 && compensations_[i] == 0) continue;
      spans.Append(static_cast<int64_t>(i));
      out.buckets->push_back(sums_[i]);
      if (out.compensation) out.compensation->push_back(compensations_[i]);
    }
    *out.spans = spans.Take();
  }

 private:
  // The first shared bucket that reaches as far as bucket `index`; `from`: where to start looking.
  size_t Target(int64_t index, const Doubles& side_bounds, size_t from) const {
    if (index < 0 || index >= static_cast<int64_t>(side_bounds.size())) return bounds_.size();
    const double bound = side_bounds[static_cast<size_t>(index)];
    while (from < bounds_.size() && bounds_[from] < bound) from++;
    return from;
  }

  const Doubles& bounds_;
  Doubles sums_;
  Doubles compensations_;
};

// Sets the hint of the sum. True for a collision: one says reset, the other not.
bool AdjustHint(ResetHint other, ResetHint* hint) {
  if (other == *hint || *hint == ResetHint::kGauge) return false;
  if (other == ResetHint::kGauge) {
    *hint = ResetHint::kGauge;
    return false;
  }
  const bool collision = other != ResetHint::kUnknown && *hint != ResetHint::kUnknown;
  *hint = ResetHint::kUnknown;
  return collision;
}

Status CheckCompatible(const FloatHistogram& a, const FloatHistogram& b) {
  if (a.UsesCustomBuckets() == b.UsesCustomBuckets()) return OkStatus();
  return InvalidArgumentError(
      "cannot apply this operation on histograms with a mix of exponential and custom bucket "
      "schemas");
}

Side Positive(FloatHistogram* h, FloatHistogram* c) {
  return {&h->positive_spans, &h->positive_buckets, c ? &c->positive_buckets : nullptr};
}
Side Negative(FloatHistogram* h, FloatHistogram* c) {
  return {&h->negative_spans, &h->negative_buckets, c ? &c->negative_buckets : nullptr};
}

// True when the bounds differed.
bool AddCustom(const FloatHistogram& other, double sign, FloatHistogram* h, FloatHistogram* c) {
  const ConstSide right{&other.positive_spans, &other.positive_buckets, nullptr};
  const Side left = Positive(h, c);
  if (h->custom_values == other.custom_values) {
    AddSides({h->schema, h->zero_threshold, sign}, right, left);
    return false;
  }
  Doubles shared = IntersectBounds(h->custom_values, other.custom_values);
  CustomRemapper remapper(shared);
  remapper.Take({left.spans, left.buckets, left.compensation}, h->custom_values, 1);
  remapper.Take(right, other.custom_values, sign);
  remapper.Store(left);
  if (c) c->custom_values = shared;
  h->custom_values = std::move(shared);
  return true;
}

// One side of `other`, brought down to the coarser schema of the sum first.
void AddReduced(const Spans& other_spans, const Doubles& other_buckets, int32_t other_schema,
                const AddRule& rule, const Side& left) {
  if (other_schema <= rule.schema) {
    return AddSides(rule, {&other_spans, &other_buckets, nullptr}, left);
  }
  Spans spans = other_spans;
  Doubles buckets = other_buckets;
  if (left.compensation == nullptr) {
    ReduceSide(other_schema, rule.schema, &spans, &buckets);
    return AddSides(rule, {&spans, &buckets, nullptr}, left);
  }
  Doubles compensation(buckets.size());
  ReduceSide(other_schema, rule.schema, &spans, &buckets, &compensation);
  AddSides(rule, {&spans, &buckets, &compensation}, left);
}

void ReduceLeft(int32_t from, int32_t to, const Side& side) {
  if (side.compensation) {
    ReduceSide(from, to, side.spans, side.buckets, side.compensation);
  } else {
    ReduceSide(from, to, side.spans, side.buckets);
  }
}

void AddExponential(const FloatHistogram& other, double sign, FloatHistogram* h,
                    FloatHistogram* c) {
  if (other.schema < h->schema) {
    ReduceLeft(h->schema, other.schema, Positive(h, c));
    ReduceLeft(h->schema, other.schema, Negative(h, c));
    h->schema = other.schema;
  }
  const AddRule rule{h->schema, h->zero_threshold, sign};
  AddReduced(other.positive_spans, other.positive_buckets, other.schema, rule, Positive(h, c));
  AddReduced(other.negative_spans, other.negative_buckets, other.schema, rule, Negative(h, c));
}

Result<FloatHistogram::OpResult> AddSigned(const FloatHistogram& other, double sign,
                                           FloatHistogram* h) {
  RETURN_IF_ERROR(CheckCompatible(*h, other));
  FloatHistogram::OpResult result;
  result.counter_reset_collision = AdjustHint(other.reset_hint, &h->reset_hint);
  if (!h->UsesCustomBuckets()) {
    h->zero_count += sign * ReconcileZeroBuckets(other, h, nullptr);
  }
  h->count += sign * other.count;
  h->sum += sign * other.sum;
  if (h->UsesCustomBuckets()) {
    result.nhcb_bounds_reconciled = AddCustom(other, sign, h, nullptr);
  } else {
    AddExponential(other, sign, h, nullptr);
  }
  return result;
}

FloatHistogram EmptyTwin(const FloatHistogram& h) {
  FloatHistogram c;
  c.reset_hint = h.reset_hint;
  c.schema = h.schema;
  c.zero_threshold = h.zero_threshold;
  c.positive_spans = h.positive_spans;
  c.negative_spans = h.negative_spans;
  c.positive_buckets.resize(h.positive_buckets.size());
  c.negative_buckets.resize(h.negative_buckets.size());
  c.custom_values = h.custom_values;
  return c;
}

}  // namespace

Result<FloatHistogram::OpResult> FloatHistogram::Add(const FloatHistogram& other) {
  return AddSigned(other, 1, this);
}

Result<FloatHistogram::OpResult> FloatHistogram::Sub(const FloatHistogram& other) {
  return AddSigned(other, -1, this);
}

Result<FloatHistogram::OpResult> FloatHistogram::KahanAdd(
    const FloatHistogram& other, std::unique_ptr<FloatHistogram>* compensation) {
  RETURN_IF_ERROR(CheckCompatible(*this, other));
  OpResult result;
  result.counter_reset_collision = AdjustHint(other.reset_hint, &reset_hint);
  if (*compensation == nullptr) *compensation = std::make_unique<FloatHistogram>(EmptyTwin(*this));
  FloatHistogram* c = compensation->get();
  c->positive_buckets.resize(positive_buckets.size());
  c->negative_buckets.resize(negative_buckets.size());
  if (!UsesCustomBuckets()) {
    const double other_zero_count = ReconcileZeroBuckets(other, this, c);
    KahanInc(other_zero_count, &zero_count, &c->zero_count);
  }
  KahanInc(other.count, &count, &c->count);
  KahanInc(other.sum, &sum, &c->sum);
  if (UsesCustomBuckets()) {
    result.nhcb_bounds_reconciled = AddCustom(other, 1, this, c);
  } else {
    AddExponential(other, 1, this, c);
    c->schema = schema;
    c->zero_threshold = zero_threshold;
    c->negative_spans = negative_spans;
  }
  c->positive_spans = positive_spans;
  return result;
}

void FloatHistogram::Mul(double factor) {
  zero_count *= factor;
  count *= factor;
  sum *= factor;
  for (double& bucket : positive_buckets) bucket *= factor;
  for (double& bucket : negative_buckets) bucket *= factor;
  if (factor < 0) reset_hint = ResetHint::kGauge;
}

void FloatHistogram::Div(double factor) {
  zero_count /= factor;
  count /= factor;
  sum /= factor;
  if (factor == 0) {
    positive_buckets.clear();
    negative_buckets.clear();
    positive_spans.clear();
    negative_spans.clear();
    return;
  }
  for (double& bucket : positive_buckets) bucket /= factor;
  for (double& bucket : negative_buckets) bucket /= factor;
  if (factor < 0) reset_hint = ResetHint::kGauge;
}

}  // namespace deucalion
