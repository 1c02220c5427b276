// OpenMetrics text, 0.0.1 and 1.0.0: exactly one space between fields, timestamps in seconds,
// exemplars, units, and "# EOF" at the end. As in text_parser.cc, scanners read what is plain and a
// token lexer (a hand-written form of upstream's openmetricslex.l) reads and judges the rest.
#include <cmath>
#include <cstdio>
#include <cstring>
#include <string>
#include <utility>

#include "base/status.h"
#include "model/value.h"
#include "scrape/parse/parser.h"
#include "scrape/parse/token.h"

namespace deucalion::scrape {
namespace {

class OpenMetricsLexer {
 public:
  explicit OpenMetricsLexer(std::string_view body) { cursor.body = body; }

  void Restart(size_t pos) {
    cursor.start = cursor.pos = pos;
    state_ = State::kInit;
  }

  Token Next() {
    if (cursor.done()) return Token::kEof;
    cursor.start = cursor.pos;
    switch (state_) {
      case State::kInit:
        return LexInit();
      case State::kMeta1:
        return LexFamily();
      case State::kMeta2:
        return LexMetaText();
      case State::kLabels:
        return LexLabels(State::kValue, State::kLabelValue);
      case State::kExemplar:
        return LexLabels(State::kExemplarValue, State::kExemplarValue);
      case State::kLabelValue:
        return LexLabelValue(NulBytes::kAllowed, State::kLabels);
      case State::kExemplarValue:
        return cursor.at(cursor.pos) == ' ' ? LexField(Token::kValue, State::kExemplarTimestamp)
                                            : LexLabelValue(NulBytes::kRefused, State::kExemplar);
      case State::kValue:
        if (cursor.at(cursor.pos) == '{') {
          return Take(cursor.pos + 1, State::kLabels, Token::kBraceOpen);
        }
        return LexField(Token::kValue, State::kTimestamp);
      case State::kTimestamp:
        return LexAfterValue();
      case State::kExemplarTimestamp:
        if (cursor.at(cursor.pos) == '\n') {
          return Take(cursor.pos + 1, State::kInit, Token::kLinebreak);
        }
        return LexField(Token::kTimestamp, State::kExemplarTimestamp);
    }
    return Token::kInvalid;
  }

  LexerCursor cursor;

 private:
  enum class State {
    kInit,
    kMeta1,
    kMeta2,
    kLabels,
    kLabelValue,
    kValue,
    kTimestamp,
    kExemplar,
    kExemplarValue,
    kExemplarTimestamp
  };

  Token Take(size_t end, State next, Token token) {
    cursor.pos = end;
    state_ = next;
    return token;
  }

  // Moves over `word` as far as it matches; true when it matches whole.
  bool Match(std::string_view word) {
    for (char c : word) {
      if (cursor.at(cursor.pos) != c || cursor.done()) return false;
      ++cursor.pos;
    }
    return true;
  }

  Token LexInit() {
    const char c = cursor.at(cursor.pos);
    if (c == '{') return Take(cursor.pos + 1, State::kLabels, Token::kBraceOpen);
    if (c != '#') return LexName(State::kValue);
    if (!Match("# ")) return Token::kInvalid;
    switch (cursor.at(cursor.pos)) {
      case 'H':
        return Match("HELP ") ? Take(cursor.pos, State::kMeta1, Token::kHelp) : Token::kInvalid;
      case 'T':
        return Match("TYPE ") ? Take(cursor.pos, State::kMeta1, Token::kType) : Token::kInvalid;
      case 'U':
        return Match("UNIT ") ? Take(cursor.pos, State::kMeta1, Token::kUnit) : Token::kInvalid;
      case 'E':
        if (!Match("EOF")) return Token::kInvalid;
        return Take(cursor.pos + (cursor.at(cursor.pos) == '\n' ? 1 : 0), State::kInit,
                    Token::kEofWord);
      default:
        return Token::kInvalid;
    }
  }

