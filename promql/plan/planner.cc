#include <algorithm>
#include <iterator>
#include <limits>
#include <string>
#include <unordered_map>
#include <utility>

#include "promql/functions/math.h"
#include "promql/functions/range_call.h"
#include "promql/plan/durations.h"
#include "promql/plan/plan.h"
#include "promql/plan/scalar_math.h"

namespace deucalion::promql {
namespace {

using NodePtr = std::unique_ptr<PlanNode>;

// What surrounds an expression on its way down.
struct Around {
  TimeGrid grid;
  std::string func;                          // nearest function or aggregation above
  const AggregateExpr* aggregate = nullptr;  // directly above
  int64_t hint_step_ms = 0;
  uint64_t count_factor = 1;
  bool ordered = true;
  bool histogram_stats = false;  // below histogram_count, histogram_sum or histogram_avg
  bool histogram_whole = false;  // below something that needs the buckets, or a subquery
  int depth = 0;
};

// Functions whose result depends on the evaluation time even when their arguments do not.
bool DependsOnEvaluationTime(FunctionId id) {
  switch (id) {
    case FunctionId::kDaysInMonth:
    case FunctionId::kDayOfMonth:
    case FunctionId::kDayOfWeek:
    case FunctionId::kDayOfYear:
    case FunctionId::kHour:
    case FunctionId::kMinute:
    case FunctionId::kMonth:
    case FunctionId::kYear:
    case FunctionId::kPredictLinear:
    case FunctionId::kTime:
    case FunctionId::kTimestamp:
    case FunctionId::kStartTimestamp:
      return true;
    default:
      return false;
  }
}

bool IsQueryContextFunction(FunctionId id) {
  return id == FunctionId::kStart || id == FunctionId::kEnd || id == FunctionId::kRange ||
         id == FunctionId::kStep;
}

bool TakesHistogramStats(FunctionId id) {
  return id == FunctionId::kHistogramCount || id == FunctionId::kHistogramSum ||
         id == FunctionId::kHistogramAvg;
}

// `constant`: the same at every step. `repeat`: worth evaluating once and repeating; literals are
// not, and range selectors are dealt with by their function.
struct Invariance {
  bool constant = false;
  bool repeat = false;
};

Invariance InvarianceOf(const Expr& e) {
  switch (e.kind()) {
    case ExprKind::kVectorSelector: {
      const bool at = As<VectorSelector>(e).at.kind != AtModifier::Kind::kNone;
      return {at, at};
    }
    case ExprKind::kMatrixSelector:
      return {InvarianceOf(*As<MatrixSelector>(e).selector).constant, false};
    case ExprKind::kSubquery: {
      const bool at = As<SubqueryExpr>(e).at.kind != AtModifier::Kind::kNone;
      return {at, at};
    }
    case ExprKind::kAggregate:
      return InvarianceOf(*As<AggregateExpr>(e).expr);
    case ExprKind::kBinary: {
      const auto& b = As<BinaryExpr>(e);
      const bool both = InvarianceOf(*b.lhs).constant && InvarianceOf(*b.rhs).constant;
      return {both, both};
    }
    case ExprKind::kCall: {
      const auto& c = As<Call>(e);
      if (IsQueryContextFunction(c.function->id)) return {true, false};
      bool constant = !DependsOnEvaluationTime(c.function->id);
      for (const ExprPtr& arg : c.args) constant = constant && InvarianceOf(*arg).constant;
      return {constant, constant};
    }
    case ExprKind::kUnary:
      return InvarianceOf(*As<UnaryExpr>(e).expr);
    case ExprKind::kParen:
      return InvarianceOf(*As<ParenExpr>(e).expr);
    default:
      return {true, false};
  }
}

bool PinsName(const VectorSelector& v) {
  return std::any_of(v.matchers.begin(), v.matchers.end(), [](const Matcher& m) {
    return m.type() == MatchType::kEqual && m.name() == kMetricName && !m.value().empty();
  });
}

bool IsMetadataName(std::string_view name) {
  return name == kMetricName || name == kTypeLabel || name == kUnitLabel;
}

// Functions that hand on the labels of their only vector argument, less the metric name, without a
// look at them.
bool PassesLabels(const Call& c) {
  if (c.args.empty() || c.function->id == FunctionId::kAbsentOverTime) return false;
  if (MathFunctionOf(c.function->id) != nullptr || DateFunctionOf(c.function->id) != nullptr ||
      RangeKernelOf(c.function->id) != nullptr) {
    return true;
  }
  switch (c.function->id) {
    case FunctionId::kClamp:
    case FunctionId::kClampMax:
    case FunctionId::kClampMin:
    case FunctionId::kRound:
    case FunctionId::kTimestamp:
      return true;
    default:
      return false;
  }
}

// Tells the selectors below `node` that of their labels only `names` (sorted) are looked at.
// `dropped`: on the way up the metric name goes, so series whose names vary may become alike, which
// all of their labels must tell.
void NeedOnly(const std::vector<std::string>& names, bool dropped, PlanNode* node) {
  switch (node->kind) {
    case PlanKind::kSelector:
    case PlanKind::kRangeSelector:
      if (dropped && node->names == NameState::kVary) return;
      node->key_labels_only = true;
      node->hints.key_labels = names;
      return;
    case PlanKind::kSubquery:
    case PlanKind::kRepeat:
      return NeedOnly(names, dropped, node->children[0].get());
    case PlanKind::kNegate:
    case PlanKind::kVectorScalar:
      break;
    case PlanKind::kCall:
      if (!PassesLabels(As<Call>(*node->expr))) return;
      break;
    default:
      return;
  }
  for (const auto& child : node->children) {
    const ValueType type = child->expr->Type();
    if (type == ValueType::kVector || type == ValueType::kMatrix) {
      NeedOnly(names, true, child.get());
    }
  }
}

// Whether one look-up for both time ranges costs little more than the longer of the two.
bool NearlySameRange(const SelectHints& a, const SelectHints& b) {
  const auto span = [](int64_t min_ms, int64_t max_ms) {
    return static_cast<double>(max_ms) - static_cast<double>(min_ms);
  };
  return span(std::min(a.min_ms, b.min_ms), std::max(a.max_ms, b.max_ms)) <=
         1.5 * std::max(span(a.min_ms, a.max_ms), span(b.min_ms, b.max_ms));
}

bool CanShare(const Selection& s, const PlanNode& selector) {
  if (s.hints.newest_only != selector.hints.newest_only) return false;
  return s.hints.newest_only
             ? s.hints.min_ms == selector.hints.min_ms && s.hints.max_ms == selector.hints.max_ms
             : NearlySameRange(s.hints, selector.hints);
}

// One string for each list of matchers, made quickly.
std::string MatchersKey(const std::vector<Matcher>& matchers) {
  std::string key;
  for (const Matcher& m : matchers) {
    for (const std::string* text : {&m.name(), &m.value()}) {
      const size_t size = text->size();
      key.append(reinterpret_cast<const char*>(&size), sizeof(size)).append(*text);
    }
    key += static_cast<char>(m.type());
  }
  return key;
}

const VectorSelector& SelectorOf(const PlanNode& node) {
  const Expr& e = *node.expr;
  return node.kind == PlanKind::kSelector ? As<VectorSelector>(e) : As<MatrixSelector>(e).vector();
}

// Finds the selectors that ask for the same series.
std::vector<Selection> ShareSelections(const std::vector<PlanNode*>& selectors) {
  std::vector<Selection> all;
  if (selectors.size() == 1) {  // nobody to share with
    PlanNode* node = selectors[0];
    node->selection = 0;
    all.push_back({&SelectorOf(*node).matchers, node->hints, node->ordered});
    return all;
  }
  std::unordered_map<std::string, int> last;  // by matchers: the newest selection
  for (PlanNode* node : selectors) {
    const VectorSelector& v = SelectorOf(*node);
    const auto [it, fresh] = last.try_emplace(MatchersKey(v.matchers), -1);
    if (fresh || !CanShare(all[static_cast<size_t>(it->second)], *node)) {
      it->second = static_cast<int>(all.size());
      all.push_back({&v.matchers, node->hints, node->ordered});
    }
    node->selection = it->second;
    Selection& s = all[static_cast<size_t>(it->second)];
    s.ordered = s.ordered || node->ordered;
    s.hints.min_ms = std::min(s.hints.min_ms, node->hints.min_ms);
    s.hints.max_ms = std::max(s.hints.max_ms, node->hints.max_ms);
    std::vector<std::string> names;
    std::set_union(s.hints.key_labels.begin(), s.hints.key_labels.end(),
                   node->hints.key_labels.begin(), node->hints.key_labels.end(),
                   std::back_inserter(names));
    s.hints.key_labels = std::move(names);
  }
  return all;
}

class Planner {
 public:
  explicit Planner(const PlanOptions& options) : options_(options) {}

