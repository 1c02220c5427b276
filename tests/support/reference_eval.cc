#include "tests/support/reference_eval.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>
#include <set>

namespace deucalion::testing_support {
namespace {

using namespace promql;  // NOLINT: the tree's names

constexpr uint64_t kStaleBits = 0x7ff0000000000002;
const char* const kName = "__name__";

bool IsStale(const RefElement& e) {
  return std::bit_cast<uint64_t>(e.histogram ? e.histogram->sum : e.value) == kStaleBits;
}

bool Selects(const VectorSelector& v, const RefLabels& labels) {
  return std::ranges::all_of(v.matchers, [&](const Matcher& m) {
    const auto it = labels.find(m.name());
    return m.Matches(it == labels.end() ? "" : it->second);
  });
}

// One sample with the labels that the selector asks for by equality, once each.
RefValue Absent(const VectorSelector* selector) {
  RefValue out;
  out.vector.push_back({{}, 1});
  if (selector == nullptr) return out;
  std::map<std::string, int> times;
  for (const Matcher& m : selector->matchers) ++times[m.name()];
  for (const Matcher& m : selector->matchers) {
    if (m.type() != MatchType::kEqual || m.name() == kName || times[m.name()] > 1) continue;
    out.vector[0].labels[m.name()] = m.value();
  }
  return out;
}

}  // namespace

RefLabels RefWithoutName(RefLabels labels) {
  labels.erase(kName);
  return labels;
}

RefLabels RefKeep(const RefLabels& labels, const std::vector<std::string>& names) {
  RefLabels out;
  for (const std::string& name : names) {
    const auto it = labels.find(name);
    if (it != labels.end()) out.insert(*it);
  }
  return out;
}

RefLabels RefDrop(RefLabels labels, const std::vector<std::string>& names) {
  for (const std::string& name : names) labels.erase(name);
  return labels;
}

RefValue RefError(std::string message) {
  RefValue out;
  out.error = std::move(message);
  return out;
}

RefValue RefScalar(double v) {
  RefValue out;
  out.is_scalar = true;
  out.scalar = v;
  return out;
}

RefValue RefChecked(RefValue value) {
  std::set<RefLabels> seen;
  for (const RefSample& s : value.vector) {
    if (!seen.insert(s.labels).second) {
      return RefError("vector cannot contain metrics with the same labelset");
    }
  }
  return value;
}

double ReferenceEvaluator::Seconds(const Expr& duration) const {
  using Op = DurationExpr::Op;
  if (const auto* number = TryAs<NumberLiteral>(duration)) return number->value;
  const auto& d = As<DurationExpr>(duration);
  if (d.op == Op::kStep) return static_cast<double>(options_.step_ms) / 1000;
  if (d.op == Op::kRange) return static_cast<double>(options_.end_ms - options_.start_ms) / 1000;
  const double l = d.lhs ? Seconds(*d.lhs) : 0;
  const double r = Seconds(*d.rhs);
  switch (d.op) {
    case Op::kAdd:
      return l + r;
    case Op::kSub:
      return l - r;
    case Op::kMul:
      return l * r;
    case Op::kDiv:
      return l / r;
    case Op::kMod:
      return std::fmod(l, r);
    case Op::kPow:
      return std::pow(l, r);
    case Op::kMinOf:
      return std::min(l, r);
    default:
      return std::max(l, r);
  }
}

int64_t ReferenceEvaluator::Milliseconds(const DurationValue& d) const {
  return d.expr ? static_cast<int64_t>(Seconds(*d.expr) * 1000) : d.ms;
}

int64_t ReferenceEvaluator::ShiftedTime(const AtModifier& at, const DurationValue& offset,
                                        int64_t time_ms) const {
  const int64_t offset_ms = Milliseconds(offset);
  switch (at.kind) {
    case AtModifier::Kind::kNone:
      return time_ms - offset_ms;
    case AtModifier::Kind::kTimestamp:
      return at.time_ms - offset_ms;
    case AtModifier::Kind::kStart:
      return options_.start_ms - offset_ms;
    case AtModifier::Kind::kEnd:
      return options_.end_ms - offset_ms;
  }
  return time_ms;
}

RefValue ReferenceEvaluator::Eval(const Expr& e, int64_t time_ms) const {
  RefValue value = EvalNode(e, time_ms);
  for (RefSample& s : value.vector) {
    if (s.drop_name) s.labels = RefWithoutName(s.labels);
  }
  return value.error.empty() ? RefChecked(std::move(value)) : value;
}

RefSample ReferenceEvaluator::Nameless(RefLabels labels, RefElement element) const {
  RefSample s(options_.delayed_names ? std::move(labels) : RefWithoutName(std::move(labels)),
              std::move(element));
  s.drop_name = true;
  return s;
}

// Names that are dropped late may still make the difference.
RefValue ReferenceEvaluator::CheckedUnlessDelayed(RefValue value) const {
  return options_.delayed_names ? value : RefChecked(std::move(value));
}

RefValue ReferenceEvaluator::EvalNode(const Expr& e, int64_t time_ms) const {
  switch (e.kind()) {
    case ExprKind::kNumberLiteral:
      return RefScalar(As<NumberLiteral>(e).value);
    case ExprKind::kParen:
      return EvalNode(*As<ParenExpr>(e).expr, time_ms);
    case ExprKind::kVectorSelector:
      return EvalSelector(As<VectorSelector>(e), time_ms, /*timestamps=*/false);
    case ExprKind::kCall:
      return EvalCall(As<Call>(e), time_ms);
    case ExprKind::kAggregate:
      return EvalAggregate(As<AggregateExpr>(e), time_ms);
    case ExprKind::kBinary:
      return EvalBinary(As<BinaryExpr>(e), time_ms);
    case ExprKind::kUnary: {
      RefValue value = EvalNode(*As<UnaryExpr>(e).expr, time_ms);
      if (!As<UnaryExpr>(e).negative) return value;
      value.scalar = -value.scalar;
      for (RefSample& s : value.vector) {
        s = Nameless(s.labels, s.histogram ? RefElement(RefMultiply(*s.histogram, -1))
                                           : RefElement(-s.value));
      }
      return CheckedUnlessDelayed(std::move(value));
    }
    default:
      return RefError("not a part of the reference");
  }
}

std::optional<RefPoint> ReferenceEvaluator::NewestPoint(const RefSeries& series,
                                                        int64_t at_ms) const {
  const RefPoint* newest = nullptr;
  for (const RefPoint& p : series.points) {
    if (p.time_ms <= at_ms && p.time_ms > at_ms - options_.lookback_ms) newest = &p;
  }
  return newest == nullptr || IsStale(*newest) ? std::nullopt : std::optional(*newest);
}

RefValue ReferenceEvaluator::EvalSelector(const VectorSelector& v, int64_t time_ms,
                                          bool timestamps) const {
  if (v.smoothed && !timestamps) return EvalSmoothed(v, time_ms);
  const int64_t at_ms = ShiftedTime(v.at, v.offset, time_ms);
  RefValue out;
  for (const RefSeries& series : *series_) {
    if (!Selects(v, series.labels)) continue;
    const std::optional<RefPoint> newest = NewestPoint(series, at_ms);
    if (!newest) continue;
    const double at_s = static_cast<double>(newest->time_ms) / 1000;
    out.vector.push_back({series.labels, timestamps ? RefElement(at_s) : RefElement(*newest)});
  }
  return out;
}

ReferenceEvaluator::Window ReferenceEvaluator::EvalRange(const Expr& e, int64_t time_ms) const {
  const Expr& bare = StripParens(e);
  if (bare.kind() == ExprKind::kSubquery) return EvalSubquery(As<SubqueryExpr>(bare), time_ms);
  return EvalMatrix(As<MatrixSelector>(bare), time_ms);
}

ReferenceEvaluator::Window ReferenceEvaluator::EvalMatrix(const MatrixSelector& m,
                                                          int64_t time_ms) const {
  const VectorSelector& v = m.vector();
  Window out;
  out.end_ms = ShiftedTime(v.at, v.offset, time_ms);
  out.begin_ms = out.end_ms - Milliseconds(m.range);
  const int64_t back_ms = v.anchored || v.smoothed ? options_.lookback_ms : 0;
  const int64_t ahead_ms = v.smoothed ? options_.lookback_ms : 0;
  out.series = PointsWithin(v, out.begin_ms - back_ms, out.end_ms + ahead_ms);
  return out;
}

std::vector<RefSeries> ReferenceEvaluator::PointsWithin(const VectorSelector& v, int64_t begin_ms,
                                                        int64_t end_ms) const {
  std::vector<RefSeries> out;
  for (const RefSeries& series : *series_) {
    if (!Selects(v, series.labels)) continue;
    RefSeries within{series.labels, {}};
    for (RefPoint p : series.points) {
      if (!options_.start_timestamps) p.start_ms = 0;
      const bool inside = p.time_ms > begin_ms && p.time_ms <= end_ms;
      if (inside && !IsStale(p)) within.points.push_back(p);
    }
    if (!within.points.empty()) out.push_back(std::move(within));
  }
  return out;
}

// The value at the time itself, between the samples around it.
RefValue ReferenceEvaluator::EvalSmoothed(const VectorSelector& v, int64_t time_ms) const {
  const int64_t at_ms = ShiftedTime(v.at, v.offset, time_ms);
  RefValue out;
  for (const RefSeries& series :
       PointsWithin(v, at_ms - options_.lookback_ms, at_ms + options_.lookback_ms)) {
    const RefPoint *before = nullptr, *after = nullptr;
    for (const RefPoint& p : series.points) {
      if (p.time_ms <= at_ms) before = &p;
      if (p.time_ms > at_ms && after == nullptr) after = &p;
    }
    const auto is_histogram = [](const RefPoint& p) { return p.histogram != nullptr; };
    const bool mixed = std::ranges::any_of(series.points, is_histogram) &&
                       !std::ranges::all_of(series.points, is_histogram);
    if (before == nullptr || mixed) continue;
    if (before->time_ms == at_ms) {
      out.vector.push_back({series.labels, *before});
      continue;
    }
    if (after == nullptr) {
      // Not a sample any more, so nothing is known of the one before.
      RefElement carried = *before;
      if (carried.histogram) {
        RefHistogram h = *carried.histogram;
        h.hint = RefHint::kUnknown;
        carried = std::move(h);
      }
      out.vector.push_back({series.labels, carried});
      continue;
    }
    // Floats may go down, histograms only when they say so.
    const bool counter = before->histogram && (before->histogram->hint != RefHint::kGauge ||
                                               after->histogram->hint != RefHint::kGauge);
    if (const auto value = RefInterpolate(*before, *after, at_ms, counter)) {
      out.vector.push_back({series.labels, *value});
    }
  }
  return out;
}

// The expression at the multiples of the step within (begin, end].
ReferenceEvaluator::Window ReferenceEvaluator::EvalSubquery(const SubqueryExpr& s,
                                                            int64_t time_ms) const {
  Window out;
  out.end_ms = ShiftedTime(s.at, s.offset, time_ms);
  out.begin_ms = out.end_ms - Milliseconds(s.range);
  const int64_t wanted_ms = Milliseconds(s.step);
  const int64_t step_ms = wanted_ms != 0 ? wanted_ms : options_.subquery_step_ms;
  std::map<RefLabels, RefSeries> by_labels;
  for (int64_t t = out.begin_ms + 1; t <= out.end_ms; ++t) {
    if (t % step_ms != 0) continue;
    const RefValue value = EvalNode(*s.expr, t);
    if (!value.error.empty()) {
      out.error = value.error;
      return out;
    }
    for (const RefSample& sample : value.vector) {
      RefPoint point{t, sample};
      if (point.histogram && point.histogram->hint != RefHint::kGauge) {
        // The samples in between are not seen.
        RefHistogram h = *point.histogram;
        h.hint = RefHint::kUnknown;
        point = {t, std::move(h)};
      }
      RefSeries& series = by_labels[sample.labels];
      series.labels = sample.labels;
      series.drop_name = sample.drop_name;
      series.points.push_back(std::move(point));
    }
    t += step_ms - 1;
  }
  for (auto& [labels, series] : by_labels) out.series.push_back(std::move(series));
  return out;
}

RefValue ReferenceEvaluator::EvalCall(const Call& c, int64_t time_ms) const {
  const FunctionId id = c.function->id;
  if (id == FunctionId::kAbsentOverTime) return EvalAbsentOverTime(c, time_ms);
  for (size_t i = 0; i < c.args.size(); ++i) {
    if (c.args[i]->Type() == ValueType::kMatrix) return EvalRangeCall(c, i, time_ms);
  }
  const double now_s = static_cast<double>(time_ms) / 1000;
  if (c.function->result == ValueType::kScalar && id != FunctionId::kScalar) {
    return EvalScalarCall(c, time_ms);
  }
  if (id == FunctionId::kAbsent) return EvalAbsent(c, time_ms);
  if (id == FunctionId::kInfo) return EvalInfo(c, time_ms);
  if (id == FunctionId::kLabelReplace || id == FunctionId::kLabelJoin) {
    return EvalLabelCall(c, time_ms);
  }
  if (id == FunctionId::kHistogramQuantile || id == FunctionId::kHistogramFraction ||
      id == FunctionId::kHistogramQuantiles) {
    return EvalHistogramQuantile(c, time_ms);
  }
  RefValue value;
  if (c.args.empty()) {
    value.vector.push_back({{}, now_s});  // of dates
  } else {
    value = EvalNode(*c.args[0], time_ms);
  }
  if (!value.error.empty()) return value;
  if (id == FunctionId::kSortByLabel) return value;
  if (id == FunctionId::kSort || id == FunctionId::kSortDesc) {
    std::erase_if(value.vector, [](const RefSample& s) { return s.histogram != nullptr; });
    return value;
  }
  if (id == FunctionId::kStartTimestamp) {
    return EvalStartTimestamp(As<VectorSelector>(StripParens(*c.args[0])), time_ms);
  }
  if (id == FunctionId::kVector) {
    RefValue out;
    out.vector.push_back({{}, value.scalar});
    return out;
  }
  if (id == FunctionId::kScalar) {
    std::erase_if(value.vector, [](const RefSample& s) { return s.histogram != nullptr; });
    return RefScalar(value.vector.size() == 1 ? value.vector[0].value
                                              : std::numeric_limits<double>::quiet_NaN());
  }
  if (id == FunctionId::kTimestamp) {
    const Expr& arg = StripParens(*c.args[0]);
    const auto* selector = TryAs<VectorSelector>(arg);
    if (selector != nullptr) value = EvalSelector(*selector, time_ms, /*timestamps=*/true);
    for (RefSample& s : value.vector) {
      s = Nameless(s.labels, selector != nullptr ? s.value : now_s);
    }
    return CheckedUnlessDelayed(std::move(value));
  }
  std::vector<double> params;
  for (size_t i = 1; i < c.args.size(); ++i) {
    const RefValue param = EvalNode(*c.args[i], time_ms);
    if (!param.error.empty()) return param;
    params.push_back(param.scalar);
  }
  RefValue out;
  for (const RefSample& s : value.vector) {
    const std::optional<double> result = s.histogram ? RefHistogramFunction(id, *s.histogram)
                                                     : RefSampleFunction(id, s.value, params);
    if (result) out.vector.push_back(Nameless(s.labels, *result));
  }
  return CheckedUnlessDelayed(std::move(out));
}

RefValue ReferenceEvaluator::EvalScalarCall(const Call& c, int64_t time_ms) const {
  std::vector<double> args;
  for (const ExprPtr& arg : c.args) {
    const RefValue value = EvalNode(*arg, time_ms);
    if (!value.error.empty()) return value;
    args.push_back(value.scalar);
  }
  const auto seconds = [](int64_t ms) { return static_cast<double>(ms) / 1000; };
  switch (c.function->id) {
    case FunctionId::kTime:
      return RefScalar(seconds(time_ms));
    case FunctionId::kPi:
      return RefScalar(M_PI);
    case FunctionId::kStart:
      return RefScalar(seconds(options_.start_ms));
    case FunctionId::kEnd:
      return RefScalar(seconds(options_.end_ms));
    case FunctionId::kStep:
      return RefScalar(seconds(options_.step_ms));
    case FunctionId::kRange:
      return RefScalar(seconds(options_.end_ms - options_.start_ms));
    case FunctionId::kMinOf:
    case FunctionId::kMaxOf:
      if (std::isnan(args[0]) || std::isnan(args[1])) return RefScalar(args[0] + args[1]);
      return RefScalar(c.function->id == FunctionId::kMinOf ? std::min(args[0], args[1])
                                                            : std::max(args[0], args[1]));
    default:
      return RefError("not a part of the reference");
  }
}

RefValue ReferenceEvaluator::EvalStartTimestamp(const VectorSelector& v, int64_t time_ms) const {
  RefValue out;
  if (!options_.start_timestamps) return out;
  const int64_t at_ms = ShiftedTime(v.at, v.offset, time_ms);
  for (const RefSeries& series : *series_) {
    if (!Selects(v, series.labels)) continue;
    const std::optional<RefPoint> newest = NewestPoint(series, at_ms);
    if (newest) {
      out.vector.push_back(Nameless(series.labels, static_cast<double>(newest->start_ms) / 1000));
    }
  }
  return CheckedUnlessDelayed(std::move(out));
}

RefValue ReferenceEvaluator::EvalRangeCall(const Call& c, size_t range_arg, int64_t time_ms) const {
  const FunctionId id = c.function->id;
  std::vector<double> params;
  for (size_t i = 0; i < c.args.size(); ++i) {
    if (i == range_arg) continue;
    const RefValue value = EvalNode(*c.args[i], time_ms);
    if (!value.error.empty()) return value;
    params.push_back(value.scalar);
  }
  const auto* selector = TryAs<MatrixSelector>(StripParens(*c.args[range_arg]));
  const Window window = EvalRange(*c.args[range_arg], time_ms);
  if (!window.error.empty()) return RefError(window.error);
  RefValue out;
  for (const RefSeries& series : window.series) {
    const RefWindow w{static_cast<double>(window.begin_ms) / 1000,
                      static_cast<double>(window.end_ms) / 1000,
                      static_cast<double>(time_ms) / 1000,
                      series.points,
                      selector != nullptr && selector->vector().anchored,
                      selector != nullptr && selector->vector().smoothed};
    const std::optional<RefElement> value = RefRangeFunction(id, w, params);
    if (!value) continue;
    const bool keeps = id == FunctionId::kLastOverTime || id == FunctionId::kFirstOverTime;
    out.vector.push_back(keeps ? RefSample(series.labels, *value, series.drop_name)
                               : Nameless(series.labels, *value));
  }
  return CheckedUnlessDelayed(std::move(out));
}

RefValue ReferenceEvaluator::EvalAbsent(const Call& c, int64_t time_ms) const {
  const RefValue value = EvalNode(*c.args[0], time_ms);
  if (!value.error.empty() || !value.vector.empty()) {
    return value.error.empty() ? RefValue() : value;
  }
  return Absent(TryAs<VectorSelector>(StripParens(*c.args[0])));
}

RefValue ReferenceEvaluator::EvalAbsentOverTime(const Call& c, int64_t time_ms) const {
  const Window window = EvalRange(*c.args[0], time_ms);
  if (!window.error.empty()) return RefError(window.error);
  if (!window.series.empty()) return RefValue();
  const auto* range = TryAs<MatrixSelector>(StripParens(*c.args[0]));
  return Absent(range == nullptr ? nullptr : &range->vector());
}

}  // namespace deucalion::testing_support
