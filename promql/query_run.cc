#include "promql/query_run.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <utility>
#include <vector>

#include "promql/exec/build.h"
#include "promql/exec/selector.h"
#include "promql/plan/plan.h"
#include "promql/printer.h"

namespace deucalion::promql {
namespace {

double Seconds(int64_t begin_ns, int64_t end_ns) {
  return static_cast<double>(end_ns - begin_ns) / 1e9;
}

std::vector<Row> SortedByLabels(std::vector<Row> rows) {
  auto less = [](const Row& a, const Row& b) { return a.labels < b.labels; };
  if (std::is_sorted(rows.begin(), rows.end(), less)) return rows;
  std::vector<uint32_t> order(rows.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](uint32_t a, uint32_t b) { return less(rows[a], rows[b]); });
  std::vector<Row> sorted;
  sorted.reserve(rows.size());
  for (uint32_t i : order) sorted.push_back(std::move(rows[i]));
  return sorted;
}

Vector RowsToVector(int64_t time_ms, std::vector<Row> rows) {
  Vector vector;
  vector.reserve(rows.size());
  for (Row& row : rows) {
    VectorSample& sample = vector.emplace_back();
    sample.labels = std::move(row.labels);
    sample.time_ms = time_ms;
    if (row.HistogramAt(0)) {
      sample.histogram = std::move(row.histograms[0]);
    } else {
      sample.value = row.values[0];
    }
  }
  return vector;
}

class QueryRun {
 public:
  QueryRun(const EngineOptions& engine, const QueryOptions& options, const ParsedExpr& parsed,
           const QueryTimes& times, const CancelToken& deadline, Queryable& queryable,
           SharedMemory* memory, QueryResult* result)
      : engine_(engine),
        options_(options),
        parsed_(parsed),
        times_(times),
        queryable_(queryable),
        clock_(engine.clock != nullptr ? engine.clock : Clock::Real()),
        budget_(engine.max_samples, engine.max_query_bytes, memory),
        ctx_{.options = engine},
        result_(result) {
    ctx_.lookback_ms =
        options.lookback_delta_ms > 0 ? options.lookback_delta_ms : engine.lookback_delta_ms;
    ctx_.delayed_names = engine.delayed_name_removal;
    ctx_.budget = &budget_;
    ctx_.deadline = deadline;
    ctx_.client = options.cancel;
    ctx_.pool = engine.pool;
    ctx_.per_step_stats = engine.per_step_stats && options.per_step_stats;
  }

  void Run() {
    const int64_t begin = clock_->MonotonicNs();
    Result<Value> value = Evaluate(begin);
    ctx_.selected.clear();  // before the querier they come from
    if (value.ok()) {
      result_->value = std::move(*value);
    } else {
      result_->status = value.TakeStatus();
    }
    result_->stats.timings.eval_total = Seconds(begin, evaluated_ns_);
    result_->annotations = std::move(ctx_.annotations);
    if (querier_ != nullptr) {
      for (std::string& text : querier_->Warnings()) {
        result_->annotations.Add({.kind = AnnotationKind::kWarning, .text = std::move(text)});
      }
    }
    CollectStats();
  }

 private:
  Result<Value> Evaluate(int64_t begin_ns) {
    QueryTimings& timings = result_->stats.timings;
    Status prepared = Prepare();
    const int64_t prepared_ns = evaluated_ns_ = clock_->MonotonicNs();
    timings.preparation = Seconds(begin_ns, prepared_ns);
    RETURN_IF_ERROR(std::move(prepared));
    Result<Value> value = EvaluateRoot();
    evaluated_ns_ = clock_->MonotonicNs();
    timings.inner_eval = Seconds(prepared_ns, evaluated_ns_) - timings.result_sort;
    return value;
  }

  Status Prepare() {
    PlanOptions plan_options;
    plan_options.start_ms = times_.start_ms;
    plan_options.end_ms = times_.end_ms;
    plan_options.step_ms = times_.step_ms;
    plan_options.lookback_ms = ctx_.lookback_ms;
    plan_options.type_and_unit_labels = engine_.type_and_unit_labels;
    plan_options.default_subquery_step = engine_.default_subquery_step;
    ASSIGN_OR_RETURN(plan_, MakePlan(*parsed_.root, plan_options));
    // One series of so many steps would be too much already.
    if (engine_.max_samples > 0 && plan_.max_steps > static_cast<uint64_t>(engine_.max_samples)) {
      return TooManySamplesError();
    }
    RETURN_IF_ERROR(budget_.AddBytes(plan_.max_steps * sizeof(double)));
    budget_.ReleaseBytes(plan_.max_steps * sizeof(double));
    ctx_.plan = &plan_;
    ctx_.steps = plan_.root->grid.steps;
    if (ctx_.per_step_stats) {
      ctx_.counts.queryable_per_step.resize(ctx_.steps);
      ctx_.counts.read_per_step.resize(ctx_.steps);
    }
    if (options_.per_node_stats) {
      node_stats_.resize(static_cast<size_t>(plan_.nodes));
      ctx_.node_stats = &node_stats_;
    }
    ASSIGN_OR_RETURN(querier_, queryable_.NewQuerier(plan_.min_ms, plan_.max_ms));
    querier_->ChargeTo(&budget_);
    ctx_.querier = querier_.get();
    return OkStatus();
  }

