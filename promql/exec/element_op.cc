#include "promql/exec/element_op.h"

#include <memory>
#include <utility>

#include "model/histogram.h"
#include "promql/exec/notes.h"
#include "promql/plan/scalar_math.h"

namespace deucalion::promql {
namespace {

bool IsTrim(BinaryOp op) { return op == BinaryOp::kTrimLower || op == BinaryOp::kTrimUpper; }

std::string_view KindText(const Element& e) {
  return e.histogram == nullptr ? "float" : "histogram";
}

ElementResult Incompatible(BinaryOp op, const Element& l, const Element& r, int32_t pos,
                           Annotations* annotations) {
  annotations->Add(notes::IncompatibleTypes(KindText(l), BinaryOpText(op), KindText(r), pos));
  return {};
}

ElementResult OfHistogram(FloatHistogram h) {
  h.Compact(0);
  ElementResult result;
  result.element.histogram = std::make_shared<FloatHistogram>(std::move(h));
  result.valid = result.keep = true;
  return result;
}

ElementResult HistogramByFloat(BinaryOp op, const FloatHistogram& h, double v) {
  FloatHistogram result = h;
  switch (op) {
    case BinaryOp::kMul:
      result.Mul(v);
      break;
    case BinaryOp::kDiv:
      result.Div(v);
      break;
    default:
      result.TrimBuckets(v, op == BinaryOp::kTrimUpper);
  }
  return OfHistogram(std::move(result));
}

ElementResult AddHistograms(BinaryOp op, const Element& l, const Element& r, int32_t pos,
                            Annotations* annotations) {
  const bool add = op == BinaryOp::kAdd;
  const auto kind = add ? notes::HistogramOp::kAdd : notes::HistogramOp::kSub;
  FloatHistogram sum = *l.histogram;
  const Result<FloatHistogram::OpResult> done = add ? sum.Add(*r.histogram) : sum.Sub(*r.histogram);
  if (!done.ok()) {
    annotations->Add(notes::IncompatibleBucketLayout(BinaryOpText(op), pos));
    return {};
  }
  if (done->counter_reset_collision) annotations->Add(notes::CounterResetCollision(kind, pos));
  if (done->nhcb_bounds_reconciled) annotations->Add(notes::MismatchedCustomBuckets(kind, pos));
  if (!add) sum.reset_hint = ResetHint::kGauge;
  return OfHistogram(std::move(sum));
}

}  // namespace

bool DropsName(BinaryOp op) { return !IsComparison(op) && !IsTrim(op) && !IsSetOperator(op); }

ElementResult ApplyElementOp(BinaryOp op, const Element& l, const Element& r, int32_t pos,
                             Annotations* annotations) {
  ElementResult result;
  if (l.histogram == nullptr && r.histogram == nullptr) {
    if (IsTrim(op)) return Incompatible(op, l, r, pos, annotations);
    result.valid = true;
    result.keep = !IsComparison(op) || CompareFloats(op, l.value, r.value);
    result.element.value = IsComparison(op) ? l.value : ArithmeticFloats(op, l.value, r.value);
    return result;
  }
  if (l.histogram == nullptr) {
    if (op != BinaryOp::kMul) return Incompatible(op, l, r, pos, annotations);
    return HistogramByFloat(op, *r.histogram, l.value);
  }
  if (r.histogram == nullptr) {
    const bool fits = op == BinaryOp::kMul || op == BinaryOp::kDiv || IsTrim(op);
    if (!fits) return Incompatible(op, l, r, pos, annotations);
    return HistogramByFloat(op, *l.histogram, r.value);
  }
  switch (op) {
    case BinaryOp::kAdd:
    case BinaryOp::kSub:
      return AddHistograms(op, l, r, pos, annotations);
    case BinaryOp::kEqual:
    case BinaryOp::kNotEqual:
      result.valid = true;
      result.element.histogram = l.histogram;
      result.keep = l.histogram->Equals(*r.histogram) == (op == BinaryOp::kEqual);
      return result;
    default:
      return Incompatible(op, l, r, pos, annotations);
  }
}

}  // namespace deucalion::promql
