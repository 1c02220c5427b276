// The Prometheus text format, 0.0.4 and 1.0.0.
//
// Two readers share the work. Lines of the usual shape are read by the scanners of scan.h; whatever
// they decline is read again, token by token, by TextLexer, a hand-written form of upstream's
// promlex.l. The lexer is the authority: the scanners accept a subset of what it accepts and never
// report errors. A line that begins with the predicted series skips even the scanners: the same
// bytes at the start of a line are the same tokens.
#include <charconv>
#include <cstring>
#include <string>
#include <utility>

#include "base/status.h"
#include "model/value.h"
#include "scrape/parse/parser.h"
#include "scrape/parse/token.h"

namespace deucalion::scrape {
namespace {

class TextLexer {
 public:
  explicit TextLexer(std::string_view body) { cursor.body = body; }

  void Restart(size_t pos) {
    cursor.start = cursor.pos = pos;
    state_ = State::kInit;
  }

  // Skips white space.
  Token Next() {
    for (;;) {
      const Token t = Lex();
      if (t != Token::kWhitespace) return t;
    }
  }

  LexerCursor cursor;

 private:
  enum class State { kInit, kMeta1, kMeta2, kLabels, kLabelValue, kValue, kTimestamp };

  static bool Blank(char c) { return c == ' ' || c == '\t'; }

  size_t BlanksEnd(size_t i) const {
    while (Blank(cursor.at(i))) ++i;
    return i;
  }

  Token Take(size_t end, State next, Token token) {
    cursor.pos = end;
    state_ = next;
    return token;
  }

  Token Lex() {
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
        return LexLabels();
      case State::kLabelValue:
        return LexLabelValue();
      case State::kValue:
        return LexValue();
      case State::kTimestamp:
        return LexTimestamp();
    }
    return Token::kInvalid;
  }

  // True when white space was taken.
  bool TakeBlanks() {
    const size_t end = BlanksEnd(cursor.pos);
    if (end == cursor.pos) return false;
    cursor.pos = end;
    return true;
  }

  Token LexInit() {
    const char c = cursor.at(cursor.pos);
    if (c == '\0') return Token::kEof;
    if (c == '\n') return Take(cursor.pos + 1, State::kInit, Token::kLinebreak);
    if (TakeBlanks()) return Token::kWhitespace;
    if (c == '{') return Take(cursor.pos + 1, State::kLabels, Token::kBraceOpen);
    if (c == '#') {
      const size_t end = BlanksEnd(cursor.pos + 1);
      const bool comment = end == cursor.pos + 1;
      cursor.pos = end;
      return comment ? RestOfComment() : LexComment();
    }
    return LexName(State::kValue);
  }

  Token LexName(State next) {
    const char* begin = cursor.body.data() + cursor.pos;
    const size_t size = ScanMetricName(begin) - begin;
    return size == 0 ? Token::kInvalid : Take(cursor.pos + size, next, Token::kMetricName);
  }

  // Behind "# ".
  Token LexComment() {
    for (const auto& [word, token] : {std::pair{"HELP", Token::kHelp}, {"TYPE", Token::kType}}) {
      if (cursor.body.compare(cursor.pos, 4, word) != 0) continue;
      const size_t end = BlanksEnd(cursor.pos + 4);
      if (end > cursor.pos + 4) return Take(end, State::kMeta1, token);
    }
    return RestOfComment();
  }

  Token RestOfComment() {
    const size_t end = cursor.body.find('\n', cursor.pos);
    if (end == std::string_view::npos) return Token::kEof;
    return Take(end, State::kInit, Token::kComment);
  }

  Token LexFamily() {
    if (TakeBlanks()) return Token::kWhitespace;
    if (cursor.at(cursor.pos) != '"') return LexName(State::kMeta2);
    if (!LexQuoted(&cursor, /*newline_allowed=*/true, NulBytes::kRefused)) return Token::kInvalid;
    state_ = State::kMeta2;
    return Token::kMetricName;
  }

  Token LexMetaText() {
    const size_t end = std::min(cursor.body.find('\n', cursor.pos), cursor.body.size());
    // Text of white space only is white space.
    const size_t blanks = BlanksEnd(cursor.pos);
    if (blanks == end && blanks > cursor.pos) {
      cursor.pos = blanks;
      return Token::kWhitespace;
    }
    return Take(end, State::kInit, Token::kText);
  }