  Result<Plan> Run(const Expr& root) {
    Around around;
    around.grid.start_ms = options_.start_ms;
    around.grid.step_ms = options_.step_ms > 0 ? options_.step_ms : 1;
    around.grid.steps =
        static_cast<size_t>((options_.end_ms - options_.start_ms) / around.grid.step_ms) + 1;
    around.hint_step_ms = options_.step_ms;
    Plan plan;
    ASSIGN_OR_RETURN(plan.root, Build(root, around));
    plan.nodes = next_id_;
    plan.selections = ShareSelections(selectors_);
    plan.max_steps = max_steps_;
    if (min_ms_ <= max_ms_) {
      plan.min_ms = min_ms_;
      plan.max_ms = max_ms_;
    }
    return plan;
  }

 private:
  NodePtr NewNode(PlanKind kind, const Expr& e, const Around& around) {
    auto node = std::make_unique<PlanNode>();
    node->kind = kind;
    node->expr = &e;
    node->grid = around.grid;
    node->count_factor = around.count_factor;
    node->ordered = around.ordered;
    node->depth = around.depth;
    node->id = next_id_++;
    max_steps_ = std::max(max_steps_, around.grid.steps);
    return node;
  }

  // The expression at the steps of `around`, once and repeated where that is the same.
  Result<NodePtr> Build(const Expr& with_parens, const Around& around) {
    const Expr& e = StripParens(with_parens);
    if (around.grid.steps <= 1 || !InvarianceOf(e).repeat || e.Type() == ValueType::kMatrix) {
      return BuildAtSteps(e, around);
    }
    NodePtr repeat = NewNode(PlanKind::kRepeat, e, around);
    Around once = around;
    once.grid.steps = 1;
    once.count_factor = around.count_factor * around.grid.steps;
    ASSIGN_OR_RETURN(NodePtr child, BuildAtSteps(e, once));
    if (child->kind == PlanKind::kNumber) {
      child->grid = around.grid;
      return child;
    }
    repeat->names = child->names;
    repeat->children.push_back(std::move(child));
    return repeat;
  }

