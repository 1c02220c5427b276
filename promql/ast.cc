#include "promql/ast.h"

namespace deucalion::promql {

std::string_view BinaryOpText(BinaryOp op) {
  constexpr std::string_view kTexts[] = {"+", "-",  "*", "/",  "%",   "^",  "atan2",  "==", "!=",
                                         "<", "<=", ">", ">=", "and", "or", "unless", "</", ">/"};
  return kTexts[static_cast<int>(op)];
}

std::string_view AggregateOpText(AggregateOp op) {
  constexpr std::string_view kTexts[] = {
      "avg", "bottomk", "count",    "count_values", "group",  "limitk", "limit_ratio",
      "max", "min",     "quantile", "stddev",       "stdvar", "sum",    "topk"};
  return kTexts[static_cast<int>(op)];
}

bool HasParameter(AggregateOp op) {
  switch (op) {
    case AggregateOp::kTopk:
    case AggregateOp::kBottomk:
    case AggregateOp::kCountValues:
    case AggregateOp::kQuantile:
    case AggregateOp::kLimitk:
    case AggregateOp::kLimitRatio:
      return true;
    default:
      return false;
  }
}

bool IsExperimental(AggregateOp op) {
  return op == AggregateOp::kLimitk || op == AggregateOp::kLimitRatio;
}

std::string_view CardText(VectorMatching::Card card) {
  constexpr std::string_view kTexts[] = {"one-to-one", "many-to-one", "one-to-many",
                                         "many-to-many"};
  return kTexts[static_cast<int>(card)];
}

ValueType Expr::Type() const {
  switch (kind_) {
    case ExprKind::kNumberLiteral:
    case ExprKind::kDuration:
      return ValueType::kScalar;
    case ExprKind::kStringLiteral:
      return ValueType::kString;
    case ExprKind::kVectorSelector:
    case ExprKind::kAggregate:
      return ValueType::kVector;
    case ExprKind::kMatrixSelector:
    case ExprKind::kSubquery:
      return ValueType::kMatrix;
    case ExprKind::kCall:
      return As<Call>(*this).function->result;
    case ExprKind::kBinary: {
      const auto& b = As<BinaryExpr>(*this);
      const bool scalar =
          b.lhs->Type() == ValueType::kScalar && b.rhs->Type() == ValueType::kScalar;
      return scalar ? ValueType::kScalar : ValueType::kVector;
    }
    case ExprKind::kUnary:
      return As<UnaryExpr>(*this).expr->Type();
    case ExprKind::kParen:
      return As<ParenExpr>(*this).expr->Type();
  }
  return ValueType::kNone;
}

const Expr& StripParens(const Expr& e) {
  const Expr* p = &e;
  while (p->kind() == ExprKind::kParen) p = As<ParenExpr>(*p).expr.get();
  return *p;
}

namespace {

ExprPtr CloneOptional(const ExprPtr& e) { return e ? Clone(*e) : ExprPtr(); }

std::unique_ptr<VectorSelector> CloneSelector(const VectorSelector& v) {
  auto out = std::make_unique<VectorSelector>();
  out->name = v.name;
  out->matchers = v.matchers;
  out->offset = CloneDuration(v.offset);
  out->at = v.at;
  out->anchored = v.anchored;
  out->smoothed = v.smoothed;
  out->label_selector_only = v.label_selector_only;
  return out;
}

std::unique_ptr<SubqueryExpr> CloneSubquery(const SubqueryExpr& s) {
  auto out = std::make_unique<SubqueryExpr>();
  out->expr = Clone(*s.expr);
  out->range = CloneDuration(s.range);
  out->step = CloneDuration(s.step);
  out->offset = CloneDuration(s.offset);
  out->at = s.at;
  return out;
}

std::unique_ptr<AggregateExpr> CloneAggregate(const AggregateExpr& a) {
  auto out = std::make_unique<AggregateExpr>();
  out->op = a.op;
  out->expr = CloneOptional(a.expr);
  out->param = CloneOptional(a.param);
  out->grouping = a.grouping;
  out->without = a.without;
  return out;
}

std::unique_ptr<BinaryExpr> CloneBinary(const BinaryExpr& b) {
  auto out = std::make_unique<BinaryExpr>();
  out->op = b.op;
  out->lhs = Clone(*b.lhs);
  out->rhs = Clone(*b.rhs);
  out->return_bool = b.return_bool;
  out->matching = b.matching;
  return out;
}

std::unique_ptr<Call> CloneCall(const Call& c) {
  auto out = std::make_unique<Call>();
  out->function = c.function;
  for (const ExprPtr& arg : c.args) out->args.push_back(Clone(*arg));
  return out;
}

ExprPtr CloneWithoutSpan(const Expr& e) {
  switch (e.kind()) {
    case ExprKind::kNumberLiteral: {
      auto out = std::make_unique<NumberLiteral>();
      out->value = As<NumberLiteral>(e).value;
      out->duration = As<NumberLiteral>(e).duration;
      return out;
    }
    case ExprKind::kStringLiteral: {
      auto out = std::make_unique<StringLiteral>();
      out->value = As<StringLiteral>(e).value;
      return out;
    }
    case ExprKind::kVectorSelector:
      return CloneSelector(As<VectorSelector>(e));
    case ExprKind::kMatrixSelector: {
      auto out = std::make_unique<MatrixSelector>();
      out->selector = Clone(*As<MatrixSelector>(e).selector);
      out->range = CloneDuration(As<MatrixSelector>(e).range);
      return out;
    }
    case ExprKind::kSubquery:
      return CloneSubquery(As<SubqueryExpr>(e));
    case ExprKind::kCall:
      return CloneCall(As<Call>(e));
    case ExprKind::kAggregate:
      return CloneAggregate(As<AggregateExpr>(e));
    case ExprKind::kBinary:
      return CloneBinary(As<BinaryExpr>(e));
    case ExprKind::kUnary: {
      auto out = std::make_unique<UnaryExpr>();
      out->negative = As<UnaryExpr>(e).negative;
      out->expr = Clone(*As<UnaryExpr>(e).expr);
      return out;
    }
    case ExprKind::kParen: {
      auto out = std::make_unique<ParenExpr>();
      out->expr = Clone(*As<ParenExpr>(e).expr);
      return out;
    }
    case ExprKind::kDuration:
      return CloneDuration(As<DurationExpr>(e));
  }
  return ExprPtr();
}

}  // namespace

ExprPtr Clone(const Expr& e) {
  ExprPtr out = CloneWithoutSpan(e);
  out->span = e.span;
  out->height = e.height;
  return out;
}

std::unique_ptr<DurationExpr> CloneDuration(const DurationExpr& e) {
  auto out = std::make_unique<DurationExpr>();
  out->span = e.span;
  out->height = e.height;
  out->op = e.op;
  out->lhs = CloneOptional(e.lhs);
  out->rhs = CloneOptional(e.rhs);
  out->wrapped = e.wrapped;
  return out;
}

DurationValue CloneDuration(const DurationValue& d) {
  return {d.ms, d.expr ? CloneDuration(*d.expr) : nullptr};
}

}  // namespace deucalion::promql
