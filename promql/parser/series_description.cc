#include "promql/parser/series_description.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>

#include "model/value.h"
#include "promql/parser/parser.h"
#include "promql/parser/parser_impl.h"

namespace deucalion::promql {
namespace {

constexpr std::string_view kNumberBytes = "0123456789._eE";

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::string LowerCase(std::string_view word) {
  std::string out(word);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  });
  return out;
}

// Decimal and octal integers, then floats; digits may hold underscores.
std::optional<double> NumberOf(std::string_view text) {
  std::string digits(text);
  std::erase(digits, '_');
  const int base = digits.size() > 1 && digits[0] == '0' ? 8 : 10;
  int64_t integer = 0;
  const char* end = digits.data() + digits.size();
  const auto [p, ec] = std::from_chars(digits.data(), end, integer, base);
  if (ec == std::errc() && p == end) return static_cast<double>(integer);
  Result<double> value = ParseFloat(digits);
  if (!value.ok()) return std::nullopt;
  return *value;
}

std::optional<ResetHint> ResetHintOf(std::string_view word) {
  if (word == "unknown") return ResetHint::kUnknown;
  if (word == "reset") return ResetHint::kReset;
  if (word == "not_reset") return ResetHint::kNotReset;
  if (word == "gauge") return ResetHint::kGauge;
  return std::nullopt;
}

// One histogram between its braces, and whether its hint was written.
struct HistogramItem {
  FloatHistogram histogram;
  bool hint_set = false;
};

class SequenceParser {
 public:
  SequenceParser(std::string_view text, size_t pos) : text_(text), pos_(pos) {}

  bool ParseAll(std::vector<SequenceValue>* out);
  Status TakeError() { return std::move(error_); }

 private:
  bool Fail(std::string_view message) {
    if (error_.ok()) error_ = ParseError(text_, static_cast<uint32_t>(pos_), message);
    return false;
  }
  bool FailHere();
  char Now() const { return pos_ < text_.size() ? text_[pos_] : '\0'; }
  bool Accept(std::string_view s) {
    if (text_.substr(pos_, s.size()) != s) return false;
    pos_ += s.size();
    return true;
  }
  void SkipBlanks() {
    while (IsBlank(Now())) ++pos_;
  }
  std::string_view Word() {
    const size_t begin = pos_;
    while (IsLetter(Now()) || (pos_ > begin && IsDigit(Now()))) ++pos_;
    return text_.substr(begin, pos_ - begin);
  }

  bool ParseItem(std::vector<SequenceValue>* out);
  bool ParseBlank(std::vector<SequenceValue>* out);
  bool ParseFloats(std::vector<SequenceValue>* out);
  bool ParseHistograms(std::vector<SequenceValue>* out);
  bool ParseTimes(size_t extra, const std::vector<SequenceValue>& out, size_t* count);
  bool ParseWord(SequenceValue* value);
  // An unsigned number; Inf and NaN only where `names` says so.
  bool ParseUnsigned(double* value, bool names);
  bool ParseSigned(double* value);
  bool ParseInt(int64_t* value);
  bool ParseHistogram(HistogramItem* out);
  bool ParseHistogramField(HistogramItem* out, std::map<std::string, bool>* seen);
  bool ParseBuckets(std::vector<double>* out);
  bool ParseHint(HistogramItem* out);

  const std::string_view text_;
  size_t pos_;
  int32_t offsets_[2] = {0, 0};  // of the histogram being read: positive, negative
  Status error_;
};

bool SequenceParser::FailHere() {
  if (pos_ >= text_.size()) return Fail("unexpected end of input in series values");
  return Fail("unexpected " + GoQuote(text_.substr(pos_, 1)) + " in series values");
}

bool SequenceParser::ParseAll(std::vector<SequenceValue>* out) {
  while (pos_ < text_.size()) {
    if (!IsBlank(Now())) return FailHere();
    SkipBlanks();
    if (pos_ < text_.size() && !ParseItem(out)) return false;
  }
  return true;
}

bool SequenceParser::ParseItem(std::vector<SequenceValue>* out) {
  if (Accept("_")) return ParseBlank(out);
  if (text_.substr(pos_, 2) == "{{") return ParseHistograms(out);
  return ParseFloats(out);
}

