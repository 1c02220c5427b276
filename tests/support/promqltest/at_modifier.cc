#include "tests/support/promqltest/at_modifier.h"

#include "promql/ast.h"
#include "promql/parser/parser.h"
#include "promql/printer.h"

namespace deucalion::promqltest {
namespace {

using namespace promql;  // NOLINT: the tree's names

bool DependsOnTime(FunctionId id) {
  switch (id) {
    case FunctionId::kDaysInMonth:
    case FunctionId::kDayOfMonth:
    case FunctionId::kDayOfWeek:
    case FunctionId::kDayOfYear:
    case FunctionId::kEnd:
    case FunctionId::kHour:
    case FunctionId::kMinute:
    case FunctionId::kMonth:
    case FunctionId::kYear:
    case FunctionId::kPredictLinear:
    case FunctionId::kRange:
    case FunctionId::kStart:
    case FunctionId::kStep:
    case FunctionId::kTime:
    case FunctionId::kTimestamp:
      return true;
    default:
      return false;
  }
}

class Fixer {
 public:
  explicit Fixer(int64_t time_ms) : time_ms_(time_ms) {}
  void Fix(Expr* e);
  bool depends_on_time() const { return depends_on_time_; }

 private:
  // Also @ start() and @ end(): at the time of an instant query they are that time.
  void Set(AtModifier* at) const {
    if (at->kind != AtModifier::Kind::kTimestamp) *at = {AtModifier::Kind::kTimestamp, time_ms_};
  }

  const int64_t time_ms_;
  bool depends_on_time_ = false;
};

void Fixer::Fix(Expr* e) {
  switch (e->kind()) {
    case ExprKind::kVectorSelector:
      return Set(&As<VectorSelector>(*e).at);
    case ExprKind::kMatrixSelector:
      return Fix(As<MatrixSelector>(*e).selector.get());
    case ExprKind::kSubquery:
      return Set(&As<SubqueryExpr>(*e).at);  // what is inside moves with it
    case ExprKind::kCall:
      if (DependsOnTime(As<Call>(*e).function->id)) depends_on_time_ = true;
      for (ExprPtr& arg : As<Call>(*e).args) Fix(arg.get());
      return;
    case ExprKind::kAggregate:
      Fix(As<AggregateExpr>(*e).expr.get());
      if (As<AggregateExpr>(*e).param) Fix(As<AggregateExpr>(*e).param.get());
      return;
    case ExprKind::kBinary:
      Fix(As<BinaryExpr>(*e).lhs.get());
      return Fix(As<BinaryExpr>(*e).rhs.get());
    case ExprKind::kUnary:
      return Fix(As<UnaryExpr>(*e).expr.get());
    case ExprKind::kParen:
      return Fix(As<ParenExpr>(*e).expr.get());
    default:
      return;
  }
}

}  // namespace

std::optional<std::string> WithAtModifier(std::string_view expr, int64_t time_ms) {
  Result<ParsedExpr> parsed = Parse(expr, ParserOptions::AllEnabled());
  if (!parsed.ok()) return std::nullopt;
  ExprPtr fixed = Clone(*parsed->root);
  Fixer fixer(time_ms);
  fixer.Fix(fixed.get());
  if (fixer.depends_on_time()) return std::nullopt;
  return Print(*fixed);
}

}  // namespace deucalion::promqltest
