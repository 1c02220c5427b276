// The syntax tree of PromQL. Built by Parse (promql/parser/parser.h), immutable afterwards:
// ParsedExpr hands it out as const, and every node may be read by any number of threads at once.
// What the query engine works out (step invariance, resolved @ and offsets) lives in its plan, not
// here.
//
// A parent owns its children. Every node knows its bytes in the query text: annotations and errors
// print them as line:column. Times and durations are milliseconds unless a name says seconds.
#ifndef DEUCALION_PROMQL_AST_H_
#define DEUCALION_PROMQL_AST_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "model/matcher.h"
#include "promql/functions/signature.h"
#include "promql/value_type.h"

namespace deucalion::promql {

// Bytes [begin, end) of the query text.
struct Span {
  uint32_t begin = 0;
  uint32_t end = 0;
  friend bool operator==(const Span&, const Span&) = default;
};

enum class ExprKind : uint8_t {
  kNumberLiteral,
  kStringLiteral,
  kVectorSelector,
  kMatrixSelector,
  kSubquery,
  kCall,
  kAggregate,
  kBinary,
  kUnary,
  kParen,
  kDuration,  // only inside ranges, steps and offsets
};

enum class BinaryOp : uint8_t {
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMod,
  kPow,
  kAtan2,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kAnd,
  kOr,
  kUnless,
  kTrimUpper,  // </
  kTrimLower,  // >/
};
// As written: "+", "==", "and", "</".
std::string_view BinaryOpText(BinaryOp op);
constexpr bool IsComparison(BinaryOp op) {
  return op >= BinaryOp::kEqual && op <= BinaryOp::kGreaterEqual;
}
constexpr bool IsSetOperator(BinaryOp op) {
  return op >= BinaryOp::kAnd && op <= BinaryOp::kUnless;
}

enum class AggregateOp : uint8_t {
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
};
// "sum", "count_values".
std::string_view AggregateOpText(AggregateOp op);
// topk, bottomk, count_values, quantile, limitk, limit_ratio.
bool HasParameter(AggregateOp op);
// limitk, limit_ratio: need promql-experimental-functions.
bool IsExperimental(AggregateOp op);

class Expr;

// Owns one node or none; a const owner gives const access.
class ExprPtr {
 public:
  ExprPtr() = default;
  ExprPtr(std::nullptr_t) {}  // NOLINT: implicit by intent
  template <typename T>
  ExprPtr(std::unique_ptr<T> node) : node_(std::move(node)) {}  // NOLINT: implicit by intent
  Expr* get() { return node_.get(); }
  const Expr* get() const { return node_.get(); }
  Expr& operator*() { return *node_; }
  const Expr& operator*() const { return *node_; }
  Expr* operator->() { return node_.get(); }
  const Expr* operator->() const { return node_.get(); }
  explicit operator bool() const { return node_ != nullptr; }
  // Gives up ownership.
  Expr* Release() { return node_.release(); }

 private:
  std::unique_ptr<Expr> node_;
};

class Expr {
 public:
  virtual ~Expr() = default;
  ExprKind kind() const { return kind_; }
  // Of the value the expression evaluates to; no checks.
  ValueType Type() const;

  Span span;
  uint16_t height = 1;  // levels of the tree from here down; at most kMaxNesting

 protected:
  explicit Expr(ExprKind kind) : kind_(kind) {}

