// The arithmetic of the reference evaluator, function by function, as the documentation has it.
#include <algorithm>
#include <cmath>
#include <ctime>
#include <limits>

#include "tests/support/reference_eval.h"

namespace deucalion::testing_support {
namespace {

using promql::AggregateOp;
using promql::BinaryOp;
using promql::FunctionId;

const double kNan = std::numeric_limits<double>::quiet_NaN();
const double kInf = std::numeric_limits<double>::infinity();

double Seconds(int64_t ms) { return static_cast<double>(ms) / 1000; }

double Sum(const std::vector<double>& values) {
  long double sum = 0;
  for (double v : values) sum += v;
  return static_cast<double>(sum);
}

double Mean(const std::vector<double>& values) {
  return Sum(values) / static_cast<double>(values.size());
}

double Variance(const std::vector<double>& values) {
  const double mean = Mean(values);
  std::vector<double> squares;
  for (double v : values) squares.push_back((v - mean) * (v - mean));
  return Mean(squares);
}

// NaN only when all are.
double Least(const std::vector<double>& values) {
  double least = kNan;
  for (double v : values) {
    if (std::isnan(least) || v < least) least = v;
  }
  return least;
}

double Greatest(const std::vector<double>& values) {
  double greatest = kNan;
  for (double v : values) {
    if (std::isnan(greatest) || v > greatest) greatest = v;
  }
  return greatest;
}

// How much of the window first and last sample stand for, as a multiple of the time between them.
// `first` and `change`: of the counter, or of the observations that a histogram counted.
double Stretch(const RefWindow& w, double first, double change, bool counter) {
  const double first_s = Seconds(w.points.front().time_ms);
  const double last_s = Seconds(w.points.back().time_ms);
  const double covered = last_s - first_s;
  const double spacing = covered / static_cast<double>(w.points.size() - 1);
  double before = first_s - w.begin_s;
  double after = w.end_s - last_s;
  if (before >= 1.1 * spacing) before = spacing / 2;
  if (after >= 1.1 * spacing) after = spacing / 2;
  if (counter && change > 0 && first >= 0) {
    // A counter was never below zero.
    before = std::min(before, covered * (first / change));
  }
  return (covered + before + after) / covered;
}

// The same of a counter that began within the window.
double StretchFromStart(const RefWindow& w) {
  const double last_s = Seconds(w.points.back().time_ms);
  const double covered = last_s - Seconds(w.points.front().start_ms);
  const double n = static_cast<double>(w.points.size());
  const double spacing = n < 2 ? 0 : (last_s - Seconds(w.points.front().time_ms)) / (n - 1);
  double after = w.end_s - last_s;
  if (after >= 1.1 * spacing) after = spacing / 2;
  return (covered + after) / covered;
}

// From the first to the last of the numbers, with what resets hid.
double Change(const RefWindow& w, bool counter) {
  double change = w.points.back().value - w.points.front().value;
  for (size_t i = 1; counter && i < w.points.size(); ++i) {
    if (RefBegan(w.points[i - 1], w.points[i])) change += w.points[i - 1].value;
  }
  return change;
}

// The same of histograms. Nothing when they do not go together.
std::optional<RefHistogram> HistogramChange(const RefWindow& w, bool counter) {
  std::vector<RefPoint> points = w.points;
  if (counter && RefBegan(points[0], points[1])) {
    // Nothing of the first one counts, nor do its buckets matter.
    RefHistogram nothing;
    nothing.custom = points[1].histogram->custom;
    nothing.schema = points[1].histogram->schema;
    nothing.bounds = points[1].histogram->bounds;
    points[0] = RefPoint(points[0].time_ms, nothing, points[0].start_ms);
  }
  const RefHistogram& first = *points.front().histogram;
  RefHistogram last = *points.back().histogram;
  for (const RefPoint& p : points) {
    const bool counts = counter || &p == &points.front() || &p == &points.back();
    if (!counts) continue;
    if (p.histogram->custom != first.custom) return std::nullopt;
    last = RefReduce(last, p.histogram->schema);
  }
  std::optional<RefHistogram> change = RefAdd(last, first, -1);
  for (size_t i = 1; counter && change && i < points.size(); ++i) {
    if (RefBegan(points[i - 1], points[i])) change = RefAdd(*change, *points[i - 1].histogram, 1);
  }
  return change;
}

RefHistogram AsGauge(RefHistogram h) {
  h.hint = RefHint::kGauge;
  return h;
}

// rate, increase and delta: the change between first and last sample, stretched to the edges of the
// window where the samples come close to them.
std::optional<RefElement> Extrapolated(const RefWindow& w, bool counter, bool per_second) {
  const RefPoint& first = w.points.front();
  const double seconds = per_second ? w.end_s - w.begin_s : 1;
  // A start within the window is a sample of zero.
  const bool from_start = counter && first.start_ms != 0 && Seconds(first.start_ms) > w.begin_s &&
                          first.start_ms < first.time_ms;
  if (w.points.size() < 2 && !from_start) return std::nullopt;
  if (!first.histogram) {
    double change = Change(w, counter);
    if (from_start) return (change + first.value) * StretchFromStart(w) / seconds;
    return change * Stretch(w, first.value, change, counter) / seconds;
  }
  // A single one stays what it is.
  if (w.points.size() < 2) return RefMultiply(*first.histogram, StretchFromStart(w) / seconds);
  std::optional<RefHistogram> change = HistogramChange(w, counter);
  if (change) change = AsGauge(RefCompact(*change));
  if (change && from_start) change = RefAdd(*change, *first.histogram, 1);
  if (!change) return std::nullopt;
  const double factor =
      from_start ? StretchFromStart(w) : Stretch(w, first.histogram->count, change->count, counter);
  return RefMultiply(*change, factor / seconds);
}

std::optional<RefElement> OfLastTwo(const RefWindow& w, bool rate) {
  if (w.points.size() < 2) return std::nullopt;
  const RefPoint& last = w.points.back();
  const RefPoint& before = w.points[w.points.size() - 2];
  const double seconds = rate ? Seconds(last.time_ms - before.time_ms) : 1;
  if ((last.histogram == nullptr) != (before.histogram == nullptr)) return std::nullopt;
  const bool anew = rate && RefBegan(before, last);
  if (!last.histogram) return (anew ? last.value : last.value - before.value) / seconds;
  const std::optional<RefHistogram> change =
      anew ? *last.histogram : RefAdd(*last.histogram, *before.histogram, -1);
  if (!change) return std::nullopt;
  return AsGauge(RefDivide(RefCompact(*change), seconds));
}

// Least squares; x in seconds from `origin_s`.
std::optional<std::pair<double, double>> Line(const RefWindow& w, double origin_s) {
  if (w.points.size() < 2) return std::nullopt;
  const double first = w.points.front().value;
  if (std::ranges::all_of(w.points, [&](const RefPoint& p) { return p.value == first; })) {
    return std::isinf(first) ? std::pair(kNan, kNan) : std::pair(0.0, first);
  }
  long double n = 0, x = 0, y = 0, xy = 0, xx = 0;
  for (const RefPoint& p : w.points) {
    const long double dx = Seconds(p.time_ms) - origin_s;
    n += 1;
    x += dx;
    y += p.value;
    xy += dx * p.value;
    xx += dx * dx;
  }
  const long double slope = (xy - x * y / n) / (xx - x * x / n);
  return std::pair(static_cast<double>(slope), static_cast<double>(y / n - slope * x / n));
}

double CountNeighbours(const RefWindow& w,
                       bool (*differs)(const RefPoint& before, const RefPoint& now)) {
  double n = 0;
  for (size_t i = 1; i < w.points.size(); ++i) {
    n += differs(w.points[i - 1], w.points[i]) ? 1 : 0;
  }
  return n;
}

// Median distance from the median. NaN has no distance.
double MedianDeviation(const std::vector<double>& values) {
  std::vector<double> distances;
  for (double v : values) {
    if (std::isnan(v)) return kNan;
    distances.push_back(std::fabs(v - RefQuantile(0.5, values)));
  }
  return RefQuantile(0.5, distances);
}

// The time of the last of the best values; of the first sample when all are NaN.
double TimeOfBest(const RefWindow& w, bool max) {
  RefPoint best = w.points.front();
  for (const RefPoint& p : w.points) {
    const bool better = max ? p.value >= best.value : p.value <= best.value;
    if (better || std::isnan(best.value)) best = p;
  }
  return Seconds(best.time_ms);
}

bool Changed(const RefPoint& a, const RefPoint& b) {
  if ((a.histogram == nullptr) != (b.histogram == nullptr)) return true;
  if (a.histogram) return !RefSame(*a.histogram, *b.histogram);
  return a.value != b.value && !(std::isnan(a.value) && std::isnan(b.value));
}

// Holt's linear trend: level and trend, each smoothed.
std::optional<double> DoubleExponential(const std::vector<double>& v, double sf, double tf) {
  if (v.size() < 2) return std::nullopt;
  double level = v[0], before = 0, trend = v[1] - v[0];
  for (size_t i = 1; i < v.size(); ++i) {
    if (i > 1) trend = tf * (level - before) + (1 - tf) * trend;
    const double next = sf * v[i] + (1 - sf) * (level + trend);
    before = level;
    level = next;
  }
  return level;
}

// Functions that look at numbers only.
std::optional<double> OfNumbers(FunctionId id, const RefWindow& w,
                                const std::vector<double>& params) {
  const double param = params.empty() ? 0 : params[0];
  std::vector<double> values;
  for (const RefPoint& p : w.points) values.push_back(p.value);
  switch (id) {
    case FunctionId::kDeriv: {
      const auto line = Line(w, Seconds(w.points.front().time_ms));
      return line ? std::optional(line->first) : std::nullopt;
    }
    case FunctionId::kPredictLinear: {
      const auto line = Line(w, w.at_s);
      return line ? std::optional(line->first * param + line->second) : std::nullopt;
    }
    case FunctionId::kMadOverTime:
      return MedianDeviation(values);
    case FunctionId::kTsOfMaxOverTime:
      return TimeOfBest(w, true);
    case FunctionId::kTsOfMinOverTime:
      return TimeOfBest(w, false);
    case FunctionId::kDoubleExponentialSmoothing:
      return DoubleExponential(values, params[0], params[1]);
    case FunctionId::kMinOverTime:
      return Least(values);
    case FunctionId::kMaxOverTime:
      return Greatest(values);
    case FunctionId::kStddevOverTime:
      return std::sqrt(Variance(values));
    case FunctionId::kStdvarOverTime:
      return Variance(values);
    case FunctionId::kQuantileOverTime:
      return RefQuantile(param, values);
    default:
      return std::nullopt;
  }
}

// Sum or mean. Numbers and histograms do not go together.
std::optional<RefElement> OfAll(const RefWindow& w, bool mean) {
  std::vector<RefHistogram> histograms;
  std::vector<double> values;
  for (const RefPoint& p : w.points) {
    if (p.histogram) {
      histograms.push_back(*p.histogram);
    } else {
      values.push_back(p.value);
    }
  }
  if (histograms.empty()) return mean ? Mean(values) : Sum(values);
  if (!values.empty()) return std::nullopt;
  const std::optional<RefHistogram> sum = RefSum(histograms);
  if (!sum) return std::nullopt;
  return mean ? RefDivide(*sum, static_cast<double>(histograms.size())) : *sum;
}

}  // namespace

bool RefBegan(const RefPoint& before, const RefPoint& now) {
  if ((before.histogram == nullptr) != (now.histogram == nullptr)) return true;
  if (now.histogram ? RefDetectReset(*before.histogram, *now.histogram)
                    : now.value < before.value) {
    return true;
  }
  if (now.start_ms == 0 || now.start_ms >= now.time_ms) return false;
  if (now.start_ms != before.time_ms) return now.start_ms > before.time_ms;
  // Deltas start where the last one ended; so does a counter whose start nobody knows.
  return before.start_ms != 0 && before.start_ms < before.time_ms;
}

std::optional<RefHistogram> RefSum(const std::vector<RefHistogram>& values) {
  std::optional<RefHistogram> sum = values.front();
  for (size_t i = 1; sum && i < values.size(); ++i) sum = RefAdd(*sum, values[i], 1);
  return sum;
}

std::optional<RefElement> RefRangeFunction(FunctionId id, const RefWindow& w,
                                           const std::vector<double>& params) {
  if (w.anchored || w.smoothed) return RefExtendedFunction(id, w);
  RefWindow numbers = w;
  std::erase_if(numbers.points, [](const RefPoint& p) { return p.histogram != nullptr; });
  const bool mixed = !numbers.points.empty() && numbers.points.size() < w.points.size();
  switch (id) {
    case FunctionId::kRate:
      return mixed ? std::nullopt : Extrapolated(w, true, true);
    case FunctionId::kIncrease:
      return mixed ? std::nullopt : Extrapolated(w, true, false);
    case FunctionId::kDelta:
      return mixed ? std::nullopt : Extrapolated(w, false, false);
    case FunctionId::kIrate:
      return OfLastTwo(w, true);
    case FunctionId::kIdelta:
      return OfLastTwo(w, false);
    case FunctionId::kResets:
      return CountNeighbours(w, RefBegan);
    case FunctionId::kChanges:
      return CountNeighbours(w, Changed);
    case FunctionId::kAvgOverTime:
      return OfAll(w, true);
    case FunctionId::kSumOverTime:
      return OfAll(w, false);
    case FunctionId::kCountOverTime:
      return static_cast<double>(w.points.size());
    case FunctionId::kPresentOverTime:
      return 1;
    case FunctionId::kFirstOverTime:
      return w.points.front();
    case FunctionId::kLastOverTime:
      return w.points.back();
    case FunctionId::kTsOfFirstOverTime:
      return Seconds(w.points.front().time_ms);
    case FunctionId::kTsOfLastOverTime:
      return Seconds(w.points.back().time_ms);
    default:
      if (numbers.points.empty()) return std::nullopt;
      if (const auto v = OfNumbers(id, numbers, params)) return *v;
      return std::nullopt;
  }
}

namespace {

// As the C library has it. Values far from any date are not asked for here.
double Calendar(FunctionId id, double v) {
  const time_t seconds = static_cast<time_t>(v);
  tm parts{};
  gmtime_r(&seconds, &parts);
  switch (id) {
    case FunctionId::kHour:
      return parts.tm_hour;
    case FunctionId::kMinute:
      return parts.tm_min;
    case FunctionId::kDayOfWeek:
      return parts.tm_wday;
    case FunctionId::kDayOfMonth:
      return parts.tm_mday;
    case FunctionId::kDayOfYear:
      return parts.tm_yday + 1;
    case FunctionId::kMonth:
      return parts.tm_mon + 1;
    case FunctionId::kDaysInMonth: {
      tm last{};
      last.tm_year = parts.tm_year;
      last.tm_mon = parts.tm_mon + 1;  // the day before the first of the next month
      timegm(&last);
      return last.tm_mday;
    }
    default:
      return parts.tm_year + 1900;
  }
}

// NaN when either is, unless nothing can be less (or greater) than the other.
double Lesser(double a, double b) {
  if (a == -kInf || b == -kInf) return -kInf;
  return std::isnan(a) || std::isnan(b) ? kNan : std::min(a, b);
}
double Greater(double a, double b) {
  if (a == kInf || b == kInf) return kInf;
  return std::isnan(a) || std::isnan(b) ? kNan : std::max(a, b);
}

}  // namespace

std::optional<double> RefSampleFunction(FunctionId id, double v, const std::vector<double>& p) {
  switch (id) {
    case FunctionId::kAbs:
      return std::abs(v);
    case FunctionId::kCeil:
      return std::ceil(v);
    case FunctionId::kFloor:
      return std::floor(v);
    case FunctionId::kExp:
      return std::exp(v);
    case FunctionId::kSqrt:
      return std::sqrt(v);
    case FunctionId::kLn:
      return std::log(v);
    case FunctionId::kLog2:
      return std::log2(v);
    case FunctionId::kLog10:
      return std::log10(v);
    case FunctionId::kSgn:
      return v < 0 ? -1 : (v > 0 ? 1 : v);
    case FunctionId::kDeg:
      return v * 180 / M_PI;
    case FunctionId::kRad:
      return v * M_PI / 180;
    case FunctionId::kSin:
      return std::sin(v);
    case FunctionId::kCosh:
      return std::cosh(v);
    case FunctionId::kAtan:
      return std::atan(v);
    case FunctionId::kAsinh:
      return std::asinh(v);
    case FunctionId::kTanh:
      return std::tanh(v);
    case FunctionId::kHour:
    case FunctionId::kMinute:
    case FunctionId::kDayOfWeek:
    case FunctionId::kDayOfMonth:
    case FunctionId::kDayOfYear:
    case FunctionId::kDaysInMonth:
    case FunctionId::kMonth:
    case FunctionId::kYear:
      return Calendar(id, v);
    case FunctionId::kRound: {
      const double inverse = 1 / (p.empty() ? 1.0 : p[0]);
      return std::floor(v * inverse + 0.5) / inverse;
    }
    case FunctionId::kClamp:
      if (p[0] > p[1]) return std::nullopt;
      return Greater(p[0], Lesser(p[1], v));
    case FunctionId::kClampMin:
      return Greater(p[0], v);
    case FunctionId::kClampMax:
      return Lesser(p[0], v);
    default:
      return std::nullopt;
  }
}

std::optional<double> RefHistogramFunction(FunctionId id, const RefHistogram& h) {
  switch (id) {
    case FunctionId::kHistogramCount:
      return h.count;
    case FunctionId::kHistogramSum:
      return h.sum;
    case FunctionId::kHistogramAvg:
      return h.sum / h.count;
    case FunctionId::kHistogramStdvar:
      return RefHistogramVariance(h);
    case FunctionId::kHistogramStddev:
      return std::sqrt(RefHistogramVariance(h));
    default:
      return std::nullopt;
  }
}

double RefBinary(BinaryOp op, double a, double b) {
  switch (op) {
    case BinaryOp::kAdd:
      return a + b;
    case BinaryOp::kSub:
      return a - b;
    case BinaryOp::kMul:
      return a * b;
    case BinaryOp::kDiv:
      return a / b;
    case BinaryOp::kMod:
      return std::fmod(a, b);
    case BinaryOp::kPow:
      return std::pow(a, b);
    case BinaryOp::kAtan2:
      return std::atan2(a, b);
    default:
      return RefCompare(op, a, b) ? 1 : 0;
  }
}

std::optional<RefElement> RefBinary(BinaryOp op, const RefElement& a, const RefElement& b) {
  const bool trim = op == BinaryOp::kTrimLower || op == BinaryOp::kTrimUpper;
  if (!a.histogram && !b.histogram) {
    return trim ? std::nullopt : std::optional<RefElement>(RefBinary(op, a.value, b.value));
  }
  if (a.histogram && b.histogram) {
    if (op != BinaryOp::kAdd && op != BinaryOp::kSub) return std::nullopt;
    const auto sum = RefAdd(*a.histogram, *b.histogram, op == BinaryOp::kAdd ? 1 : -1);
    if (!sum) return std::nullopt;
    return RefCompact(op == BinaryOp::kAdd ? *sum : AsGauge(*sum));
  }
  if (op == BinaryOp::kMul) {
    return a.histogram ? RefCompact(RefMultiply(*a.histogram, b.value))
                       : RefCompact(RefMultiply(*b.histogram, a.value));
  }
  if (!a.histogram) return std::nullopt;
  if (op == BinaryOp::kDiv) return RefCompact(RefDivide(*a.histogram, b.value));
  if (trim) return RefTrim(*a.histogram, b.value, op == BinaryOp::kTrimUpper);
  return std::nullopt;
}

std::optional<bool> RefCompare(BinaryOp op, const RefElement& a, const RefElement& b) {
  if (!a.histogram && !b.histogram) return RefCompare(op, a.value, b.value);
  if (!a.histogram || !b.histogram) return std::nullopt;
  if (op == BinaryOp::kEqual) return RefSame(*a.histogram, *b.histogram);
  if (op == BinaryOp::kNotEqual) return !RefSame(*a.histogram, *b.histogram);
  return std::nullopt;
}

bool RefCompare(BinaryOp op, double a, double b) {
  switch (op) {
    case BinaryOp::kEqual:
      return a == b;
    case BinaryOp::kNotEqual:
      return a != b;
    case BinaryOp::kLess:
      return a < b;
    case BinaryOp::kLessEqual:
      return a <= b;
    case BinaryOp::kGreater:
      return a > b;
    default:
      return a >= b;
  }
}

double RefQuantile(double q, std::vector<double> values) {
  if (values.empty() || std::isnan(q)) return kNan;
  if (q < 0) return -kInf;
  if (q > 1) return kInf;
  std::ranges::sort(values, [](double a, double b) {
    if (std::isnan(a)) return !std::isnan(b);
    return a < b;
  });
  const double rank = q * static_cast<double>(values.size() - 1);
  const auto lower = static_cast<size_t>(std::floor(rank));
  const size_t upper = std::min(lower + 1, values.size() - 1);
  const double weight = rank - std::floor(rank);
  return values[lower] * (1 - weight) + values[upper] * weight;
}

double RefAggregate(AggregateOp op, const std::vector<double>& values, double param) {
  switch (op) {
    case AggregateOp::kSum:
      return Sum(values);
    case AggregateOp::kAvg:
      return Mean(values);
    case AggregateOp::kMin:
      return Least(values);
    case AggregateOp::kMax:
      return Greatest(values);
    case AggregateOp::kCount:
      return static_cast<double>(values.size());
    case AggregateOp::kGroup:
      return 1;
    case AggregateOp::kStddev:
      return std::sqrt(Variance(values));
    case AggregateOp::kStdvar:
      return Variance(values);
    default:
      return RefQuantile(param, values);
  }
}

}  // namespace deucalion::testing_support
