#include "promql/exec/selector.h"

#include <algorithm>
#include <string>
#include <utility>

#include "model/value.h"
#include "promql/exec/labels_text.h"
#include "promql/exec/scan.h"

namespace deucalion::promql {

void DropStaleMarkers(SampleColumns* columns) {
  std::vector<double>& v = columns->values;
  const size_t n = v.size();
  size_t out = NextStale(v.data(), 0, n);
  if (out < n) {
    const bool starts = !columns->start_times.empty();
    for (size_t i = out; i < n; i++) {
      if (IsStaleNan(v[i])) continue;
      v[out] = v[i];
      columns->times[out] = columns->times[i];
      if (starts) columns->start_times[out] = columns->start_times[i];
      out++;
    }
    v.resize(out);
    columns->times.resize(out);
    if (starts) columns->start_times.resize(out);
  }
  std::erase_if(columns->histograms,
                [](const HistogramPoint& p) { return IsStaleNan(p.histogram.sum); });
}

void ReduceToStats(SampleColumns* columns) {
  const FloatHistogram* previous = nullptr;
  std::vector<FloatHistogram> reduced(columns->histograms.size());
  for (size_t i = 0; i < reduced.size(); i++) {
    const FloatHistogram& h = columns->histograms[i].histogram;
    reduced[i].schema = h.schema;
    reduced[i].count = h.count;
    reduced[i].sum = h.sum;
    reduced[i].reset_hint = h.reset_hint;
    if (IsStaleNan(h.sum)) continue;
    if (h.reset_hint == ResetHint::kUnknown && previous != nullptr) {
      reduced[i].reset_hint = h.DetectReset(*previous) ? ResetHint::kReset : ResetHint::kNotReset;
    }
    previous = &h;
  }
  for (size_t i = 0; i < reduced.size(); i++) {
    columns->histograms[i].histogram = std::move(reduced[i]);
  }
}

void ReadLabels(const SeriesSet& set, const PlanNode& selector, size_t i, Labels* out) {
  if (selector.key_labels_only) {
    set.KeyLabelsOf(i, out);
  } else {
    set.LabelsOf(i, out);
  }
}

Status SelectorSource::DoOpen() {
  if (matchers_ == nullptr) {
    hints_ = &node().hints;
    window_ = node().window;
    ASSIGN_OR_RETURN(set_, ctx().Select(node()));
    return OkStatus();
  }
  Result<std::unique_ptr<SeriesSet>> set =
      ctx().querier->Select(true, *hints_, *matchers_, &ctx().deadline);
  if (!set.ok()) return SelectError(set.TakeStatus());
  set_ = std::move(*set);
  return OkStatus();
}

size_t SelectorSource::batches() const {
  const size_t per_batch = BatchRows(steps());
  return (set_->size() + per_batch - 1) / per_batch;
}

void SelectorSource::LabelLater(size_t batch, size_t row, Labels* out) const {
  ReadLabels(*set_, node(), batch * BatchRows(steps()) + row, out);
}

Status SelectorSource::DoProduce(size_t batch, Wanted wanted, Worker* worker, Block* out) {
  const size_t per_batch = BatchRows(steps());
  const size_t end = std::min(set_->size(), (batch + 1) * per_batch);
  uint64_t samples = 0;
  for (size_t i = batch * per_batch; i < end; i++) {
    Row& row = out->Add(wanted.samples ? steps() : 0);
    if (i + kAhead < end) set_->Prefetch(i + kAhead);
    if (wanted.labels) ReadLabels(*set_, node(), i, &row.labels);
    if (!wanted.samples) continue;
    SampleColumns& columns = worker->columns;
    columns.Clear();
    RETURN_IF_ERROR(InQueryWords(set_->Read(i, hints_->min_ms, hints_->max_ms, &columns),
                                 "expression evaluation"));
    if (node().histogram_stats) ReduceToStats(&columns);
    // The time of a sample is that of the newest one, smoothed or not.
    if (window_.smoothed && value_ == SelectorValue::kSample) {
      FillSmoothed(i, &columns, &worker->annotations, &row);
      continue;
    }
    if (columns.histograms.empty()) {
      FillFloats(columns, &worker->select, &row);
    } else if (value_ == SelectorValue::kTimeMs) {
      Labels labels;
      set_->LabelsOf(i, &labels);
      return ExecutionError("this should be an info metric, with float samples: " +
                            LabelsText(labels));
    } else {
      FillMixed(columns, &row);
    }
    const uint64_t n = row.SizeInSamples();
    samples += n;
    if (worker->per_step()) {
      for (size_t step = 0; step < steps(); step++) {
        uint64_t size = row.floats.Test(step) ? 1 : 0;
        if (row.HistogramAt(step)) size += row.histograms[step]->SizeInSamples();
        worker->CountSamples(node(), step, size, size);
      }
    } else {
      worker->CountSamplesTotal(node(), n, n);
    }
  }
  worker->in_flight_samples += samples;
  return ctx().budget->AddSamples(samples);
}

double SelectorSource::ValueOf(const SampleColumns& columns, size_t i) const {
  switch (value_) {
    case SelectorValue::kSample:
      return columns.values[i];
    case SelectorValue::kTimeSeconds:
      return static_cast<double>(columns.times[i]) / 1000;
    case SelectorValue::kStartTimeSeconds:
      return columns.start_times.empty() ? 0 : static_cast<double>(columns.start_times[i]) / 1000;
    case SelectorValue::kTimeMs:
      break;
  }
  return static_cast<double>(columns.times[i]);
}

void SelectorSource::FindSteps(const std::vector<int64_t>& times, SelectScratch* scratch) const {
  scratch->owner = id();
  scratch->times = times;
  scratch->found.Reset(steps());
  scratch->sample.assign(steps(), 0);
  const int64_t lookback = ctx().lookback_ms;
  uint32_t next = 0;  // first sample after the step
  for (size_t step = 0; step < steps(); step++) {
    const int64_t ref = window_.End(node().grid.TimeAt(step));
    while (next < times.size() && times[next] <= ref) next++;
    if (next == 0 || times[next - 1] <= ref - lookback) continue;
    scratch->found.Set(step);
    scratch->sample[step] = next - 1;
  }
}

void SelectorSource::FillFloats(const SampleColumns& columns, SelectScratch* scratch,
                                Row* row) const {
  if (columns.times.empty()) return;
  if (scratch->owner != id() || scratch->times != columns.times) FindSteps(columns.times, scratch);
  const uint32_t* sample = scratch->sample.data();
  const double* values = columns.values.data();
  double* out = row->values.data();
  row->floats = scratch->found;
  bool stale = false;
  for (size_t step = 0; step < steps(); step++) {
    out[step] = values[sample[step]];
    stale |= IsStaleNan(out[step]);
  }
  if (stale) {
    row->floats.ForEach([&](size_t step) {
      if (IsStaleNan(out[step])) row->floats.Clear(step);
    });
  }
  if (value_ == SelectorValue::kSample) return;
  row->floats.ForEach([&](size_t step) { out[step] = ValueOf(columns, sample[step]); });
}

void SelectorSource::FillMixed(const SampleColumns& columns, Row* row) const {
  const size_t nf = columns.times.size(), nh = columns.histograms.size();
  size_t f = 0, h = 0;
  size_t shared = SIZE_MAX;  // index of the histogram `pointer` is a copy of
  HistogramPtr pointer;
  for (size_t step = 0; step < steps(); step++) {
    const int64_t ref = window_.End(node().grid.TimeAt(step));
    while (f < nf && columns.times[f] <= ref) f++;
    while (h < nh && columns.histograms[h].time_ms <= ref) h++;
    const bool float_is_newer =
        f > 0 && (h == 0 || columns.times[f - 1] > columns.histograms[h - 1].time_ms);
    if (float_is_newer) {
      if (columns.times[f - 1] <= ref - ctx().lookback_ms || IsStaleNan(columns.values[f - 1])) {
        continue;
      }
      row->SetFloat(step, ValueOf(columns, f - 1));
      continue;
    }
    if (h == 0) continue;
    const HistogramPoint& p = columns.histograms[h - 1];
    if (p.time_ms <= ref - ctx().lookback_ms || IsStaleNan(p.histogram.sum)) continue;
    if (value_ == SelectorValue::kTimeSeconds) {
      row->SetFloat(step, static_cast<double>(p.time_ms) / 1000);
    } else if (value_ == SelectorValue::kStartTimeSeconds) {
      row->SetFloat(step, static_cast<double>(p.st_ms) / 1000);
    } else {
      if (shared != h - 1) pointer = std::make_shared<FloatHistogram>(p.histogram);
      shared = h - 1;
      row->SetHistogram(step, pointer);
    }
  }
}

}  // namespace deucalion::promql
