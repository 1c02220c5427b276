#include "promql/parser/parser.h"

#include <algorithm>
#include <limits>

#include "promql/parser/parser_impl.h"

namespace deucalion::promql {
namespace {

constexpr size_t kMaxTextBytes = std::numeric_limits<int32_t>::max();

Status CheckSize(std::string_view text) {
  if (text.size() <= kMaxTextBytes) return OkStatus();
  return InvalidArgumentError("expression of more than 2 GiB");
}

bool EndsExpression(TokenKind kind) {
  switch (kind) {
    case TokenKind::kRightBrace:
    case TokenKind::kRightParen:
    case TokenKind::kRightBracket:
    case TokenKind::kDuration:
    case TokenKind::kNumber:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::string LineColumn(std::string_view text, uint32_t byte) {
  const std::string_view before = text.substr(0, std::min<size_t>(byte, text.size()));
  const auto line = 1 + std::ranges::count(before, '\n');
  const size_t line_break = before.rfind('\n');
  const size_t column =
      line_break == std::string_view::npos ? before.size() + 1 : before.size() - line_break;
  return std::to_string(line) + ":" + std::to_string(column);
}

Status ParseError(std::string_view text, uint32_t byte, std::string_view message) {
  // There is no place in an empty text; Prometheus says so.
  std::string where = text.empty() ? "unknown position" : LineColumn(text, byte);
  return InvalidArgumentError(std::move(where) + ": parse error: " + std::string(message));
}

Result<ParsedExpr> Parse(std::string_view text, const ParserOptions& options) {
  RETURN_IF_ERROR(CheckSize(text));
  auto owned = std::make_shared<const std::string>(text);
  Parser parser(*owned, options);
  ExprPtr root = parser.ParseAll();
  if (!root) return parser.TakeError();
  RETURN_IF_ERROR(CheckTypes(*owned, root.get()));
  return ParsedExpr{std::shared_ptr<const Expr>(root.Release()), std::move(owned)};
}

Result<std::vector<Matcher>> ParseMetricSelector(std::string_view text) {
  RETURN_IF_ERROR(CheckSize(text));
  Parser parser(text, ParserOptions());
  std::unique_ptr<VectorSelector> selector = parser.ParseSelectorOnly();
  if (selector == nullptr) return parser.TakeError();
  return std::move(selector->matchers);
}

Result<Labels> ParseMetric(std::string_view text) {
  RETURN_IF_ERROR(CheckSize(text));
  Parser parser(text, ParserOptions());
  std::optional<Labels> labels = parser.ParseMetricOnly();
  if (!labels) return parser.TakeError();
  return *std::move(labels);
}

Result<Labels> ParseMetricPrefix(std::string_view text, size_t* size) {
  RETURN_IF_ERROR(CheckSize(text));
  Parser parser(text, ParserOptions());
  std::optional<Labels> labels = parser.ParseMetricPrefix(size);
  if (!labels) return parser.TakeError();
  return *std::move(labels);
}

Parser::Level::Level(Parser* parser) : parser_(parser) {
  if (++parser->level_ > kMaxNesting) {
    parser->Fail(parser->Peek().span, "expression is nested too deeply, more than " +
                                          std::to_string(kMaxNesting) + " levels");
  }
}

bool Parser::Grow(Expr* parent, const Expr& child) {
  if (child.height >= kMaxNesting) {
    Fail(parent->span,
         "expression is nested too deeply, more than " + std::to_string(kMaxNesting) + " levels");
    return false;
  }
  parent->height = std::max<uint16_t>(parent->height, child.height + 1);
  return true;
}

const Token& Parser::Peek() {
  if (has_next_) return next_;
  next_ = lexer_.Next();
  has_next_ = true;
  if (next_.kind == TokenKind::kError) Fail(next_.span, lexer_.error());
  return next_;
}

Token Parser::Take() {
  const Token t = Peek();
  has_next_ = false;
  if (EndsExpression(t.kind)) closing_ = t.span.end;
  return t;
}

bool Parser::Accept(TokenKind kind, Token* token) {
  if (failed() || PeekKind() != kind) return false;
  const Token t = Take();
  if (token != nullptr) *token = t;
  return true;
}

bool Parser::Expect(TokenKind kind, Token* token) {
  if (Accept(kind, token)) return true;
  Unexpected();
  return false;
}

std::nullptr_t Parser::Fail(Span at, std::string_view message) {
  if (error_.ok()) error_ = ParseError(text_, at.begin, message);
  return nullptr;
}

std::nullptr_t Parser::Unexpected() {
  if (context_ == nullptr) return Unexpected("", "");
  return Unexpected(context_->where(), context_->expected());
}

std::nullptr_t Parser::Unexpected(std::string_view where, std::string_view expected) {
  if (failed()) return nullptr;
  const Token t = Peek();
  if (failed()) return nullptr;
  std::string message = "unexpected " + DescribeToken(t.kind, TextOf(t));
  if (!where.empty()) message += " in " + std::string(where);
  if (!expected.empty()) message += ", expected " + std::string(expected);
  return Fail(t.span, message);
}

ExprPtr Parser::ParseAll() {
  if (PeekKind() == TokenKind::kEof) return Fail(Span(), "no expression found in input");
  ExprPtr e = ParseExpression(1);
  if (!e) return nullptr;
  if (PeekKind() != TokenKind::kEof) return Unexpected();
  return e;
}

std::unique_ptr<VectorSelector> Parser::ParseSelectorOnly() {
  std::unique_ptr<VectorSelector> v;
  if (PeekKind() == TokenKind::kLeftBrace) {
    v = ParseSelector(nullptr);
  } else if (CanNameMetric(PeekKind())) {
    const Token name = Take();
    v = ParseSelector(&name);
  } else {
    return Unexpected();
  }
  if (v == nullptr) return nullptr;
  if (PeekKind() != TokenKind::kEof) return Unexpected();
  return v;
}

std::optional<Labels> Parser::ParseMetricOnly() {
  LabelsBuilder labels;
  const bool named = CanNameMetric(PeekKind());
  const Token name = named ? Take() : Token();
  if (!ParseLabelSet(&labels)) return std::nullopt;
  if (PeekKind() != TokenKind::kEof) {
    Unexpected();
    return std::nullopt;
  }
  if (named) labels.Set(kMetricName, TextOf(name));
  return labels.Build();
}

std::optional<Labels> Parser::ParseMetricPrefix(size_t* size) {
  LabelsBuilder labels;
  const bool named = CanNameMetric(PeekKind());
  const Token name = named ? Take() : Token();
  *size = named ? name.span.end : next_.span.begin;
  if (*size < text_.size() && text_[*size] == '{') {
    if (!ParseLabelSet(&labels)) return std::nullopt;
    *size = closing_;
  }
  if (failed()) return std::nullopt;
  if (named) labels.Set(kMetricName, TextOf(name));
  return labels.Build();
}

}  // namespace deucalion::promql