  Token LexLabels() {
    if (TakeBlanks()) return Token::kWhitespace;
    switch (cursor.at(cursor.pos)) {
      case '}':
        return Take(cursor.pos + 1, State::kValue, Token::kBraceClose);
      case '=':
        return Take(cursor.pos + 1, State::kLabelValue, Token::kEqual);
      case ',':
        return Take(cursor.pos + 1, State::kLabels, Token::kComma);
      case '"':
        return LexQuoted(&cursor, /*newline_allowed=*/true, NulBytes::kRefused)
                   ? Token::kQuotedString
                   : Token::kInvalid;
      default:
        break;
    }
    if (!Is(cursor.at(cursor.pos), kLabelStart)) return Token::kInvalid;
    size_t end = cursor.pos + 1;
    while (Is(cursor.at(end), kLabelStart | kDigit)) ++end;
    return Take(end, State::kLabels, Token::kLabelName);
  }

  Token LexLabelValue() {
    if (TakeBlanks()) return Token::kWhitespace;
    if (!LexQuoted(&cursor, /*newline_allowed=*/true, NulBytes::kAllowed)) return Token::kInvalid;
    state_ = State::kLabels;
    return Token::kLabelValue;
  }

  Token LexValue() {
    if (TakeBlanks()) return Token::kWhitespace;
    if (cursor.at(cursor.pos) == '{') {
      return Take(cursor.pos + 1, State::kLabels, Token::kBraceOpen);
    }
    size_t end = cursor.pos;
    while (end < cursor.body.size() && !Blank(cursor.at(end)) && cursor.at(end) != '\n' &&
           cursor.at(end) != '{' && cursor.at(end) != '\0') {
      ++end;
    }
    return end == cursor.pos ? Token::kInvalid : Take(end, State::kTimestamp, Token::kValue);
  }

  Token LexTimestamp() {
    if (TakeBlanks()) return Token::kWhitespace;
    if (cursor.at(cursor.pos) == '\n') {
      return Take(cursor.pos + 1, State::kInit, Token::kLinebreak);
    }
    // Digits, perhaps behind a minus: old exporters send negative ones.
    size_t end = cursor.pos;
    if (cursor.at(end) == '-') ++end;
    const size_t digits = end;
    while (Is(cursor.at(end), kDigit)) ++end;
    if (end == digits) return Token::kInvalid;
    return Take(end, State::kTimestamp, Token::kTimestamp);
  }

  State state_ = State::kInit;
};

class TextParser final : public Parser {
 public:
  TextParser(std::string_view body, const ParserOptions& options)
      : owned_(WithFinalNewline(body)),
        body_(owned_.empty() ? body : std::string_view(owned_)),
        type_and_unit_labels_(options.type_and_unit_labels),
        p_(body_.data()),
        end_(body_.data() + body_.size()),
        lexer_(body_) {}

  Status Next(Entry* entry) override {
    for (;;) {
      hit_ = false;
      if (p_ == end_) {
        *entry = Entry::kEof;
        return OkStatus();
      }
      if (*p_ == '\n') {
        ++p_;
        continue;
      }
      if (TakePredicted() || TakePlainSeries()) {
        *entry = Entry::kSeries;
        return OkStatus();
      }
      if (*p_ == '#' && TakePlainMetadata(entry)) return OkStatus();
      bool skip = false;
      Status s = NextByTokens(entry, &skip);
      if (!skip) return s;
    }
  }

  Status BuildLabels(Labels* out) override {
    if (hit_) return ReparseHit(out);
    if (!type_and_unit_labels_) {
      return BuildSeriesLabels(name_, labels_, type_, nullptr, out);
    }
    MetadataLabels metadata{.kind = type_, .unit = {}};
    if (!type_family_.empty() && !IsSeriesOfFamily(Unescape(name_), type_family_, type_)) {
      metadata.kind = MetricKind::kUnknown;
    }
    return BuildSeriesLabels(name_, labels_, type_, &metadata, out);
  }

  bool NextExemplar(Exemplar*) override { return false; }
  int64_t StartTimestampMs() override { return 0; }

 private:
  static std::string WithFinalNewline(std::string_view body) {
    std::string copy;
    if (!body.empty() && body.back() != '\n') {
      copy.reserve(body.size() + 1);
      copy.assign(body);
      copy.push_back('\n');
    }
    return copy;
  }

  bool TakePredicted() {
    const size_t n = predicted_.size();
    if (n == 0 || n >= static_cast<size_t>(end_ - p_) || p_[n] != ' ' ||
        std::memcmp(p_, predicted_.data(), n) != 0) {
      return false;
    }
    // A brace behind blanks would still belong to the series; TakeValue declines it.
    if (!TakeValue(p_ + n)) return false;
    hit_ = true;
    return true;
  }

  bool TakePlainSeries() {
    const char* q = ScanSeries</*kSpaces=*/true>(p_, &name_, &labels_);
    return q != nullptr && (*q == ' ' || *q == '\t') && TakeValue(q);
  }

