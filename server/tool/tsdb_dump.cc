// deutool tsdb dump, dump-openmetrics
#include <fmt/core.h>

#include <functional>

#include "model/value.h"
#include "promql/parser/parser.h"
#include "server/tool/query_result.h"
#include "server/tool/tsdb.h"
#include "server/tool/tsdb_blocks.h"
#include "server/tool/tsdb_copy.h"
#include "tsdb/block/merge.h"

namespace deucalion::tool {
namespace {

constexpr std::string_view kEverything = "{__name__=~'(?s:.*)'}";

// Prints one series.
using Format = std::function<void(LabelsView labels, const SampleColumns& samples, std::ostream&)>;

// Floats and histograms in time order.
void PrintSamples(LabelsView labels, const SampleColumns& samples, std::ostream& out) {
  const std::string name = labels.ToBraceString();
  size_t h = 0;
  const auto histograms_before = [&](int64_t time_ms) {
    for (; h < samples.histograms.size() && samples.histograms[h].time_ms < time_ms; h++) {
      const ::deucalion::HistogramPoint& p = samples.histograms[h];
      out << name << " " << p.histogram.ToString() << " " << p.time_ms << "\n";
    }
  };
  for (size_t i = 0; i < samples.times.size(); i++) {
    histograms_before(samples.times[i]);
    out << name << " " << FormatFloatG(samples.values[i]) << " " << samples.times[i] << "\n";
  }
  histograms_before(INT64_MAX);
}

void PrintSeries(LabelsView labels, const SampleColumns&, std::ostream& out) {
  LabelSet set;
  for (const Label& l : labels) set.emplace(l.name, l.value);
  const std::string list = JsonOf(std::vector<LabelSet>{std::move(set)});
  out << list.substr(1, list.size() - 2) << "\n";
}

// Native histograms and stale markers have no form in OpenMetrics.
void PrintOpenMetrics(LabelsView labels, const SampleColumns& samples, std::ostream& out) {
  const std::string_view metric = labels.Get(kMetricName);
  const bool plain = IsLegacyMetricName(metric);
  std::string name = plain ? std::string(metric) : "";
  std::string pairs = plain || metric.empty() ? "" : GoQuote(metric);
  for (const Label& l : labels) {
    if (l.name == kMetricName) continue;
    if (!pairs.empty()) pairs += ",";
    pairs += (IsLegacyLabelName(l.name) ? std::string(l.name) : GoQuote(l.name)) + "=" +
             GoQuote(l.value);
  }
  for (size_t i = 0; i < samples.times.size(); i++) {
    if (IsStaleNan(samples.values[i])) continue;
    out << name << "{" << pairs << "} " << FormatFloatG(samples.values[i])
        << fmt::format(" {:.3f}\n", static_cast<double>(samples.times[i]) / 1000);
  }
}

Result<std::unique_ptr<SeriesSet>> SelectAny(Querier* querier, const TsdbDumpArgs& args) {
  std::vector<std::string> selectors = args.matchers;
  if (selectors.empty()) selectors.emplace_back(kEverything);
  std::vector<tsdb::SourceSet> sets;
  for (const std::string& selector : selectors) {
    ASSIGN_OR_RETURN(const auto matchers, promql::ParseMetricSelector(selector));
    ASSIGN_OR_RETURN(auto set, querier->Select(true, {.min_ms = args.min_ms, .max_ms = args.max_ms},
                                               matchers, nullptr));
    sets.push_back({std::move(set), args.min_ms, args.max_ms});
  }
  if (sets.size() == 1) return std::move(sets[0].set);
  return tsdb::MergeSets(std::move(sets), 0, nullptr);
}

Status Dump(const TsdbDumpArgs& args, const Format& format, const Streams& io) {
  for (const std::string& selector : args.matchers) {
    RETURN_IF_ERROR(promql::ParseMetricSelector(selector).status());
  }
  ASSIGN_OR_RETURN(const auto copy, DirectoryCopy::Open(args.path, args.sandbox_root));
  ASSIGN_OR_RETURN(const auto querier, copy->db()->NewQuerier(args.min_ms, args.max_ms));
  ASSIGN_OR_RETURN(const auto set, SelectAny(querier.get(), args));
  Progress progress(io, "series", set->size());
  Labels labels;
  SampleColumns samples;
  for (size_t i = 0; i < set->size(); i++) {
    samples.Clear();
    RETURN_IF_ERROR(set->Read(i, args.min_ms, args.max_ms, &samples));
    progress.Advance();
    if (samples.times.empty() && samples.histograms.empty()) continue;
    set->LabelsOf(i, &labels);
    format(labels, samples, io.out);
  }
  return OkStatus();
}

}  // namespace

int TsdbDump(const TsdbDumpArgs& args, const Streams& io) {
  const Format format = args.format == "seriesjson" ? Format(PrintSeries) : Format(PrintSamples);
  const Status status = Dump(args, format, io);
  return status.ok() ? kSuccess : Fail(status, io);
}

int TsdbDumpOpenMetrics(const TsdbDumpArgs& args, const Streams& io) {
  const Status status = Dump(args, PrintOpenMetrics, io);
  if (!status.ok()) return Fail(status, io);
  io.out << "# EOF\n";
  return kSuccess;
}

}  // namespace deucalion::tool
