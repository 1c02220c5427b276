#include "tests/support/random_expr.h"

namespace deucalion::testing_support {

std::string RandomExpr::Pick(std::initializer_list<std::string_view> choices) {
  return std::string(choices.begin()[Below(choices.size())]);
}

std::string RandomExpr::Next() {
  return OneIn(8) ? Scalar(options_.depth) : Vector(options_.depth);
}

std::string RandomExpr::Number() {
  if (!options_.evaluable && OneIn(4)) {
    return Pick({"Inf", "NaN", "0x1f", "017", "1_000", "1e-3", ".5", "2.", "5m", "1h30m", "-1"});
  }
  return std::to_string(1 + Below(9)) + (OneIn(3) ? "." + std::to_string(Below(100)) : "");
}

std::string RandomExpr::Parameter() {
  if (!options_.evaluable || !OneIn(3)) return Number();
  const std::string one =
      options_.gauges[0] + "{job=\"db\", instance=\"" + options_.labels[1].second[Below(2)] + "\"}";
  return Pick({"time() / 30 % 4", "(step() + 90) / 60", "max_of(1, range() / 200)",
               "min_of(2, end() - time())", "scalar(count(" + Selector(true) + Modifiers() + "))",
               "scalar(" + one + Modifiers() + ") / 9",
               "scalar(" + one + ") - scalar(" + one + " offset 2m)"});
}

std::string RandomExpr::Duration() {
  return Pick({"15s", "30s", "1m", "90s", "2m", "5m", "1m30s", "120"});
}

std::string RandomExpr::RangeDuration() {
  if (!OneIn(3)) return Duration();
  if (options_.evaluable) {
    return Pick({"1m+30s", "2*(1m-10)", "step()+30s", "max_of(range()/2, 1m)", "(5m)", "7m%2m+1",
                 "min_of(1m, step()+1)", "2^6"});
  }
  return Pick({"1m+30s", "2*(1m-10)", "step()", "range()/2", "min_of(1m, step())", "-(-1m)",
               "max_of(range(),2^3)", "(5m)", "1m%7", "-step()"});
}

std::string RandomExpr::Matchers() {
  const auto& [name, values] = options_.labels[Below(options_.labels.size())];
  const std::string& value = values[Below(values.size())];
  switch (Below(options_.evaluable ? 4 : 6)) {
    case 0:
      return name + "=\"" + value + "\"";
    case 1:
      return name + "!=\"" + value + "\"";
    case 2:
      return name + "=~\"" + value + "|z\"";
    case 3:
      return name + "!~'" + value + ".*'";
    case 4:
      return "\"odd name\"=`" + value + "`," + name + "!=\"\\x41\\n\\u00e9\",";
    default:
      return name + "=\"a\"," + name + "=~\".+\"";
  }
}

std::string RandomExpr::Modifiers() {
  std::string out;
  if (OneIn(4)) out += " offset " + Pick({"", "-"}) + Duration();
  if (OneIn(8)) out += Pick({" @ start()", " @ end()", " @ " + std::to_string(300 + Below(600))});
  if (options_.evaluable || !OneIn(6)) return out;
  return Pick({" @ start()", " @ end() offset 1m", " offset (step() + 1m)", " offset -min_of(1,2)",
               " @ -1.5 offset -5", " smoothed", " anchored offset range()"});
}

std::string RandomExpr::Selector(bool counter) {
  const auto& names = counter ? options_.counters : options_.gauges;
  if (options_.evaluable && OneIn(20)) return "{__name__=~\"" + names[0] + "|" + names[1] + "\"}";
  std::string out = names[Below(names.size())];
  if (!options_.evaluable && OneIn(8)) {
    out = Pick({"sum", "by", "offset", "start", "a:b", "{\"my.metric\"}", "{__name__=~\"a|b\"}"});
    if (out[0] == '{') return out;
  }
  if (OneIn(3)) out += "{" + Matchers() + "}";
  return out;
}

std::string RandomExpr::Range(int depth, bool counter) {
  if (depth > 0 && OneIn(4)) {
    const std::string step = OneIn(3) ? "" : Duration();
    const std::string inner =
        counter ? Selector(true) : (OneIn(2) ? RangeCall(depth - 1) : Aggregation(depth - 1));
    return inner + "[" + RangeDuration() + ":" + step + "]" + Modifiers();
  }
  std::string out = Selector(counter) + "[" + RangeDuration() + "]";
  if (options_.evaluable) return out + Modifiers();
  if (!options_.evaluable && OneIn(8)) out += Pick({" anchored", " smoothed"});
  const std::string modifiers = Modifiers();
  const bool extended = modifiers.find("ed") != std::string::npos;
  return extended ? out : out + modifiers;
}

std::string RandomExpr::LabelList() {
  std::string out;
  for (const auto& [name, values] : options_.labels) {
    if (OneIn(2)) out += (out.empty() ? "" : ", ") + name;
  }
  if (options_.evaluable && OneIn(8)) out += (out.empty() ? "" : ", ") + std::string("__name__");
  if (!options_.evaluable && OneIn(4))
    out += (out.empty() ? "" : ", ") + Pick({"\"a b\"", "by", "on"});
  return "(" + out + ")";
}

std::string RandomExpr::Aggregation(int depth) {
  const std::string clause = OneIn(3) ? "" : Pick({" by ", " without "}) + LabelList() + " ";
  if (OneIn(6)) {
    // Of counters: their values do not tie, gauges have NaN twice at times.
    return Pick({"topk", "bottomk"}) + clause + "(" +
           (OneIn(2) ? Parameter() : std::to_string(1 + Below(3))) + ", " + Selector(true) +
           Modifiers() + ")";
  }
  if (options_.evaluable && OneIn(6)) {
    // The order of series is that of storage.
    const std::string& name =
        options_.native.empty() || OneIn(2) ? options_.gauges[0] : options_.native[0];
    const std::string vector = OneIn(3) ? "-" + name : (OneIn(2) ? name : Selector(true));
    if (OneIn(2)) {
      return "limitk" + clause + "(" + (OneIn(2) ? Parameter() : std::to_string(Below(5))) + ", " +
             vector + ")";
    }
    return "limit_ratio" + clause + "(" +
           Pick({"0.5", "-0.5", "0.3", "-0.75", "1", "0", "2", Parameter() + " / 7"}) + ", " +
           vector + ")";
  }
  if (OneIn(10))
    return "count_values" + clause + "(\"n\", clamp(floor(" + Vector(depth - 1) + "), -9, 9))";
  if (OneIn(6))
    return "quantile" + clause + "(" + (OneIn(3) ? Parameter() : "0." + std::to_string(Below(10))) +
           ", " + Vector(depth - 1) + ")";
  const std::string op = Pick({"sum", "avg", "min", "max", "count", "group", "stddev", "stdvar"});
  if (!options_.evaluable && OneIn(3)) return op + "(" + Vector(depth - 1) + ")" + clause;
  return op + clause + "(" + Vector(depth - 1) + ")";
}

std::string RandomExpr::RangeCall(int depth) {
  if (options_.evaluable && OneIn(5)) {
    const bool smooth = OneIn(2);
    const std::string function = smooth ? Pick({"rate", "increase", "delta"})
                                        : Pick({"rate", "increase", "delta", "resets", "changes"});
    return function + "(" + Selector(!OneIn(4)) + "[" + RangeDuration() + "]" +
           (smooth ? " smoothed" : " anchored") + (OneIn(3) ? " offset " + Duration() : "") + ")";
  }
  if (OneIn(3)) {
    return Pick({"rate", "increase", "irate", "resets"}) + "(" + Range(depth, true) + ")";
  }
  if (OneIn(8)) {
    return "double_exponential_smoothing(" + Range(depth, false) + ", 0.3, 0." +
           std::to_string(1 + Below(9)) + ")";
  }
  if (OneIn(8))
    return "quantile_over_time(" + (OneIn(3) ? Parameter() : "0." + std::to_string(Below(10))) +
           ", " + Range(depth, false) + ")";
  if (OneIn(8))
    return "predict_linear(" + Range(depth, false) + ", " +
           (OneIn(3) ? Parameter() : std::to_string(Below(600))) + ")";
  // Between results, changes are all rounding.
  if (OneIn(12)) return "changes(" + Selector(false) + "[" + RangeDuration() + "])";
  return Pick({"delta", "idelta", "deriv", "avg_over_time", "min_over_time", "max_over_time",
               "sum_over_time", "count_over_time", "stddev_over_time", "stdvar_over_time",
               "last_over_time", "first_over_time", "present_over_time", "mad_over_time",
               "ts_of_first_over_time", "ts_of_last_over_time", "ts_of_min_over_time",
               "ts_of_max_over_time"}) +
         "(" + Range(depth, false) + ")";
}

std::string RandomExpr::VectorCall(int depth) {
  if (OneIn(8)) {
    // Not both offset and @: Prometheus forgets the offset then.
    const std::string offset = OneIn(2) ? "" : " offset " + Duration();
    return "timestamp(" + Selector(OneIn(2)) + offset + ")";
  }
  if (options_.evaluable && OneIn(12)) {
    const std::string when =
        Pick({"hour", "minute", "day_of_week", "days_in_month", "year"}) + "()";
    return OneIn(2) ? when
                    : Pick({"sort", "sort_desc"}) + "(" + Vector(depth - 1) +
                          ") * on() group_left() " + when;
  }
  if (options_.evaluable && OneIn(16)) {
    return "sort_by_label(" + Vector(depth - 1) + ", \"job\")";
  }
  if (options_.evaluable && OneIn(16)) {
    return "start_timestamp(" + Selector(true) + (OneIn(2) ? " offset 1m" : "") + ")";
  }
  if (OneIn(8)) {
    return "absent(" + (options_.evaluable && OneIn(3) ? Vector(depth - 1) : Selector(OneIn(2))) +
           ")";
  }
  if (OneIn(12)) return "absent_over_time(" + Range(depth, OneIn(2)) + ")";
  if (OneIn(10)) {
    return "label_replace(" + Vector(depth - 1) + ", \"" +
           Pick({"site", "job", "instance", options_.evaluable ? "__name__" : "x"}) + "\", \"" +
           Pick({"x", "$1", "$1-$2", ""}) + "\", \"" +
           Pick({"job", "instance", "nope", options_.evaluable ? "__name__" : "x"}) + "\", \"" +
           Pick({"(.*)", "(a)(.*)", "(a|b)", "z*"}) + "\")";
  }
  if (OneIn(12)) {
    return "label_join(" + Vector(depth - 1) + ", \"" + Pick({"site", "job"}) +
           "\", \"/\", \"instance\", \"job\")";
  }
  if (OneIn(8)) {
    const std::string by = Pick({"", " by (le)", " by (job, le)", " without (instance)"});
    const std::string rate =
        Pick({"rate", "increase"}) + "(" + options_.histogram + "[" + Duration() + "])";
    return "histogram_quantile(" + Pick({"0.511", "0.937", "0", "-1", "2", "0.373"}) + ", " +
           (by.empty() ? rate : "sum" + by + " (" + rate + ")") + ")";
  }
  if (OneIn(8)) {
    return Pick({"hour", "minute", "day_of_week", "day_of_month", "day_of_year", "month", "year"}) +
           "(" +
           (options_.evaluable ? "1e7 * ln(1 + abs(" + Selector(OneIn(2)) + ")) >= 0"
                               : Vector(depth - 1)) +
           ")";
  }
  if (OneIn(8)) return "vector(" + Scalar(depth - 1) + ")";
  if (OneIn(6)) return "clamp(" + Vector(depth - 1) + ", " + Parameter() + ", " + Parameter() + ")";
  if (OneIn(6))
    return Pick({"clamp_min", "clamp_max", "round"}) + "(" + Vector(depth - 1) + ", " +
           Parameter() + ")";
  return Pick({"cosh", "atan", "asinh", "tanh", "abs", "ceil", "floor", "exp", "sqrt", "ln", "log2",
               "log10", "sgn", "deg", "rad", "round"}) +
         "(" + Vector(depth - 1) + ")";
}

std::string RandomExpr::Binary(int depth) {
  std::string op = Pick({"+", "-", "*", "/", "%", "^", "atan2", "==", "!=", "<", "<=", ">", ">="});
  // The remainder of large numbers is all rounding.
  if (options_.evaluable && op == "%") op = "-";
  const bool comparison = op.find_first_of("=<>") != std::string::npos;
  const std::string flag = comparison && OneIn(2) ? " bool" : "";
  if (OneIn(3)) {
    const bool left = OneIn(2);
    const std::string vector = "(" + Vector(depth - 1) + ")";
    const std::string scalar = options_.evaluable && OneIn(2) ? "(" + Parameter() + ")" : Scalar(0);
    return (left ? scalar : vector) + " " + op + flag + " " + (left ? vector : scalar);
  }
  std::string matching;
  std::string rhs = "(" + Vector(depth - 1) + ")";
  if (OneIn(4)) {
    matching = Pick({" on ", " ignoring "}) + LabelList();
    if (!options_.evaluable && OneIn(2)) matching += Pick({" group_left", " group_right(x)"});
    if (OneIn(4)) matching += Pick({" fill(1)", " fill_right(-2) fill_left(3)", " fill_left(0.5)"});
  } else if (OneIn(4)) {
    matching = " on(job) group_left" + Pick({"", "()", "(instance)"});
    if (OneIn(3)) matching += Pick({" fill(2)", " fill_left(1)", " fill_right(-1)"});
    rhs = "sum by (job) " + rhs;
    if (options_.evaluable && OneIn(2)) {
      matching = Pick({" ignoring(instance)", " on(job)"}) + " group_right" +
                 Pick({"()", "(site)", "(__name__)"});
      if (OneIn(3)) matching += Pick({" fill(2)", " fill_left(1)", " fill_right(-1)"});
      return rhs + " " + op + flag + matching + " (" + Vector(depth - 1) + ")";
    }
  }
  return "(" + Vector(depth - 1) + ") " + op + flag + matching + " " + rhs;
}

std::string RandomExpr::SetOperation(int depth) {
  const std::string matching = OneIn(2) ? "" : Pick({" on ", " ignoring "}) + LabelList();
  if (OneIn(3)) return "(" + Vector(depth - 1) + ") or" + matching + " (" + Vector(depth - 1) + ")";
  return "(" + Vector(depth - 1) + ") " + Pick({"and", "unless"}) + matching + " (" +
         Vector(depth - 1) + ")";
}

std::string RandomExpr::Scalar(int depth) {
  if (options_.evaluable && depth > 0 && OneIn(5)) {
    return Pick({"pi()", "start()", "end()", "step()", "range()",
                 "min_of(" + Number() + ", time())", "(" + Parameter() + ")"});
  }
  switch (Below(depth > 0 ? 6 : 2)) {
    case 0:
    case 1:
      return Number();
    case 2:
      return "time()";
    case 3:
      return "scalar(" + Vector(depth - 1) + ")";
    case 4:
      return "(" + Scalar(depth - 1) + " " + Pick({"+", "-", "*", "/", "%", "^", "atan2"}) + " " +
             Scalar(depth - 1) + ")";
    default:
      return "(" + Scalar(depth - 1) + " " + Pick({"<", ">=", "=="}) + " bool " +
             Scalar(depth - 1) + ")";
  }
}

std::string RandomExpr::Unusual(int depth) {
  switch (Below(8)) {
    case 0:
      return "(" + Vector(depth - 1) + ") or (" + Vector(depth - 1) + ")";
    case 1:
      return "-" + Vector(depth - 1);
    case 2:
      return Vector(depth - 1) + " " + Pick({"+", "^", "or", "unless", "*", "</", ">/"}) + " " +
             Vector(depth - 1);
    case 3:
      return "label_replace(" + Vector(depth - 1) + ", 'a', \"$1\", `b`, '(.*)')";
    case 4:
      return "histogram_quantile(0.9, sum by (le) (" + RangeCall(depth - 1) + "))";
    case 5:
      return "limitk(2, " + Vector(depth - 1) + ") # comment\n";
    case 6:
      return "info(" + Vector(depth - 1) + ", {a=\"b\"})";
    default:
      return "count_values(\"v\", " + Vector(depth - 1) + ") + on() vector(step() + min_of(1, 2))";
  }
}

std::string RandomExpr::NativeSelector() {
  std::string out = options_.native[counters_only_ ? 0 : Below(options_.native.size())];
  if (OneIn(3)) out += "{" + Matchers() + "}";
  return out;
}

// `samples`: those of storage, because counter resets between results are all rounding.
std::string RandomExpr::NativeRange(int depth, bool samples) {
  if (depth > 0 && OneIn(4)) {
    const std::string inner =
        samples ? NativeSelector() : "(" + NativeVector(depth - 1, true) + ")";
    return inner + "[" + RangeDuration() + ":" + (OneIn(3) ? "" : Duration()) + "]" + Modifiers();
  }
  return NativeSelector() + "[" + RangeDuration() + "]" + Modifiers();
}

std::string RandomExpr::NativeVector(int depth, bool plain) {
  if (depth <= 0) return NativeSelector() + Modifiers();
  const auto inner = [&] { return "(" + NativeVector(depth - 1, plain) + ")"; };
  switch (Below(plain ? 7 : 13)) {
    case 0:
      return NativeSelector() + Modifiers();
    case 1:
      return Pick({"rate", "increase"}) + "(" + NativeRange(depth, true) + ")";
    case 2:
      return Pick({"sum_over_time", "avg_over_time", "last_over_time", "first_over_time"}) + "(" +
             NativeRange(depth, false) + ")";
    case 3:
    case 4:
      return Pick({"sum", "avg"}) + (OneIn(3) ? "" : Pick({" by ", " without "}) + LabelList()) +
             " " + inner();
    case 5:
      return inner() + Pick({" * ", " / "}) + Scalar(0);
    case 6:
      return inner() + " + " + (OneIn(2) ? "" : "on(job, instance) ") + inner();
    case 7:
      return inner() + " - " + (OneIn(2) ? "" : "on(job) group_left() ") + inner();
    case 8:
      return "-" + inner();
    case 9:
      return inner() + Pick({" </ ", " >/ "}) +
             Pick({"0", "-1", "0.3", "1", "1.7", "4", "-0.2", "Inf", "-Inf"});
    case 10:
      return Pick({"irate", "idelta", "delta"}) + "(" + NativeRange(depth, true) + ")";
    case 11:
      return Pick({"rate", "increase", "delta"}) + "(" + NativeSelector() + "[" + RangeDuration() +
             "]" + Pick({" anchored", " smoothed"}) + (OneIn(3) ? " offset " + Duration() : "") +
             ")";
    default:
      return OneIn(3) ? NativeSelector() + " smoothed" : NativeSelector();
  }
}

// Of what needs no buckets Prometheus does not read them, and then takes a gauge whose buckets went
// down for a counter that did not.
std::string RandomExpr::Statistic(int depth) {
  counters_only_ = true;
  const std::string out = Pick({"histogram_count", "histogram_sum", "histogram_avg"}) + "(" +
                          NativeVector(depth - 1, false) + ")";
  counters_only_ = false;
  return out;
}

// Numbers of native histograms.
std::string RandomExpr::OfNative(int depth) {
  switch (Below(9)) {
    case 0:
      return Statistic(depth);
    case 1:
      return Pick({"histogram_stddev", "histogram_stdvar"}) + "(" + NativeVector(depth - 1, true) +
             ")";
    case 2:
      return "histogram_quantile(" + Pick({"0.511", "0.937", "0.0731", "-1", "2", "0.373"}) + ", " +
             NativeVector(depth - 1, true) + ")";
    case 3:
      return "histogram_fraction(" + Pick({"-Inf", "-1.3", "0", "0.21", "1"}) + ", " +
             Pick({"Inf", "0.1", "0.83", "2", "3.3"}) + ", " + NativeVector(depth - 1, true) + ")";
    case 4:
      return "histogram_quantiles(" + NativeVector(depth - 1, true) + ", \"q\", 0.511, " +
             Pick({"0.937", "0.891", "0.2731"}) + ")";
    case 5:
      return Pick({"resets", "changes", "count_over_time", "present_over_time", "max_over_time",
                   "ts_of_first_over_time", "ts_of_last_over_time", "ts_of_max_over_time",
                   "stddev_over_time", "deriv", "mad_over_time", "idelta"}) +
             "(" + NativeRange(depth, true) + ")";
    case 6:
      return Pick({"count", "group", "min", "stddev", "max"}) + " by " + LabelList() + " (" +
             NativeVector(depth - 1, false) + ")";
    case 7:
      return NativeSelector() + Pick({" == ", " != ", " == bool ", " != bool ", " > "}) +
             NativeSelector();
    default:
      // Not both offset and @: Prometheus forgets the offset then.
      return Pick({"timestamp", "absent"}) + "(" + NativeSelector() +
             (OneIn(3) ? " offset " + Duration() : "") + ")";
  }
}

std::string RandomExpr::WithInfo(int depth) {
  const std::string vector = Vector(depth - 1);
  const std::string& metric = options_.infos[Below(options_.infos.size())];
  switch (Below(6)) {
    case 0:
      return "info(" + vector + ")";
    case 1:
      return "info(" + vector + ", {" + Pick({"version=~\".+\"", "zone!=\"\"", "nope=\"\""}) + "})";
    case 2:
      return "info(" + vector + ", {__name__=\"" + metric + "\"})";
    case 3:
      return "info(" + vector + ", {__name__=\"" + metric + "\", version=~\"v1|v2\"})";
    case 4:
      return "info(" + vector + ", {__name__!=\"" + metric + "\"})";
    default:
      return "info(" + vector + ", {__name__=~\".+_info\", zone=~\"" + Pick({"", "east|", "east"}) +
             "\"})";
  }
}

std::string RandomExpr::Vector(int depth) {
  if (!options_.native.empty() && OneIn(4)) {
    return OneIn(2) ? OfNative(depth) : NativeVector(depth, false);
  }
  if (depth <= 0) return Selector(OneIn(2)) + Modifiers();
  if (options_.evaluable && OneIn(14)) return Selector(OneIn(2)) + " smoothed";
  if (options_.evaluable && OneIn(14)) return "-(" + Vector(depth - 1) + ")";
  if (!options_.evaluable && OneIn(4)) return Unusual(depth);
  if (!options_.infos.empty() && OneIn(25)) return WithInfo(depth);
  switch (Below(6)) {
    case 0:
      return Selector(OneIn(2)) + Modifiers();
    case 1:
      return Aggregation(depth);
    case 2:
      return RangeCall(depth);
    case 3:
      return VectorCall(depth);
    case 4:
      return Binary(depth);
    default:
      return SetOperation(depth);
  }
}

}  // namespace deucalion::testing_support
