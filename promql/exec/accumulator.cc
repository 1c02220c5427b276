#include "promql/exec/accumulator.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

#include "promql/exec/notes.h"
#include "promql/functions/quantile.h"

namespace deucalion::promql {
namespace {

// Aggregations that make nothing of histograms say so.
void NoteIgnoredHistograms(const Row& row, std::string_view aggregation, int32_t pos,
                           Annotations* annotations) {
  for (const HistogramPtr& h : row.histograms) {
    if (h == nullptr) continue;
    annotations->Add(notes::HistogramIgnoredInAggregation(aggregation, pos));
    return;
  }
}

// min, max. NaN only when there is nothing else.
class ExtremeAccumulator : public Accumulator {
 public:
  ExtremeAccumulator(bool max, size_t steps, int32_t pos) : max_(max), steps_(steps), pos_(pos) {}
  void Clear() override {
    seen_.clear();
    best_.clear();
  }
  void AddGroup() override {
    seen_.emplace_back(steps_);
    best_.resize(best_.size() + steps_, std::numeric_limits<double>::quiet_NaN());
  }
  void Add(size_t group, Row* row, Annotations* annotations) override {
    if (row->has_histograms()) {
      NoteIgnoredHistograms(*row, max_ ? "max" : "min", pos_, annotations);
    }
    AddColumn(group, row->floats, row->values.data());
  }
  void Merge(size_t group, Accumulator* from, size_t from_group, Annotations*) override {
    auto* other = static_cast<ExtremeAccumulator*>(from);
    AddColumn(group, other->seen_[from_group], other->best_.data() + from_group * steps_);
  }
  void Finish(size_t group, Row* out, Annotations*) override {
    std::copy_n(best_.data() + group * steps_, steps_, out->values.data());
    out->floats = seen_[group];
  }
  uint64_t BytesPerGroup() const override { return steps_ * 8 + steps_ / 8; }

 private:
  void AddColumn(size_t group, const StepMask& mask, const double* v) {
    seen_[group].Or(mask);
    double* best = best_.data() + group * steps_;
    if (max_) {
      mask.ForEach([&](size_t i) {
        if (best[i] < v[i] || std::isnan(best[i])) best[i] = v[i];
      });
    } else {
      mask.ForEach([&](size_t i) {
        if (best[i] > v[i] || std::isnan(best[i])) best[i] = v[i];
      });
    }
  }

  const bool max_;
  const size_t steps_;
  const int32_t pos_;
  std::vector<StepMask> seen_;
  std::vector<double> best_;
};

// count and group. A series with a sample at every step costs one increment.
class CountAccumulator : public Accumulator {
 public:
  CountAccumulator(bool ones, size_t steps) : ones_(ones), steps_(steps) {}
  void Clear() override {
    full_.clear();
    counts_.clear();
  }
  void AddGroup() override {
    full_.push_back(0);
    counts_.resize(counts_.size() + steps_);
  }
  void Add(size_t group, Row* row, Annotations*) override {
    if (row->floats.All()) {
      full_[group]++;
      return;
    }
    uint64_t* counts = counts_.data() + group * steps_;
    row->floats.ForEach([&](size_t i) { counts[i]++; });
    for (size_t i = 0; i < row->histograms.size(); i++) {
      if (row->histograms[i] != nullptr) counts[i]++;
    }
  }
  void Merge(size_t group, Accumulator* from, size_t from_group, Annotations*) override {
    auto* other = static_cast<CountAccumulator*>(from);
    full_[group] += other->full_[from_group];
    for (size_t i = 0; i < steps_; i++) {
      counts_[group * steps_ + i] += other->counts_[from_group * steps_ + i];
    }
  }
  void Finish(size_t group, Row* out, Annotations*) override {
    for (size_t i = 0; i < steps_; i++) {
      const uint64_t n = full_[group] + counts_[group * steps_ + i];
      if (n > 0) out->SetFloat(i, ones_ ? 1 : static_cast<double>(n));
    }
  }
  uint64_t BytesPerGroup() const override { return steps_ * 8; }

