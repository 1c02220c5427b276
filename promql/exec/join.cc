#include "promql/exec/join.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "promql/exec/build.h"
#include "promql/exec/labels_text.h"
#include "promql/plan/scalar_math.h"

namespace deucalion::promql {
namespace {

constexpr const char* kManyToOne =
    "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)";
constexpr const char* kGroupingLabels =
    "multiple matches for labels: grouping labels must ensure unique matches";

StepMask PresenceOf(const Row& row) {
  StepMask mask(row.steps());
  row.AddPresence(&mask);
  return mask;
}

Element ElementAt(const Row& row, size_t step) {
  if (row.HistogramAt(step)) return {0, row.histograms[step]};
  return {row.values[step], nullptr};
}

// A row of one number at the steps of `mask`.
Row ConstantRow(Labels labels, double value, const StepMask& mask) {
  Row row;
  row.Reset(mask.steps());
  row.labels = std::move(labels);
  std::fill(row.values.begin(), row.values.end(), value);
  row.floats = mask;
  return row;
}

}  // namespace

JoinSource::JoinSource(ExecContext* ctx, const PlanNode* node, SourcePtr left, SourcePtr right)
    : RowsSource(ctx, node),
      expr_(As<BinaryExpr>(*node->expr)),
      matching_(*expr_.matching),
      left_(std::move(left)),
      right_(std::move(right)),
      signature_(SignatureOf(matching_)) {
  PlanResultLabels();
}

void JoinSource::FirstError::Offer(size_t at_step, int at_phase, uint32_t at_row,
                                   std::string text) {
  if (std::tie(at_step, at_phase, at_row) >= std::tie(step, phase, row)) return;
  step = at_step;
  phase = at_phase;
  row = at_row;
  message = std::move(text);
}

Status JoinSource::DoOpen() {
  const int64_t samples = ctx().budget->samples();
  RETURN_IF_ERROR(left_->Open());
  RETURN_IF_ERROR(CollectRows(&ctx(), left_.get(), &many_));
  RETURN_IF_ERROR(right_->Open());
  RETURN_IF_ERROR(CollectRows(&ctx(), right_.get(), &one_));
  FindActiveSteps();
  if (swapped()) many_.swap(one_);
  if (active_.Any()) {
    MakeGroups();
    for (size_t i = 0; i < groups_.size(); i++) {
      if (i % 1024 == 0) RETURN_IF_ERROR(ctx().CheckCancel());
      CheckOneSide(groups_[i]);
    }
    ForgetStepsAfterError();
    for (size_t i = 0; i < groups_.size() && active_.Any(); i++) {
      RETURN_IF_ERROR(JoinGroup(groups_[i]));
    }
    if (error_.step != SIZE_MAX) return ExecutionError(std::move(error_.message));
  }
  groups_.clear();
  many_.clear();
  one_.clear();
  if (!(node().grid.instant() && ctx().delayed_names)) {
    RETURN_IF_ERROR(MergeRowsWithSameLabels(&rows_));
  }
  return AccountRows(samples);
}

// Steps without a sample on one side (on both, with fill values) are passed over, errors and all.
void JoinSource::FindActiveSteps() {
  active_.Reset(steps());
  StepMask right(steps());
  for (const Row& row : many_) row.AddPresence(&active_);
  for (const Row& row : one_) row.AddPresence(&right);
  if (matching_.fill_lhs || matching_.fill_rhs) {
    active_.Or(right);
  } else {
    active_.And(right);
  }
}

// A loop over steps would have ended there: what follows need not be matched, least of all the
// duplicates that were found.
void JoinSource::ForgetStepsAfterError() {
  if (error_.step == SIZE_MAX) return;
  // At its own step an error of matching may still be that of an earlier row.
  for (size_t step = error_.step + (error_.phase == 0 ? 0 : 1); step < steps(); step++) {
    active_.Clear(step);
  }
}

// Every so often: groups may have as many pairs as there are series, squared.
Status JoinSource::CountPair() { return pairs_++ % 1024 == 0 ? ctx().CheckCancel() : OkStatus(); }

void JoinSource::MakeGroups() {
  GroupTable table;
  Labels signature;
  auto group_of = [&](const Row& row) -> Group& {
    signature_.LabelsOf(row.labels, &signature);
    bool added = false;
    const uint32_t id = table.Find(signature, &added);
    if (added) groups_.emplace_back();
    return groups_[id];
  };
  for (uint32_t i = 0; i < many_.size(); i++) group_of(many_[i]).many.push_back(i);
  for (uint32_t i = 0; i < one_.size(); i++) group_of(one_[i]).one.push_back(i);
}

// Two series of the one side must not have a sample at the same step.
void JoinSource::CheckOneSide(const Group& g) {
  if (g.one.size() < 2) return;
  StepMask seen = PresenceOf(one_[g.one[0]]);
  for (size_t i = 1; i < g.one.size(); i++) {
    StepMask mask = PresenceOf(one_[g.one[i]]);
    StepMask clash = mask;
    clash.And(seen);
    clash.And(active_);
    seen.Or(mask);
    if (!clash.Any()) continue;
    size_t step = SIZE_MAX;
    clash.ForEach([&](size_t s) { step = std::min(step, s); });
    size_t first = 0;
    while (!one_[g.one[first]].SampleAt(step)) first++;
    LabelsView a = one_[g.one[i]].labels, b = one_[g.one[first]].labels;
    if (b < a) std::swap(a, b);
    error_.Offer(step, 0, g.one[i],
                 "found duplicate series for the match group " + LabelsText(MatchLabels(a)) +
                     " on the " + (swapped() ? "left" : "right") +
                     " hand-side of the operation: [" + LabelsText(a) + ", " + LabelsText(b) +
                     "];many-to-many matching not allowed: matching labels must be unique on one "
                     "side");
  }
}

Status JoinSource::JoinGroup(const Group& g) {
  // As upstream, also with group_right: fill_right stands in for the one side, fill_left for the
  // many.
  const bool fill_one = matching_.fill_rhs.has_value();
  const bool fill_many = matching_.fill_lhs.has_value();
  StepMask one_present(steps()), matched_any(steps());
  for (uint32_t i : g.one) one_[i].AddPresence(&one_present);

  std::vector<std::pair<uint32_t, Row>> results;
  std::vector<StepMask> matched;
  uint64_t bytes = 0;
  auto join = [&](uint32_t many, const Row& one, const StepMask& at) -> Status {
    RETURN_IF_ERROR(CountPair());
    StepMask both = PresenceOf(many_[many]);
    both.And(at);
    both.And(active_);
    if (!both.Any()) return OkStatus();
    Row out = NewResult(many_[many], one.labels);
    StepMask done(steps());
    JoinPair(many_[many], one, both, &out, &done);
    matched_any.Or(done);
    const uint64_t size = out.SizeBytes();
    bytes += size;
    results.emplace_back(many, std::move(out));
    matched.push_back(std::move(done));
    return ctx().budget->AddBytes(size);
  };
  for (uint32_t many : g.many) {
    for (uint32_t one : g.one) RETURN_IF_ERROR(join(many, one_[one], PresenceOf(one_[one])));
    if (fill_one) {
      StepMask missing(steps());
      missing.SetAll();
      missing.AndNot(one_present);
      const double value = *matching_.fill_rhs;
      const Row filled = ConstantRow(MatchLabels(many_[many].labels), value, missing);
      RETURN_IF_ERROR(join(many, filled, missing));
    }
  }
  CheckMatches(g, results, matched);
  ForgetStepsAfterError();
  ctx().budget->ReleaseBytes(bytes);  // Keep charges what stays
  for (auto& [many, row] : results) RETURN_IF_ERROR(Keep(std::move(row)));
  return fill_many ? FillMissingMany(g, matched_any) : OkStatus();
}

// Series of the one side without a partner meet the fill value of the other.
Status JoinSource::FillMissingMany(const Group& g, const StepMask& matched) {
  const double value = *matching_.fill_lhs;
  for (uint32_t one : g.one) {
    StepMask at = PresenceOf(one_[one]);
    at.And(active_);
    at.AndNot(matched);
    if (!at.Any()) continue;
    const Row many = ConstantRow(MatchLabels(one_[one].labels), value, at);
    Row out = NewResult(many, one_[one].labels);
    StepMask done(steps());
    JoinPair(many, one_[one], at, &out, &done);
    RETURN_IF_ERROR(Keep(std::move(out)));
  }
  return OkStatus();
}

// At one step, one-to-one matching allows one match per group; with group_left and group_right the
// results of a group must differ in their labels.
void JoinSource::CheckMatches(const Group& g, const std::vector<std::pair<uint32_t, Row>>& results,
                              const std::vector<StepMask>& matched) {
  if (results.size() < 2) return;
  std::unordered_map<std::string_view, StepMask> seen;
  for (size_t i = 0; i < results.size(); i++) {
    const std::string_view key =
        one_to_one() ? std::string_view() : results[i].second.labels.bytes();
    const auto [it, fresh] = seen.try_emplace(key, matched[i]);
    if (fresh) continue;
    StepMask clash = matched[i];
    clash.And(it->second);
    it->second.Or(matched[i]);
    size_t step = SIZE_MAX;
    clash.ForEach([&](size_t s) { step = std::min(step, s); });
    if (step == SIZE_MAX) continue;
    error_.Offer(step, 1, results[i].first, one_to_one() ? kManyToOne : kGroupingLabels);
  }
}

// `matched`: steps at which the operator had a meaning, whether or not there is a result.
void JoinSource::JoinPair(const Row& many, const Row& one, const StepMask& steps, Row* out,
                          StepMask* matched) {
  const bool trim = !IsComparison(expr_.op) && !DropsName(expr_.op);
  if (!many.has_histograms() && !one.has_histograms() && !trim) {
    *matched = steps;
    JoinFloats(many, one, steps, out);
    return;
  }
  steps.ForEach([&](size_t step) {
    const Element m = ElementAt(many, step), o = ElementAt(one, step);
    ElementResult r = ApplyElementOp(expr_.op, swapped() ? o : m, swapped() ? m : o, node().pos(),
                                     &ctx().annotations);
    if (!r.valid) return;
    matched->Set(step);
    if (expr_.return_bool) {
      out->SetFloat(step, r.keep ? 1 : 0);
    } else if (r.keep && r.element.histogram != nullptr) {
      out->SetHistogram(step, std::move(r.element.histogram));
    } else if (r.keep) {
      out->SetFloat(step, r.element.value);
    }
  });
}

void JoinSource::JoinFloats(const Row& many, const Row& one, const StepMask& steps, Row* out) {
  const double* l = (swapped() ? one : many).values.data();
  const double* r = (swapped() ? many : one).values.data();
  double* v = out->values.data();
  out->floats = steps;
  if (!IsComparison(expr_.op)) {
    steps.ForEach([&](size_t i) { v[i] = ArithmeticFloats(expr_.op, l[i], r[i]); });
  } else if (expr_.return_bool) {
    steps.ForEach([&](size_t i) { v[i] = CompareFloats(expr_.op, l[i], r[i]) ? 1 : 0; });
  } else {
    steps.ForEach([&](size_t i) {
      v[i] = l[i];
      if (!CompareFloats(expr_.op, l[i], r[i])) out->floats.Clear(i);
    });
  }
}

Labels JoinSource::MatchLabels(LabelsView series) const {
  Labels out;
  signature_.LabelsOf(series, &out);
  return out;
}

void JoinSource::PlanResultLabels() {
  const bool drop_name = DropsName(expr_.op) || (expr_.return_bool && !ctx().delayed_names);
  const std::vector<std::string> metadata = {std::string(kMetricName), std::string(kTypeLabel),
                                             std::string(kUnitLabel)};
  keep_ = one_to_one() && matching_.on;
  if (one_to_one()) result_names_ = matching_.labels;
  if (keep_ && drop_name) {
    std::erase_if(result_names_, [&](const std::string& name) {
      return std::find(metadata.begin(), metadata.end(), name) != metadata.end();
    });
  } else if (drop_name) {
    result_names_.insert(result_names_.end(), metadata.begin(), metadata.end());
  }
  std::sort(result_names_.begin(), result_names_.end());
}

Labels JoinSource::ResultLabels(LabelsView many, LabelsView one) const {
  Labels out;
  if (keep_) {
    KeepLabels(many, result_names_, &out);
  } else if (result_names_.empty()) {
    out.Assign(many);
  } else {
    DropLabels(many, result_names_, &out);
  }
  if (matching_.include.empty()) return out;
  LabelsBuilder builder(out);
  for (const std::string& name : matching_.include) {
    const bool dropped = expr_.return_bool && !ctx().delayed_names &&
                         (name == kMetricName || name == kTypeLabel || name == kUnitLabel);
    builder.Set(name, dropped ? std::string_view() : one.Get(name));
  }
  return builder.Build();
}

Row JoinSource::NewResult(const Row& many, LabelsView one) const {
  Row out;
  out.Reset(steps());
  out.labels = ResultLabels(many.labels, one);
  out.drop_name = expr_.return_bool;
  return out;
}

Status JoinSource::Keep(Row row) {
  if (!row.Any()) return OkStatus();
  const uint64_t bytes = row.SizeBytes();
  rows_.push_back(std::move(row));
  return ctx().budget->AddBytes(bytes);
}

Result<SourcePtr> BuildVectorBinary(ExecContext* ctx, const PlanNode& node) {
  if (IsSetOperator(As<BinaryExpr>(*node.expr).op)) return BuildSetOp(ctx, node);
  ASSIGN_OR_RETURN(SourcePtr left, BuildVector(ctx, node.child(0)));
  ASSIGN_OR_RETURN(SourcePtr right, BuildVector(ctx, node.child(1)));
  return SourcePtr(std::make_unique<JoinSource>(ctx, &node, std::move(left), std::move(right)));
}

}  // namespace deucalion::promql
