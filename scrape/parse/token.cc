#include "scrape/parse/token.h"

#include <algorithm>
#include <cmath>

#include "model/value.h"
#include "scrape/parse/parser.h"

namespace deucalion::scrape {
namespace {

// Long enough for any line a person would read.
constexpr size_t kMaxExcerptBytes = 2048;

std::string UnescapeWith(std::string_view text, bool quotes) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    if (text[i] != '\\' || (next != '\\' && next != 'n' && !(quotes && next == '"'))) {
      out.push_back(text[i]);
      continue;
    }
    out.push_back(next == 'n' ? '\n' : next);
    ++i;
  }
  return out;
}

bool HasEscape(std::string_view s) { return s.find('\\') != std::string_view::npos; }

bool IsBucketBound(MetricKind kind, std::string_view label) {
  return (kind == MetricKind::kHistogram && label == "le") ||
         (kind == MetricKind::kSummary && label == "quantile");
}

}  // namespace

std::string_view TokenName(Token token) {
  switch (token) {
    case Token::kInvalid:
      return "INVALID";
    case Token::kEof:
      return "EOF";
    case Token::kLinebreak:
      return "LINEBREAK";
    case Token::kWhitespace:
      return "WHITESPACE";
    case Token::kHelp:
      return "HELP";
    case Token::kType:
      return "TYPE";
    case Token::kUnit:
      return "UNIT";
    case Token::kEofWord:
      return "EOFWORD";
    case Token::kText:
      return "TEXT";
    case Token::kComment:
      return "COMMENT";
    case Token::kMetricName:
      return "MNAME";
    case Token::kQuotedString:
      return "QSTRING";
    case Token::kBraceOpen:
      return "BOPEN";
    case Token::kBraceClose:
      return "BCLOSE";
    case Token::kLabelName:
      return "LNAME";
    case Token::kLabelValue:
      return "LVALUE";
    case Token::kComma:
      return "COMMA";
    case Token::kEqual:
      return "EQUAL";
    case Token::kTimestamp:
      return "TIMESTAMP";
    case Token::kValue:
      return "VALUE";
  }
  return "INVALID";
}

bool LexQuoted(LexerCursor* c, bool newline_allowed, NulBytes nul) {
  if (c->at(c->pos) != '"') return false;
  ++c->pos;
  while (!c->done()) {
    const char ch = c->body[c->pos];
    if (ch == '"') {
      ++c->pos;
      return true;
    }
    if ((ch == '\n' && !newline_allowed) || (ch == '\0' && nul == NulBytes::kRefused)) return false;
    ++c->pos;
    if (ch != '\\') continue;
    // A backslash takes any byte but a line break along.
    const char escaped = c->at(c->pos);
    if (c->done() || escaped == '\n' || (escaped == '\0' && nul == NulBytes::kRefused))
      return false;
    ++c->pos;
  }
  return false;
}

std::string Unescape(std::string_view text) { return UnescapeWith(text, /*quotes=*/true); }
std::string UnescapeHelp(std::string_view text) { return UnescapeWith(text, /*quotes=*/false); }

std::string QuoteExcerpt(std::string_view text) {
  if (text.size() <= kMaxExcerptBytes) return GoQuote(text);
  return GoQuote(text.substr(0, kMaxExcerptBytes)) + "...";
}

Status ParseError(std::string_view expected, Token got, const LexerCursor& c, size_t line) {
  const size_t end = std::min(c.body.size(), c.pos + 1);
  return InvalidArgumentError(
      std::string(expected) + ", got " + QuoteExcerpt(c.body.substr(c.start, end - c.start)) +
      " (\"" + std::string(TokenName(got)) +
      "\") while parsing: " + QuoteExcerpt(c.body.substr(line, end - line)));
}

Status ErrorWhileParsing(std::string_view problem, const LexerCursor& c, size_t line) {
  return InvalidArgumentError(std::string(problem) +
                              " while parsing: " + QuoteExcerpt(c.body.substr(line, c.pos - line)));
}

Status ParseSampleFloat(std::string_view text, double* out) {
  if (ParseFloatFast(text, out)) {
    if (std::isnan(*out)) *out = NormalNan();
    return OkStatus();
  }
  if (text.find_first_of("pP_") != std::string_view::npos) {
    return InvalidArgumentError("unsupported character in float");
  }
  const Result<double> parsed = ParseFloat(text);
  const bool range = !parsed.ok() && parsed.status().message().find("range") != std::string::npos;
  return InvalidArgumentError("strconv.ParseFloat: parsing " + QuoteExcerpt(text) +
                              (range ? ": value out of range" : ": invalid syntax"));
}

Status BuildSeriesLabels(std::string_view raw_name, const RawLabels& raw, MetricKind kind,
                         const MetadataLabels* metadata, Labels* out) {
  struct Pair {
    std::string_view name;
    std::string_view value;
  };
  std::vector<std::string> resolved;  // what the views of changed names and values point to
  resolved.reserve(2 * raw.size() + 2);
  const auto resolve = [&resolved](std::string_view text) -> std::string_view {
    return HasEscape(text) ? std::string_view(resolved.emplace_back(Unescape(text))) : text;
  };
  std::vector<Pair> pairs;
  pairs.reserve(raw.size() + 3);
  pairs.push_back({kMetricName, resolve(raw_name)});
  const bool has_kind = metadata != nullptr && metadata->kind != MetricKind::kUnknown;
  const bool has_unit = metadata != nullptr && !metadata->unit.empty();
  if (has_kind) pairs.push_back({kTypeLabel, MetricKindText(metadata->kind)});
  if (has_unit) pairs.push_back({kUnitLabel, metadata->unit});
  for (const auto& [raw_label, raw_value] : raw) {
    const std::string_view label = resolve(raw_label);
    // Exposed labels do not override what the metadata says.
    if ((has_kind && label == kTypeLabel) || (has_unit && label == kUnitLabel)) continue;
    std::string_view value = resolve(raw_value);
    double bound = 0;
    if (IsBucketBound(kind, label) && ParseFloatFast(value, &bound)) {
      value = resolved.emplace_back(FormatOpenMetricsFloat(bound));
    }
    pairs.push_back({label, value});
  }
  std::ranges::stable_sort(pairs, {}, &Pair::name);
  out->Clear();
  for (size_t i = 0; i < pairs.size(); ++i) {
    if (i > 0 && pairs[i].name == pairs[i - 1].name) {
      return InvalidArgumentError("label name " + QuoteExcerpt(pairs[i].name) +
                                  " is not unique: invalid sample");
    }
    if (pairs[i].name.size() > kMaxLabelBytes || pairs[i].value.size() > kMaxLabelBytes) {
      return InvalidArgumentError("label longer than 16777215 bytes");
    }
    if (pairs[i].name.empty()) {
      return InvalidArgumentError("invalid metric name or label names: " + QuoteExcerpt(raw_name) +
                                  " has a label without a name");
    }
    if (pairs[i].value.empty()) continue;
    AppendEncodedLabel(out->mutable_bytes(), pairs[i].name, pairs[i].value);
  }
  return OkStatus();
}

}  // namespace deucalion::scrape
