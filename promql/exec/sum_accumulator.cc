// sum and avg: Kahan-Neumaier sums, and the same for histograms.
//
// avg keeps the sum and divides at the end; a cell whose sum would overflow turns into an
// incremental mean. Floats and histograms at one step give nothing but a warning.
#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "promql/exec/accumulator.h"
#include "promql/exec/kahan.h"
#include "promql/exec/notes.h"
#include "promql/functions/histogram_notes.h"

namespace deucalion::promql {
namespace {

class SumAccumulator : public Accumulator {
 public:
  SumAccumulator(bool mean, size_t steps, int32_t pos) : mean_(mean), steps_(steps), pos_(pos) {}

  void Clear() override {
    sum_.clear();
    compensation_.clear();
    count_.clear();
    incremental_.clear();
    seen_.clear();
    histograms_.clear();
  }

  void AddGroup() override {
    // Minus zero is the number that changes nothing when it is added to.
    sum_.resize(sum_.size() + steps_, -0.0);
    compensation_.resize(compensation_.size() + steps_, 0);
    if (mean_) count_.resize(count_.size() + steps_, 0);
    seen_.emplace_back(steps_);
    histograms_.emplace_back();
  }

  void Add(size_t group, Row* row, Annotations* annotations) override {
    AddFloats(group, *row);
    if (row->has_histograms()) AddHistograms(group, *row, annotations);
  }

  void Merge(size_t group, Accumulator* from, size_t from_group,
             Annotations* annotations) override {
    auto* other = static_cast<SumAccumulator*>(from);
    const size_t to = group * steps_, base = from_group * steps_;
    if (!seen_[group].Any()) {
      std::copy_n(other->sum_.begin() + base, steps_, sum_.begin() + to);
      std::copy_n(other->compensation_.begin() + base, steps_, compensation_.begin() + to);
      if (mean_) std::copy_n(other->count_.begin() + base, steps_, count_.begin() + to);
      for (size_t i = 0; i < steps_; i++) {
        if (other->IsIncremental(base + i)) MarkIncremental(to + i);
      }
    } else {
      other->seen_[from_group].ForEach([&](size_t i) { MergeCell(to + i, *other, base + i); });
    }
    seen_[group].Or(other->seen_[from_group]);
    MergeHistograms(group, other, from_group, annotations);
  }

  void Finish(size_t group, Row* out, Annotations* annotations) override {
    const size_t base = group * steps_;
    const Histograms* h = histograms_[group].get();
    seen_[group].ForEach([&](size_t i) {
      if (h != nullptr && (*h)[i] != nullptr) {
        annotations->Add(notes::MixedFloatsHistogramsInAggregation(pos_));
      } else {
        out->SetFloat(i, FloatResult(base + i));
      }
    });
    if (h == nullptr) return;
    for (size_t i = 0; i < steps_; i++) {
      if ((*h)[i] != nullptr && !seen_[group].Test(i)) {
        FinishHistogram((*h)[i].get(), i, out, annotations);
      }
    }
  }

  uint64_t BytesPerGroup() const override { return steps_ * (mean_ ? 24 : 16) + steps_ / 8; }

 private:
  struct HistogramCell {
    explicit HistogramCell(bool mean) : sum(mean) {}
    HistogramSum sum;
    bool incompatible = false;
  };
  using Histograms = std::vector<std::unique_ptr<HistogramCell>>;  // by step

  bool IsIncremental(size_t cell) const { return cell < incremental_.size() && incremental_[cell]; }
  void MarkIncremental(size_t cell) {
    if (incremental_.size() <= cell) incremental_.resize(sum_.size());
    incremental_[cell] = true;
  }

  void AddFloats(size_t group, const Row& row) {
    double* sum = sum_.data() + group * steps_;
    double* c = compensation_.data() + group * steps_;
    const double* v = row.values.data();
    if (mean_) {
      row.floats.ForEach([&](size_t i) { AddToMean(group * steps_ + i, v[i]); });
    } else if (row.floats.All()) {
      for (size_t i = 0; i < steps_; i++) KahanIncBranchless(v[i], &sum[i], &c[i]);
    } else {
      row.floats.ForEach([&](size_t i) { KahanIncBranchless(v[i], &sum[i], &c[i]); });
    }
    seen_[group].Or(row.floats);
  }

  void AddToMean(size_t cell, double v) {
    const double n = ++count_[cell];
    double sum = sum_[cell], c = compensation_[cell];
    if (n == 1) {
      sum_[cell] = v;
      return;
    }
    if (!IsIncremental(cell)) {
      KahanIncBranchless(v, &sum, &c);
      if (!std::isinf(sum)) {
        sum_[cell] = sum;
        compensation_[cell] = c;
        return;
      }
      MarkIncremental(cell);
      sum_[cell] /= n - 1;
      compensation_[cell] /= n - 1;
    }
    const double q = (n - 1) / n;
    sum_[cell] *= q;
    compensation_[cell] *= q;
    KahanInc(v / n, &sum_[cell], &compensation_[cell]);
  }