  Token LexName(State next) {
    size_t end = cursor.pos;
    if (!Is(cursor.at(end), kLabelStart | kColon)) return Token::kInvalid;
    while (Is(cursor.at(end), kLabelStart | kColon | kDigit)) ++end;
    return Take(end, next, Token::kMetricName);
  }

  Token LexFamily() {
    if (cursor.at(cursor.pos) != '"') return LexName(State::kMeta2);
    if (!LexQuoted(&cursor, /*newline_allowed=*/true, NulBytes::kRefused)) return Token::kInvalid;
    state_ = State::kMeta2;
    return Token::kMetricName;
  }

  // With the leading space and the line break.
  Token LexMetaText() {
    if (cursor.at(cursor.pos) != ' ') return Token::kInvalid;
    const size_t end = cursor.body.find('\n', cursor.pos);
    if (end == std::string_view::npos) {
      cursor.pos = cursor.body.size();
      return Token::kInvalid;
    }
    return Take(end + 1, State::kInit, Token::kText);
  }

  Token LexLabels(State after_brace, State after_equal) {
    const State here = state_;
    switch (cursor.at(cursor.pos)) {
      case '}':
        return Take(cursor.pos + 1, after_brace, Token::kBraceClose);
      case '=':
        return Take(cursor.pos + 1, after_equal, Token::kEqual);
      case ',':
        return Take(cursor.pos + 1, here, Token::kComma);
      case '"':
        return LexQuoted(&cursor, /*newline_allowed=*/here == State::kLabels, NulBytes::kRefused)
                   ? Token::kQuotedString
                   : Token::kInvalid;
      default:
        break;
    }
    if (!Is(cursor.at(cursor.pos), kLabelStart)) return Token::kInvalid;
    size_t end = cursor.pos + 1;
    while (Is(cursor.at(end), kLabelStart | kDigit)) ++end;
    return Take(end, here, Token::kLabelName);
  }

  Token LexLabelValue(NulBytes nul, State next) {
    if (!LexQuoted(&cursor, /*newline_allowed=*/false, nul)) return Token::kInvalid;
    state_ = next;
    return Token::kLabelValue;
  }

  // A space, then everything up to the next space or line break.
  Token LexField(Token token, State next) {
    if (cursor.at(cursor.pos) != ' ') return Token::kInvalid;
    size_t end = cursor.pos + 1;
    while (end < cursor.body.size() && cursor.at(end) != ' ' && cursor.at(end) != '\n' &&
           cursor.at(end) != '\0') {
      ++end;
    }
    if (end > cursor.pos + 1) return Take(end, next, token);
    ++cursor.pos;
    return Token::kInvalid;
  }

  Token LexAfterValue() {
    if (cursor.at(cursor.pos) == '\n') {
      return Take(cursor.pos + 1, State::kInit, Token::kLinebreak);
    }
    if (cursor.body.compare(cursor.pos, 4, " # {") == 0) {
      return Take(cursor.pos + 4, State::kExemplar, Token::kComment);
    }
    return LexField(Token::kTimestamp, State::kTimestamp);
  }

  State state_ = State::kInit;
};

bool HasStartTimestamp(MetricKind kind) {
  return kind == MetricKind::kCounter || kind == MetricKind::kSummary ||
         kind == MetricKind::kHistogram;
}

// The name without what the samples of one metric of a family add to it.
std::string_view BaseName(std::string_view name) {
  for (std::string_view suffix :
       {"_created", "_count", "_sum", "_bucket", "_total", "_gcount", "_gsum", "_info"}) {
    if (name.size() > suffix.size() && name.ends_with(suffix)) {
      return name.substr(0, name.size() - suffix.size());
    }
  }
  return name;
}

class OpenMetricsParser final : public Parser {
 public:
  OpenMetricsParser(std::string_view body, const ParserOptions& options)
      : body_(body),
        type_and_unit_labels_(options.type_and_unit_labels),
        skip_created_(options.skip_created_series),
        plain_end_(body.rfind('\n') == std::string_view::npos ? 0 : body.rfind('\n') + 1),
        lexer_(body) {}

