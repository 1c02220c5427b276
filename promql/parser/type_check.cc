// Types, argument counts and matching rules, in Prometheus's words and order: the first violation
// in its walk of the tree is the one that is reported.
#include <algorithm>

#include "model/value.h"
#include "promql/parser/parser_impl.h"

namespace deucalion::promql {
namespace {

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

class TypeChecker {
 public:
  explicit TypeChecker(std::string_view text) : text_(text) {}

  Status Check(Expr* e);

 private:
  Status CheckAggregate(AggregateExpr* e);
  Status CheckBinary(BinaryExpr* e);
  Status CheckBinaryShape(const BinaryExpr& e);
  Status CheckMatching(BinaryExpr* e);
  Status CheckCall(Call* e);
  Status CheckArgumentCount(const Call& e);
  Status CheckInfoSelector(Call* e);
  Status CheckSelector(const VectorSelector& e);
  Status CheckUnary(UnaryExpr* e);
  Status CheckSubquery(SubqueryExpr* e);
  Status Expect(Expr* e, ValueType want, std::string_view where);
  Status Error(Span at, std::string_view message) const {
    return ParseError(text_, at.begin, message);
  }
  // Where the operator stands: behind the left operand.
  Span OperatorOf(const BinaryExpr& e) const {
    uint32_t begin = e.lhs->span.end;
    while (begin < text_.size() && IsBlank(text_[begin])) ++begin;
    return {begin, begin};
  }