  Result<NodePtr> BuildAtSteps(const Expr& e, const Around& around) {
    switch (e.kind()) {
      case ExprKind::kNumberLiteral: {
        NodePtr node = NewNode(PlanKind::kNumber, e, around);
        node->number = As<NumberLiteral>(e).value;
        return node;
      }
      case ExprKind::kStringLiteral:
        return NewNode(PlanKind::kString, e, around);
      case ExprKind::kVectorSelector:
        return BuildSelector(PlanKind::kSelector, e, As<VectorSelector>(e), 0, around);
      case ExprKind::kMatrixSelector: {
        const auto& m = As<MatrixSelector>(e);
        ASSIGN_OR_RETURN(const int64_t range, Duration(m.range, false));
        return BuildSelector(PlanKind::kRangeSelector, e, m.vector(), range, around);
      }
      case ExprKind::kSubquery:
        return BuildSubquery(As<SubqueryExpr>(e), around);
      case ExprKind::kCall:
        return BuildCall(As<Call>(e), around);
      case ExprKind::kAggregate:
        return BuildAggregate(As<AggregateExpr>(e), around);
      case ExprKind::kBinary:
        return BuildBinary(As<BinaryExpr>(e), around);
      case ExprKind::kUnary:
        return BuildUnary(As<UnaryExpr>(e), around);
      default:
        return InternalError("unexpected expression in a plan");
    }
  }

  Result<int64_t> Duration(const DurationValue& d, bool allow_negative) {
    return ResolveDuration(d, options_.step_ms, options_.end_ms - options_.start_ms,
                           allow_negative);
  }

  std::optional<int64_t> FixedTime(const AtModifier& at) const {
    switch (at.kind) {
      case AtModifier::Kind::kTimestamp:
        return at.time_ms;
      case AtModifier::Kind::kStart:
        return options_.start_ms;
      case AtModifier::Kind::kEnd:
        return options_.end_ms;
      case AtModifier::Kind::kNone:
        break;
    }
    return std::nullopt;
  }

  Result<SampleWindow> Window(const AtModifier& at, const DurationValue& offset, int64_t range_ms) {
    SampleWindow w;
    ASSIGN_OR_RETURN(w.offset_ms, Duration(offset, true));
    w.range_ms = range_ms;
    w.fixed_end_ms = FixedTime(at);
    if (w.fixed_end_ms) *w.fixed_end_ms -= w.offset_ms;
    return w;
  }