bool SequenceParser::ParseTimes(size_t extra, const std::vector<SequenceValue>& out,
                                size_t* count) {
  const size_t begin = pos_;
  while (IsDigit(Now())) ++pos_;
  uint64_t times = 0;
  const auto [p, ec] = std::from_chars(text_.data() + begin, text_.data() + pos_, times);
  if (ec != std::errc() || pos_ == begin) {
    return Fail("invalid repetition in series values: " +
                GoQuote(text_.substr(begin, pos_ - begin)));
  }
  if (times > kMaxSequenceValues || out.size() + times + extra > kMaxSequenceValues) {
    return Fail("more than " + std::to_string(kMaxSequenceValues) + " values in one series");
  }
  *count = static_cast<size_t>(times) + extra;
  return true;
}

bool SequenceParser::ParseBlank(std::vector<SequenceValue>* out) {
  size_t count = 1;
  if (Accept("x") && !ParseTimes(0, *out, &count)) return false;
  SequenceValue blank;
  blank.omitted = true;
  out->insert(out->end(), count, blank);
  return true;
}

bool SequenceParser::ParseFloats(std::vector<SequenceValue>* out) {
  SequenceValue value;
  if (IsLetter(Now())) {
    if (!ParseWord(&value)) return false;
    out->push_back(value);
    return true;
  }
  if (!ParseSigned(&value.value)) return false;
  double step = 0;
  const bool steps = Now() == '+' || Now() == '-';
  if (steps && !ParseSigned(&step)) return false;
  if (!Accept("x")) {
    if (steps) return FailHere();
    out->push_back(value);
    return true;
  }
  size_t count = 0;
  if (!ParseTimes(1, *out, &count)) return false;
  for (size_t i = 0; i < count; ++i) {
    out->push_back(value);
    value.value += step;
  }
  return true;
}

// stale, Inf, NaN: words that take no repetition.
bool SequenceParser::ParseWord(SequenceValue* value) {
  const size_t begin = pos_;
  const std::string_view word = Word();
  if (word == "stale") {
    value->value = StaleNan();
    return true;
  }
  pos_ = begin;
  if (ParseUnsigned(&value->value, /*names=*/true)) return true;
  pos_ = begin;
  error_ = OkStatus();
  return Fail("unexpected identifier " + GoQuote(word) +
              " in series values, expected number or \"stale\"");
}

bool SequenceParser::ParseUnsigned(double* value, bool names) {
  const size_t begin = pos_;
  if (names && IsLetter(Now())) {
    const std::string word = LowerCase(Word());
    if (word == "inf") {
      *value = std::numeric_limits<double>::infinity();
      return true;
    }
    if (word == "nan") {
      *value = NormalNan();
      return true;
    }
    pos_ = begin;
    return FailHere();
  }
  while (kNumberBytes.find(Now()) != std::string_view::npos && pos_ < text_.size()) {
    const bool exponent = Now() == 'e' || Now() == 'E';
    ++pos_;
    if (exponent && (Now() == '+' || Now() == '-')) ++pos_;
  }
  const std::string_view digits = text_.substr(begin, pos_ - begin);
  if (digits.empty()) return FailHere();
  const std::optional<double> number = NumberOf(digits);
  if (!number) {
    pos_ = begin;
    return Fail("bad number syntax: " + GoQuote(digits));
  }
  *value = *number;
  return true;
}

bool SequenceParser::ParseSigned(double* value) {
  const bool negative = Accept("-");
  if (!negative) Accept("+");
  if (!ParseUnsigned(value, /*names=*/true)) return false;
  if (negative) *value = -*value;
  return true;
}

bool SequenceParser::ParseInt(int64_t* value) {
  const size_t begin = pos_;
  Accept("-");
  while (IsDigit(Now())) ++pos_;
  const auto [p, ec] = std::from_chars(text_.data() + begin, text_.data() + pos_, *value);
  if (ec != std::errc() || p != text_.data() + pos_) return FailHere();
  // Bucket indexes and schemas are 32 bits wide.
  if (*value > INT32_MAX || *value < INT32_MIN) return Fail("integer out of range");
  return true;
}

bool SequenceParser::ParseHistograms(std::vector<SequenceValue>* out) {
  HistogramItem base;
  if (!ParseHistogram(&base)) return false;
  const char sign = Now();
  HistogramItem step;
  const bool steps = Accept("+") || Accept("-");
  if (steps && !ParseHistogram(&step)) return false;
  SequenceValue value;
  value.reset_hint_set = steps ? step.hint_set : base.hint_set;
  value.histogram = std::make_shared<const FloatHistogram>(base.histogram);
  size_t count = 1;
  if (Accept("x")) {
    if (!ParseTimes(1, *out, &count)) return false;
  } else if (steps) {
    return FailHere();
  }
  out->push_back(value);
  FloatHistogram now = base.histogram;
  for (size_t i = 1; i < count; ++i) {
    if (steps) {
      if (now.schema > step.histogram.schema) {
        return Fail("error combining histograms: cannot merge from schema " +
                    std::to_string(step.histogram.schema) + " to " + std::to_string(now.schema));
      }
      const auto done = sign == '+' ? now.Add(step.histogram) : now.Sub(step.histogram);
      if (!done.ok()) return Fail(done.status().message());
      value.histogram = std::make_shared<const FloatHistogram>(now);
    }
    out->push_back(value);
  }
  return true;
}

