// Functions of histograms: native ones by themselves (histogram_count and the like), and those that
// take classic ones too (histogram_quantile, histogram_quantiles, histogram_fraction).
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "model/value.h"
#include "promql/exec/build.h"
#include "promql/exec/grouping.h"
#include "promql/exec/map.h"
#include "promql/exec/notes.h"
#include "promql/functions/histogram_math.h"

namespace deucalion::promql {
namespace {

using OfHistogram = double (*)(const FloatHistogram&);

OfHistogram NativeFunctionOf(FunctionId id) {
  switch (id) {
    case FunctionId::kHistogramCount:
      return [](const FloatHistogram& h) { return h.count; };
    case FunctionId::kHistogramSum:
      return [](const FloatHistogram& h) { return h.sum; };
    case FunctionId::kHistogramAvg:
      return [](const FloatHistogram& h) { return h.sum / h.count; };
    case FunctionId::kHistogramStddev:
      return HistogramStddev;
    case FunctionId::kHistogramStdvar:
      return HistogramStdvar;
    default:
      return nullptr;
  }
}

int32_t PosOfArg(const PlanNode& node, size_t i) {
  return static_cast<int32_t>(StripParens(*As<Call>(*node.expr).args[i]).span.begin);
}

// q as the label of histogram_quantiles: OpenMetrics writes whole numbers with a decimal.
std::string OpenMetricsFloat(double v) {
  std::string text = FormatFloatG(v);
  if (text.find_first_of("e.nN") == std::string::npos) text += ".0";
  return text;
}

bool OutOfUnit(double q) { return !(q >= 0 && q <= 1); }

// What is asked of every histogram at every step.
class BucketFunction {
 public:
  virtual ~BucketFunction() = default;
  // The scalars; warnings about them.
  virtual Status Open() = 0;
  // How many answers there are per histogram, and the label that tells them apart ("" = one
  // answer).
  virtual size_t answers() const { return 1; }
  virtual void AddLabel(size_t answer, LabelsBuilder* builder) const {}
  virtual double OfNative(size_t answer, size_t step, const FloatHistogram& h,
                          std::string_view name) = 0;
  // May reorder *buckets.
  virtual double OfClassic(size_t answer, size_t step, std::vector<ClassicBucket>* buckets,
                           std::string_view name) = 0;
};

class QuantileFunction : public BucketFunction {
 public:
  // `args`: which arguments of the call are quantiles. `pos`: of annotations.
  QuantileFunction(ExecContext* ctx, const PlanNode* node, std::vector<size_t> args,
                   std::string label, int32_t pos)
      : ctx_(ctx), node_(node), args_(std::move(args)), label_(std::move(label)), pos_(pos) {}

  Status Open() override {
    for (size_t arg : args_) {
      ASSIGN_OR_RETURN(ScalarColumn q, EvaluateScalar(ctx_, node_->child(arg)));
      for (size_t step = 0; step < (q.is_constant() ? 1 : node_->grid.steps); step++) {
        if (OutOfUnit(q[step])) {
          ctx_->annotations.Add(notes::InvalidQuantile(q[step], PosOfArg(*node_, arg)));
        }
      }
      quantiles_.push_back(std::move(q));
    }
    return OkStatus();
  }
  size_t answers() const override { return quantiles_.size(); }
  void AddLabel(size_t answer, LabelsBuilder* builder) const override {
    if (!label_.empty()) builder->Set(label_, OpenMetricsFloat(quantiles_[answer][0]));
  }
  double OfNative(size_t answer, size_t step, const FloatHistogram& h,
                  std::string_view name) override {
    const HistogramQuantileResult r = HistogramQuantile(quantiles_[answer][step], h);
    if (r.nan_result) ctx_->annotations.Add(notes::QuantileNanResult(name, pos_));
    if (r.nan_skew) ctx_->annotations.Add(notes::QuantileNanSkew(name, pos_));
    return r.value;
  }
  double OfClassic(size_t answer, size_t step, std::vector<ClassicBucket>* buckets,
                   std::string_view name) override {
    const BucketQuantileResult r = BucketQuantile(quantiles_[answer][step], buckets);
    if (r.fix.forced) {
      ctx_->annotations.Add(notes::ForcedMonotonicity(name, node_->grid.TimeAt(step),
                                                      r.fix.min_bucket, r.fix.max_bucket,
                                                      r.fix.max_diff, pos_));
    }
    return r.value;
  }

