// The series a scrape writes about itself: up, scrape_duration_seconds and their kin. Not subject
// to metric relabelling or limits. Used by one scrape at a time.
#ifndef DEUCALION_SCRAPE_LOOP_REPORT_H_
#define DEUCALION_SCRAPE_LOOP_REPORT_H_

#include <array>
#include <cstdint>

#include "base/status.h"
#include "model/labels.h"
#include "tsdb/storage/appender.h"

namespace deucalion::scrape {

struct ScrapeReport {
  bool healthy = false;
  double duration_seconds = 0;
  size_t scraped = 0;
  size_t post_relabeling = 0;
  size_t series_added = 0;
  // With extra_scrape_metrics.
  double timeout_seconds = 0;
  uint64_t sample_limit = 0;
  int64_t body_size_bytes = 0;  // -1: body_size_limit was exceeded
};

class ReportSeries {
 public:
  ReportSeries(Labels target, bool extra, bool append_metadata)
      : target_(std::move(target)), extra_(extra), append_metadata_(append_metadata) {}

  Status Append(const ScrapeReport& report, int64_t time_ms, Appender* appender);
  // The target is gone.
  Status AppendStale(int64_t time_ms, Appender* appender);

 private:
  static constexpr size_t kSeries = 8;  // the last three are the extra ones

  Status AppendValues(const std::array<double, kSeries>& values, int64_t time_ms,
                      Appender* appender);
  Status AppendValue(size_t series, double value, int64_t time_ms, Appender* appender);

  const Labels target_;
  const bool extra_;
  const bool append_metadata_;
  std::array<SeriesRef, kSeries> refs_{};
};

}  // namespace deucalion::scrape

#endif  // DEUCALION_SCRAPE_LOOP_REPORT_H_
