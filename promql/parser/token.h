// The words of PromQL. A token is its kind and its bytes; Lexer (lexer.h) makes them.
#ifndef DEUCALION_PROMQL_PARSER_TOKEN_H_
#define DEUCALION_PROMQL_PARSER_TOKEN_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "promql/ast.h"

namespace deucalion::promql {

enum class TokenKind : uint8_t {
  kEof,
  kError,  // the lexer's error() says what is wrong
  kIdentifier,
  kMetricIdentifier,  // has a colon
  kNumber,
  kDuration,
  kString,
  kLeftParen,
  kRightParen,
  kLeftBrace,
  kRightBrace,
  kLeftBracket,
  kRightBracket,
  kComma,
  kColon,
  kEqual,  // =

  // Operators.
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMod,
  kPow,
  kAtan2,
  kEqualEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kAnd,
  kOr,
  kUnless,
  kTrimUpper,
  kTrimLower,
  kMatchRegexp,     // =~
  kNotMatchRegexp,  // !~
  kAt,

  // Aggregations, in the order of AggregateOp.
  kAvg,
  kBottomk,
  kCount,
  kCountValues,
  kGroup,
  kLimitk,
  kLimitRatio,
  kMax,
  kMin,
  kQuantile,
  kStddev,
  kStdvar,
  kSum,
  kTopk,

  // Keywords.
  kBool,
  kBy,
  kGroupLeft,
  kGroupRight,
  kFill,
  kFillLeft,
  kFillRight,
  kIgnoring,
  kOffset,
  kSmoothed,
  kAnchored,
  kOn,
  kWithout,

  // Names with a meaning after @ or inside durations.
  kStart,
  kEnd,
  kStep,
  kRange,
  kMaxOf,
  kMinOf,
};

constexpr bool IsOperator(TokenKind k) { return k >= TokenKind::kAdd && k <= TokenKind::kAt; }
constexpr bool IsAggregation(TokenKind k) { return k >= TokenKind::kAvg && k <= TokenKind::kTopk; }
constexpr bool IsKeyword(TokenKind k) { return k >= TokenKind::kBool && k <= TokenKind::kWithout; }

struct Token {
  TokenKind kind = TokenKind::kEof;
  Span span;
};

// How error messages name a token: `identifier "x"`, `<op:+>`, `<by>`, `")"`, `end of input`.
std::string DescribeToken(TokenKind kind, std::string_view text);

// The kind of a word, case ignored; kIdentifier when it is no keyword. "inf" and "nan" are numbers.
TokenKind KeywordKind(std::string_view word);

// Every word for which IsKeyword holds. The texts live as long as the process.
std::vector<std::string_view> Keywords();

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_PARSER_TOKEN_H_