  Result<Value> EvaluateRoot() {
    const PlanNode& root = *plan_.root;
    switch (root.expr->Type()) {
      case ValueType::kString:
        if (!options_.parenthesised_strings && parsed_.root->kind() == ExprKind::kParen) {
          return Status(StatusCode::kExecution,
                        "unexpected result in StepInvariantExpr evaluation: "
                        "*parser.StepInvariantExpr");
        }
        return Value(String{times_.start_ms, As<StringLiteral>(*root.expr).value});
      case ValueType::kScalar:
        return EvaluateScalarRoot(root);
      case ValueType::kMatrix: {
        ASSIGN_OR_RETURN(Matrix matrix, EvaluateRangeSelector(&ctx_, root));
        std::sort(matrix.begin(), matrix.end(),
                  [](const MatrixSeries& a, const MatrixSeries& b) { return a.labels < b.labels; });
        return Value(std::move(matrix));
      }
      default:
        return EvaluateVectorRoot(root);
    }
  }

  Result<Value> EvaluateScalarRoot(const PlanNode& root) {
    ASSIGN_OR_RETURN(const ScalarColumn column, EvaluateScalar(&ctx_, root));
    if (times_.step_ms == 0) return Value(Scalar{times_.start_ms, column[0]});
    RETURN_IF_ERROR(budget_.AddSamples(root.grid.steps));
    MatrixSeries series;
    for (size_t step = 0; step < root.grid.steps; step++) {
      series.times.push_back(root.grid.TimeAt(step));
      series.values.push_back(column[step]);
    }
    Matrix matrix;
    matrix.push_back(std::move(series));
    return Value(std::move(matrix));
  }

  Result<Value> EvaluateVectorRoot(const PlanNode& root) {
    ASSIGN_OR_RETURN(SourcePtr source, BuildVector(&ctx_, root));
    RETURN_IF_ERROR(source->Open());
    std::vector<Row> rows;
    RETURN_IF_ERROR(CollectRows(&ctx_, source.get(), &rows));
    source.reset();
    if (ctx_.delayed_names) RETURN_IF_ERROR(RemoveDelayedNames(&rows));
    RETURN_IF_ERROR(ctx_.CheckCancel());
    if (times_.step_ms == 0) {
      return Value(RowsToVector(times_.start_ms, std::move(rows)));
    }
    const int64_t begin = clock_->MonotonicNs();
    rows = SortedByLabels(std::move(rows));
    for (size_t i = 1; i < rows.size(); i++) {
      if (rows[i].labels == rows[i - 1].labels) return SameLabelsetError();
    }
    result_->stats.timings.result_sort = Seconds(begin, clock_->MonotonicNs());
    return Value(RowsToMatrix(root.grid, std::move(rows)));
  }

  void CollectStats() {
    QueryStats& stats = result_->stats;
    {
      MutexLock lock(ctx_.mu);
      for (const auto& worker : ctx_.free_workers) ctx_.counts.Merge(worker->counts);
    }
    stats.total_queryable_samples = ctx_.counts.queryable;
    stats.samples_read = ctx_.counts.read;
    stats.peak_samples = static_cast<uint64_t>(budget_.peak_samples());
    stats.peak_bytes = budget_.peak_bytes();
    for (size_t step = 0; step < ctx_.counts.queryable_per_step.size(); step++) {
      stats.per_step.push_back({plan_.root->grid.TimeAt(step), ctx_.counts.queryable_per_step[step],
                                ctx_.counts.read_per_step[step]});
    }
    if (options_.per_node_stats && plan_.root != nullptr) AddNodes(*plan_.root, &stats.nodes);
  }

  // In pre-order; what repeats another node at every step is that node.
  uint64_t AddNodes(const PlanNode& node, std::vector<NodeStats>* out) {
    NodeStats& own = node_stats_[static_cast<size_t>(node.id)];
    if (node.kind == PlanKind::kRepeat) {
      node_stats_[static_cast<size_t>(node.child(0).id)].time_ns += own.time_ns;
      return AddNodes(node.child(0), out);
    }
    own.text = Print(*node.expr);
    own.begin = static_cast<int32_t>(node.expr->span.begin);
    own.end = static_cast<int32_t>(node.expr->span.end);
    own.depth = node.depth;
    const size_t index = out->size();
    out->push_back(own);
    uint64_t series_in = 0;
    for (const auto& child : node.children) series_in += AddNodes(*child, out);
    (*out)[index].series_in = series_in;
    return own.series_out;
  }

  const EngineOptions& engine_;
  const QueryOptions& options_;
  const ParsedExpr& parsed_;
  const QueryTimes times_;
  Queryable& queryable_;
  const Clock* const clock_;
  int64_t evaluated_ns_ = 0;
  QueryBudget budget_;
  ExecContext ctx_;
  Plan plan_;
  std::vector<NodeStats> node_stats_;
  std::unique_ptr<Querier> querier_;
  QueryResult* const result_;
};

}  // namespace

void RunQuery(const EngineOptions& engine, const QueryOptions& options, const ParsedExpr& parsed,
              const QueryTimes& times, const CancelToken& deadline, Queryable& queryable,
              SharedMemory* memory, QueryResult* result) {
  QueryRun(engine, options, parsed, times, deadline, queryable, memory, result).Run();
}

}  // namespace deucalion::promql
