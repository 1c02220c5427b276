// Durations and the arithmetic over them.
#include <cmath>

#include "promql/parser/parser_impl.h"

namespace deucalion::promql {
namespace {

using K = TokenKind;
using Op = DurationExpr::Op;

// Durations are 64-bit nanoseconds upstream; what does not fit is refused.
constexpr double kMaxSeconds = 9223372036854775808.0 / 1e9;

bool OutOfRange(double seconds) { return seconds > kMaxSeconds || seconds < -kMaxSeconds; }

bool IsZero(const Expr& e) {
  const auto* n = TryAs<NumberLiteral>(e);
  return n != nullptr && n->value == 0;
}

bool IsDurationOperator(K kind) {
  return kind == K::kAdd || kind == K::kSub || kind == K::kMul || kind == K::kDiv ||
         kind == K::kMod || kind == K::kPow;
}

Op OpOf(K kind) {
  switch (kind) {
    case K::kAdd:
      return Op::kAdd;
    case K::kSub:
      return Op::kSub;
    case K::kMul:
      return Op::kMul;
    case K::kDiv:
      return Op::kDiv;
    case K::kMod:
      return Op::kMod;
    case K::kPow:
      return Op::kPow;
    case K::kStep:
      return Op::kStep;
    case K::kRange:
      return Op::kRange;
    case K::kMinOf:
      return Op::kMinOf;
    default:
      return Op::kMaxOf;
  }
}

}  // namespace

DurationValue Parser::ToDuration(ExprPtr e) {
  if (const auto* n = TryAs<NumberLiteral>(*e)) {
    // Through nanoseconds as upstream, so that 0.0005 becomes 0 ms there and here.
    const double ns = std::round(n->value * 1e9);
    const bool fits = std::abs(ns) < 9223372036854775808.0;
    return {fits ? static_cast<int64_t>(ns) / 1000000 : 0, nullptr};
  }
  auto* expr = static_cast<DurationExpr*>(e.Release());
  return {0, std::unique_ptr<const DurationExpr>(expr)};
}

bool Parser::DurationsAllowed(const Expr& e) {
  if (options_.duration_expressions) return true;
  Fail(e.span, "experimental duration expression is not enabled");
  return false;
}

ExprPtr Parser::ParsePositiveDuration() {
  ExprPtr e = ParseDurationExpr(1);
  if (!e) return nullptr;
  const auto* n = TryAs<NumberLiteral>(*e);
  if (n != nullptr && n->value <= 0) return Fail(e->span, "duration must be greater than 0");
  return e;
}

ExprPtr Parser::ParseDurationExpr(int min_precedence) {
  const Level level(this);
  if (!level.ok()) return nullptr;
  ExprPtr lhs = ParseDurationUnary();
  while (lhs) {
    const K kind = PeekKind();
    if (failed()) return nullptr;
    const int precedence = IsDurationOperator(kind) ? PrecedenceOf(kind) : 0;
    if (precedence == 0 || precedence < min_precedence) return lhs;
    const Token op = Take();
    ExprPtr rhs = ParseDurationExpr(kind == K::kPow ? precedence : precedence + 1);
    if (!rhs || !DurationsAllowed(*lhs)) return nullptr;
    if (kind == K::kDiv && IsZero(*rhs)) return Fail(op.span, "division by zero");
    if (kind == K::kMod && IsZero(*rhs)) return Fail(op.span, "modulo by zero");
    auto e = std::make_unique<DurationExpr>();
    e->op = OpOf(kind);
    e->span = {lhs->span.begin, rhs->span.end};
    if (!Grow(e.get(), *lhs) || !Grow(e.get(), *rhs)) return nullptr;
    e->lhs = std::move(lhs);
    e->rhs = std::move(rhs);
    lhs = std::move(e);
  }
  return nullptr;
}

ExprPtr Parser::ParseDurationUnary() {
  const K kind = PeekKind();
  if (kind != K::kAdd && kind != K::kSub) return ParseDurationPrimary();
  const Token sign = Take();
  ExprPtr operand = ParseDurationExpr(kMulPrecedence + 1);
  return operand ? ApplySign(sign, std::move(operand)) : nullptr;
}

ExprPtr Parser::ApplySign(const Token& sign, ExprPtr e) {
  const bool negative = sign.kind == K::kSub;
  if (auto* n = TryAs<NumberLiteral>(*e)) {
    if (negative) n->value = -n->value;
    n->span.begin = sign.span.begin;
    return e;
  }
  if (!negative) return e;
  auto out = std::make_unique<DurationExpr>();
  out->op = Op::kSub;
  out->span = {sign.span.begin, e->span.end};
  if (!Grow(out.get(), *e)) return nullptr;
  out->rhs = std::move(e);
  return out;
}

ExprPtr Parser::ParseDurationPrimary() {
  switch (PeekKind()) {
    case K::kNumber:
    case K::kDuration: {
      std::unique_ptr<NumberLiteral> n = ParseNumber();
      if (n != nullptr && OutOfRange(n->value)) return Fail(n->span, "duration out of range");
      return n != nullptr ? ExprPtr(std::move(n)) : ExprPtr();
    }
    case K::kStep:
    case K::kRange:
    case K::kMinOf:
    case K::kMaxOf:
      return ParseDurationCall(Take());
    case K::kLeftParen:
      return ParseDurationParen();
    default:
      return Unexpected();
  }
}

ExprPtr Parser::ParseDurationCall(const Token& word) {
  auto e = std::make_unique<DurationExpr>();
  e->op = OpOf(word.kind);
  if (!Expect(K::kLeftParen)) return nullptr;
  if (e->op == Op::kMinOf || e->op == Op::kMaxOf) {
    e->lhs = ParseDurationExpr(1);
    if (!e->lhs || !Expect(K::kComma)) return nullptr;
    e->rhs = ParseDurationExpr(1);
    if (!e->rhs || !Grow(e.get(), *e->lhs) || !Grow(e.get(), *e->rhs)) return nullptr;
  }
  Token close;
  if (!Expect(K::kRightParen, &close)) return nullptr;
  e->span = {word.span.begin, close.span.end};
  return DurationsAllowed(*e) ? ExprPtr(std::move(e)) : nullptr;
}

// A number in parentheses becomes a unary plus, so that it prints as it was written.
ExprPtr Parser::ParseDurationParen() {
  const Token open = Take();
  ExprPtr inner = ParseDurationExpr(1);
  Token close;
  if (!inner || !Expect(K::kRightParen, &close) || !DurationsAllowed(*inner)) return nullptr;
  if (auto* d = TryAs<DurationExpr>(*inner)) {
    d->wrapped = true;
    return inner;
  }
  auto e = std::make_unique<DurationExpr>();
  e->op = Op::kAdd;
  e->wrapped = true;
  e->span = {open.span.begin, close.span.end};
  e->height = 2;
  e->rhs = std::move(inner);
  return e;
}

// No operators without parentheses here: foo offset 1m + 1 adds to foo.
ExprPtr Parser::ParseOffsetDuration() {
  const K kind = PeekKind();
  if (kind != K::kAdd && kind != K::kSub) return ParseDurationPrimary();
  const Token sign = Take();
  ExprPtr e = ParseDurationPrimary();
  return e ? ApplySign(sign, std::move(e)) : nullptr;
}

}  // namespace deucalion::promql
