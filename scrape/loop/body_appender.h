// BodyAppender: turns one scraped body into samples of one transaction. Knows the limits of the
// job, the target's labels and, through its cache, everything earlier scrapes have taught.
//
// Used by one scrape at a time. Neither commits nor rolls back.
#ifndef DEUCALION_SCRAPE_LOOP_BODY_APPENDER_H_
#define DEUCALION_SCRAPE_LOOP_BODY_APPENDER_H_

#include <memory>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/status.h"
#include "scrape/loop/sample_labels.h"
#include "scrape/loop/scrape_cache.h"
#include "scrape/loop/settings.h"
#include "scrape/loop/target.h"
#include "scrape/parse/parser.h"
#include "tsdb/storage/appender.h"

namespace deucalion::scrape {

// What scrape_samples_scraped, …_post_metric_relabeling and scrape_series_added show.
struct AppendCounts {
  size_t total = 0;
  size_t added = 0;
  size_t series_added = 0;
};

class BodyAppender {
 public:
  // `target` and `services` must outlive it.
  BodyAppender(std::shared_ptr<const ScrapeConfig> config, const ScrapeOptions& options,
               const Target& target, const ScrapeServices& services);

  // Parses and appends. `body` must stay until it returns. On success the markers of series that
  // have gone are appended too. After a failure roll back, then call AppendStale with a new
  // transaction. kUnavailable with storage_forgot_series(): roll back, take a new transaction and
  // call it again.
  Status Append(std::string_view body, std::string_view content_type, int64_t time_ms,
                Appender* appender, AppendCounts* counts);
  bool storage_forgot_series() const { return forgotten_ > 0; }
  // A scrape that failed, or was empty: everything its predecessor showed becomes stale.
  Status AppendStale(int64_t time_ms, Appender* appender);

  const ScrapeCache& cache() const { return cache_; }

 private:
  // The current sample on its way to storage.
  struct Sample {
    uint32_t series = ScrapeCache::kNone;
    SeriesRef ref = 0;
    int64_t time_ms = 0;
    bool explicit_time = false;
    bool is_new = false;
  };

  Status ParseAll(int64_t time_ms);
  Status TakeSample(Entry entry, int64_t time_ms);
  Status ResolveNew(Sample* sample, bool* dropped);
  Status AppendOne(Entry entry, Sample* sample);
  Status AppendHistogram(const Sample& sample, int64_t st_ms);
  bool FitBuckets(ConvertedHistogram* histogram) const;
  void AppendStartZero(Entry entry, const Sample& sample, int64_t st_ms);
  void AppendExemplars(Entry entry, const Sample& sample);
  void AppendMetadata(const Sample& sample);
  void AddSeries(Sample* sample);
  Status FlushBatch();
  // Counts a refused sample; other failures end the scrape.
  Status Refused(uint32_t series, Status status);
  Status AppendStaleMarkers(const std::vector<uint32_t>& stale, int64_t time_ms);
  void LogRefused();

  const std::shared_ptr<const ScrapeConfig> config_;
  const ScrapeOptions options_;
  const ScrapeServices& services_;
  ParserOptions parser_options_;
  std::string fallback_media_type_;
  const std::string target_url_;
  int32_t max_schema_;
  SampleLabels labels_;
  ScrapeCache cache_;

  // Of the scrape under way.
  std::unique_ptr<Parser> parser_;
  Appender* appender_ = nullptr;
  AppendCounts* counts_ = nullptr;
  int64_t max_time_ms_ = 0;
  bool attempt_open_ = false;  // an Append has failed and AppendStale is still to come
  uint64_t taken_ = 0;         // towards sample_limit
  bool sample_limit_hit_ = false;
  bool bucket_limit_hit_ = false;
  size_t forgotten_ = 0;
  size_t out_of_order_ = 0;
  size_t duplicates_ = 0;
  size_t out_of_bounds_ = 0;
  std::vector<RefSample> batch_;
  std::vector<uint32_t> batch_series_;
  std::vector<SampleError> batch_errors_;
  Labels exposed_;
  Labels resolved_;
  std::vector<Exemplar> exemplars_;
};

}  // namespace deucalion::scrape

#endif  // DEUCALION_SCRAPE_LOOP_BODY_APPENDER_H_