  Status Next(Entry* entry) override {
    for (;;) {
      RETURN_IF_ERROR(NextLine(entry));
      if (*entry == Entry::kSeries && skip_created_ && IsCreatedSeries()) continue;
      return OkStatus();
    }
  }

  Status BuildLabels(Labels* out) override {
    if (hit_) return ReparseHit(out);
    if (!type_and_unit_labels_) {
      return BuildSeriesLabels(name_, labels_, type_, nullptr, out);
    }
    MetadataLabels metadata;
    if (!meta_family_.empty() && IsSeriesOfFamily(Unescape(name_), meta_family_, meta_type_)) {
      metadata = {.kind = meta_type_, .unit = unit_};
    }
    return BuildSeriesLabels(name_, labels_, type_, &metadata, out);
  }

  bool NextExemplar(Exemplar* out) override {
    if (!may_have_exemplars_) return false;
    may_have_exemplars_ = false;
    LabelsBuilder labels;
    for (const auto& [name, value] : exemplar_labels_) labels.Set(Unescape(name), Unescape(value));
    labels.BuildInto(&out->labels);
    out->value = exemplar_value_;
    out->has_time = exemplar_has_time_;
    out->time_ms = exemplar_has_time_ ? exemplar_time_ms_ : 0;
    return true;
  }

  // Looks ahead for the `_created` line of the current series. Upstream's rule: the first one found
  // before the next metadata line decides.
  int64_t StartTimestampMs() override {
    if (!HasStartTimestamp(type_)) return 0;
    Labels own;
    if (!BuildLabels(&own).ok()) return 0;
    const std::string key = IdentityWithoutSuffix(own);
    if (key == created_key_) return created_ms_;
    if (pos_ < no_created_before_) return 0;
    ParserOptions options{.type_and_unit_labels = type_and_unit_labels_};
    OpenMetricsParser ahead(body_, options);
    ahead.CopyMetadata(*this);
    ahead.pos_ = pos_;
    created_key_.clear();
    Entry entry;
    for (;;) {
      if (!ahead.NextLine(&entry).ok() || entry != Entry::kSeries) {
        no_created_before_ = ahead.pos_;
        return 0;
      }
      if (!ahead.IsCreatedSeries()) continue;
      Labels found;
      if (!ahead.BuildLabels(&found).ok() || IdentityWithoutSuffix(found) != key) return 0;
      created_key_ = key;
      created_ms_ = static_cast<int64_t>(ahead.value_ * 1000);
      return created_ms_;
    }
  }

 private:
  // The labels without `le` and `quantile`, under the base name.
  static std::string IdentityWithoutSuffix(const Labels& labels) {
    std::string key(BaseName(labels.Get(kMetricName)));
    for (const Label& label : labels) {
      if (label.name == kMetricName || label.name == "le" || label.name == "quantile") continue;
      key.push_back('\xff');
      key.append(label.name);
      key.push_back('\xff');
      key.append(label.value);
    }
    return key;
  }

  bool IsCreatedSeries() const {
    // What was predicted was returned before, so it is none.
    return !hit_ && HasStartTimestamp(type_) && name_.ends_with("_created");
  }

  void CopyMetadata(const OpenMetricsParser& other) {
    type_ = other.type_;
    meta_type_ = other.meta_type_;
    meta_family_ = other.meta_family_;
    unit_ = other.unit_;
  }

  Status NextLine(Entry* entry) {
    hit_ = false;
    may_have_exemplars_ = false;
    if (pos_ < plain_end_ && (TakePredicted() || TakePlainSeries())) {
      *entry = Entry::kSeries;
      return OkStatus();
    }
    return NextByTokens(entry);
  }

