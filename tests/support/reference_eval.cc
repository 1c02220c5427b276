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

RefValue Error(std::string message) {
  RefValue out;
  out.error = std::move(message);
  return out;
}

RefValue ScalarValue(double v) {
  RefValue out;
  out.is_scalar = true;
  out.scalar = v;
  return out;
}

RefLabels WithoutName(RefLabels labels) {
  labels.erase(kName);
  return labels;
}

RefLabels Keep(const RefLabels& labels, const std::vector<std::string>& names) {
  RefLabels out;
  for (const std::string& name : names) {
    const auto it = labels.find(name);
    if (it != labels.end()) out.insert(*it);
  }
  return out;
}

RefLabels Drop(RefLabels labels, const std::vector<std::string>& names) {
  for (const std::string& name : names) labels.erase(name);
  return labels;
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

// A result must not hold the same labels twice.
RefValue Checked(RefValue value) {
  std::set<RefLabels> seen;
  for (const RefSample& s : value.vector) {
    if (!seen.insert(s.labels).second) {
      return Error("vector cannot contain metrics with the same labelset");
    }
  }
  return value;
}

RefLabels SignatureOf(const VectorMatching& m, const RefLabels& labels) {
  return m.on ? Keep(labels, m.labels) : WithoutName(Drop(labels, m.labels));
}

}  // namespace

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
    if (s.drop_name) s.labels = WithoutName(s.labels);
  }
  return value.error.empty() ? Checked(std::move(value)) : value;
}

RefSample ReferenceEvaluator::Nameless(RefLabels labels, RefElement element) const {
  RefSample s(options_.delayed_names ? std::move(labels) : WithoutName(std::move(labels)),
              std::move(element));
  s.drop_name = true;
  return s;
}

// Names that are dropped late may still make the difference.
RefValue ReferenceEvaluator::CheckedUnlessDelayed(RefValue value) const {
  return options_.delayed_names ? value : Checked(std::move(value));
}

