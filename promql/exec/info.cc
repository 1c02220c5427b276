// info(v, {…}): adds the labels of info metrics to the series of v.
//
// Info series belong to a base series when they share `instance` and `job`. Of several series of
// one info metric the one with the newest sample at the step counts. Which info metrics there are,
// and which of their labels are taken, is said by the second argument; target_info and all labels
// if it is missing.
#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "promql/exec/build.h"
#include "promql/exec/grouping.h"
#include "promql/exec/labels_text.h"
#include "promql/exec/selector.h"
#include "promql/exec/source.h"

namespace deucalion::promql {
namespace {

constexpr std::string_view kIdentifying[] = {"instance", "job"};

std::string QuoteRegex(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (std::string_view("\\.+*?()|[]{}^$").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

// Two rules in a row: what `outer` makes of the evaluation time, then `inner` of that.
SampleWindow Compose(const SampleWindow& outer, const SampleWindow& inner) {
  SampleWindow w;
  w.fixed_end_ms = inner.fixed_end_ms;
  if (w.fixed_end_ms) return w;
  w.fixed_end_ms = outer.fixed_end_ms;
  if (w.fixed_end_ms) {
    *w.fixed_end_ms -= inner.offset_ms;
  } else {
    w.offset_ms = outer.offset_ms + inner.offset_ms;
  }
  return w;
}

// The time the first selector below `node` looks at, subqueries around it included.
std::optional<SampleWindow> ReferenceTime(const PlanNode& node, const SampleWindow& around) {
  switch (node.kind) {
    case PlanKind::kSelector:
    case PlanKind::kRangeSelector:
      return Compose(around, node.window);
    case PlanKind::kSubquery:
      return ReferenceTime(node.child(0), Compose(around, node.window));
    default:
      for (const auto& child : node.children) {
        if (auto found = ReferenceTime(*child, around)) return found;
      }
      return std::nullopt;
  }
}

class InfoSource : public RowsSource {
 public:
  InfoSource(ExecContext* ctx, const PlanNode* node, SourcePtr base)
      : RowsSource(ctx, node),
        base_(std::move(base)),
        identity_(true, {std::string(kIdentifying[0]), std::string(kIdentifying[1])}) {}

 protected:
  Status DoOpen() override {
    const int64_t samples = ctx().budget->samples();
    RETURN_IF_ERROR(base_->Open());
    std::vector<Row> base;
    RETURN_IF_ERROR(CollectRows(&ctx(), base_.get(), &base));
    ReadMatchers();
    RETURN_IF_ERROR(FetchInfo(base));
    for (Row& row : base) {
      if (IsInfo(row.labels)) {
        rows_.push_back(std::move(row));
      } else {
        RETURN_IF_ERROR(Enrich(row));
      }
    }
    info_.clear();
    RETURN_IF_ERROR(MergeRowsWithSameLabels(&rows_));
    return AccountRows(samples);
  }

 private:
  void ReadMatchers() {
    const auto& call = As<Call>(*node().expr);
    if (call.args.size() < 2) {
      name_matchers_.push_back(Matcher::Equal(std::string(kMetricName), "target_info"));
      return;
    }
    for (const Matcher& m : As<VectorSelector>(StripParens(*call.args[1])).matchers) {
      (m.name() == kMetricName ? name_matchers_ : data_matchers_).push_back(m);
    }
    if (!name_matchers_.empty() && std::all_of(name_matchers_.begin(), name_matchers_.end(),
                                               [](const Matcher& m) { return m.negative(); })) {
      // Only what it must not be: otherwise every metric that is called so.
      name_matchers_.push_back(
          Matcher::Make(MatchType::kRegexp, std::string(kMetricName), ".+_info").value());
    }
    for (const Matcher& m : data_matchers_) {
      data_names_.insert(m.name());
      required_ = required_ || !m.MatchesEmpty();
    }
  }

  // Info series are not enriched themselves.
  bool IsInfo(LabelsView labels) const {
    if (name_matchers_.empty()) return false;
    const std::string_view name = labels.Get(kMetricName);
    for (const Matcher& m : name_matchers_) {
      if (!m.Matches(name)) return false;
    }
    return true;
  }

  // The matchers of all info series that can belong to a base series; none if there cannot be any.
  Status MakeMatchers(const std::vector<Row>& base, std::vector<Matcher>* out) const {
    for (std::string_view label : kIdentifying) {
      std::set<std::string> values;
      for (const Row& row : base) {
        const std::string_view value = row.labels.Get(label);
        if (!value.empty() && !IsInfo(row.labels)) values.emplace(value);
      }
      std::string regex;
      for (const std::string& v : values) regex += (regex.empty() ? "" : "|") + QuoteRegex(v);
      if (values.empty()) continue;
      ASSIGN_OR_RETURN(Matcher m, Matcher::Make(MatchType::kRegexp, std::string(label), regex));
      out->push_back(std::move(m));
    }
    if (out->empty()) return OkStatus();
    out->insert(out->end(), data_matchers_.begin(), data_matchers_.end());
    out->insert(out->end(), name_matchers_.begin(), name_matchers_.end());
    if (name_matchers_.empty()) {
      out->push_back(Matcher::Equal(std::string(kMetricName), "target_info"));
    }
    return OkStatus();
  }

  Status FetchInfo(const std::vector<Row>& base) {
    std::vector<Matcher> matchers;
    RETURN_IF_ERROR(MakeMatchers(base, &matchers));
    if (matchers.empty()) return OkStatus();
    const SampleWindow window =
        ReferenceTime(node().child(0), SampleWindow()).value_or(SampleWindow());
    SelectHints hints;
    hints.func = "info";
    hints.step_ms = node().grid.step_ms;
    hints.min_ms = window.End(node().grid.start_ms) - ctx().lookback_ms + 1;
    hints.max_ms = window.End(node().grid.end_ms());
    SelectorSource source(&ctx(), &node(), &matchers, &hints, window, SelectorValue::kTimeMs);
    RETURN_IF_ERROR(source.Open());
    RETURN_IF_ERROR(CollectRows(&ctx(), &source, &info_));
    Labels identity;
    for (uint32_t i = 0; i < info_.size(); i++) {
      identity_.LabelsOf(info_[i].labels, &identity);
      by_identity_[identity.bytes()][std::string(info_[i].labels.Get(kMetricName))].push_back(i);
    }
    return OkStatus();
  }

  // The newest of the series of one info metric that have a sample at the step; -1 if none.
  Result<int64_t> Newest(const std::vector<uint32_t>& series, size_t step) const {
    int64_t best = -1;
    for (uint32_t i : series) {
      if (!info_[i].floats.Test(step)) continue;
      const double time = info_[i].values[step];
      if (best >= 0 && time == info_[best].values[step]) {
        const std::string at = std::to_string(static_cast<int64_t>(time));
        return ExecutionError("found duplicate series for info metric: existing " +
                              LabelsText(info_[best].labels) + " @ " + at + ", new " +
                              LabelsText(info_[i].labels) + " @ " + at);
      }
      if (best < 0 || time > info_[best].values[step]) best = i;
    }
    return best;
  }

  Status Enrich(const Row& row) {
    Labels identity;
    identity_.LabelsOf(row.labels, &identity);
    const auto found = by_identity_.find(identity.bytes());
    // One result series per combination of info series met on the way.
    std::map<std::vector<int64_t>, size_t> result_of;
    constexpr size_t kNothing = SIZE_MAX;
    std::vector<int64_t> chosen;
    for (size_t step = 0; step < steps(); step++) {
      if (!row.SampleAt(step)) continue;
      chosen.clear();
      if (found != by_identity_.end()) {
        for (const auto& [name, series] : found->second) {
          ASSIGN_OR_RETURN(const int64_t newest, Newest(series, step));
          if (newest >= 0) chosen.push_back(newest);
        }
      }
      auto it = result_of.find(chosen);
      if (it == result_of.end()) {
        size_t index = kNothing;
        if (!chosen.empty() || !required_) {
          ASSIGN_OR_RETURN(Labels labels, Combine(row.labels, chosen));
          index = rows_.size();
          Row& result = rows_.emplace_back();
          result.Reset(steps());
          result.labels = std::move(labels);
          result.drop_name = row.drop_name;
        }
        it = result_of.emplace(chosen, index).first;
      }
      if (it->second == kNothing) continue;
      Row& result = rows_[it->second];
      if (row.HistogramAt(step)) {
        result.SetHistogram(step, row.histograms[step]);
      } else {
        result.SetFloat(step, row.values[step]);
      }
    }
    return OkStatus();
  }

  Result<Labels> Combine(LabelsView base, const std::vector<int64_t>& chosen) const {
    LabelsBuilder added;
    for (int64_t i : chosen) {
      for (const Label& l : info_[static_cast<size_t>(i)].labels) {
        if (l.name == kMetricName) continue;
        if (!data_names_.empty() && !data_names_.contains(std::string(l.name))) continue;
        const std::string_view have = added.Get(l.name);
        if (!have.empty() && have != l.value) {
          return ExecutionError("conflicting label: " + std::string(l.name));
        }
        if (!base.Has(l.name)) added.Set(l.name, l.value);
      }
    }
    LabelsBuilder builder(base);
    for (const auto& [name, value] : added.pairs()) builder.Set(name, value);
    return builder.Build();
  }

  const SourcePtr base_;
  const Grouping identity_;
  std::vector<Matcher> name_matchers_, data_matchers_;
  std::set<std::string> data_names_;
  bool required_ = false;  // a data matcher wants a label to be there
  std::vector<Row> info_;  // values are the times of their samples
  std::map<std::string, std::map<std::string, std::vector<uint32_t>>> by_identity_;
};

}  // namespace

Result<SourcePtr> BuildInfo(ExecContext* ctx, const PlanNode& node) {
  ASSIGN_OR_RETURN(SourcePtr base, BuildVector(ctx, node.child(0)));
  return SourcePtr(std::make_unique<InfoSource>(ctx, &node, std::move(base)));
}

}  // namespace deucalion::promql