  // The rest of a sample line behind a series that ends at `q`, where a blank is. On success
  // series_, value_ and the timestamp are set and p_ is at the next line.
  bool TakeValue(const char* q) {
    const char* series_end = q;
    while (*q == ' ' || *q == '\t') ++q;
    double value = 0;
    const char* number_end = ScanNumber(q, &value);
    if (number_end == nullptr || !EndsField(*number_end)) {
      number_end = q;
      while (!EndsField(*number_end) && *number_end != '{' && *number_end != '\0') ++number_end;
      if (!EndsField(*number_end) || number_end == q) return false;
      const std::string_view number(q, number_end - q);
      if (!ParseFloatFast(number, &value)) return false;
      if (value != value) value = NormalNan();
    }
    q = number_end;
    while (*q == ' ' || *q == '\t') ++q;
    has_timestamp_ = *q != '\n';
    if (has_timestamp_) {
      const char* digits = q;
      int64_t t = 0;
      while (Is(*q, kDigit)) t = static_cast<int64_t>(static_cast<uint64_t>(t) * 10 + (*q++ - '0'));
      if (q == digits || q - digits > 18 || *q != '\n') return false;
      timestamp_ms_ = t;
    }
    series_ = std::string_view(p_, series_end - p_);
    value_ = value;
    p_ = q + 1;
    return true;
  }

  static bool EndsField(char c) { return c == ' ' || c == '\t' || c == '\n'; }

  // "# HELP name text" and "# TYPE name kind" with single spaces and a plain name.
  bool TakePlainMetadata(Entry* entry) {
    const std::string_view rest(p_, end_ - p_);
    const bool help = rest.starts_with("# HELP ");
    if (!help && !rest.starts_with("# TYPE ")) return false;
    const char* name = p_ + 7;
    const char* name_end = ScanMetricName(name);
    if (name_end == name || *name_end != ' ' || name_end[1] == ' ' || name_end[1] == '\n') {
      return false;
    }
    const char* text = name_end + 1;
    const auto* line_end = static_cast<const char*>(std::memchr(text, '\n', end_ - text));
    const std::string_view value(text, line_end - text);
    const std::string_view family(name, name_end - name);
    if (help) {
      if (!IsAscii(value)) return false;
      SetHelp(family, value);
      *entry = Entry::kHelp;
    } else {
      if (!SetType(family, value)) return false;
      *entry = Entry::kType;
    }
    p_ = line_end + 1;
    return true;
  }

  void SetHelp(std::string_view family, std::string_view text) {
    family_ = family;
    text_ = text;
    if (text.find('\\') != std::string_view::npos) {
      scratch_ = UnescapeHelp(text);
      text_ = scratch_;
    }
  }

  bool SetType(std::string_view family, std::string_view text) {
    MetricKind kind;
    if (text == "counter") {
      kind = MetricKind::kCounter;
    } else if (text == "gauge") {
      kind = MetricKind::kGauge;
    } else if (text == "histogram") {
      kind = MetricKind::kHistogram;
    } else if (text == "summary") {
      kind = MetricKind::kSummary;
    } else if (text == "untyped") {
      kind = MetricKind::kUnknown;
    } else {
      return false;
    }
    family_ = type_family_ = family;
    kind_ = type_ = kind;
    return true;
  }

  // A predicted series was not parsed: parse it now that its labels are wanted.
  Status ReparseHit(Labels* out) {
    TextParser again(series_line_for_hit(),
                     ParserOptions{.type_and_unit_labels = type_and_unit_labels_});
    again.type_ = type_;
    again.type_family_ = type_family_;
    Entry entry;
    RETURN_IF_ERROR(again.Next(&entry));
    return again.BuildLabels(out);
  }
  std::string_view series_line_for_hit() const {
    return std::string_view(series_.data(), p_ - series_.data());
  }

  Status NextByTokens(Entry* entry, bool* skip) {
    line_ = static_cast<size_t>(p_ - body_.data());
    lexer_.Restart(line_);
    const Token t = lexer_.Next();
    Status status;
    switch (t) {
      case Token::kEof:
        *entry = Entry::kEof;
        break;
      case Token::kLinebreak:
        *skip = true;
        break;
      case Token::kHelp:
      case Token::kType:
        status = ParseMetadata(t, entry);
        break;
      case Token::kComment:
        text_ = body_.substr(line_, lexer_.cursor.pos - line_);
        *entry = Entry::kComment;
        break;
      case Token::kMetricName:
      case Token::kBraceOpen:
        status = ParseSample(t, entry);
        break;
      default:
        return ParseError("expected a valid start token", t, lexer_.cursor, line_);
    }
    p_ = body_.data() + lexer_.cursor.pos;
    return status;
  }