bool SequenceParser::ParseHistogram(HistogramItem* out) {
  if (!Accept("{{")) return FailHere();
  offsets_[0] = offsets_[1] = 0;
  std::map<std::string, bool> seen;
  SkipBlanks();
  while (!Accept("}}")) {
    if (!ParseHistogramField(out, &seen)) return false;
    if (!IsBlank(Now()) && text_.substr(pos_, 2) != "}}") {
      return Fail(
          "unexpected character in histogram description, expected histogram description key, e.g. "
          "buckets:[5 10 7]");
    }
    SkipBlanks();
  }
  FloatHistogram& h = out->histogram;
  const auto spans = [](const std::vector<double>& buckets, int32_t offset) {
    std::vector<BucketSpan> one;
    if (!buckets.empty()) one.push_back({offset, static_cast<uint32_t>(buckets.size())});
    return one;
  };
  h.positive_spans = spans(h.positive_buckets, offsets_[0]);
  h.negative_spans = spans(h.negative_buckets, offsets_[1]);
  return true;
}

bool SequenceParser::ParseHistogramField(HistogramItem* out, std::map<std::string, bool>* seen) {
  if (pos_ >= text_.size()) return Fail("histogram description incomplete unexpected end of input");
  const size_t begin = pos_;
  const std::string key = LowerCase(Word());
  FloatHistogram& h = out->histogram;
  int64_t integer = 0;
  bool ok = true;
  if (!Accept(":")) {
    pos_ = begin;
    return Fail("bad histogram descriptor found: " + GoQuote(key));
  }
  if (!seen->emplace(key, true).second) {
    return Fail("duplicate key \"" + key + "\" in histogram");
  }
  if (key == "schema") {
    ok = ParseInt(&integer);
    h.schema = static_cast<int32_t>(integer);
  } else if (key == "sum") {
    ok = ParseSigned(&h.sum);
  } else if (key == "count") {
    ok = ParseSigned(&h.count);
  } else if (key == "z_bucket") {
    ok = ParseSigned(&h.zero_count);
  } else if (key == "z_bucket_w") {
    ok = ParseUnsigned(&h.zero_threshold, /*names=*/true);
  } else if (key == "buckets") {
    ok = ParseBuckets(&h.positive_buckets);
  } else if (key == "n_buckets") {
    ok = ParseBuckets(&h.negative_buckets);
  } else if (key == "custom_values") {
    ok = ParseBuckets(&h.custom_values);
  } else if (key == "offset" || key == "n_offset") {
    ok = ParseInt(&integer);
    offsets_[key == "offset" ? 0 : 1] = static_cast<int32_t>(integer);
  } else if (key == "counter_reset_hint") {
    ok = ParseHint(out);
  } else {
    pos_ = begin;
    return Fail("bad histogram descriptor found: " + GoQuote(key));
  }
  return ok;
}

bool SequenceParser::ParseHint(HistogramItem* out) {
  const std::string word = LowerCase(Word());
  const std::optional<ResetHint> hint = ResetHintOf(word);
  if (!hint) return Fail("bad histogram descriptor found: " + GoQuote(word));
  out->histogram.reset_hint = *hint;
  out->hint_set = true;
  return true;
}

bool SequenceParser::ParseBuckets(std::vector<double>* out) {
  if (!Accept("[")) return FailHere();
  SkipBlanks();
  while (!Accept("]")) {
    double value = 0;
    if (!ParseSigned(&value)) return false;
    out->push_back(value);
    if (!IsBlank(Now()) && Now() != ']') return FailHere();
    SkipBlanks();
  }
  return true;
}

}  // namespace

Result<SeriesDescription> ParseSeriesDescription(std::string_view text) {
  SeriesDescription out;
  size_t size = 0;
  ASSIGN_OR_RETURN(out.labels, ParseMetricPrefix(text, &size));
  SequenceParser parser(text, size);
  if (!parser.ParseAll(&out.values)) return parser.TakeError();
  return out;
}

}  // namespace deucalion::promql
