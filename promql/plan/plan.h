// The plan of one query: its syntax tree with everything resolved that depends on the query's times
// and options alone. Made once, const afterwards, read by any number of threads.
//
// What planning does: durations, start(), end(), range() and step() become numbers; scalar
// arithmetic on numbers is folded; @ and offsets become one rule per selector ("the window ends at
// …"); subtrees that do not depend on the step are evaluated once and repeated (kRepeat); every
// selector gets the time range it needs and the hints storage may use, the labels that matter among
// them; selectors of the same series share one look-up; it is known where dropping __name__ can
// make two series alike.
//
// The plan borrows the syntax tree: positions, texts and operators are read from there.
#ifndef DEUCALION_PROMQL_PLAN_PLAN_H_
#define DEUCALION_PROMQL_PLAN_PLAN_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/status.h"
#include "promql/ast.h"
#include "promql/plan/time_grid.h"
#include "tsdb/storage/queryable.h"

namespace deucalion::promql {

enum class PlanKind : uint8_t {
  kNumber,         // number
  kString,         // expr is the StringLiteral
  kSelector,       // window
  kRangeSelector,  // window; argument of a range function or root of an instant query
  kSubquery,       // window; children[0] on a grid of its own
  kCall,           // children: the arguments in order
  kAggregate,      // children[0], and children[1] the parameter if it is a scalar
  kNegate,         // children[0], vector or scalar
  kScalarBinary,   // children[0] op children[1], both scalar
  kVectorScalar,   // one vector, one scalar, in the order of the text
  kVectorBinary,   // both vectors
  kRepeat,         // children[0] on one step, repeated over this node's steps
};

// Which samples belong to a step: those in (End(t) - range, End(t)], the lookback being the range
// of an instant selector.
struct SampleWindow {
  std::optional<int64_t> fixed_end_ms;  // @ and offset taken together
  int64_t offset_ms = 0;
  int64_t range_ms = 0;  // 0 for an instant selector
  bool anchored = false;
  bool smoothed = false;

  int64_t End(int64_t t) const { return fixed_end_ms ? *fixed_end_ms : t - offset_ms; }
};

// What is known of __name__ (and __type__, __unit__) in the series of a result: dropping them can
// make two series alike only when they vary.
enum class NameState : uint8_t { kNone, kSame, kVary };

struct PlanNode {
  PlanKind kind = PlanKind::kNumber;
  const Expr* expr = nullptr;  // without parentheses around it
  TimeGrid grid;
  std::vector<std::unique_ptr<PlanNode>> children;

  double number = 0;
  SampleWindow window;
  SelectHints hints;  // selectors
  NameState names = NameState::kNone;
  // Selectors: only count and sum of native histograms are asked for (histogram_count and the like
  // above, nothing that needs buckets), so buckets may go once counter resets have been found.
  bool histogram_stats = false;
  bool ordered = true;  // selectors: the order of the series reaches the user
  // Selectors: no labels matter but hints.key_labels and the metric name.
  bool key_labels_only = false;
  int selection = -1;  // selectors: place in Plan::selections
  // How often samples read below here count in totalQueryableSamples: 0 inside a subquery whose
  // points are counted by the function around it, the number of steps below kRepeat.
  uint64_t count_factor = 1;
  int id = 0;  // position in pre-order, for statistics
  int depth = 0;

  const PlanNode& child(size_t i) const { return *children[i]; }
  // Of the start of the expression in the query text.
  int32_t pos() const { return static_cast<int32_t>(expr->span.begin); }
};

struct PlanOptions {
  int64_t start_ms = 0;
  int64_t end_ms = 0;
  int64_t step_ms = 0;  // 0 for an instant query
  int64_t lookback_ms = 0;
  bool type_and_unit_labels = false;
  std::function<int64_t(int64_t range_ms)> default_subquery_step;
};

// Series to be looked up once for all selectors that ask for the same ones.
struct Selection {
  const std::vector<Matcher>* matchers = nullptr;
  SelectHints hints;  // what any of the selectors needs
  bool ordered = false;
};

struct Plan {
  std::unique_ptr<PlanNode> root;
  std::vector<Selection> selections;
  int nodes = 0;
  size_t max_steps = 1;  // of any node
  // Over all selectors, inclusive; both 0 when there is none.
  int64_t min_ms = 0;
  int64_t max_ms = 0;
};

// Fails (kInvalidArgument) when a duration expression has no valid value for these times.
Result<Plan> MakePlan(const Expr& root, const PlanOptions& options);

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_PLAN_PLAN_H_