 private:
  ExecContext* const ctx_;
  const PlanNode* const node_;
  const std::vector<size_t> args_;
  const std::string label_;
  const int32_t pos_;
  std::vector<ScalarColumn> quantiles_;
};

class FractionFunction : public BucketFunction {
 public:
  FractionFunction(ExecContext* ctx, const PlanNode* node) : ctx_(ctx), node_(node) {}
  Status Open() override {
    ASSIGN_OR_RETURN(lower_, EvaluateScalar(ctx_, node_->child(0)));
    ASSIGN_OR_RETURN(upper_, EvaluateScalar(ctx_, node_->child(1)));
    return OkStatus();
  }
  double OfNative(size_t, size_t step, const FloatHistogram& h, std::string_view name) override {
    const HistogramFractionResult r = HistogramFraction(lower_[step], upper_[step], h);
    if (r.has_nan) ctx_->annotations.Add(notes::FractionNans(name, PosOfArg(*node_, 2)));
    return r.value;
  }
  double OfClassic(size_t, size_t step, std::vector<ClassicBucket>* buckets,
                   std::string_view) override {
    return BucketFraction(lower_[step], upper_[step], buckets);
  }

 private:
  ExecContext* const ctx_;
  const PlanNode* const node_;
  ScalarColumn lower_, upper_;
};

// Series with the same labels but for `le` are one classic histogram; a native one of just these
// labels is in conflict with it wherever both have samples.
class BucketSource : public RowsSource {
 public:
  BucketSource(ExecContext* ctx, const PlanNode* node, SourcePtr child, size_t vector_arg,
               std::unique_ptr<BucketFunction> function)
      : RowsSource(ctx, node),
        child_(std::move(child)),
        vector_pos_(PosOfArg(*node, vector_arg)),
        function_(std::move(function)) {}

 protected:
  Status DoOpen() override {
    RETURN_IF_ERROR(function_->Open());
    const int64_t samples = ctx().budget->samples();
    RETURN_IF_ERROR(child_->Open());
    RETURN_IF_ERROR(CollectRows(&ctx(), child_.get(), &input_));
    MakeGroups();
    for (size_t i = 0; i < groups_.size(); i++) {
      if (i % 256 == 0) RETURN_IF_ERROR(ctx().CheckCancel());
      RETURN_IF_ERROR(EvaluateGroup(groups_[i]));
    }
    input_.clear();
    groups_.clear();
    if (!(node().grid.instant() && ctx().delayed_names)) {
      RETURN_IF_ERROR(MergeRowsWithSameLabels(&rows_));
    }
    return AccountRows(samples);
  }

 private:
  struct Group {
    std::vector<std::pair<double, uint32_t>> buckets;  // upper bound, row
    std::vector<uint32_t> native;                      // rows
    uint32_t first = 0;                                // row that says the labels
  };

  std::string_view NameOf(LabelsView labels) const {
    return ctx().delayed_names ? labels.Get(kMetricName) : std::string_view();
  }

  void MakeGroups() {
    GroupTable table;
    Labels key;
    auto group_of = [&](const Labels& labels, uint32_t row) -> Group& {
      bool added = false;
      const uint32_t id = table.Find(labels, &added);
      if (added) groups_.emplace_back().first = row;
      return groups_[id];
    };
    for (uint32_t i = 0; i < input_.size(); i++) {
      const Row& row = input_[i];
      if (row.has_histograms()) group_of(row.labels, i).native.push_back(i);
      if (!row.floats.Any()) continue;
      const std::string_view le = row.labels.Get(kBucketLabel);
      const Result<double> bound = ParseFloat(le);
      if (!bound.ok()) {
        ctx().annotations.Add(notes::BadBucketLabel(NameOf(row.labels), le, vector_pos_));
        continue;
      }
      DropLabels(row.labels, {std::string(kBucketLabel)}, &key);
      group_of(key, i).buckets.push_back({*bound, i});
    }
  }

  Labels LabelsOf(const Row& row, bool classic, size_t answer) const {
    LabelsBuilder builder(row.labels);
    if (classic) builder.Delete(kBucketLabel);
    if (!ctx().delayed_names) builder.Delete(kMetricName).Delete(kTypeLabel).Delete(kUnitLabel);
    function_->AddLabel(answer, &builder);
    return builder.Build();
  }

  Status EvaluateGroup(const Group& g) {
    StepMask classic(steps());
    for (const auto& [bound, row] : g.buckets) classic.Or(input_[row].floats);
    for (size_t answer = 0; answer < function_->answers(); answer++) {
      StepMask conflict(steps());
      for (uint32_t i : g.native) EvaluateNative(i, answer, classic, &conflict);
      if (!g.buckets.empty()) EvaluateClassic(g, answer, conflict);
      RETURN_IF_ERROR(ctx().budget->AddBytes((g.native.size() + 1) * (steps() * 9 + 300)));
    }
    return OkStatus();
  }

