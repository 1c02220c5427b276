// The parser behind Parse: precedence climbing over the tokens of Lexer.
//
// It stops at the first error, which is the one that is shown. A syntax error is worded by the
// innermost construct that has words for it (ErrorContext); where upstream's generated parser would
// reduce without looking at the next token, this one does not look either, so that of two errors
// the same one comes first.
//
// Every Parse… function returns an empty ExprPtr (or false) when the parse has failed; error_ says
// why.
#ifndef DEUCALION_PROMQL_PARSER_PARSER_IMPL_H_
#define DEUCALION_PROMQL_PARSER_PARSER_IMPL_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "promql/parser/lexer.h"
#include "promql/parser/parser.h"

namespace deucalion::promql {

class Parser {
 public:
  Parser(std::string_view text, const ParserOptions& options)
      : text_(text), options_(options), lexer_(text) {}

  // The whole text as one expression, not type-checked.
  ExprPtr ParseAll();
  // The whole text as one selector or one series.
  std::unique_ptr<VectorSelector> ParseSelectorOnly();
  std::optional<Labels> ParseMetricOnly();
  // A series at the beginning of the text; *size says how much of it that was. Nothing may stand
  // between the name and its brace.
  std::optional<Labels> ParseMetricPrefix(size_t* size);

  Status TakeError() { return std::move(error_); }

 private:
  // " in <where>, expected <what>" of syntax errors while it lives.
  class ErrorContext {
   public:
    ErrorContext(Parser* parser, std::string_view where, std::string_view expected)
        : parser_(parser), outer_(parser->context_), where_(where), expected_(expected) {
      parser->context_ = this;
    }
    ~ErrorContext() { parser_->context_ = outer_; }
    ErrorContext(const ErrorContext&) = delete;
    void Now(std::string_view where, std::string_view expected) {
      where_ = where;
      expected_ = expected;
    }
    std::string_view where() const { return where_; }
    std::string_view expected() const { return expected_; }

   private:
    Parser* parser_;
    ErrorContext* outer_;
    std::string_view where_;
    std::string_view expected_;
  };
  class Level;

  // Tokens.
  const Token& Peek();
  TokenKind PeekKind() { return Peek().kind; }
  Token Take();
  bool Accept(TokenKind kind, Token* token = nullptr);
  // Accept, or a syntax error.
  bool Expect(TokenKind kind, Token* token = nullptr);
  std::string_view TextOf(const Token& t) const { return lexer_.TextOf(t); }

  // Errors.
  bool failed() const { return !error_.ok(); }
  std::nullptr_t Fail(Span at, std::string_view message);
  std::nullptr_t Unexpected();
  std::nullptr_t Unexpected(std::string_view where, std::string_view expected);
  // Takes the heights of the children in; false when the tree would become too high.
  bool Grow(Expr* parent, const Expr& child);

  // expression.cc
  ExprPtr ParseExpression(int min_precedence);
  ExprPtr ParseUnary();
  ExprPtr ParsePrimary();
  ExprPtr ParseParen();
  ExprPtr ParseNamed();
  ExprPtr ParseBinaryTail(ExprPtr lhs, const Token& op, int precedence);
  ExprPtr ParseCall(const Token& name);
  ExprPtr ParseAggregate(const Token& op);
  bool FinishAggregate(AggregateExpr* e, std::vector<ExprPtr> args);
  bool ParseArguments(std::vector<ExprPtr>* args);
  bool ParseGroupingClause(AggregateExpr* e);
  bool ParseMatching(BinaryExpr* e);
  bool ParseFill(std::optional<double>* lhs, std::optional<double>* rhs);
  bool ParseGrouping(std::vector<std::string>* labels);
  bool ParseGroupingLabel(std::vector<std::string>* labels);

  // modifiers.cc
  ExprPtr ParseModifiers(ExprPtr e);
  ExprPtr ParseRange(ExprPtr e);
  ExprPtr MakeMatrix(ExprPtr e, ExprPtr range, Span brackets);
  bool ParseOffset(Expr* e);
  bool ParseAt(Expr* e);
  bool SetExtended(Expr* e, const Token& modifier);
  bool SetAt(Expr* e, AtModifier at);

  // duration.cc
  ExprPtr ParsePositiveDuration();
  ExprPtr ParseDurationExpr(int min_precedence);
  ExprPtr ParseDurationUnary();
  ExprPtr ParseDurationPrimary();
  ExprPtr ParseDurationCall(const Token& word);
  ExprPtr ParseOffsetDuration();
  ExprPtr ParseDurationParen();
  ExprPtr ApplySign(const Token& sign, ExprPtr e);
  bool DurationsAllowed(const Expr& e);
  static DurationValue ToDuration(ExprPtr e);

  // literals.cc
  std::unique_ptr<NumberLiteral> ParseNumber();
  std::optional<double> ParseSignedNumber();
  std::optional<double> NumberValue(const Token& t);

  // selector.cc
  std::unique_ptr<VectorSelector> ParseSelector(const Token* name);
  bool ParseMatchers(VectorSelector* v);
  bool ParseMatcher(VectorSelector* v);
  bool AddMatcher(VectorSelector* v, Span at, MatchType type, std::string name, std::string value);
  bool ParseLabelSet(LabelsBuilder* labels);
  bool ParseLabel(LabelsBuilder* labels);

  // Never changes.
  const std::string_view text_;
  const ParserOptions options_;

  Lexer lexer_;
  Token next_;
  bool has_next_ = false;
  uint32_t closing_ = 0;  // end of the last taken token that can end an expression
  int level_ = 0;
  ErrorContext* context_ = nullptr;
  Status error_;
};

// One level of recursion. Check ok(): beyond kMaxNesting the parse has failed.
class Parser::Level {
 public:
  explicit Level(Parser* parser);
  ~Level() { --parser_->level_; }
  Level(const Level&) = delete;
  bool ok() const { return parser_->level_ <= kMaxNesting; }

 private:
  Parser* parser_;
};

// Whether the word may be the name of a metric.
bool CanNameMetric(TokenKind kind);

// Binding strength of a binary operator, from 1 (or) to 6 (^); 0 for other tokens.
int PrecedenceOf(TokenKind kind);
inline constexpr int kMulPrecedence = 5;
inline constexpr int kPowPrecedence = 6;

// Types of a parsed tree; fills in what depends on them (set operators match many-to-many, matching
// goes away beside scalars). Errors as Parse's.
Status CheckTypes(std::string_view text, Expr* root);

// "L:C: parse error: message".
Status ParseError(std::string_view text, uint32_t byte, std::string_view message);

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_PARSER_PARSER_IMPL_H_