  void MergeCell(size_t to, const SumAccumulator& other, size_t from) {
    const double come = other.sum_[from], come_c = other.compensation_[from];
    if (!mean_) {
      KahanInc(come, &sum_[to], &compensation_[to]);
      if (!std::isinf(sum_[to])) compensation_[to] += come_c;
      return;
    }
    const double n = count_[to] + other.count_[from];
    if (count_[to] == 0) {
      sum_[to] = come;
      compensation_[to] = come_c;
      if (other.IsIncremental(from)) MarkIncremental(to);
    } else {
      double sum = sum_[to], c = compensation_[to];
      KahanInc(come, &sum, &c);
      if (IsIncremental(to) || other.IsIncremental(from) || std::isinf(sum)) {
        MergeMeans(to, other, from, n);
      } else {
        sum_[to] = sum;
        compensation_[to] = c + come_c;
      }
    }
    count_[to] = n;
  }

  // Weighted mean of two cells of which one at least cannot be a sum.
  void MergeMeans(size_t to, const SumAccumulator& other, size_t from, double n) {
    const double scale = IsIncremental(to) ? count_[to] / n : 1 / n;
    const double other_scale = other.IsIncremental(from) ? other.count_[from] / n : 1 / n;
    MarkIncremental(to);
    sum_[to] *= scale;
    compensation_[to] *= scale;
    KahanInc(other.sum_[from] * other_scale, &sum_[to], &compensation_[to]);
    compensation_[to] += other.compensation_[from] * other_scale;
  }

  double FloatResult(size_t cell) const {
    if (!mean_ || IsIncremental(cell)) return sum_[cell] + compensation_[cell];
    return sum_[cell] / count_[cell] + compensation_[cell] / count_[cell];
  }

  HistogramCell* CellOf(size_t group, size_t step) {
    if (histograms_[group] == nullptr) histograms_[group] = std::make_unique<Histograms>(steps_);
    std::unique_ptr<HistogramCell>& cell = (*histograms_[group])[step];
    if (cell == nullptr) cell = std::make_unique<HistogramCell>(mean_);
    return cell.get();
  }

  void AddHistograms(size_t group, const Row& row, Annotations* annotations) {
    for (size_t i = 0; i < steps_; i++) {
      if (row.histograms[i] == nullptr) continue;
      HistogramCell* cell = CellOf(group, i);
      if (cell->incompatible || cell->sum.Add(*row.histograms[i])) continue;
      cell->incompatible = true;
      annotations->Add(notes::MixedExponentialCustom(row.labels.Get(kMetricName), pos_));
    }
  }

  void MergeHistograms(size_t group, SumAccumulator* other, size_t from_group,
                       Annotations* annotations) {
    Histograms* from = other->histograms_[from_group].get();
    if (from == nullptr) return;
    for (size_t i = 0; i < steps_; i++) {
      if ((*from)[i] == nullptr) continue;
      HistogramCell* cell = CellOf(group, i);
      if (cell->sum.empty()) {
        *cell = std::move(*(*from)[i]);
        continue;
      }
      if (cell->incompatible) continue;
      cell->incompatible = (*from)[i]->incompatible;
      if (!cell->incompatible && !cell->sum.Merge((*from)[i]->sum)) {
        cell->incompatible = true;
        annotations->Add(notes::MixedExponentialCustom("", pos_));
      }
    }
  }

  void FinishHistogram(HistogramCell* cell, size_t step, Row* out, Annotations* annotations) {
    if (cell->sum.bounds_reconciled()) {
      annotations->Add(notes::MismatchedCustomBuckets(notes::HistogramOp::kAggregate, pos_));
    }
    if (cell->incompatible) return;
    if (cell->sum.reset_seen() && cell->sum.not_reset_seen()) {
      annotations->Add(notes::CounterResetCollision(notes::HistogramOp::kAggregate, pos_));
    }
    auto result = std::make_shared<FloatHistogram>(cell->sum.Finish());
    result->Compact(0);
    out->SetHistogram(step, std::move(result));
  }

  const bool mean_;
  const size_t steps_;
  const int32_t pos_;
  // Cells: group by group, step by step.
  std::vector<double> sum_;  // the mean where incremental
  std::vector<double> compensation_;
  std::vector<double> count_;      // avg only
  std::vector<bool> incremental_;  // shorter than the others when no later cell is
  // By group.
  std::vector<StepMask> seen_;  // steps with a float
  std::vector<std::unique_ptr<Histograms>> histograms_;
};

}  // namespace

std::unique_ptr<Accumulator> MakeSumAccumulator(bool mean, size_t steps, int32_t pos) {
  return std::make_unique<SumAccumulator>(mean, steps, pos);
}

}  // namespace deucalion::promql