 private:
  const bool ones_;
  const size_t steps_;
  std::vector<uint64_t> full_;    // series with a sample everywhere
  std::vector<uint64_t> counts_;  // of the others
};

// stddev, stdvar: Welford.
class VarianceAccumulator : public Accumulator {
 public:
  VarianceAccumulator(bool root, size_t steps, int32_t pos)
      : root_(root), steps_(steps), pos_(pos) {}
  void Clear() override { cells_.clear(); }
  void AddGroup() override { cells_.resize(cells_.size() + steps_); }
  void Add(size_t group, Row* row, Annotations* annotations) override {
    if (row->has_histograms()) {
      NoteIgnoredHistograms(*row, root_ ? "stddev" : "stdvar", pos_, annotations);
    }
    Cell* cells = cells_.data() + group * steps_;
    row->floats.ForEach([&](size_t i) { cells[i].Add(row->values[i]); });
  }
  void Merge(size_t group, Accumulator* from, size_t from_group, Annotations*) override {
    auto* other = static_cast<VarianceAccumulator*>(from);
    for (size_t i = 0; i < steps_; i++) {
      cells_[group * steps_ + i].Merge(other->cells_[from_group * steps_ + i]);
    }
  }
  void Finish(size_t group, Row* out, Annotations*) override {
    for (size_t i = 0; i < steps_; i++) {
      const Cell& c = cells_[group * steps_ + i];
      if (c.count == 0) continue;
      const double variance = c.squares / c.count;
      out->SetFloat(i, root_ ? std::sqrt(variance) : variance);
    }
  }
  uint64_t BytesPerGroup() const override { return steps_ * sizeof(Cell); }

 private:
  struct Cell {
    double count = 0, mean = 0, squares = 0;

    void Add(double v) {
      count++;
      if (count == 1) {
        mean = v;
        squares = std::isfinite(v) ? 0 : std::numeric_limits<double>::quiet_NaN();
        return;
      }
      const double delta = v - mean;
      mean += delta / count;
      squares += delta * (v - mean);
    }
    void Merge(const Cell& o) {
      if (o.count == 0) return;
      if (count == 0) {
        *this = o;
        return;
      }
      const double total = count + o.count, delta = o.mean - mean;
      squares += o.squares + delta * delta * (count * o.count / total);
      mean += delta * (o.count / total);
      count = total;
    }
  };

  const bool root_;
  const size_t steps_;
  const int32_t pos_;
  std::vector<Cell> cells_;
};

// quantile: has to keep all values, as the columns they came in.
class QuantileAccumulator : public Accumulator {
 public:
  QuantileAccumulator(size_t steps, int32_t pos, const ScalarColumn* param)
      : steps_(steps), pos_(pos), param_(param) {}
  void Clear() override { groups_.clear(); }
  void AddGroup() override { groups_.emplace_back(); }
  void Add(size_t group, Row* row, Annotations* annotations) override {
    if (row->has_histograms()) NoteIgnoredHistograms(*row, "quantile", pos_, annotations);
    if (!row->floats.Any()) return;
    groups_[group].push_back({std::move(row->floats), std::move(row->values)});
    row->Reset(0);
  }
  void Merge(size_t group, Accumulator* from, size_t from_group, Annotations*) override {
    auto& come = static_cast<QuantileAccumulator*>(from)->groups_[from_group];
    auto& have = groups_[group];
    have.insert(have.end(), std::make_move_iterator(come.begin()),
                std::make_move_iterator(come.end()));
    come.clear();
  }
  void Finish(size_t group, Row* out, Annotations*) override {
    std::vector<double> values;
    for (size_t step = 0; step < steps_; step++) {
      values.clear();
      for (const Column& c : groups_[group]) {
        if (c.mask.Test(step)) values.push_back(c.values[step]);
      }
      if (!values.empty()) out->SetFloat(step, Quantile((*param_)[step], &values));
    }
    groups_[group].clear();
  }
  uint64_t BytesPerGroup() const override { return 64; }

 private:
  struct Column {
    StepMask mask;
    std::vector<double> values;
  };
  const size_t steps_;
  const int32_t pos_;
  const ScalarColumn* const param_;
  std::vector<std::vector<Column>> groups_;
};

}  // namespace

std::unique_ptr<Accumulator> MakeAccumulator(AggregateOp op, size_t steps, int32_t pos,
                                             const ScalarColumn* param) {
  switch (op) {
    case AggregateOp::kSum:
      return MakeSumAccumulator(false, steps, pos);
    case AggregateOp::kAvg:
      return MakeSumAccumulator(true, steps, pos);
    case AggregateOp::kMin:
      return std::make_unique<ExtremeAccumulator>(false, steps, pos);
    case AggregateOp::kMax:
      return std::make_unique<ExtremeAccumulator>(true, steps, pos);
    case AggregateOp::kCount:
      return std::make_unique<CountAccumulator>(false, steps);
    case AggregateOp::kGroup:
      return std::make_unique<CountAccumulator>(true, steps);
    case AggregateOp::kStddev:
      return std::make_unique<VarianceAccumulator>(true, steps, pos);
    case AggregateOp::kStdvar:
      return std::make_unique<VarianceAccumulator>(false, steps, pos);
    case AggregateOp::kQuantile:
      return std::make_unique<QuantileAccumulator>(steps, pos, param);
    default:
      return nullptr;
  }
}

}  // namespace deucalion::promql
