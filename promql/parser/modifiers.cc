// What follows an expression: [range], [range:step], offset, @, anchored, smoothed.
#include <cmath>
#include <cstdio>

#include "promql/parser/parser_impl.h"

namespace deucalion::promql {
namespace {

using K = TokenKind;

constexpr std::string_view kDurationHint = "number, duration, step(), or range()";

// Where an offset or @ after `e` belongs: the selector's or the subquery's fields, and the node
// whose end moves. Nulls when `e` takes none.
struct ModifierTarget {
  DurationValue* offset = nullptr;
  AtModifier* at = nullptr;
};

ModifierTarget TargetOf(Expr* e) {
  if (auto* v = TryAs<VectorSelector>(*e)) return {&v->offset, &v->at};
  if (auto* m = TryAs<MatrixSelector>(*e)) {
    auto& v = As<VectorSelector>(*m->selector);
    return {&v.offset, &v.at};
  }
  if (auto* s = TryAs<SubqueryExpr>(*e)) return {&s->offset, &s->at};
  return {};
}

// Go's %f.
std::string FixedSix(double v) {
  if (std::isnan(v)) return "NaN";
  if (std::isinf(v)) return v > 0 ? "+Inf" : "-Inf";
  char text[400];  // 309 digits before the point
  std::snprintf(text, sizeof text, "%f", v);
  return text;
}

}  // namespace

ExprPtr Parser::ParseModifiers(ExprPtr e) {
  while (e) {
    const K kind = PeekKind();
    switch (kind) {
      case K::kLeftBracket:
        e = ParseRange(std::move(e));
        break;
      case K::kOffset:
        if (!ParseOffset(e.get())) return nullptr;
        break;
      case K::kAt:
        if (!ParseAt(e.get())) return nullptr;
        break;
      case K::kAnchored:
      case K::kSmoothed:
        if (!SetExtended(e.get(), Take())) return nullptr;
        break;
      default:
        return failed() ? ExprPtr() : std::move(e);
    }
  }
  return nullptr;
}

ExprPtr Parser::ParseRange(ExprPtr e) {
  const Token open = Take();
  ErrorContext context(this, "subquery or range selector", kDurationHint);
  ExprPtr range = ParsePositiveDuration();
  if (!range) return nullptr;
  context.Now("subquery or range", "\":\" or \"]\"");
  Token close;
  if (Accept(K::kRightBracket, &close)) {
    return MakeMatrix(std::move(e), std::move(range), {open.span.begin, close.span.end});
  }
  if (!Expect(K::kColon)) return nullptr;
  auto s = std::make_unique<SubqueryExpr>();
  if (!Accept(K::kRightBracket, &close)) {
    context.Now("subquery selector", "number, duration, step(), range(), or \"]\"");
    ExprPtr step = ParsePositiveDuration();
    if (!step) return nullptr;
    context.Now("subquery selector", "\"]\"");
    if (!Expect(K::kRightBracket, &close)) return nullptr;
    s->step = ToDuration(std::move(step));
  }
  s->range = ToDuration(std::move(range));
  s->span = {e->span.begin, close.span.end};
  if (!Grow(s.get(), *e)) return nullptr;
  s->expr = std::move(e);
  return s;
}

ExprPtr Parser::MakeMatrix(ExprPtr e, ExprPtr range, Span brackets) {
  const auto* v = TryAs<VectorSelector>(*e);
  if (v == nullptr) return Fail(brackets, "ranges only allowed for vector selectors");
  if (v->offset.ms != 0 || v->offset.expr != nullptr) {
    return Fail(brackets, "no offset modifiers allowed before range");
  }
  if (v->at.kind != AtModifier::Kind::kNone) {
    return Fail(brackets, "no @ modifiers allowed before range");
  }
  auto m = std::make_unique<MatrixSelector>();
  m->span = {e->span.begin, brackets.end};
  m->range = ToDuration(std::move(range));
  m->height = 2;
  m->selector = std::move(e);
  return m;
}

bool Parser::ParseOffset(Expr* e) {
  Take();
  const ErrorContext context(this, "offset", kDurationHint);
  ExprPtr duration = ParseOffsetDuration();
  if (!duration) return false;
  const ModifierTarget target = TargetOf(e);
  if (target.offset == nullptr) {
    Fail(e->span,
         "offset modifier must be preceded by an instant vector selector or range vector selector "
         "or a subquery");
    return false;
  }
  if (target.offset->ms != 0 || target.offset->expr != nullptr) {
    Fail(e->span, "offset may not be set multiple times");
    return false;
  }
  *target.offset = ToDuration(std::move(duration));
  e->span.end = closing_;
  return true;
}

bool Parser::ParseAt(Expr* e) {
  Take();
  const ErrorContext context(this, "@", "timestamp");
  AtModifier at;
  const K kind = PeekKind();
  if (kind == K::kStart || kind == K::kEnd) {
    Take();
    at.kind = kind == K::kStart ? AtModifier::Kind::kStart : AtModifier::Kind::kEnd;
    return Expect(K::kLeftParen) && Expect(K::kRightParen) && SetAt(e, at);
  }
  const std::optional<double> seconds = ParseSignedNumber();
  if (!seconds) return false;
  const double ms = std::round(*seconds * 1000);
  // 2^63: beyond it the time does not fit.
  if (!(std::abs(ms) < 9223372036854775808.0)) {
    Fail(e->span, "timestamp out of bounds for @ modifier: " + FixedSix(*seconds));
    return false;
  }
  at.kind = AtModifier::Kind::kTimestamp;
  at.time_ms = static_cast<int64_t>(ms);
  return SetAt(e, at);
}

bool Parser::SetAt(Expr* e, AtModifier at) {
  const ModifierTarget target = TargetOf(e);
  if (target.at == nullptr) {
    Fail(e->span,
         "@ modifier must be preceded by an instant vector selector or range vector selector or a "
         "subquery");
    return false;
  }
  if (target.at->kind != AtModifier::Kind::kNone) {
    Fail(e->span, "@ <timestamp> may not be set multiple times");
    return false;
  }
  *target.at = at;
  e->span.end = closing_;
  return true;
}

bool Parser::SetExtended(Expr* e, const Token& modifier) {
  const bool anchored = modifier.kind == K::kAnchored;
  const std::string name = anchored ? "anchored" : "smoothed";
  if (!options_.extended_range_selectors) {
    Fail(e->span, name + " modifier is experimental and not enabled");
    return false;
  }
  if (e->kind() == ExprKind::kSubquery) {
    Fail(e->span, name + " modifier is not supported for subqueries");
    return false;
  }
  auto* v = TryAs<VectorSelector>(*e);
  if (auto* m = TryAs<MatrixSelector>(*e)) v = &As<VectorSelector>(*m->selector);
  if (v == nullptr) {
    Fail(e->span, name + " modifier not implemented");
    return false;
  }
  (anchored ? v->anchored : v->smoothed) = true;
  if (v->anchored && v->smoothed) {
    Fail(e->span, "anchored and smoothed modifiers cannot be used together");
    return false;
  }
  return true;
}

}  // namespace deucalion::promql