  Result<NodePtr> BuildSelector(PlanKind kind, const Expr& e, const VectorSelector& v,
                                int64_t range_ms, const Around& around) {
    NodePtr node = NewNode(kind, e, around);
    ASSIGN_OR_RETURN(node->window, Window(v.at, v.offset, range_ms));
    node->window.anchored = v.anchored;
    node->window.smoothed = v.smoothed;
    node->names =
        PinsName(v) && !options_.type_and_unit_labels ? NameState::kSame : NameState::kVary;
    node->histogram_stats = around.histogram_stats && !around.histogram_whole;
    SetHints(around, node.get());
    // Counter resets of histograms are found by comparing with the samples before.
    selectors_.push_back(node.get());
    node->hints.newest_only = kind == PlanKind::kSelector && around.grid.steps == 1 &&
                              !v.smoothed && !node->histogram_stats;
    return node;
  }

  // The samples of `node` and what storage may know of their use.
  void SetHints(const Around& around, PlanNode* node) {
    const SampleWindow& w = node->window;
    const bool instant = node->kind == PlanKind::kSelector;
    SelectHints& h = node->hints;
    h.min_ms = w.End(around.grid.start_ms) - (instant ? options_.lookback_ms : w.range_ms) + 1;
    h.max_ms = w.End(around.grid.end_ms());
    if (!instant && (w.anchored || w.smoothed)) h.min_ms -= options_.lookback_ms;
    if (w.smoothed) h.max_ms += options_.lookback_ms;
    h.step_ms = around.hint_step_ms;
    h.range_ms = w.range_ms;
    h.func = around.func;
    if (around.aggregate != nullptr) {
      h.by = !around.aggregate->without;
      h.grouping = around.aggregate->grouping;
    }
    min_ms_ = std::min(min_ms_, h.min_ms);
    max_ms_ = std::max(max_ms_, h.max_ms);
  }

  Result<NodePtr> BuildSubquery(const SubqueryExpr& s, const Around& around) {
    NodePtr node = NewNode(PlanKind::kSubquery, s, around);
    ASSIGN_OR_RETURN(const int64_t range, Duration(s.range, false));
    ASSIGN_OR_RETURN(node->window, Window(s.at, s.offset, range));
    ASSIGN_OR_RETURN(int64_t step, Duration(s.step, s.step.expr == nullptr));
    if (step <= 0)
      step = options_.default_subquery_step ? options_.default_subquery_step(range) : 0;
    if (step <= 0) step = 60'000;

    Around inside = around;
    inside.aggregate = nullptr;
    inside.hint_step_ms = step;
    inside.depth++;
    // A function over the subquery counts the points it sees; without one, what they are made of.
    inside.count_factor = around.depth == 0 ? 1 : 0;
    inside.histogram_whole = true;
    inside.grid = SubqueryGrid(node->window.End(around.grid.start_ms) - range,
                               node->window.End(around.grid.end_ms()), step);
    ASSIGN_OR_RETURN(NodePtr child, Build(*s.expr, inside));
    node->names = child->names;
    node->children.push_back(std::move(child));
    return node;
  }

  // Multiples of `step` in (after_ms, end_ms].
  static TimeGrid SubqueryGrid(int64_t after_ms, int64_t end_ms, int64_t step) {
    TimeGrid grid;
    grid.step_ms = step;
    grid.start_ms = after_ms / step * step;
    if (grid.start_ms <= after_ms) grid.start_ms += step;
    grid.steps =
        end_ms < grid.start_ms ? 0 : static_cast<size_t>((end_ms - grid.start_ms) / step) + 1;
    return grid;
  }