  const std::string_view text_;
};

Status TypeChecker::Check(Expr* e) {
  switch (e->kind()) {
    case ExprKind::kAggregate:
      return CheckAggregate(&As<AggregateExpr>(*e));
    case ExprKind::kBinary:
      return CheckBinary(&As<BinaryExpr>(*e));
    case ExprKind::kCall:
      return CheckCall(&As<Call>(*e));
    case ExprKind::kParen:
      return Check(As<ParenExpr>(*e).expr.get());
    case ExprKind::kUnary:
      return CheckUnary(&As<UnaryExpr>(*e));
    case ExprKind::kSubquery:
      return CheckSubquery(&As<SubqueryExpr>(*e));
    case ExprKind::kMatrixSelector:
      return Check(As<MatrixSelector>(*e).selector.get());
    case ExprKind::kVectorSelector:
      return CheckSelector(As<VectorSelector>(*e));
    default:
      return OkStatus();
  }
}

Status TypeChecker::Expect(Expr* e, ValueType want, std::string_view where) {
  RETURN_IF_ERROR(Check(e));
  const ValueType got = e->Type();
  if (got == want) return OkStatus();
  return Error(e->span, "expected type " + std::string(DocumentedType(want)) + " in " +
                            std::string(where) + ", got " + std::string(DocumentedType(got)));
}

Status TypeChecker::CheckAggregate(AggregateExpr* e) {
  RETURN_IF_ERROR(Expect(e->expr.get(), ValueType::kVector, "aggregation expression"));
  if (!e->param) return OkStatus();
  const bool text = e->op == AggregateOp::kCountValues;
  return Expect(e->param.get(), text ? ValueType::kString : ValueType::kScalar,
                "aggregation parameter");
}

Status TypeChecker::CheckBinaryShape(const BinaryExpr& e) {
  const bool scalars = e.lhs->Type() == ValueType::kScalar && e.rhs->Type() == ValueType::kScalar;
  if (e.return_bool && !IsComparison(e.op)) {
    return Error(OperatorOf(e), "bool modifier can only be used on comparison operators");
  }
  if (IsComparison(e.op) && !e.return_bool && scalars) {
    return Error(OperatorOf(e), "comparisons between scalars must use BOOL modifier");
  }
  const VectorMatching& m = *e.matching;
  for (const std::string& label : m.labels) {
    if (m.on && std::ranges::find(m.include, label) != m.include.end()) {
      return Error(OperatorOf(e),
                   "label " + GoQuote(label) + " must not occur in ON and GROUP clause at once");
    }
  }
  for (const ExprPtr* side : {&e.lhs, &e.rhs}) {
    const ValueType type = (*side)->Type();
    if (type != ValueType::kScalar && type != ValueType::kVector) {
      return Error((*side)->span,
                   "binary expression must contain only scalar and instant vector types");
    }
  }
  return OkStatus();
}

Status TypeChecker::CheckBinary(BinaryExpr* e) {
  RETURN_IF_ERROR(Check(e->lhs.get()));
  RETURN_IF_ERROR(Check(e->rhs.get()));
  RETURN_IF_ERROR(CheckBinaryShape(*e));
  return CheckMatching(e);
}

Status TypeChecker::CheckMatching(BinaryExpr* e) {
  using Card = VectorMatching::Card;
  VectorMatching& m = *e->matching;
  const bool vectors = e->lhs->Type() == ValueType::kVector && e->rhs->Type() == ValueType::kVector;
  const bool fills = m.fill_lhs || m.fill_rhs;
  const std::string op = GoQuote(BinaryOpText(e->op));
  if (!vectors) {
    if (!m.labels.empty()) {
      return Error(e->span, "vector matching only allowed between instant vectors");
    }
    if (fills) {
      return Error(e->span, "filling in missing series only allowed between instant vectors");
    }
    if (IsSetOperator(e->op)) {
      return Error(e->span, "set operator " + op + " not allowed in binary scalar expression");
    }
    e->matching.reset();
    return OkStatus();
  }
  if (!IsSetOperator(e->op)) return OkStatus();
  if (m.card != Card::kOneToOne) {
    return Error(e->span, "no grouping allowed for " + op + " operation");
  }
  if (fills) return Error(e->span, "filling in missing series not allowed for set operators");
  m.card = Card::kManyToMany;
  return OkStatus();
}

Status TypeChecker::CheckArgumentCount(const Call& e) {
  const FunctionSignature& f = *e.function;
  const size_t declared = f.declared_args;
  const size_t got = e.args.size();
  const auto error = [&](std::string_view how, size_t want) {
    return Error(e.span, "expected " + std::string(how) + std::to_string(want) +
                             " argument(s) in call to " + GoQuote(f.name) + ", got " +
                             std::to_string(got));
  };
  if (f.variadic == 0) return got == declared ? OkStatus() : error("", declared);
  const size_t least = declared - 1;
  if (got < least) return error("at least ", least);
  if (f.variadic > 0 && got > least + f.variadic) return error("at most ", least + f.variadic);
  return OkStatus();
}

// The second argument of info() selects by data labels: no name, and it may match everything.
Status TypeChecker::CheckInfoSelector(Call* e) {
  Expr* arg = e->args[1].get();
  if (arg->Type() != ValueType::kVector) {
    return Error(e->span, "expected type instant vector in call to function \"info\", got " +
                              std::string(DocumentedType(arg->Type())));
  }
  auto* v = TryAs<VectorSelector>(*arg);
  if (v == nullptr) return Error(arg->span, "expected label selectors only");
  if (!v->name.empty()) {
    return Error(arg->span, "expected label selectors only, got vector selector instead");
  }
  v->label_selector_only = true;
  return OkStatus();
}

Status TypeChecker::CheckCall(Call* e) {
  RETURN_IF_ERROR(CheckArgumentCount(*e));
  const FunctionSignature& f = *e->function;
  if (f.id == FunctionId::kInfo && e->args.size() > 1) RETURN_IF_ERROR(CheckInfoSelector(e));
  const std::string where = "call to function " + GoQuote(f.name);
  for (size_t i = 0; i < e->args.size(); ++i) {
    const ValueType want = f.args[std::min<size_t>(i, f.declared_args - 1)];
    RETURN_IF_ERROR(Expect(e->args[i].get(), want, where));
  }
  return OkStatus();
}

Status TypeChecker::CheckUnary(UnaryExpr* e) {
  RETURN_IF_ERROR(Check(e->expr.get()));
  const ValueType type = e->expr->Type();
  if (type == ValueType::kScalar || type == ValueType::kVector) return OkStatus();
  return Error(e->span,
               "unary expression only allowed on expressions of type scalar or instant vector, "
               "got " +
                   GoQuote(DocumentedType(type)));
}

Status TypeChecker::CheckSubquery(SubqueryExpr* e) {
  RETURN_IF_ERROR(Check(e->expr.get()));
  const ValueType type = e->expr->Type();
  if (type == ValueType::kVector) return OkStatus();
  return Error(e->span, "subquery is only allowed on instant vector, got " +
                            std::string(ValueTypeText(type)) + " instead");
}

Status TypeChecker::CheckSelector(const VectorSelector& e) {
  if (!e.name.empty()) {
    // The last matcher is the one made from the name.
    for (size_t i = 0; i + 1 < e.matchers.size(); ++i) {
      if (e.matchers[i].name() != kMetricName) continue;
      return Error(e.span, "metric name must not be set twice: " + GoQuote(e.name) + " or " +
                               GoQuote(e.matchers[i].value()));
    }
    return OkStatus();
  }
  if (e.label_selector_only) return OkStatus();
  const bool selects =
      std::ranges::any_of(e.matchers, [](const Matcher& m) { return !m.MatchesEmpty(); });
  if (selects) return OkStatus();
  return Error(e.span, "vector selector must contain at least one non-empty matcher");
}

}  // namespace

Status CheckTypes(std::string_view text, Expr* root) { return TypeChecker(text).Check(root); }

}  // namespace deucalion::promql
