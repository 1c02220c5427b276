// Row: one series of a (sub)result over all steps. Block: a batch of rows on its way up the plan.
//
// Values are dense over the steps; the mask says which of them are samples. Histograms are rare, so
// a row has a column for them only when it holds one. A step is a float, a histogram or nothing.
// Both are scratch: cleared and filled again they keep their memory. Thread-compatible.
#ifndef DEUCALION_PROMQL_EXEC_ROW_H_
#define DEUCALION_PROMQL_EXEC_ROW_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "model/labels.h"
#include "promql/exec/step_mask.h"
#include "promql/value.h"

namespace deucalion::promql {

struct Row {
  Labels labels;           // empty unless they were asked for
  bool drop_name = false;  // the name goes at the end of the query (delayed name removal)
  StepMask floats;
  std::vector<double> values;            // one per step; meaningless where `floats` is clear
  std::vector<HistogramPtr> histograms;  // empty, or one per step

  // No samples, no labels.
  void Reset(size_t steps) {
    labels.Clear();
    drop_name = false;
    floats.Reset(steps);
    values.resize(steps);
    histograms.clear();
  }
  size_t steps() const { return floats.steps(); }
  bool has_histograms() const { return !histograms.empty(); }

  void SetFloat(size_t step, double v) {
    values[step] = v;
    floats.Set(step);
  }
  void SetHistogram(size_t step, HistogramPtr h) {
    if (histograms.empty()) histograms.resize(steps());
    histograms[step] = std::move(h);
  }
  bool HistogramAt(size_t step) const { return !histograms.empty() && histograms[step] != nullptr; }
  bool SampleAt(size_t step) const { return floats.Test(step) || HistogramAt(step); }
  bool Any() const;
  // Steps with a sample of either kind.
  void AddPresence(StepMask* mask) const;
  // In samples as upstream counts them: a histogram is its size in bytes / 16.
  uint64_t SizeInSamples() const;
  // Forgets the samples where `keep` is clear.
  void Restrict(const StepMask& keep);
  void DropHistograms() { histograms.clear(); }

  uint64_t SizeBytes() const;
};

class Block {
 public:
  // Forgets all rows; their memory is used again by Add.
  void Clear() { used_ = 0; }
  Row& Add(size_t steps) {
    if (used_ == rows_.size()) rows_.emplace_back();
    Row& row = rows_[used_++];
    row.Reset(steps);
    return row;
  }
  // Takes a finished row.
  void AddRow(Row&& row) {
    if (used_ == rows_.size()) rows_.emplace_back();
    rows_[used_++] = std::move(row);
  }
  // Takes the last row back.
  void RemoveLast() { used_--; }
  // Of all rows it has memory for.
  size_t SizeBytes() const;
  size_t size() const { return used_; }
  bool empty() const { return used_ == 0; }
  Row& operator[](size_t i) { return rows_[i]; }
  const Row& operator[](size_t i) const { return rows_[i]; }
  Row* begin() { return rows_.data(); }
  Row* end() { return rows_.data() + used_; }

 private:
  std::vector<Row> rows_;
  size_t used_ = 0;
};

// Labels without __name__, __type__ and __unit__. `out` may be the owner of `in`.
void DropMetadataLabels(LabelsView in, Labels* out);
// Whether the above would change anything.
bool HasMetadataLabels(LabelsView in);

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_EXEC_ROW_H_