  Result<NodePtr> BuildCall(const Call& c, const Around& around) {
    const FunctionId id = c.function->id;
    if (IsQueryContextFunction(id)) return BuildQueryContext(c, around);
    NodePtr node = NewNode(PlanKind::kCall, c, around);
    Around inside = around;
    inside.func = std::string(c.function->name);
    inside.aggregate = nullptr;
    inside.depth++;
    inside.histogram_stats = around.histogram_stats || TakesHistogramStats(id);
    inside.histogram_whole = around.histogram_whole || id == FunctionId::kHistogramQuantile ||
                             id == FunctionId::kHistogramFraction;
    for (size_t i = 0; i < c.args.size(); i++) {
      const Expr& arg = StripParens(*c.args[i]);
      // The selector itself must stay visible: what counts are the times of its samples.
      const bool own_times = (id == FunctionId::kTimestamp || id == FunctionId::kStartTimestamp) &&
                             arg.kind() == ExprKind::kVectorSelector;
      ASSIGN_OR_RETURN(NodePtr child, own_times ? BuildAtSteps(arg, inside) : Build(arg, inside));
      if (own_times && child->window.fixed_end_ms) {
        // As upstream: @ wins over an offset here.
        *child->window.fixed_end_ms += child->window.offset_ms;
        SetHints(inside, child.get());
      }
      if (id == FunctionId::kPredictLinear && child->kind == PlanKind::kRangeSelector) {
        SlideFixedWindow(around.grid, child.get());
      }
      node->children.push_back(std::move(child));
    }
    node->names = NamesAfterCall(c, *node);
    return node;
  }

  // predict_linear depends on the step although its range may not: upstream fetches the samples of
  // a fixed window once and then moves the window over them with the steps.
  static void SlideFixedWindow(const TimeGrid& grid, PlanNode* range) {
    SampleWindow& w = range->window;
    if (!w.fixed_end_ms || grid.steps <= 1) return;
    w.offset_ms = grid.start_ms - *w.fixed_end_ms;
    w.fixed_end_ms.reset();
  }

  Result<NodePtr> BuildQueryContext(const Call& c, const Around& around) {
    NodePtr node = NewNode(PlanKind::kNumber, c, around);
    int64_t ms = 0;
    switch (c.function->id) {
      case FunctionId::kStart:
        ms = options_.start_ms;
        break;
      case FunctionId::kEnd:
        ms = options_.end_ms;
        break;
      case FunctionId::kRange:
        ms = options_.end_ms - options_.start_ms;
        break;
      default:
        ms = options_.step_ms;
    }
    node->number = static_cast<double>(ms) / 1000;
    return node;
  }

  static NameState NamesAfterCall(const Call& c, const PlanNode& node) {
    switch (c.function->id) {
      case FunctionId::kFirstOverTime:
      case FunctionId::kLastOverTime:
      case FunctionId::kSort:
      case FunctionId::kSortDesc:
      case FunctionId::kSortByLabel:
      case FunctionId::kSortByLabelDesc:
      case FunctionId::kInfo:
        return node.child(0).names;
      case FunctionId::kLabelReplace:
      case FunctionId::kLabelJoin:
        return IsMetadataName(As<StringLiteral>(StripParens(*c.args[1])).value)
                   ? NameState::kVary
                   : node.child(0).names;
      default:
        return NameState::kNone;
    }
  }

  Result<NodePtr> BuildAggregate(const AggregateExpr& a, const Around& around) {
    NodePtr node = NewNode(PlanKind::kAggregate, a, around);
    Around inside = around;
    inside.func = std::string(AggregateOpText(a.op));
    inside.aggregate = &a;
    inside.ordered = around.ordered && KeepsSeries(a.op);
    inside.depth++;
    if (StripParens(*a.expr).kind() != ExprKind::kVectorSelector) inside.aggregate = nullptr;
    ASSIGN_OR_RETURN(NodePtr child, Build(*a.expr, inside));
    node->names = NamesAfterAggregate(a, child->names);
    if (!a.without && !KeepsSeries(a.op) && a.op != AggregateOp::kCountValues) {
      std::vector<std::string> names = a.grouping;
      names.emplace_back(kMetricName);  // warnings show it
      std::sort(names.begin(), names.end());
      NeedOnly(names, false, child.get());
    }
    node->children.push_back(std::move(child));
    if (a.param && a.op != AggregateOp::kCountValues) {
      inside.aggregate = nullptr;
      ASSIGN_OR_RETURN(NodePtr param, Build(*a.param, inside));
      node->children.push_back(std::move(param));
    }
    return node;
  }

  static bool KeepsSeries(AggregateOp op) {
    return op == AggregateOp::kTopk || op == AggregateOp::kBottomk || op == AggregateOp::kLimitk ||
           op == AggregateOp::kLimitRatio;
  }