  Row& NewRow(const Row& from, bool classic, size_t answer) {
    Row& out = rows_.emplace_back();
    out.Reset(steps());
    out.labels = LabelsOf(from, classic, answer);
    out.drop_name = true;
    return out;
  }

  void EvaluateNative(uint32_t i, size_t answer, const StepMask& classic, StepMask* conflict) {
    const Row& row = input_[i];
    const std::string_view name = NameOf(row.labels);
    Row& out = NewRow(row, false, answer);
    for (size_t step = 0; step < steps(); step++) {
      if (!row.HistogramAt(step)) continue;
      if (classic.Test(step)) {
        conflict->Set(step);
        ctx().annotations.Add(notes::MixedClassicNative(name, vector_pos_));
      } else {
        out.SetFloat(step, function_->OfNative(answer, step, *row.histograms[step], name));
      }
    }
    if (!out.Any()) rows_.pop_back();
  }

  void EvaluateClassic(const Group& g, size_t answer, const StepMask& conflict) {
    const Row& first = input_[g.buckets[0].second];
    const std::string_view name = NameOf(first.labels);
    Row& out = NewRow(first, true, answer);
    std::vector<ClassicBucket> buckets;
    for (size_t step = 0; step < steps(); step++) {
      if (conflict.Test(step)) continue;
      buckets.clear();
      for (const auto& [bound, row] : g.buckets) {
        if (input_[row].floats.Test(step)) buckets.push_back({bound, input_[row].values[step]});
      }
      if (!buckets.empty()) {
        out.SetFloat(step, function_->OfClassic(answer, step, &buckets, name));
      }
    }
    if (!out.Any()) rows_.pop_back();
  }

  const SourcePtr child_;
  const int32_t vector_pos_;
  const std::unique_ptr<BucketFunction> function_;
  std::vector<Row> input_;
  std::vector<Group> groups_;
};

Result<SourcePtr> BuildNative(ExecContext* ctx, const PlanNode& node, OfHistogram f) {
  const PlanNode& child_node = node.child(0);
  ASSIGN_OR_RETURN(SourcePtr child, BuildVector(ctx, child_node));
  auto map = [f](Row* row, Worker*) {
    row->floats.Reset(row->steps());
    for (size_t step = 0; step < row->histograms.size(); step++) {
      if (row->histograms[step] != nullptr) row->SetFloat(step, f(*row->histograms[step]));
    }
    row->DropHistograms();
    return OkStatus();
  };
  SourcePtr source =
      std::make_unique<MapSource>(ctx, &node, std::move(child), NameRule::kDrop, map);
  return GuardDroppedNames(ctx, node, child_node.names, UniqueSource::Policy::kMerge,
                           std::move(source));
}

}  // namespace

Result<SourcePtr> BuildHistogramCall(ExecContext* ctx, const PlanNode& node) {
  const auto& call = As<Call>(*node.expr);
  if (OfHistogram f = NativeFunctionOf(call.function->id)) return BuildNative(ctx, node, f);
  size_t vector_arg = 0;
  std::unique_ptr<BucketFunction> function;
  switch (call.function->id) {
    case FunctionId::kHistogramQuantile:
      vector_arg = 1;
      function = std::make_unique<QuantileFunction>(ctx, &node, std::vector<size_t>{0}, "",
                                                    PosOfArg(node, 1));
      break;
    case FunctionId::kHistogramQuantiles: {
      std::vector<size_t> quantiles;
      for (size_t i = 2; i < call.args.size(); i++) quantiles.push_back(i);
      function = std::make_unique<QuantileFunction>(
          ctx, &node, std::move(quantiles), As<StringLiteral>(StripParens(*call.args[1])).value,
          PosOfArg(node, 0));
      break;
    }
    case FunctionId::kHistogramFraction:
      vector_arg = 2;
      function = std::make_unique<FractionFunction>(ctx, &node);
      break;
    default:
      return InternalError("function " + std::string(call.function->name) + " has no operator");
  }
  ASSIGN_OR_RETURN(SourcePtr child, BuildVector(ctx, node.child(vector_arg)));
  return SourcePtr(std::make_unique<BucketSource>(ctx, &node, std::move(child), vector_arg,
                                                  std::move(function)));
}

}  // namespace deucalion::promql