  Status ParseMetadata(Token what, Entry* entry) {
    const std::string word(TokenName(what));
    Token t = lexer_.Next();
    if (t != Token::kMetricName) {
      return ParseError("expected metric name after " + word, t, lexer_.cursor, line_);
    }
    std::string_view family = lexer_.cursor.token();
    if (family.front() == '"') family = family.substr(1, family.size() - 2);
    t = lexer_.Next();
    if (t != Token::kText) {
      return InvalidArgumentError("expected text in " + word + ", got " +
                                  std::string(TokenName(t)));
    }
    std::string_view text = lexer_.cursor.token();
    if (!text.empty()) text.remove_prefix(1);
    if (what == Token::kType) {
      if (!SetType(family, text)) {
        return InvalidArgumentError("invalid metric type " + QuoteExcerpt(text));
      }
      *entry = Entry::kType;
    } else {
      if (!IsValidUtf8(text)) {
        return InvalidArgumentError("help text " + QuoteExcerpt(text) +
                                    " is not a valid utf8 string");
      }
      SetHelp(family, text);
      *entry = Entry::kHelp;
    }
    t = lexer_.Next();
    if (t != Token::kLinebreak) {
      return ParseError("linebreak expected after metadata", t, lexer_.cursor, line_);
    }
    return OkStatus();
  }

  Status ParseSample(Token t, Entry* entry) {
    const size_t begin = lexer_.cursor.start;
    labels_.clear();
    has_name_ = t == Token::kMetricName;
    if (has_name_) {
      name_ = lexer_.cursor.token();
      series_ = name_;
      t = lexer_.Next();
    }
    if (t == Token::kBraceOpen) {
      RETURN_IF_ERROR(ParseLabels());
      series_ = body_.substr(begin, lexer_.cursor.pos - begin);
      t = lexer_.Next();
    }
    if (!has_name_) return ErrorWhileParsing("metric name not set", lexer_.cursor, line_);
    if (t != Token::kValue) {
      return ParseError("expected value after metric", t, lexer_.cursor, line_);
    }
    if (Status s = ParseSampleFloat(lexer_.cursor.token(), &value_); !s.ok()) {
      return ErrorWhileParsing(s.message(), lexer_.cursor, line_);
    }
    *entry = Entry::kSeries;
    return ParseTimestamp();
  }

  Status ParseTimestamp() {
    has_timestamp_ = false;
    Token t = lexer_.Next();
    if (t == Token::kLinebreak) return OkStatus();
    if (t != Token::kTimestamp) {
      return ParseError("expected timestamp or new record", t, lexer_.cursor, line_);
    }
    has_timestamp_ = true;
    const std::string_view text = lexer_.cursor.token();
    const auto [ptr, ec] = std::from_chars(text.data(), text.data() + text.size(), timestamp_ms_);
    if (ec != std::errc() || ptr != text.data() + text.size()) {
      return ErrorWhileParsing(
          "strconv.ParseInt: parsing " + QuoteExcerpt(text) + ": value out of range", lexer_.cursor,
          line_);
    }
    t = lexer_.Next();
    if (t != Token::kLinebreak) {
      return ParseError("expected next entry after timestamp", t, lexer_.cursor, line_);
    }
    return OkStatus();
  }

  // Inside the braces. A quoted string that no '=' follows is the metric name.
  Status ParseLabels() {
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
      if (quoted && (t == Token::kComma || t == Token::kBraceClose)) {
        if (has_name_) {
          return ErrorWhileParsing("metric name already set", lexer_.cursor, line_);
        }
        has_name_ = true;
        name_ = label;
        if (!IsValidUtf8(label)) {
          return InvalidArgumentError("invalid UTF-8 metric name: " + QuoteExcerpt(label));
        }
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
      labels_.emplace_back(label, value.substr(1, value.size() - 2));
      // Upstream takes a missing comma between labels; so do its users' exporters.
      t = lexer_.Next();
      if (t == Token::kComma) t = lexer_.Next();
    }
  }

  const std::string owned_;  // the body, if it had to be given a final newline
  const std::string_view body_;
  const bool type_and_unit_labels_;
  const char* p_;  // start of the next line
  const char* end_;
  TextLexer lexer_;
  size_t line_ = 0;

  std::string_view name_;
  bool has_name_ = false;
  RawLabels labels_;
  std::string scratch_;
  MetricKind type_ = MetricKind::kUnknown;
  std::string_view type_family_;
};

}  // namespace

std::unique_ptr<Parser> NewTextParser(std::string_view body, const ParserOptions& options) {
  return std::make_unique<TextParser>(body, options);
}

}  // namespace deucalion::scrape
