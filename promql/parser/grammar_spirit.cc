// The token grammar of PromQL in Boost.Spirit X3; the one file that knows Boost.
//
// X3 recognises, it does not build: every rule is run without attributes and only moves an
// iterator, because a token is its kind and its bytes. What a rule cannot say is why it did not
// match, so the error texts are made by hand beside it. Expressions are the business of
// expression.cc, which climbs precedences over these tokens: the same grammar written wholly in X3
// was twice as slow and named template types in its errors.
#include <algorithm>
#include <boost/spirit/home/x3.hpp>

#include "model/utf8.h"
#include "model/value.h"
#include "promql/parser/lexer.h"
#include "promql/parser/string_literal.h"

namespace deucalion::promql {
namespace {

namespace x3 = boost::spirit::x3;
using x3::char_;
using x3::lit;
using K = TokenKind;

const auto kBlank = +char_(" \t\r\n");
const auto kComment = '#' >> *(char_ - char_("\r\n"));
const auto kLetter = char_("a-zA-Z_");
const auto kWordChar = char_("a-zA-Z0-9_");
// Sets, not x3::digit: that one asserts on bytes that are not ASCII.
const auto kDigit = char_("0-9");
const auto kHexDigit = char_("0-9a-fA-F");
const auto kIdentifier = kLetter >> *kWordChar;
const auto kWord = (kLetter | ':') >> *(kWordChar | ':');

// Numbers. A digit group may hold underscores, each between digits; point and exponent come once
// each, in any order here (what makes no sense fails as a number later, with its text in the
// error).
const auto kNumberEnd = char_("._eE") | x3::eoi;
const auto kUnderscore = '_' >> !kNumberEnd;
const auto kDigits = *(+kDigit | kUnderscore);
const auto kPoint = '.' >> !char_("_.");
const auto kExponent = char_("eE") >> -char_("+-") >> !kNumberEnd;
const auto kDecimal = -lit('.') >> -kDigit >> kDigits >>
                      -((kPoint >> kDigits >> -(kExponent >> kDigits)) |
                        (kExponent >> kDigits >> -(kPoint >> kDigits)));
const auto kHex = '0' >> char_("xX") >> -lit('_') >> +(+kHexDigit | kUnderscore);
const auto kMagnitude = kHex | kDecimal;
const auto kNumber = kMagnitude >> !char_("a-zA-Z0-9_.");

// Durations: units in any order and twice here; ParseDuration is the judge.
const auto kUnits = char_("smhdwy") >> -lit('s') >> *(+kDigit >> char_("smhdw") >> -lit('s'));
const auto kDuration = kMagnitude >> kUnits >> !kWordChar;

// Operators and punctuation; the longest match wins.
struct Symbols : x3::symbols<TokenKind> {
  Symbols() {
    add("(", K::kLeftParen)(")", K::kRightParen)("{", K::kLeftBrace)("}", K::kRightBrace)(
        "[", K::kLeftBracket)("]", K::kRightBracket)(",", K::kComma)(":", K::kColon)(
        "=", K::kEqual)("+", K::kAdd)("-", K::kSub)("*", K::kMul)("/", K::kDiv)("%", K::kMod)(
        "^", K::kPow)("==", K::kEqualEqual)("!=", K::kNotEqual)("<", K::kLess)("<=", K::kLessEqual)(
        ">", K::kGreater)(">=", K::kGreaterEqual)("</", K::kTrimUpper)(">/", K::kTrimLower)(
        "=~", K::kMatchRegexp)("!~", K::kNotMatchRegexp)("@", K::kAt);
  }
};

const Symbols& TheSymbols() {
  static const Symbols symbols;
  return symbols;
}

// Bytes of `text` that `rule` takes, 0 when it does not match.
template <typename Rule>
size_t MatchSize(std::string_view text, const Rule& rule) {
  const char* p = text.data();
  return x3::parse(p, text.data() + text.size(), rule) ? static_cast<size_t>(p - text.data()) : 0;
}

struct SymbolMatch {
  size_t size = 0;
  TokenKind kind = K::kError;
};

SymbolMatch MatchSymbol(std::string_view text) {
  SymbolMatch match;
  const char* p = text.data();
  if (x3::parse(p, text.data() + text.size(), TheSymbols(), match.kind)) {
    match.size = static_cast<size_t>(p - text.data());
  }
  return match;
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool BeginsNumber(std::string_view text) {
  return IsDigit(text[0]) || (text[0] == '.' && text.size() > 1 && IsDigit(text[1]));
}

// As much of a broken number as users are shown: up to and with what does not fit.
std::string_view BrokenNumber(std::string_view text) {
  size_t n = MatchSize(text, kMagnitude);
  const auto next_in = [&](std::string_view set) {
    return n < text.size() && set.find(text[n]) != std::string_view::npos;
  };
  if (next_in("._eE")) {
    const bool exponent = next_in("eE");
    ++n;
    if (exponent && next_in("+-")) ++n;
    if (next_in("._eE")) ++n;
    return text.substr(0, n);
  }
  const size_t units = MatchSize(text.substr(n), kUnits);
  if (units == 0) return text.substr(0, n);
  n += units;
  if (n < text.size() && IsDigit(text[n])) {
    while (n < text.size() && IsDigit(text[n])) ++n;
    return text.substr(0, n);
  }
  return text.substr(0, std::min(n + 1, text.size()));
}

}  // namespace

Token Lexer::Emit(TokenKind kind, size_t size) {
  const auto begin = static_cast<uint32_t>(pos_);
  pos_ += size;
  return {kind, {begin, static_cast<uint32_t>(pos_)}};
}

Token Lexer::Fail(std::string message) {
  error_ = std::move(message);
  return {K::kError, {static_cast<uint32_t>(pos_), static_cast<uint32_t>(text_.size())}};
}

char32_t Lexer::RuneAt(size_t at) const {
  const Utf8Rune r = DecodeUtf8(text_.substr(std::min(at, text_.size())));
  return r.valid ? r.rune : 0xFFFD;
}

bool Lexer::SkipBlanks(bool comments) {
  for (;;) {
    const size_t blank = MatchSize(rest(), kBlank);
    const size_t comment = comments ? MatchSize(rest().substr(blank), kComment) : 0;
    if (blank + comment == 0) return pos_ < text_.size();
    pos_ += blank + comment;
  }
}

Token Lexer::Next() {
  if (!SkipBlanks(/*comments=*/!in_duration_)) return AtEnd();
  if (in_braces_) return InBraces();
  return in_duration_ ? InDuration() : InStatement();
}

Token Lexer::AtEnd() {
  if (in_braces_) return Fail("unexpected end of input inside braces");
  if (in_duration_) return Fail("unexpected end of input in duration expression");
  if (open_parens_ != 0) return Fail("unclosed left parenthesis");
  if (in_brackets_) return Fail("unclosed left bracket");
  return Emit(K::kEof, 0);
}

Token Lexer::InStatement() {
  const char c = text_[pos_];
  if (IsLetter(c) || c == ':') return in_brackets_ ? WordInBrackets() : Word();
  if (BeginsNumber(rest())) return NumberOrDuration();
  if (c == '"' || c == '\'' || c == '`') return String();
  return Symbol();
}

Token Lexer::Symbol() {
  const SymbolMatch m = MatchSymbol(rest());
  switch (m.kind) {
    case K::kLeftParen:
      ++open_parens_;
      break;
    case K::kRightParen:
      return CloseParen();
    case K::kLeftBrace:
      in_braces_ = true;
      break;
    case K::kLeftBracket:
      return OpenBracket();
    case K::kRightBracket:
      if (!in_brackets_) return Fail("unexpected right bracket " + QuoteRune(']'));
      in_brackets_ = false;
      break;
    case K::kMatchRegexp:
      return Fail("unexpected character after '=': " + QuoteRune('~'));
    case K::kNotMatchRegexp:
      return Fail("unexpected character after '!': " + QuoteRune('~'));
    case K::kRightBrace:
    case K::kError:
      if (text_[pos_] == '!') {
        return Fail("unexpected character after '!': " + QuoteRune(RuneAt(pos_ + 1)));
      }
      return Fail("unexpected character: " + QuoteRune(RuneAt(pos_)));
    default:
      break;
  }
  return Emit(m.kind, m.size);
}

Token Lexer::CloseParen() {
  const Token t = Emit(K::kRightParen, 1);
  if (--open_parens_ >= 0) return t;
  return Fail("unexpected right parenthesis " + QuoteRune(')'));
}

Token Lexer::OpenBracket() {
  if (in_brackets_) return Fail("unexpected left bracket " + QuoteRune('['));
  in_brackets_ = true;
  in_duration_ = true;
  seen_colon_ = false;
  return Emit(K::kLeftBracket, 1);
}

Token Lexer::Word() {
  const size_t size = MatchSize(rest(), kWord);
  const std::string_view word = rest().substr(0, size);
  TokenKind kind = KeywordKind(word);
  const bool fill = kind == K::kFill || kind == K::kFillLeft || kind == K::kFillRight;
  // Metrics called "fill" were there before the modifiers.
  if (fill && !FollowedByParen(pos_ + size)) kind = K::kIdentifier;
  if (kind == K::kIdentifier && word.find(':') != std::string_view::npos) {
    kind = K::kMetricIdentifier;
  }
  return Emit(kind, size);
}

bool Lexer::FollowedByParen(size_t at) const {
  while (at < text_.size() && IsBlank(text_[at])) ++at;
  return at < text_.size() && text_[at] == '(';
}

// step, range, min_of and max_of: all that has letters in a duration, beside its units.
bool Lexer::DurationWord(Token* token) {
  const size_t size = MatchSize(rest(), +kLetter);
  if (size == 0) return false;
  const TokenKind kind = KeywordKind(rest().substr(0, size));
  if (kind < K::kStep) return false;
  *token = Emit(kind, size);
  return true;
}

Token Lexer::WordInBrackets() {
  if (text_[pos_] == ':') {
    if (seen_colon_) return Fail("unexpected colon " + QuoteRune(':'));
    seen_colon_ = true;
    return Emit(K::kColon, 1);
  }
  Token token;
  if (DurationWord(&token)) return token;
  return Fail("unexpected character: " + QuoteRune(RuneAt(pos_)) + ", expected " + QuoteRune(':'));
}

Token Lexer::InDuration() {
  if (BeginsNumber(rest())) {
    in_duration_ = false;
    seen_duration_ = true;
    return NumberOrDuration();
  }
  Token token;
  if (DurationWord(&token)) return token;
  const SymbolMatch m = MatchSymbol(rest().substr(0, 1));
  switch (m.kind) {
    case K::kLeftParen:
      ++open_parens_;
      return Emit(m.kind, 1);
    case K::kRightParen:
      return CloseParen();
    case K::kRightBracket:
      in_brackets_ = in_duration_ = false;
      return Emit(m.kind, 1);
    case K::kColon:
      token = Emit(m.kind, 1);
      if (!seen_duration_) return Fail("unexpected colon before duration in duration expression");
      if (seen_colon_) return Fail("unexpected repeated colon in duration expression");
      seen_colon_ = true;
      return token;
    case K::kAdd:
    case K::kSub:
    case K::kMul:
    case K::kDiv:
    case K::kMod:
    case K::kPow:
    case K::kComma:
      return Emit(m.kind, 1);
    default:
      return Fail("unexpected character in duration expression: " + QuoteRune(RuneAt(pos_)));
  }
}

Token Lexer::InBraces() {
  const char c = text_[pos_];
  if (IsLetter(c)) return Emit(K::kIdentifier, MatchSize(rest(), kIdentifier));
  if (c == '"' || c == '\'' || c == '`') return String();
  SymbolMatch m = MatchSymbol(rest());
  if (m.kind == K::kEqualEqual) m = {1, K::kEqual};  // two tokens in here
  switch (m.kind) {
    case K::kRightBrace:
      in_braces_ = false;
      return Emit(m.kind, m.size);
    case K::kComma:
    case K::kEqual:
    case K::kNotEqual:
    case K::kMatchRegexp:
    case K::kNotMatchRegexp:
      return Emit(m.kind, m.size);
    case K::kLeftBrace:
      return Fail("unexpected left brace " + QuoteRune('{'));
    default:
      break;
  }
  if (c == '!') {
    return Fail("unexpected character after '!' inside braces: " + QuoteRune(RuneAt(pos_ + 1)));
  }
  return Fail("unexpected character inside braces: " + QuoteRune(RuneAt(pos_)));
}

Token Lexer::NumberOrDuration() {
  if (const size_t n = MatchSize(rest(), kNumber)) return Emit(K::kNumber, n);
  if (const size_t n = MatchSize(rest(), kDuration)) return Emit(K::kDuration, n);
  return Fail("bad number or duration syntax: " + GoQuote(BrokenNumber(rest())));
}

Token Lexer::String() {
  const StringScan scan = ScanString(rest());
  return scan.size == 0 ? Fail(scan.error) : Emit(K::kString, scan.size);
}

}  // namespace deucalion::promql
