#include "scrape/loop/report.h"

#include "model/value.h"

namespace deucalion::scrape {
namespace {

struct ReportInfo {
  std::string_view name;
  std::string_view unit;
  std::string_view help;
};

constexpr std::array<ReportInfo, 8> kInfos = {{
    {"up", "targets", "Whether the last scrape of the target succeeded: 1, or 0."},
    {"scrape_duration_seconds", "seconds", "How long the last scrape took."},
    {"scrape_samples_scraped", "samples", "Samples the target exposed in the last scrape."},
    {"scrape_samples_post_metric_relabeling", "samples",
     "Samples of the last scrape that metric relabeling left."},
    {"scrape_series_added", "series", "Series that were new in the last scrape."},
    {"scrape_timeout_seconds", "seconds", "The target's scrape timeout."},
    {"scrape_sample_limit", "samples", "The target's sample limit; 0 if there is none."},
    {"scrape_body_size_bytes", "bytes",
     "Size of the last body, uncompressed; -1 if body_size_limit was exceeded, 0 if the scrape "
     "failed otherwise."},
}};

}  // namespace

Status ReportSeries::Append(const ScrapeReport& r, int64_t time_ms, Appender* appender) {
  return AppendValues({r.healthy ? 1.0 : 0.0, r.duration_seconds, static_cast<double>(r.scraped),
                       static_cast<double>(r.post_relabeling), static_cast<double>(r.series_added),
                       r.timeout_seconds, static_cast<double>(r.sample_limit),
                       static_cast<double>(r.body_size_bytes)},
                      time_ms, appender);
}

Status ReportSeries::AppendStale(int64_t time_ms, Appender* appender) {
  std::array<double, kSeries> values;
  values.fill(StaleNan());
  return AppendValues(values, time_ms, appender);
}

Status ReportSeries::AppendValues(const std::array<double, kSeries>& values, int64_t time_ms,
                                  Appender* appender) {
  const size_t n = extra_ ? kSeries : kSeries - 3;
  for (size_t i = 0; i < n; ++i) RETURN_IF_ERROR(AppendValue(i, values[i], time_ms, appender));
  return OkStatus();
}

Status ReportSeries::AppendValue(size_t i, double value, int64_t time_ms, Appender* appender) {
  Status status(StatusCode::kNotFound, "");
  if (refs_[i] != 0) status = appender->Append(refs_[i], time_ms, value);
  if (status.code() == StatusCode::kNotFound) {
    LabelsBuilder labels(target_);
    labels.Set(kMetricName, kInfos[i].name);
    const Labels built = labels.Build();
    ASSIGN_OR_RETURN(refs_[i], appender->FindOrCreate(built, built.Hash()));
    status = appender->Append(refs_[i], time_ms, value);
    if (status.ok() && append_metadata_) {
      const Metadata metadata{.kind = MetricKind::kGauge,
                              .unit = std::string(kInfos[i].unit),
                              .help = std::string(kInfos[i].help)};
      if (!appender->UpdateMetadata(refs_[i], metadata).ok()) return OkStatus();
    }
  }
  switch (status.code()) {
    case StatusCode::kOutOfOrder:
    case StatusCode::kTooOld:
    case StatusCode::kDuplicateSample:
      // As expected when a target goes and comes back under a new loop.
      return OkStatus();
    default:
      return status;
  }
}

}  // namespace deucalion::scrape
