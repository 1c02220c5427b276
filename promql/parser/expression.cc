// Operators, calls and aggregations: the climbing part of the parser.
#include <algorithm>

#include "model/labels.h"
#include "model/value.h"
#include "promql/parser/parser_impl.h"
#include "promql/parser/string_literal.h"

namespace deucalion::promql {
namespace {

using K = TokenKind;

BinaryOp BinaryOpOf(K kind) {
  switch (kind) {
    case K::kAdd:
      return BinaryOp::kAdd;
    case K::kSub:
      return BinaryOp::kSub;
    case K::kMul:
      return BinaryOp::kMul;
    case K::kDiv:
      return BinaryOp::kDiv;
    case K::kMod:
      return BinaryOp::kMod;
    case K::kPow:
      return BinaryOp::kPow;
    case K::kAtan2:
      return BinaryOp::kAtan2;
    case K::kEqualEqual:
      return BinaryOp::kEqual;
    case K::kNotEqual:
      return BinaryOp::kNotEqual;
    case K::kLess:
      return BinaryOp::kLess;
    case K::kLessEqual:
      return BinaryOp::kLessEqual;
    case K::kGreater:
      return BinaryOp::kGreater;
    case K::kGreaterEqual:
      return BinaryOp::kGreaterEqual;
    case K::kAnd:
      return BinaryOp::kAnd;
    case K::kOr:
      return BinaryOp::kOr;
    case K::kUnless:
      return BinaryOp::kUnless;
    case K::kTrimUpper:
      return BinaryOp::kTrimUpper;
    default:
      return BinaryOp::kTrimLower;
  }
}

AggregateOp AggregateOpOf(K kind) {
  return static_cast<AggregateOp>(static_cast<int>(kind) - static_cast<int>(K::kAvg));
}

// Words that may name a label in by(...), on(...) and their like.
bool CanNameLabel(K kind) {
  switch (kind) {
    case K::kIdentifier:
    case K::kMetricIdentifier:
    case K::kAtan2:
    case K::kAnd:
    case K::kOr:
    case K::kUnless:
      return true;
    case K::kFill:
    case K::kFillLeft:
    case K::kFillRight:
    case K::kWithout:
      return false;
    default:
      return IsAggregation(kind) || IsKeyword(kind) || kind >= K::kStart;
  }
}

bool CanStartExpression(K kind) {
  switch (kind) {
    case K::kAdd:
    case K::kSub:
    case K::kLeftParen:
    case K::kLeftBrace:
    case K::kNumber:
    case K::kDuration:
    case K::kString:
      return true;
    default:
      return CanNameMetric(kind) || kind >= K::kStart;
  }
}

bool CanNameFunction(K kind) { return kind == K::kIdentifier || kind >= K::kStart; }

// Behind group_left or group_right without a list: an operand, or fill. Of anything else upstream
// says that the list is missing.
bool MayFollowBareGroup(K kind) {
  switch (kind) {
    case K::kError:  // the lexer has said what is wrong
    case K::kFill:
    case K::kFillLeft:
    case K::kFillRight:
      return true;
    default:
      return CanStartExpression(kind);
  }
}

}  // namespace

int PrecedenceOf(TokenKind kind) {
  switch (kind) {
    case K::kOr:
      return 1;
    case K::kAnd:
    case K::kUnless:
      return 2;
    case K::kEqualEqual:
    case K::kNotEqual:
    case K::kLess:
    case K::kLessEqual:
    case K::kGreater:
    case K::kGreaterEqual:
    case K::kTrimUpper:
    case K::kTrimLower:
      return 3;
    case K::kAdd:
    case K::kSub:
      return 4;
    case K::kMul:
    case K::kDiv:
    case K::kMod:
    case K::kAtan2:
      return kMulPrecedence;
    case K::kPow:
      return kPowPrecedence;
    default:
      return 0;
  }
}

ExprPtr Parser::ParseExpression(int min_precedence) {
  const Level level(this);
  if (!level.ok()) return nullptr;
  ExprPtr lhs = ParseUnary();
  while (lhs) {
    const int precedence = PrecedenceOf(PeekKind());
    if (failed()) return nullptr;
    if (precedence == 0 || precedence < min_precedence) return lhs;
    const Token op = Take();
    lhs = ParseBinaryTail(std::move(lhs), op, precedence);
  }
  return nullptr;
}

ExprPtr Parser::ParseBinaryTail(ExprPtr lhs, const Token& op, int precedence) {
  auto e = std::make_unique<BinaryExpr>();
  e->op = BinaryOpOf(op.kind);
  e->matching.emplace();
  if (!ParseMatching(e.get())) return nullptr;
  const bool right_associative = op.kind == K::kPow;
  ExprPtr rhs = ParseExpression(right_associative ? precedence : precedence + 1);
  if (!rhs) return nullptr;
  e->span = {lhs->span.begin, rhs->span.end};
  if (!Grow(e.get(), *lhs) || !Grow(e.get(), *rhs)) return nullptr;
  e->lhs = std::move(lhs);
  e->rhs = std::move(rhs);
  const bool fills = e->matching->fill_lhs || e->matching->fill_rhs;
  if (fills && !options_.binop_fill_modifiers) {
    return Fail(e->span, "binop fill modifiers are experimental and not enabled");
  }
  return e;
}

ExprPtr Parser::ParseUnary() {
  const K kind = PeekKind();
  if (kind != K::kAdd && kind != K::kSub) {
    ExprPtr e = ParsePrimary();
    return e ? ParseModifiers(std::move(e)) : nullptr;
  }
  const Token sign = Take();
  // Signs bind like multiplication: only ^ is stronger.
  ExprPtr operand = ParseExpression(kMulPrecedence + 1);
  if (!operand) return nullptr;
  if (auto* number = TryAs<NumberLiteral>(*operand)) {
    if (kind == K::kSub) number->value = -number->value;
    number->span.begin = sign.span.begin;
    return operand;
  }
  auto e = std::make_unique<UnaryExpr>();
  e->negative = kind == K::kSub;
  e->span = {sign.span.begin, operand->span.end};
  if (!Grow(e.get(), *operand)) return nullptr;
  e->expr = std::move(operand);
  return e;
}

ExprPtr Parser::ParsePrimary() {
  switch (PeekKind()) {
    case K::kLeftParen:
      return ParseParen();
    case K::kNumber:
    case K::kDuration:
      return ParseNumber();
    case K::kString: {
      const Token t = Take();
      auto e = std::make_unique<StringLiteral>();
      e->value = UnquoteString(TextOf(t));
      e->span = t.span;
      return e;
    }
    case K::kLeftBrace:
      return ParseSelector(nullptr);
    default:
      return ParseNamed();
  }
}

ExprPtr Parser::ParseParen() {
  const Token open = Take();
  auto e = std::make_unique<ParenExpr>();
  e->expr = ParseExpression(1);
  Token close;
  if (!e->expr || !Expect(K::kRightParen, &close)) return nullptr;
  e->span = {open.span.begin, close.span.end};
  return Grow(e.get(), *e->expr) ? ExprPtr(std::move(e)) : nullptr;
}

// What begins with a name: what follows tells aggregations and calls from metrics.
ExprPtr Parser::ParseNamed() {
  const K kind = PeekKind();
  if (!CanNameMetric(kind)) {
    if (kind < K::kStart || failed()) return Unexpected();
  }
  const Token name = Take();
  const K after = PeekKind();
  if (failed()) return nullptr;
  if (IsAggregation(kind) && (after == K::kLeftParen || after == K::kBy || after == K::kWithout)) {
    return ParseAggregate(name);
  }
  if (CanNameFunction(kind) && after == K::kLeftParen) return ParseCall(name);
  return ParseSelector(&name);
}

ExprPtr Parser::ParseCall(const Token& name) {
  auto e = std::make_unique<Call>();
  if (!ParseArguments(&e->args)) return nullptr;
  const std::string_view text = TextOf(name);
  e->function = FindFunction(text);
  if (e->function == nullptr) {
    return Fail(name.span, "unknown function with name " + GoQuote(text));
  }
  if (e->function->experimental && !options_.experimental_functions) {
    return Fail(name.span, "function " + GoQuote(text) + " is not enabled");
  }
  e->span = {name.span.begin, closing_};
  for (const ExprPtr& arg : e->args) {
    if (!Grow(e.get(), *arg)) return nullptr;
  }
  return e;
}

bool Parser::ParseArguments(std::vector<ExprPtr>* args) {
  if (!Expect(K::kLeftParen)) return false;
  if (Accept(K::kRightParen)) return true;
  for (;;) {
    ExprPtr arg = ParseExpression(1);
    if (!arg) return false;
    args->push_back(std::move(arg));
    Token comma;
    if (!Accept(K::kComma, &comma)) return Expect(K::kRightParen);
    // As upstream: whatever follows, a comma without an argument after it is one too many.
    if (!CanStartExpression(PeekKind()) && !failed()) {
      Fail(comma.span, "trailing commas not allowed in function call args");
      return false;
    }
  }
}

ExprPtr Parser::ParseAggregate(const Token& op) {
  auto e = std::make_unique<AggregateExpr>();
  e->op = AggregateOpOf(op.kind);
  std::vector<ExprPtr> args;
  {
    const ErrorContext context(this, "aggregation", "");
    const bool clause_first = PeekKind() != K::kLeftParen;
    if (clause_first && !ParseGroupingClause(e.get())) return nullptr;
    if (!ParseArguments(&args)) return nullptr;
    const uint32_t end = closing_;
    if (!clause_first && (PeekKind() == K::kBy || PeekKind() == K::kWithout)) {
      if (!ParseGroupingClause(e.get())) return nullptr;
    } else {
      closing_ = end;
    }
    if (failed()) return nullptr;
  }
  e->span = {op.span.begin, closing_};
  return FinishAggregate(e.get(), std::move(args)) ? ExprPtr(std::move(e)) : nullptr;
}

bool Parser::FinishAggregate(AggregateExpr* e, std::vector<ExprPtr> args) {
  if (args.empty()) {
    Fail(e->span, "no arguments for aggregate expression provided");
    return false;
  }
  if (IsExperimental(e->op) && !options_.experimental_functions) {
    Fail(e->span, std::string(AggregateOpText(e->op)) +
                      "() is experimental and must be enabled with "
                      "--enable-feature=promql-experimental-functions");
    return false;
  }
  const size_t wanted = HasParameter(e->op) ? 2 : 1;
  if (args.size() != wanted) {
    Fail(e->span, "wrong number of arguments for aggregate expression provided, expected " +
                      std::to_string(wanted) + ", got " + std::to_string(args.size()));
    return false;
  }
  for (const ExprPtr& arg : args) {
    if (!Grow(e, *arg)) return false;
  }
  e->expr = std::move(args.back());
  if (wanted == 2) e->param = std::move(args.front());
  return true;
}

bool Parser::ParseGroupingClause(AggregateExpr* e) {
  e->without = Take().kind == K::kWithout;
  return ParseGrouping(&e->grouping);
}

bool Parser::ParseMatching(BinaryExpr* e) {
  VectorMatching& m = *e->matching;
  e->return_bool = Accept(K::kBool);
  if (PeekKind() == K::kOn || PeekKind() == K::kIgnoring) {
    m.on = Take().kind == K::kOn;
    if (!ParseGrouping(&m.labels)) return false;
    if (PeekKind() == K::kGroupLeft || PeekKind() == K::kGroupRight) {
      m.card = Take().kind == K::kGroupLeft ? VectorMatching::Card::kManyToOne
                                            : VectorMatching::Card::kOneToMany;
      if (PeekKind() == K::kLeftParen) {
        if (!ParseGrouping(&m.include)) return false;
      } else if (!MayFollowBareGroup(PeekKind())) {
        Unexpected("grouping opts", "\"(\"");
        return false;
      }
    }
  }
  return !failed() && ParseFill(&m.fill_lhs, &m.fill_rhs);
}

bool Parser::ParseFill(std::optional<double>* lhs, std::optional<double>* rhs) {
  const auto value = [&](std::optional<double>* out) {
    Take();
    if (!Expect(K::kLeftParen)) return false;
    *out = ParseSignedNumber();
    return out->has_value() && Expect(K::kRightParen);
  };
  if (PeekKind() == K::kFill) {
    if (!value(lhs)) return false;
    *rhs = *lhs;
    return true;
  }
  // Either order, each once.
  while ((PeekKind() == K::kFillLeft && !*lhs) || (PeekKind() == K::kFillRight && !*rhs)) {
    if (!value(PeekKind() == K::kFillLeft ? lhs : rhs)) return false;
  }
  return !failed();
}

bool Parser::ParseGrouping(std::vector<std::string>* labels) {
  if (!Accept(K::kLeftParen)) {
    Unexpected("grouping opts", "\"(\"");
    return false;
  }
  while (!Accept(K::kRightParen)) {
    if (!ParseGroupingLabel(labels)) return false;
    if (Accept(K::kComma)) continue;
    if (Accept(K::kRightParen)) return true;
    Unexpected("grouping opts", "\",\" or \")\"");
    return false;
  }
  return true;
}

bool Parser::ParseGroupingLabel(std::vector<std::string>* labels) {
  const bool quoted = PeekKind() == K::kString;
  if (!quoted && !CanNameLabel(PeekKind())) {
    Unexpected("grouping opts", "label");
    return false;
  }
  const Token t = Take();
  std::string name = quoted ? UnquoteString(TextOf(t)) : std::string(TextOf(t));
  if (!IsValidLabelName(name)) {
    Fail(t.span, "invalid label name for grouping: " + GoQuote(name));
    return false;
  }
  labels->push_back(std::move(name));
  return true;
}

}  // namespace deucalion::promql
