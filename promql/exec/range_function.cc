#include <algorithm>
#include <string>
#include <utility>

#include "model/value.h"
#include "promql/exec/build.h"
#include "promql/exec/notes.h"
#include "promql/exec/selector.h"
#include "promql/exec/window_fold.h"

namespace deucalion::promql {
namespace {

// Blocks have summaries from eight hours on, of slices of two hours at one sample in 15 s.
constexpr int64_t kSummariesFromMs = 6 * 3600 * 1000;
// After so many series in a row without a use for theirs, they are not asked for any more.
constexpr int kSummaryTries = 16;

// A tenth of a second or so.
constexpr uint64_t kSamplesPerCheck = uint64_t{1} << 25;

std::string_view PinnedName(const PlanNode& range) {
  if (range.kind != PlanKind::kRangeSelector || range.names != NameState::kSame) return {};
  const VectorSelector& v = As<MatrixSelector>(*range.expr).vector();
  for (const Matcher& m : v.matchers) {
    if (m.type() == MatchType::kEqual && m.name() == kMetricName && !m.value().empty()) {
      return m.value();
    }
  }
  return {};
}

// The bounds of all windows over ascending times. `count(step, begin, end, first_new)` is told of
// each window that is not empty.
template <typename TimeOf, typename Count>
void FindBounds(const RangeCall& call, size_t n, TimeOf time, WindowBounds* bounds, Count count) {
  const size_t steps = call.grid.steps;
  bounds->begin.resize(steps);
  bounds->end.resize(steps);
  const SampleWindow& w = call.window;
  const int64_t back = w.range_ms + (w.anchored || w.smoothed ? call.lookback_ms : 0);
  const int64_t ahead = w.smoothed ? call.lookback_ms : 0;
  const int64_t advance = w.fixed_end_ms ? 0 : call.grid.step_ms;
  int64_t range_end = call.RangeEnd(0);
  uint32_t begin = 0, end = 0;
  for (size_t step = 0; step < steps; step++, range_end += advance) {
    const uint32_t seen = end;
    while (end < n && time(end) <= range_end + ahead) end++;
    while (begin < end && time(begin) <= range_end - back) begin++;
    bounds->begin[step] = begin;
    bounds->end[step] = end;
    if (begin < end) count(step, begin, end, std::max(seen, begin));
  }
}

}  // namespace

RangeFunctionSource::RangeFunctionSource(ExecContext* ctx, const PlanNode* node,
                                         const PlanNode* range, RangeCall call, SourcePtr subquery,
                                         std::function<Status(std::vector<ScalarColumn>*)> scalars)
    : Source(ctx, node),
      range_(range),
      call_(std::move(call)),
      kernel_(RangeKernelOf(call_.id)),
      subquery_(std::move(subquery)),
      open_scalars_(std::move(scalars)),
      pinned_name_(PinnedName(*range)),
      may_summarise_(MaySummarise()) {}

Status RangeFunctionSource::DoOpen() {
  RETURN_IF_ERROR(open_scalars_(&call_.scalars));
  if (subquery_ != nullptr) return subquery_->Open();
  ASSIGN_OR_RETURN(set_, ctx().Select(*range_));
  return OkStatus();
}

size_t RangeFunctionSource::batches() const {
  if (subquery_ != nullptr) return subquery_->batches();
  const size_t per_batch = BatchRows(steps());
  return (set_->size() + per_batch - 1) / per_batch;
}

void RangeFunctionSource::LabelLater(size_t batch, size_t row, Labels* out) const {
  ReadLabels(*set_, *range_, batch * BatchRows(steps()) + row, out);
}

Status RangeFunctionSource::DoProduce(size_t batch, Wanted wanted, Worker* worker, Block* out) {
  if (subquery_ != nullptr) return ProduceFromSubquery(batch, wanted, worker, out);
  const bool labels = wanted.labels || pinned_name_.empty();
  return ProduceFromStorage(batch, labels, wanted.samples, worker, out);
}

// Windows that do not overlap may be answered from summaries. Of others every sample is looked at
// once anyway, and how many are new to a window could not be told.
bool RangeFunctionSource::MaySummarise() const {
  const SampleWindow& w = range_->window;
  const bool apart = steps() == 1 || (!w.fixed_end_ms && call_.grid.step_ms >= w.range_ms);
  return apart && w.range_ms >= kSummariesFromMs && !range_->histogram_stats &&
         WindowFold::Knows(call_);
}

Result<bool> RangeFunctionSource::Summarise(size_t i, Worker* worker, Row* row) {
  if (summaries_failed_.load(std::memory_order_relaxed) > kSummaryTries) return false;
  WindowFold fold(call_);
  std::vector<uint64_t> counts(steps());
  uint64_t all = 0;
  for (size_t step = 0; step < steps(); step++) {
    fold.Clear();
    Status status;
    const bool known =
        set_->ReadSummaries(i, call_.RangeStart(step) + 1, call_.RangeEnd(step), &fold, &status);
    RETURN_IF_ERROR(InQueryWords(std::move(status), "expression evaluation"));
    if (!known || !fold.exact()) {
      // Most likely the next series is like this one.
      summaries_failed_.fetch_add(1, std::memory_order_relaxed);
      row->floats.Reset(steps());
      return false;
    }
    counts[step] = fold.count();
    all += fold.count();
    if (const std::optional<double> value = fold.Result(step)) row->SetFloat(step, *value);
  }
  summaries_failed_.store(0, std::memory_order_relaxed);
  RETURN_IF_ERROR(ctx().budget->CheckTransient(all));
  if (worker->per_step()) {
    for (size_t step = 0; step < steps(); step++) {
      worker->CountSamples(node(), step, counts[step], counts[step]);
    }
  } else {
    worker->CountSamplesTotal(node(), all, all);
  }
  return true;
}

Status RangeFunctionSource::ProduceFromStorage(size_t batch, bool labels, bool samples,
                                               Worker* worker, Block* out) {
  const size_t per_batch = BatchRows(steps());
  const size_t end = std::min(set_->size(), (batch + 1) * per_batch);
  uint64_t produced = 0;
  for (size_t i = batch * per_batch; i < end; i++) {
    Row& row = out->Add(samples ? steps() : 0);
    if (i + kAhead < end) set_->Prefetch(i + kAhead);
    if (labels) ReadLabels(*set_, *range_, i, &row.labels);
    if (!samples) continue;
    const std::string_view name = labels ? row.labels.Get(kMetricName) : pinned_name_;
    if (may_summarise_) {
      ASSIGN_OR_RETURN(const bool done, Summarise(i, worker, &row));
      if (done) {
        NoteIfNotCounter(name, row.labels, row, worker);
        produced += row.SizeInSamples();
        continue;
      }
    }
    SampleColumns& columns = worker->columns;
    columns.Clear();
    RETURN_IF_ERROR(
        InQueryWords(set_->Read(i, range_->hints.min_ms, range_->hints.max_ms, &columns),
                     "expression evaluation"));
    if (range_->histogram_stats) ReduceToStats(&columns);
    DropStaleMarkers(&columns);
    RETURN_IF_ERROR(Evaluate(&columns, name, row.labels, worker, &row));
    produced += row.SizeInSamples();
  }
  worker->in_flight_samples += produced;
  return ctx().budget->AddSamples(produced);
}

namespace {

// The points of a subquery as samples of a series. Hints of counter resets are of no use there: the
// samples between the points are not seen.
void RowToColumns(const TimeGrid& grid, Row* row, SampleColumns* columns) {
  columns->Clear();
  row->floats.ForEach([&](size_t step) {
    if (IsStaleNan(row->values[step])) return;
    columns->times.push_back(grid.TimeAt(step));
    columns->values.push_back(row->values[step]);
  });
  for (size_t step = 0; step < row->histograms.size(); step++) {
    if (row->histograms[step] == nullptr) continue;
    HistogramPoint& p = columns->histograms.emplace_back();
    p.time_ms = grid.TimeAt(step);
    p.histogram = *row->histograms[step];
    if (p.histogram.reset_hint != ResetHint::kGauge) p.histogram.reset_hint = ResetHint::kUnknown;
  }
}

}  // namespace

Status RangeFunctionSource::ProduceFromSubquery(size_t batch, Wanted wanted, Worker* worker,
                                                Block* out) {
  Worker::BlockLease points(worker);
  ScratchCharge charge(&ctx(), subquery_->steps(), wanted.samples);
  RETURN_IF_ERROR(charge.Take());
  Wanted inner = wanted;
  inner.labels = true;
  RETURN_IF_ERROR(subquery_->Produce(batch, inner, worker, points.get()));
  uint64_t produced = 0;
  for (Row& from : *points) {
    Row& row = out->Add(wanted.samples ? steps() : 0);
    row.labels = from.labels;
    row.drop_name = from.drop_name;
    if (!wanted.samples) continue;
    SampleColumns& columns = worker->columns;
    RowToColumns(subquery_->node().grid, &from, &columns);
    RETURN_IF_ERROR(Evaluate(&columns, row.labels.Get(kMetricName), row.labels, worker, &row));
    produced += row.SizeInSamples();
  }
  worker->in_flight_samples += produced;
  return ctx().budget->AddSamples(produced);
}

void RangeFunctionSource::FindFloatBounds(const std::vector<int64_t>& times, Worker* worker) {
  RangeScratch& s = worker->range;
  const bool per_step = worker->per_step();
  if (s.owner == id() && s.times == times && !per_step) return;
  if (s.owner != id()) s.noted_name.clear();
  s.owner = id();
  s.times = times;
  s.counts = WindowCounts();
  s.edges.clear();
  FindBounds(
      call_, times.size(), [&](size_t i) { return times[i]; }, &s.floats,
      [&](size_t step, uint32_t begin, uint32_t end, uint32_t first_new) {
        s.counts.queryable += end - begin;
        s.counts.read += end - first_new;
        if (per_step) worker->CountSamples(node(), step, end - begin, end - first_new);
      });
}

Status RangeFunctionSource::Evaluate(SampleColumns* columns, std::string_view name,
                                     LabelsView labels, Worker* worker, Row* row) {
  const size_t n = columns->times.size();
  if (n == 0 && columns->histograms.empty()) return OkStatus();
  RETURN_IF_ERROR(ctx().budget->CheckTransient(n + columns->histograms.size()));

  RangeScratch& scratch = worker->range;
  FindFloatBounds(columns->times, worker);
  WindowCounts counts = scratch.counts;

  RangeSeries series;
  series.metric_name = name;
  series.times = columns->times;
  series.values = columns->values;
  if (call_.start_timestamps) series.start_times = columns->start_times;
  series.floats = &scratch.floats;
  if (!columns->histograms.empty()) {
    std::vector<HistogramRef>& refs = scratch.refs;
    refs.clear();
    for (const HistogramPoint& p : columns->histograms) {
      refs.push_back({p.time_ms, p.st_ms, &p.histogram});
    }
    FindBounds(
        call_, refs.size(), [&](size_t i) { return refs[i].time_ms; }, &scratch.histograms,
        [&](size_t step, uint32_t begin, uint32_t end, uint32_t first_new) {
          uint64_t all = 0, fresh = 0;
          for (uint32_t i = begin; i < end; i++) {
            const uint64_t size = refs[i].histogram->SizeInSamples();
            all += size;
            if (i >= first_new) fresh += size;
          }
          counts.queryable += all;
          counts.read += fresh;
          if (worker->per_step()) worker->CountSamples(node(), step, all, fresh);
        });
    series.histograms = refs;
    series.hists = &scratch.histograms;
  }
  if (!worker->per_step()) worker->CountSamplesTotal(node(), counts.queryable, counts.read);
  RETURN_IF_ERROR(RunKernel(series, counts.queryable, worker, row));
  NoteIfNotCounter(name, labels, *row, worker);
  return OkStatus();
}

namespace {

// Kernels that look at every sample of every window.
bool LooksAtWholeWindows(FunctionId id) {
  switch (id) {
    case FunctionId::kSumOverTime:
    case FunctionId::kAvgOverTime:
    case FunctionId::kStddevOverTime:
    case FunctionId::kStdvarOverTime:
    case FunctionId::kQuantileOverTime:
    case FunctionId::kMadOverTime:
    case FunctionId::kDeriv:
    case FunctionId::kPredictLinear:
    case FunctionId::kDoubleExponentialSmoothing:
      return true;
    default:
      return false;
  }
}

WindowBounds Part(const WindowBounds& all, size_t begin, size_t end) {
  WindowBounds part;
  part.begin.assign(all.begin.begin() + static_cast<long>(begin),
                    all.begin.begin() + static_cast<long>(end));
  part.end.assign(all.end.begin() + static_cast<long>(begin),
                  all.end.begin() + static_cast<long>(end));
  return part;
}

}  // namespace

// `samples`: in all windows together. Where that is more than a moment's work (windows of a million
// points at a million steps), deadline and client are looked at in between.
Status RangeFunctionSource::RunKernel(const RangeSeries& series, uint64_t samples, Worker* worker,
                                      Row* row) {
  const bool constant = std::all_of(call_.scalars.begin(), call_.scalars.end(),
                                    [](const ScalarColumn& c) { return c.is_constant(); });
  if (samples <= kSamplesPerCheck || !LooksAtWholeWindows(call_.id) || !constant) {
    return kernel_(call_, series, worker, row);
  }
  const auto parts =
      static_cast<size_t>(std::min<uint64_t>(steps(), samples / kSamplesPerCheck + 1));
  const size_t per_part = (steps() + parts - 1) / parts;
  Row piece;
  for (size_t begin = 0; begin < steps(); begin += per_part) {
    RETURN_IF_ERROR(ctx().CheckCancel());
    const size_t end = std::min(steps(), begin + per_part);
    RangeCall call = call_;
    call.grid.start_ms = call_.grid.TimeAt(begin);
    call.grid.steps = end - begin;
    RangeSeries some = series;
    const WindowBounds floats = Part(*series.floats, begin, end);
    some.floats = &floats;
    WindowBounds hists;
    if (series.hists != nullptr) {
      hists = Part(*series.hists, begin, end);
      some.hists = &hists;
    }
    piece.Reset(end - begin);
    RETURN_IF_ERROR(kernel_(call, some, worker, &piece));
    piece.floats.ForEach([&](size_t step) { row->SetFloat(begin + step, piece.values[step]); });
    for (size_t step = 0; step < piece.histograms.size(); step++) {
      if (piece.histograms[step] != nullptr) {
        row->SetHistogram(begin + step, std::move(piece.histograms[step]));
      }
    }
  }
  return OkStatus();
}

void RangeFunctionSource::NoteIfNotCounter(std::string_view name, LabelsView labels, const Row& row,
                                           Worker* worker) const {
  if (call_.id != FunctionId::kRate && call_.id != FunctionId::kIncrease) return;
  if (name.empty() || !row.floats.Any()) return;
  if (ctx().options.type_and_unit_labels) {
    const std::string_view type = labels.Get(kTypeLabel);
    if (type != "counter" && type != "histogram") {
      worker->annotations.Add(notes::PossibleNonCounterByLabel(name, type, call_.pos));
    }
    return;
  }
  for (std::string_view suffix : {"_total", "_sum", "_count", "_bucket"}) {
    if (name.ends_with(suffix)) return;
  }
  if (worker->range.noted_name == name) return;
  worker->range.noted_name = name;
  worker->annotations.Add(notes::PossibleNonCounter(name, call_.pos));
}

namespace {

// Keeps of an anchored or smoothed range what its bounds need, and pads it to the bounds.
void ExtendToBounds(const SampleWindow& w, int64_t start, int64_t end, std::vector<int64_t>* t,
                    std::vector<double>* v) {
  if (t->empty()) return;
  size_t last = t->size() - 1;
  size_t first = 0;
  while (first < last && (*t)[first] <= start) first++;
  if (first > 0) first--;
  if (w.smoothed) {
    size_t i = 0;
    while (i < last && (*t)[i] < end) i++;
    last = i;
  }
  if ((*t)[last] <= start) {
    t->clear();
    v->clear();
    return;
  }
  auto between = [&](size_t i, int64_t at) {
    const double share =
        static_cast<double>(at - (*t)[i]) / static_cast<double>((*t)[i + 1] - (*t)[i]);
    return (*v)[i] + ((*v)[i + 1] - (*v)[i]) * share;
  };
  const bool cut_left = w.smoothed && (*t)[first] < start;
  const bool cut_right = w.smoothed && last > 0 && (*t)[last] > end;
  const double left = cut_left ? between(first, start) : (*v)[first];
  const double right = cut_right ? between(last - 1, end) : (*v)[last];
  std::vector<int64_t> times{start};
  std::vector<double> values{left};
  for (size_t i = first; i <= last; i++) {
    if ((*t)[i] <= start || (*t)[i] >= end) continue;
    times.push_back((*t)[i]);
    values.push_back((*v)[i]);
  }
  times.push_back(end);
  values.push_back(right);
  *t = std::move(times);
  *v = std::move(values);
}

Result<Matrix> EvaluateSubquery(ExecContext* ctx, const PlanNode& node) {
  ASSIGN_OR_RETURN(SourcePtr source, BuildVector(ctx, node.child(0)));
  RETURN_IF_ERROR(source->Open());
  std::vector<Row> rows;
  RETURN_IF_ERROR(CollectRows(ctx, source.get(), &rows));
  if (ctx->delayed_names) RETURN_IF_ERROR(RemoveDelayedNames(&rows));
  return RowsToMatrix(source->node().grid, std::move(rows));
}

}  // namespace

Result<Matrix> EvaluateRangeSelector(ExecContext* ctx, const PlanNode& node) {
  if (node.kind == PlanKind::kSubquery) return EvaluateSubquery(ctx, node);
  ASSIGN_OR_RETURN(const std::shared_ptr<const SeriesSet> set, ctx->Select(node));
  const int64_t end = node.window.End(node.grid.start_ms);
  const int64_t start = end - node.window.range_ms;
  Matrix matrix;
  SampleColumns columns;
  for (size_t i = 0; i < set->size(); i++) {
    if (i % 64 == 0) RETURN_IF_ERROR(ctx->CheckCancel());
    columns.Clear();
    RETURN_IF_ERROR(InQueryWords(set->Read(i, node.hints.min_ms, node.hints.max_ms, &columns),
                                 "expression evaluation"));
    DropStaleMarkers(&columns);
    if (node.window.anchored || node.window.smoothed) {
      if (!columns.histograms.empty()) {
        return ExecutionError(std::string(node.window.anchored ? "anchored" : "smoothed") +
                              " modifier is not supported with histograms");
      }
      ExtendToBounds(node.window, start, end, &columns.times, &columns.values);
    }
    if (columns.times.empty() && columns.histograms.empty()) continue;
    MatrixSeries& series = matrix.emplace_back();
    set->LabelsOf(i, &series.labels);
    series.times.assign(columns.times.begin(), columns.times.end());
    series.values.assign(columns.values.begin(), columns.values.end());
    uint64_t samples = series.times.size(), bytes = sizeof(series) + 16 * samples;
    for (HistogramPoint& p : columns.histograms) {
      samples += p.histogram.SizeInSamples();
      bytes += p.histogram.SizeBytes();
      series.histograms.push_back(
          {p.time_ms, std::make_shared<FloatHistogram>(std::move(p.histogram))});
    }
    ctx->counts.queryable += samples;
    ctx->counts.read += samples;
    if (ctx->per_step_stats) {
      ctx->counts.queryable_per_step[0] += samples;
      ctx->counts.read_per_step[0] += samples;
    }
    RETURN_IF_ERROR(ctx->budget->AddSamples(samples));
    RETURN_IF_ERROR(ctx->budget->AddBytes(bytes));
  }
  return matrix;
}

}  // namespace deucalion::promql