 private:
  const ExprKind kind_;
};

// The node as its own type; `T` must be what kind() says.
template <typename T>
const T& As(const Expr& e) {
  CHECK(e.kind() == T::kKind);
  return static_cast<const T&>(e);
}
template <typename T>
T& As(Expr& e) {
  CHECK(e.kind() == T::kKind);
  return static_cast<T&>(e);
}
// Null when it is of another kind.
template <typename T>
const T* TryAs(const Expr& e) {
  return e.kind() == T::kKind ? static_cast<const T*>(&e) : nullptr;
}
template <typename T>
T* TryAs(Expr& e) {
  return e.kind() == T::kKind ? static_cast<T*>(&e) : nullptr;
}

struct NumberLiteral : Expr {
  static constexpr ExprKind kKind = ExprKind::kNumberLiteral;
  NumberLiteral() : Expr(kKind) {}
  double value = 0;       // seconds when `duration`
  bool duration = false;  // written as a duration (1h30m) and printed as one
};

struct StringLiteral : Expr {
  static constexpr ExprKind kKind = ExprKind::kStringLiteral;
  StringLiteral() : Expr(kKind) {}
  std::string value;  // escapes resolved
};

// Arithmetic over durations: [5m + step()], offset (range() / 2), min_of(1m, step()). Operands are
// NumberLiteral (seconds) or DurationExpr. kStep and kRange have none; `lhs` is empty for unary +
// and -.
struct DurationExpr : Expr {
  static constexpr ExprKind kKind = ExprKind::kDuration;
  enum class Op : uint8_t { kAdd, kSub, kMul, kDiv, kMod, kPow, kStep, kRange, kMinOf, kMaxOf };
  DurationExpr() : Expr(kKind) {}
  Op op = Op::kAdd;
  ExprPtr lhs;
  ExprPtr rhs;
  bool wrapped = false;  // written in parentheses
};

// A range, a step or an offset: a constant, unless `expr` says how to work it out per query.
struct DurationValue {
  int64_t ms = 0;
  std::unique_ptr<const DurationExpr> expr;
};

struct AtModifier {
  enum class Kind : uint8_t { kNone, kTimestamp, kStart, kEnd };
  Kind kind = Kind::kNone;
  int64_t time_ms = 0;  // kTimestamp
  friend bool operator==(const AtModifier&, const AtModifier&) = default;
};

struct VectorSelector : Expr {
  static constexpr ExprKind kKind = ExprKind::kVectorSelector;
  VectorSelector() : Expr(kKind) {}
  std::string name;  // metric name written outside the braces or alone in quotes inside, else ""
  std::vector<Matcher> matchers;  // all of them, that for `name` included
  DurationValue offset;           // as written; positive looks back
  AtModifier at;
  bool anchored = false;
  bool smoothed = false;
  bool label_selector_only = false;  // second argument of info(): may match everything
};

// foo[5m]. The offset, @ and anchored/smoothed of the text are those of `selector`.
struct MatrixSelector : Expr {
  static constexpr ExprKind kKind = ExprKind::kMatrixSelector;
  MatrixSelector() : Expr(kKind) {}
  const VectorSelector& vector() const { return As<VectorSelector>(*selector); }
  ExprPtr selector;  // always a VectorSelector
  DurationValue range;
};

struct SubqueryExpr : Expr {
  static constexpr ExprKind kKind = ExprKind::kSubquery;
  SubqueryExpr() : Expr(kKind) {}
  ExprPtr expr;
  DurationValue range;
  DurationValue step;  // 0 without expr: the default step
  DurationValue offset;
  AtModifier at;
};

struct Call : Expr {
  static constexpr ExprKind kKind = ExprKind::kCall;
  Call() : Expr(kKind) {}
  const FunctionSignature* function = nullptr;  // from the static table; never null after Parse
  std::vector<ExprPtr> args;
};

struct AggregateExpr : Expr {
  static constexpr ExprKind kKind = ExprKind::kAggregate;
  AggregateExpr() : Expr(kKind) {}
  AggregateOp op = AggregateOp::kSum;
  ExprPtr expr;
  ExprPtr param;  // empty unless HasParameter(op)
  std::vector<std::string> grouping;
  bool without = false;
};

struct VectorMatching {
  enum class Card : uint8_t { kOneToOne, kManyToOne, kOneToMany, kManyToMany };
  Card card = Card::kOneToOne;
  std::vector<std::string> labels;  // of on(...) or ignoring(...)
  bool on = false;
  std::vector<std::string> include;  // of group_left(...) or group_right(...)
  std::optional<double> fill_lhs;
  std::optional<double> fill_rhs;
};
// "one-to-one", "many-to-one", …
std::string_view CardText(VectorMatching::Card card);

struct BinaryExpr : Expr {
  static constexpr ExprKind kKind = ExprKind::kBinary;
  BinaryExpr() : Expr(kKind) {}
  BinaryOp op = BinaryOp::kAdd;
  ExprPtr lhs;
  ExprPtr rhs;
  bool return_bool = false;
  std::optional<VectorMatching> matching;  // only between two instant vectors
};

struct UnaryExpr : Expr {
  static constexpr ExprKind kKind = ExprKind::kUnary;
  UnaryExpr() : Expr(kKind) {}
  bool negative = true;  // - or +
  ExprPtr expr;
};

struct ParenExpr : Expr {
  static constexpr ExprKind kKind = ExprKind::kParen;
  ParenExpr() : Expr(kKind) {}
  ExprPtr expr;
};

// Calls f(const Expr&) for each child in the order of the text, a parameter of an aggregation after
// its expression. Durations are not children.
template <typename F>
void ForEachChild(const Expr& e, F&& f) {
  switch (e.kind()) {
    case ExprKind::kMatrixSelector:
      return f(*As<MatrixSelector>(e).selector);
    case ExprKind::kSubquery:
      return f(*As<SubqueryExpr>(e).expr);
    case ExprKind::kCall:
      for (const ExprPtr& arg : As<Call>(e).args) f(*arg);
      return;
    case ExprKind::kAggregate: {
      const auto& a = As<AggregateExpr>(e);
      if (a.expr) f(*a.expr);
      if (a.param) f(*a.param);
      return;
    }
    case ExprKind::kBinary:
      f(*As<BinaryExpr>(e).lhs);
      f(*As<BinaryExpr>(e).rhs);
      return;
    case ExprKind::kUnary:
      return f(*As<UnaryExpr>(e).expr);
    case ExprKind::kParen:
      return f(*As<ParenExpr>(e).expr);
    default:
      return;
  }
}

// The expression without the parentheses around it.
const Expr& StripParens(const Expr& e);
// A deep copy, for rewrites that need a tree of their own.
ExprPtr Clone(const Expr& e);
std::unique_ptr<DurationExpr> CloneDuration(const DurationExpr& e);
DurationValue CloneDuration(const DurationValue& d);

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_AST_H_