  bool TakePredicted() {
    const size_t n = predicted_.size();
    if (n == 0 || pos_ + n >= plain_end_) return false;
    const char* p = body_.data() + pos_;
    if (p[n] != ' ' || std::memcmp(p, predicted_.data(), n) != 0 || !TakeValue(p, p + n)) {
      return false;
    }
    hit_ = true;
    return true;
  }

  bool TakePlainSeries() {
    const char* p = body_.data() + pos_;
    const char* q = ScanSeries</*kSpaces=*/false>(p, &name_, &labels_);
    return q != nullptr && *q == ' ' && TakeValue(p, q);
  }

  // " value\n" behind a series in [p, q). Timestamps and exemplars are left to the lexer.
  bool TakeValue(const char* p, const char* q) {
    double value = 0;
    const char* end = ScanNumber(q + 1, &value);
    if (end == nullptr || *end != '\n') return false;
    series_ = std::string_view(p, q - p);
    value_ = value;
    has_timestamp_ = false;
    pos_ = static_cast<size_t>(end + 1 - body_.data());
    return true;
  }

  // A predicted series was not parsed: parse it now that its labels are wanted.
  Status ReparseHit(Labels* out) {
    OpenMetricsParser again(body_, {.type_and_unit_labels = type_and_unit_labels_});
    again.pos_ = static_cast<size_t>(series_.data() - body_.data());
    again.CopyMetadata(*this);
    Entry entry;
    RETURN_IF_ERROR(again.NextLine(&entry));
    return again.BuildLabels(out);
  }

  Status NextByTokens(Entry* entry) {
    line_ = pos_;
    lexer_.Restart(pos_);
    const Token t = lexer_.Next();
    Status status;
    switch (t) {
      case Token::kEofWord:
        if (lexer_.Next() != Token::kEof) {
          return InvalidArgumentError("unexpected data after # EOF");
        }
        *entry = Entry::kEof;
        break;
      case Token::kEof:
        return InvalidArgumentError("data does not end with # EOF");
      case Token::kHelp:
      case Token::kType:
      case Token::kUnit:
        status = ParseMetadata(t, entry);
        break;
      case Token::kMetricName:
      case Token::kBraceOpen:
        status = ParseSample(t, entry);
        break;
      default:
        return ParseError("expected a valid start token", t, lexer_.cursor, line_);
    }
    pos_ = lexer_.cursor.pos;
    return status;
  }

  Status ParseMetadata(Token what, Entry* entry) {
    const std::string word(TokenName(what));
    Token t = lexer_.Next();
    if (t != Token::kMetricName) {
      return ParseError("expected metric name after " + word, t, lexer_.cursor, line_);
    }
    family_ = lexer_.cursor.token();
    if (family_.front() == '"') family_ = family_.substr(1, family_.size() - 2);
    t = lexer_.Next();
    if (t != Token::kText) return InvalidArgumentError("expected text in " + word);
    text_ = lexer_.cursor.token();
    text_ = text_.size() >= 2 ? text_.substr(1, text_.size() - 2) : std::string_view();
    if (family_ != meta_family_) {
      meta_family_ = family_;
      meta_type_ = MetricKind::kUnknown;
      unit_ = {};
    }
    switch (what) {
      case Token::kType:
        *entry = Entry::kType;
        return SetType();
      case Token::kHelp:
        *entry = Entry::kHelp;
        return SetHelp();
      default:
        *entry = Entry::kUnit;
        return SetUnit();
    }
  }

  Status SetType() {
    kind_ = ParseMetricKind(text_);
    if (kind_ == MetricKind::kUnknown && text_ != "unknown") {
      return InvalidArgumentError("invalid metric type " + QuoteExcerpt(text_));
    }
    type_ = meta_type_ = kind_;
    return OkStatus();
  }