RefValue ReferenceEvaluator::EvalNode(const Expr& e, int64_t time_ms) const {
  switch (e.kind()) {
    case ExprKind::kNumberLiteral:
      return ScalarValue(As<NumberLiteral>(e).value);
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
      return Error("not a part of the reference");
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
    return ScalarValue(value.vector.size() == 1 ? value.vector[0].value
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
      return ScalarValue(seconds(time_ms));
    case FunctionId::kPi:
      return ScalarValue(M_PI);
    case FunctionId::kStart:
      return ScalarValue(seconds(options_.start_ms));
    case FunctionId::kEnd:
      return ScalarValue(seconds(options_.end_ms));
    case FunctionId::kStep:
      return ScalarValue(seconds(options_.step_ms));
    case FunctionId::kRange:
      return ScalarValue(seconds(options_.end_ms - options_.start_ms));
    case FunctionId::kMinOf:
    case FunctionId::kMaxOf:
      if (std::isnan(args[0]) || std::isnan(args[1])) return ScalarValue(args[0] + args[1]);
      return ScalarValue(c.function->id == FunctionId::kMinOf ? std::min(args[0], args[1])
                                                              : std::max(args[0], args[1]));
    default:
      return Error("not a part of the reference");
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
  if (!window.error.empty()) return Error(window.error);
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
  if (!window.error.empty()) return Error(window.error);
  if (!window.series.empty()) return RefValue();
  const auto* range = TryAs<MatrixSelector>(StripParens(*c.args[0]));
  return Absent(range == nullptr ? nullptr : &range->vector());
}

namespace {

// How many samples of each value, the value being a label.
RefValue CountValues(const AggregateExpr& a, const RefValue& value) {
  const std::string& label = As<StringLiteral>(StripParens(*a.param)).value;
  std::map<RefLabels, double> counts;
  for (const RefSample& s : value.vector) {
    char text[400];
    char* end = std::to_chars(text, text + sizeof(text), s.value, std::chars_format::fixed).ptr;
    RefLabels labels =
        a.without ? WithoutName(Drop(s.labels, a.grouping)) : Keep(s.labels, a.grouping);
    labels[label] = std::isnan(s.value)   ? "NaN"
                    : std::isinf(s.value) ? (s.value > 0 ? "+Inf" : "-Inf")
                                          : std::string(text, end);
    ++counts[labels];
  }
  RefValue out;
  for (const auto& [labels, count] : counts) out.vector.push_back({labels, count});
  return out;
}

// In the order of the series.
std::vector<RefSample> FirstOf(std::vector<RefSample> samples, double k) {
  if (k < static_cast<double>(samples.size())) samples.resize(k < 1 ? 0 : static_cast<size_t>(k));
  return samples;
}

// The share r of all label sets, or the share -r that is not in the share 1 + r.
std::vector<RefSample> RatioOf(const std::vector<RefSample>& samples, double r) {
  std::vector<RefSample> out;
  for (const RefSample& s : samples) {
    const double place = static_cast<double>(RefHash(s.labels)) / 0x1p64;
    if (r >= 0 ? place < r : place >= 1 + r) out.push_back(s);
  }
  return out;
}

}  // namespace

RefValue ReferenceEvaluator::EvalAggregate(const AggregateExpr& a, int64_t time_ms) const {
  const RefValue value = EvalNode(*a.expr, time_ms);
  if (!value.error.empty()) return value;
  if (a.op == AggregateOp::kCountValues) return CountValues(a, value);
  double param = 0;
  if (a.param) {
    const RefValue p = EvalNode(*a.param, time_ms);
    if (!p.error.empty()) return p;
    param = p.scalar;
  }
  const bool picks = a.op == AggregateOp::kTopk || a.op == AggregateOp::kBottomk ||
                     a.op == AggregateOp::kLimitk || a.op == AggregateOp::kLimitRatio;
  if (picks && std::isnan(param)) return Error("parameter is NaN");
  std::map<RefLabels, std::vector<RefSample>> groups;
  for (const RefSample& s : value.vector) {
    groups[a.without ? WithoutName(Drop(s.labels, a.grouping)) : Keep(s.labels, a.grouping)]
        .push_back(s);
  }
  RefValue out;
  for (auto& [labels, samples] : groups) {
    if (a.op == AggregateOp::kLimitk || a.op == AggregateOp::kLimitRatio) {
      const std::vector<RefSample> some =
          a.op == AggregateOp::kLimitk ? FirstOf(samples, param) : RatioOf(samples, param);
      out.vector.insert(out.vector.end(), some.begin(), some.end());
      continue;
    }
    if (a.op == AggregateOp::kTopk || a.op == AggregateOp::kBottomk) {
      const bool top = a.op == AggregateOp::kTopk;
      std::erase_if(samples, [](const RefSample& s) { return s.histogram != nullptr; });
      std::ranges::sort(samples, [&](const RefSample& x, const RefSample& y) {
        if (std::isnan(x.value) || std::isnan(y.value)) return !std::isnan(x.value);
        return top ? x.value > y.value : x.value < y.value;
      });
      samples = FirstOf(samples, param);
      out.vector.insert(out.vector.end(), samples.begin(), samples.end());
      continue;
    }
    std::vector<double> values;
    std::vector<RefHistogram> histograms;
    const bool drop = std::ranges::any_of(samples, &RefSample::drop_name);
    for (const RefSample& s : samples) {
      if (s.histogram) {
        histograms.push_back(*s.histogram);
      } else {
        values.push_back(s.value);
      }
    }
    if (a.op == AggregateOp::kCount || a.op == AggregateOp::kGroup) {
      values.resize(samples.size());
    } else if (a.op == AggregateOp::kSum || a.op == AggregateOp::kAvg) {
      if (!values.empty() && !histograms.empty()) continue;
      if (!histograms.empty()) {
        const auto sum = RefSum(histograms);
        const bool mean = a.op == AggregateOp::kAvg;
        const double divisor = mean ? static_cast<double>(histograms.size()) : 1;
        if (sum) out.vector.push_back({labels, RefCompact(RefDivide(*sum, divisor)), drop});
        continue;
      }
    }
    if (values.empty()) continue;
    out.vector.push_back({labels, RefAggregate(a.op, values, param), drop});
  }
  return out;
}

namespace {

bool IsArithmetic(BinaryOp op) {
  return !IsComparison(op) && op != BinaryOp::kTrimLower && op != BinaryOp::kTrimUpper;
}

// What two elements make, if the operator knows them. `kept`: unless a filter drops it.
struct Outcome {
  bool kept = false;
  RefElement element;
};

std::optional<Outcome> Apply(const BinaryExpr& b, const RefElement& lhs, const RefElement& rhs,
                             const RefElement& shown) {
  if (IsComparison(b.op)) {
    const std::optional<bool> holds = RefCompare(b.op, lhs, rhs);
    if (!holds) return std::nullopt;
    if (b.return_bool) return Outcome{true, RefElement(*holds ? 1 : 0)};
    return Outcome{*holds, shown};
  }
  const std::optional<RefElement> result = RefBinary(b.op, lhs, rhs);
  return result ? std::optional(Outcome{true, *result}) : std::nullopt;
}

}  // namespace

// One element against a scalar. Nothing when a filter drops it.
std::optional<RefSample> ReferenceEvaluator::WithScalar(const BinaryExpr& b, const RefSample& s,
                                                        double scalar, bool scalar_left) const {
  const RefElement other(scalar);
  const auto outcome = Apply(b, scalar_left ? other : s, scalar_left ? s : other, s);
  if (!outcome || !outcome->kept) return std::nullopt;
  const bool keep_name = !IsArithmetic(b.op) && !b.return_bool;
  if (keep_name) return RefSample(s.labels, outcome->element, s.drop_name);
  // docs/decisions/answers-of-2.42.md
  if (b.op == BinaryOp::kAtan2 && !options_.delayed_names) {
    return RefSample(s.labels, outcome->element);
  }
  return Nameless(s.labels, outcome->element);
}

namespace {

RefValue SetOperation(const BinaryExpr& b, const RefValue& lhs, const RefValue& rhs) {
  const VectorMatching& m = *b.matching;
  std::set<RefLabels> left, right;
  for (const RefSample& s : lhs.vector) left.insert(SignatureOf(m, s.labels));
  for (const RefSample& s : rhs.vector) right.insert(SignatureOf(m, s.labels));
  RefValue out;
  for (const RefSample& s : lhs.vector) {
    const bool in_both = right.contains(SignatureOf(m, s.labels));
    const bool keep = b.op == BinaryOp::kOr || in_both == (b.op == BinaryOp::kAnd);
    if (keep) out.vector.push_back(s);
  }
  for (const RefSample& s : rhs.vector) {
    if (b.op == BinaryOp::kOr && !left.contains(SignatureOf(m, s.labels))) out.vector.push_back(s);
  }
  return out;
}

RefLabels MatchedLabels(const BinaryExpr& b, const RefLabels& many, const RefLabels& one,
                        bool delayed_names) {
  const VectorMatching& m = *b.matching;
  RefLabels labels = IsArithmetic(b.op) ? WithoutName(many) : many;
  if (m.card == VectorMatching::Card::kOneToOne) {
    labels = m.on ? Keep(labels, m.labels) : Drop(labels, m.labels);
  }
  for (const std::string& name : m.include) {
    labels.erase(name);
    const auto it = one.find(name);
    if (it != one.end()) labels.insert(*it);
  }
  return b.return_bool && !delayed_names ? WithoutName(labels) : labels;
}

RefValue Match(const BinaryExpr& b, const RefValue& lhs, const RefValue& rhs, bool delayed_names) {
  const VectorMatching& m = *b.matching;
  const bool fills = m.fill_lhs || m.fill_rhs;
  if (!fills && (lhs.vector.empty() || rhs.vector.empty())) return RefValue();
  const bool swapped = m.card == VectorMatching::Card::kOneToMany;
  const std::vector<RefSample>& many = swapped ? rhs.vector : lhs.vector;
  // As in Prometheus, also with group_right: fill_right is that of the one side.
  const std::optional<double> many_fill = m.fill_lhs;
  const std::optional<double> one_fill = m.fill_rhs;
  std::map<RefLabels, RefSample> ones;
  for (const RefSample& s : (swapped ? lhs : rhs).vector) {
    if (!ones.emplace(SignatureOf(m, s.labels), s).second) return Error("many-to-many");
  }
  std::set<RefLabels> signatures;  // of the pairs that the operator knows
  std::set<std::pair<RefLabels, RefLabels>> matched;
  RefValue out;
  const auto pair = [&](const RefSample& many_one, const RefSample& one) {
    const RefLabels signature = SignatureOf(m, many_one.labels);
    const RefSample& left = swapped ? one : many_one;
    const RefSample& right = swapped ? many_one : one;
    const auto outcome = Apply(b, left, right, left);
    if (!outcome) return;
    signatures.insert(signature);
    const RefLabels labels = MatchedLabels(b, many_one.labels, one.labels, delayed_names);
    // Also of pairs that the filter drops.
    const bool one_to_one = m.card == VectorMatching::Card::kOneToOne;
    if (!matched.emplace(signature, one_to_one ? RefLabels() : labels).second) {
      out.error = "multiple matches";
    }
    if (outcome->kept) out.vector.push_back({labels, outcome->element, b.return_bool});
  };
  // What is missing on one side is made up with the labels both sides must agree on.
  for (const RefSample& s : many) {
    const RefLabels signature = SignatureOf(m, s.labels);
    const auto one = ones.find(signature);
    if (one != ones.end()) {
      pair(s, one->second);
    } else if (one_fill) {
      pair(s, {signature, *one_fill});
    }
  }
  const std::set<RefLabels> met = signatures;
  for (const auto& [signature, s] : ones) {
    if (many_fill && !met.contains(signature)) pair({signature, *many_fill}, s);
  }
  if (!out.error.empty()) return Error(out.error);
  return delayed_names ? out : Checked(std::move(out));
}

}  // namespace

RefValue ReferenceEvaluator::EvalBinary(const BinaryExpr& b, int64_t time_ms) const {
  const RefValue lhs = EvalNode(*b.lhs, time_ms);
  const RefValue rhs = EvalNode(*b.rhs, time_ms);
  if (!lhs.error.empty()) return lhs;
  if (!rhs.error.empty()) return rhs;
  if (lhs.is_scalar && rhs.is_scalar) return ScalarValue(RefBinary(b.op, lhs.scalar, rhs.scalar));
  if (IsSetOperator(b.op)) return SetOperation(b, lhs, rhs);
  if (!lhs.is_scalar && !rhs.is_scalar) return Match(b, lhs, rhs, options_.delayed_names);
  RefValue out;
  for (const RefSample& s : (lhs.is_scalar ? rhs : lhs).vector) {
    const double scalar = lhs.is_scalar ? lhs.scalar : rhs.scalar;
    if (const auto kept = WithScalar(b, s, scalar, lhs.is_scalar)) out.vector.push_back(*kept);
  }
  return CheckedUnlessDelayed(std::move(out));
}

}  // namespace deucalion::testing_support
