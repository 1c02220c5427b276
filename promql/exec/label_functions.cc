// label_replace and label_join: they look at labels only.
#include <memory>
#include <string>
#include <utility>

#include "model/regex.h"
#include "promql/exec/build.h"
#include "promql/exec/map.h"

namespace deucalion::promql {
namespace {

// Changes the labels of the series that pass.
class RelabelSource : public Source {
 public:
  // False: the series stays as it is.
  using Relabel = std::function<bool(LabelsView labels, std::string* value)>;
  RelabelSource(ExecContext* ctx, const PlanNode* node, SourcePtr child, std::string target,
                Relabel relabel)
      : Source(ctx, node),
        child_(std::move(child)),
        target_(std::move(target)),
        relabel_(std::move(relabel)) {}
  size_t batches() const override { return child_->batches(); }

 protected:
  Status DoOpen() override { return child_->Open(); }
  Status DoProduce(size_t batch, Wanted wanted, Worker* worker, Block* out) override {
    // The name may come back here, so labels are needed whenever they are asked for or names
    // matter.
    Wanted below = wanted;
    below.labels = true;
    RETURN_IF_ERROR(child_->Produce(batch, below, worker, out));
    std::string value;
    for (Row& row : *out) {
      value.clear();
      if (!relabel_(row.labels, &value)) continue;
      LabelsBuilder builder(row.labels);
      builder.Set(target_, value);
      row.labels = builder.Build();
      if (target_ == kMetricName) row.drop_name = false;
    }
    return OkStatus();
  }

 private:
  const SourcePtr child_;
  const std::string target_;
  const Relabel relabel_;
};

std::string StringArg(const Call& call, size_t i) {
  return As<StringLiteral>(StripParens(*call.args[i])).value;
}

Result<RelabelSource::Relabel> MakeReplace(const Call& call) {
  const std::string pattern = StringArg(call, 4);
  Result<Regex> regex = Regex::Compile(pattern);
  if (!regex.ok()) {
    return ExecutionError("invalid regular expression in label_replace(): " + pattern);
  }
  const std::string target = StringArg(call, 1);
  if (!IsValidLabelName(target)) {
    return ExecutionError("invalid destination label name in label_replace(): " + target);
  }
  return RelabelSource::Relabel(
      [re = std::move(*regex), replacement = StringArg(call, 2), source = StringArg(call, 3)](
          LabelsView labels, std::string* value) {
        return re.Expand(labels.Get(source), replacement, value);
      });
}

Result<RelabelSource::Relabel> MakeJoin(const Call& call) {
  std::vector<std::string> sources;
  for (size_t i = 3; i < call.args.size(); i++) {
    sources.push_back(StringArg(call, i));
    if (!IsValidLabelName(sources.back())) {
      return ExecutionError("invalid source label name in label_join(): " + sources.back());
    }
  }
  const std::string target = StringArg(call, 1);
  if (!IsValidLabelName(target)) {
    return ExecutionError("invalid destination label name in label_join(): " + target);
  }
  return RelabelSource::Relabel([sources = std::move(sources), separator = StringArg(call, 2)](
                                    LabelsView labels, std::string* value) {
    for (size_t i = 0; i < sources.size(); i++) {
      if (i > 0) value->append(separator);
      value->append(labels.Get(sources[i]));
    }
    return true;
  });
}

}  // namespace

Result<SourcePtr> BuildLabelCall(ExecContext* ctx, const PlanNode& node) {
  const auto& call = As<Call>(*node.expr);
  const bool replace = call.function->id == FunctionId::kLabelReplace;
  ASSIGN_OR_RETURN(RelabelSource::Relabel relabel, replace ? MakeReplace(call) : MakeJoin(call));
  ASSIGN_OR_RETURN(SourcePtr child, BuildVector(ctx, node.child(0)));
  SourcePtr source = std::make_unique<RelabelSource>(ctx, &node, std::move(child),
                                                     StringArg(call, 1), std::move(relabel));
  return SourcePtr(
      std::make_unique<UniqueSource>(ctx, &node, std::move(source), UniqueSource::Policy::kMerge));
}

}  // namespace deucalion::promql