  Status SetHelp() {
    if (!IsValidUtf8(text_)) {
      return InvalidArgumentError("help text " + QuoteExcerpt(text_) +
                                  " is not a valid utf8 string");
    }
    if (text_.find('\\') != std::string_view::npos) {
      scratch_ = Unescape(text_);
      text_ = scratch_;
    }
    return OkStatus();
  }

  Status SetUnit() {
    const bool suffix =
        text_.empty() || (family_.size() > text_.size() && family_.ends_with(text_) &&
                          family_[family_.size() - text_.size() - 1] == '_');
    if (!suffix) {
      return InvalidArgumentError("unit " + QuoteExcerpt(text_) + " not a suffix of metric " +
                                  QuoteExcerpt(family_));
    }
    unit_ = text_;
    return OkStatus();
  }

  Status ParseSample(Token t, Entry* entry) {
    labels_.clear();
    has_name_ = t == Token::kMetricName;
    if (has_name_) {
      name_ = series_ = lexer_.cursor.token();
      t = lexer_.Next();
    }
    if (t == Token::kBraceOpen) {
      RETURN_IF_ERROR(ParseLabels(&labels_, /*exemplar=*/false));
      series_ = body_.substr(line_, lexer_.cursor.pos - line_);
      t = lexer_.Next();
    }
    if (!has_name_) return ErrorWhileParsing("metric name not set", lexer_.cursor, line_);
    RETURN_IF_ERROR(ParseValue(t, "metric", &value_));
    *entry = Entry::kSeries;
    return ParseAfterValue();
  }

  Status ParseValue(Token t, std::string_view after, double* out) {
    if (t != Token::kValue) {
      return ParseError("expected value after " + std::string(after), t, lexer_.cursor, line_);
    }
    if (Status s = ParseSampleFloat(lexer_.cursor.token().substr(1), out); !s.ok()) {
      return ErrorWhileParsing(s.message(), lexer_.cursor, line_);
    }
    return OkStatus();
  }

  // Seconds, a float.
  Status ParseSeconds(std::string_view what, int64_t* out_ms) {
    double seconds = 0;
    if (Status s = ParseSampleFloat(lexer_.cursor.token().substr(1), &seconds); !s.ok()) {
      return ErrorWhileParsing(s.message(), lexer_.cursor, line_);
    }
    if (std::isnan(seconds) || std::isinf(seconds)) {
      return InvalidArgumentError("invalid " + std::string(what) + " " + FormatFloatF(seconds));
    }
    const double ms = seconds * 1000;
    if (ms >= 9223372036854775807.0 || ms <= -9223372036854775807.0) {
      return ErrorWhileParsing(std::string(what) + " out of range", lexer_.cursor, line_);
    }
    *out_ms = static_cast<int64_t>(ms);
    return OkStatus();
  }

  Status ParseAfterValue() {
    has_timestamp_ = false;
    Token t = lexer_.Next();
    if (t == Token::kTimestamp) {
      RETURN_IF_ERROR(ParseSeconds("timestamp", &timestamp_ms_));
      has_timestamp_ = true;
      t = lexer_.Next();
      if (t != Token::kLinebreak && t != Token::kComment) {
        return ParseError("expected next entry after timestamp", t, lexer_.cursor, line_);
      }
    }
    switch (t) {
      case Token::kLinebreak:
        return OkStatus();
      case Token::kComment:
        return ParseExemplar();
      case Token::kEof:
        return InvalidArgumentError("data does not end with # EOF");
      default:
        return ParseError("expected timestamp or # symbol", t, lexer_.cursor, line_);
    }
  }