  NameState NamesAfterAggregate(const AggregateExpr& a, NameState child) const {
    if (KeepsSeries(a.op)) return child;
    if (a.op == AggregateOp::kCountValues &&
        IsMetadataName(As<StringLiteral>(StripParens(*a.param)).value)) {
      return NameState::kVary;
    }
    if (a.without) return options_.type_and_unit_labels ? child : NameState::kNone;
    const bool by_name = std::any_of(a.grouping.begin(), a.grouping.end(),
                                     [](const std::string& g) { return IsMetadataName(g); });
    return by_name ? child : NameState::kNone;
  }

  Result<NodePtr> BuildBinary(const BinaryExpr& b, const Around& around) {
    Around inside = around;
    inside.func.clear();
    inside.aggregate = nullptr;
    inside.depth++;
    inside.histogram_whole = around.histogram_whole || IsTrim(b.op);
    NodePtr node = NewNode(PlanKind::kVectorBinary, b, around);
    ASSIGN_OR_RETURN(NodePtr l, Build(*b.lhs, inside));
    ASSIGN_OR_RETURN(NodePtr r, Build(*b.rhs, inside));
    const bool scalar_l = b.lhs->Type() == ValueType::kScalar;
    const bool scalar_r = b.rhs->Type() == ValueType::kScalar;
    if (scalar_l && scalar_r) {
      if (IsTrim(b.op)) {
        return Status(StatusCode::kExecution, "operator \"" + std::string(BinaryOpText(b.op)) +
                                                  "\" not allowed for Scalar operations");
      }
      if (l->kind == PlanKind::kNumber && r->kind == PlanKind::kNumber) {
        node->kind = PlanKind::kNumber;
        node->number = ScalarOp(b.op, l->number, r->number);
        return node;
      }
      node->kind = PlanKind::kScalarBinary;
    } else if (scalar_l || scalar_r) {
      node->kind = PlanKind::kVectorScalar;
      // docs/decisions/answers-of-2.42.md: atan2 keeps names here.
      const bool keeps = b.op == BinaryOp::kAtan2 || (IsComparison(b.op) && !b.return_bool);
      node->names = keeps ? (scalar_l ? r : l)->names : NamesAfterArithmetic(b.op, *l, *r);
    } else {
      node->names = NamesAfterJoin(b, l->names, r->names);
    }
    node->children.push_back(std::move(l));
    node->children.push_back(std::move(r));
    return node;
  }

  static bool IsTrim(BinaryOp op) {
    return op == BinaryOp::kTrimLower || op == BinaryOp::kTrimUpper;
  }
  static NameState NamesAfterArithmetic(BinaryOp op, const PlanNode& l, const PlanNode& r) {
    if (!IsTrim(op)) return NameState::kNone;
    return l.names != NameState::kNone ? l.names : r.names;
  }
  static NameState NamesAfterJoin(const BinaryExpr& b, NameState l, NameState r) {
    if (b.op == BinaryOp::kOr) {
      return l == NameState::kNone && r == NameState::kNone ? NameState::kNone : NameState::kVary;
    }
    if (IsSetOperator(b.op)) return l;
    const std::vector<std::string>& include = b.matching->include;
    if (std::any_of(include.begin(), include.end(), IsMetadataName)) return NameState::kVary;
    if (b.return_bool || (!IsComparison(b.op) && !IsTrim(b.op))) return NameState::kNone;
    // What is filled in has no name.
    if (b.matching->fill_lhs || b.matching->fill_rhs) return NameState::kVary;
    return b.matching->card == VectorMatching::Card::kOneToMany ? r : l;
  }

  Result<NodePtr> BuildUnary(const UnaryExpr& u, const Around& around) {
    if (!u.negative) return Build(*u.expr, around);
    NodePtr node = NewNode(PlanKind::kNegate, u, around);
    Around inside = around;
    inside.aggregate = nullptr;
    inside.depth++;
    ASSIGN_OR_RETURN(NodePtr child, Build(*u.expr, inside));
    if (child->kind == PlanKind::kNumber) {
      node->kind = PlanKind::kNumber;
      node->number = -child->number;
      return node;
    }
    node->children.push_back(std::move(child));
    return node;
  }

  const PlanOptions& options_;
  int next_id_ = 0;
  std::vector<PlanNode*> selectors_;
  size_t max_steps_ = 1;
  int64_t min_ms_ = std::numeric_limits<int64_t>::max();
  int64_t max_ms_ = std::numeric_limits<int64_t>::min();
};

}  // namespace

Result<Plan> MakePlan(const Expr& root, const PlanOptions& options) {
  return Planner(options).Run(root);
}

}  // namespace deucalion::promql
