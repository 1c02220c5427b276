// ScrapeLoop: scrapes one target, tick after tick, until it is stopped.
//
// A loop is a chain of steps, never two at a time: a tick on the scheduler's thread sends the
// request, the response arrives on the HTTP engine's thread, a worker parses and appends it and
// asks for the next tick. Owned by shared_ptr; every pending step holds one, so a stopped loop
// lives until its chain ends. All public calls are thread-safe.
#ifndef DEUCALION_SCRAPE_LOOP_SCRAPE_LOOP_H_
#define DEUCALION_SCRAPE_LOOP_SCRAPE_LOOP_H_

#include <cstdint>
#include <memory>
#include <string>

#include "base/status.h"
#include "base/thread_annotations.h"
#include "scrape/loop/body_appender.h"
#include "scrape/loop/report.h"
#include "scrape/loop/settings.h"
#include "scrape/loop/target.h"

namespace deucalion::scrape {

// What changes with a reload.
struct LoopJob {
  std::shared_ptr<const ScrapeConfig> config;
  std::shared_ptr<HttpClient> client;
  std::shared_ptr<Logger> failure_log;  // may be null
};

class ScrapeLoop : public std::enable_shared_from_this<ScrapeLoop> {
 public:
  ScrapeLoop(std::shared_ptr<Target> target, LoopJob job, const ScrapeOptions& options,
             const ScrapeServices& services);

  // Begins at the target's place in the interval, `seed` mixed in.
  void Start(uint64_t seed) EXCLUDES(mu_);
  // No scrape begins any more; one under way is finished. About 2.1 intervals later everything the
  // target exposed is marked stale, unless a new loop for it has written since.
  void Stop() EXCLUDES(mu_);
  // As Stop, without markers: the server stops and will come back.
  void StopSilently() EXCLUDES(mu_);
  // Goes on with another client or failure log; the cache stays.
  void SetClient(LoopJob job) EXCLUDES(mu_);
  // Every scrape fails with this; OK ends that.
  void SetForcedError(Status error) EXCLUDES(mu_);

  const std::shared_ptr<Target>& target() const { return target_; }
  const ScrapeCache& cache() const { return body_.cache(); }

 private:
  struct Scrape {
    int64_t time_ms = 0;   // timestamp of its samples
    int64_t begin_ms = 0;  // Unix
    int64_t begin_ns = 0;  // monotonic
    Status forced_error;
    LoopJob job;
  };

  void ScheduleTick(int64_t at_ns);
  void Tick() EXCLUDES(mu_);
  int64_t AlignedTime(int64_t now_ms);
  HttpRequest MakeRequest(const ScrapeConfig& config) const;
  void OnResponse(std::shared_ptr<Scrape> scrape, Result<HttpResponse> response);
  void Process(const Scrape& scrape, Result<HttpResponse> response) EXCLUDES(mu_);
  // The body as text, or why there is none.
  Result<std::string> TakeBody(const Scrape& scrape, Result<HttpResponse> response,
                               std::string* content_type, ScrapeReport* report);
  std::unique_ptr<Appender> AppendBody(const Scrape& scrape, const Result<std::string>& body,
                                       const std::string& content_type, ScrapeReport* report,
                                       Status* status);
  void Finish(const Scrape& scrape) EXCLUDES(mu_);
  void ScheduleEndMarkers(int64_t at_ns, int64_t time_ms);
  void AppendEndMarkers(int64_t time_ms) EXCLUDES(mu_);

  const std::shared_ptr<Target> target_;
  const ScrapeOptions options_;
  const ScrapeServices& services_;
  const int64_t interval_ms_;
  const int64_t interval_ns_;

  // Of the chain.
  BodyAppender body_;
  ReportSeries report_;
  int64_t aligned_ms_ = 0;
  bool has_aligned_ = false;
  int64_t last_begin_ns_ = 0;
  size_t last_body_bytes_ = 0;

  mutable Mutex mu_;
  LoopJob job_ GUARDED_BY(mu_);
  Status forced_error_ GUARDED_BY(mu_);
  int64_t tick_ns_ GUARDED_BY(mu_) = 0;  // the tick under way or to come
  bool scraped_ GUARDED_BY(mu_) = false;
  bool in_flight_ GUARDED_BY(mu_) = false;
  bool stopped_ GUARDED_BY(mu_) = false;
  bool silent_ GUARDED_BY(mu_) = false;
};

// The Accept header for these protocols, most wanted first.
std::string AcceptHeader(const std::vector<ScrapeProtocol>& protocols, std::string_view escaping);

}  // namespace deucalion::scrape

#endif  // DEUCALION_SCRAPE_LOOP_SCRAPE_LOOP_H_