  Status ParseExemplar() {
    exemplar_labels_.clear();
    RETURN_IF_ERROR(ParseLabels(&exemplar_labels_, /*exemplar=*/true));
    RETURN_IF_ERROR(ParseValue(lexer_.Next(), "exemplar labels", &exemplar_value_));
    may_have_exemplars_ = true;
    exemplar_has_time_ = false;
    Token t = lexer_.Next();
    if (t == Token::kLinebreak) return OkStatus();
    if (t == Token::kEof) return InvalidArgumentError("data does not end with # EOF");
    if (t != Token::kTimestamp) {
      return ParseError("expected timestamp or comment", t, lexer_.cursor, line_);
    }
    RETURN_IF_ERROR(ParseSeconds("exemplar timestamp", &exemplar_time_ms_));
    exemplar_has_time_ = true;
    t = lexer_.Next();
    if (t == Token::kLinebreak) return OkStatus();
    return ParseError("expected next entry after exemplar timestamp", t, lexer_.cursor, line_);
  }

  Status ParseLabels(RawLabels* labels, bool exemplar) {
    Token t = lexer_.Next();
    for (;;) {
      if (t == Token::kBraceClose) return OkStatus();
      if (t != Token::kLabelName && t != Token::kQuotedString) {
        return ParseError("expected label name", t, lexer_.cursor, line_);
      }
      const bool quoted = t == Token::kQuotedString;
      std::string_view label = lexer_.cursor.token();
      if (quoted) label = label.substr(1, label.size() - 2);
      t = lexer_.Next();
      if (t == Token::kComma || t == Token::kBraceClose) {
        if (exemplar) return ParseError("expected label name", t, lexer_.cursor, line_);
        if (!quoted) return ParseError("expected equal", t, lexer_.cursor, line_);
        if (has_name_) {
          return ErrorWhileParsing("metric name already set", lexer_.cursor, line_);
        }
        if (!IsValidUtf8(label)) {
          return InvalidArgumentError("invalid UTF-8 metric name: " + QuoteExcerpt(label));
        }
        has_name_ = true;
        name_ = label;
        if (t == Token::kBraceClose) return OkStatus();
        t = lexer_.Next();
        continue;
      }
      if (t != Token::kEqual) return ParseError("expected equal", t, lexer_.cursor, line_);
      t = lexer_.Next();
      if (t != Token::kLabelValue) {
        return ParseError("expected label value", t, lexer_.cursor, line_);
      }
      const std::string_view value = lexer_.cursor.token();
      if (!IsValidUtf8(value)) {
        return InvalidArgumentError("invalid UTF-8 label value: " + QuoteExcerpt(value));
      }
      labels->emplace_back(label, value.substr(1, value.size() - 2));
      t = lexer_.Next();
      if (t == Token::kComma) {
        t = lexer_.Next();
      } else if (t != Token::kBraceClose) {
        return ParseError("expected comma or brace close", t, lexer_.cursor, line_);
      }
    }
  }

  const std::string_view body_;
  const bool type_and_unit_labels_;
  const bool skip_created_;
  const size_t plain_end_;  // behind the last '\n': the scanners may run up to here
  OpenMetricsLexer lexer_;
  size_t pos_ = 0;
  size_t line_ = 0;

  std::string_view name_;
  bool has_name_ = false;
  RawLabels labels_;
  std::string scratch_;
  MetricKind type_ = MetricKind::kUnknown;  // of the last TYPE line
  // Of the last metadata line.
  MetricKind meta_type_ = MetricKind::kUnknown;
  std::string_view meta_family_;
  std::string_view unit_;

  RawLabels exemplar_labels_;
  double exemplar_value_ = 0;
  int64_t exemplar_time_ms_ = 0;
  bool exemplar_has_time_ = false;

  // The last start timestamp found, and up to where there certainly is none.
  std::string created_key_;
  int64_t created_ms_ = 0;
  size_t no_created_before_ = 0;
};

}  // namespace

std::unique_ptr<Parser> NewOpenMetricsParser(std::string_view body, const ParserOptions& options) {
  return std::make_unique<OpenMetricsParser>(body, options);
}

}  // namespace deucalion::scrape
