#include "scrape/loop/scrape_loop.h"

#include <algorithm>

#include "model/duration.h"
#include "model/value.h"
#include "scrape/fetch/dial_metrics.h"

namespace deucalion::scrape {
namespace {

bool ExtraMetrics(const ScrapeConfig& config, const ScrapeOptions& options) {
  return options.extra_metrics || config.extra_scrape_metrics.value_or(false);
}

// Slack for end markers behind the two intervals a target has to come back in.
int64_t EndSlackNs(int64_t interval_ns) { return interval_ns / 10; }

}  // namespace

std::string AcceptHeader(const std::vector<ScrapeProtocol>& protocols, std::string_view escaping) {
  std::string header;
  int weight = 6;
  for (const ScrapeProtocol protocol : protocols) {
    header += ScrapeProtocolHeader(protocol);
    if (protocol == ScrapeProtocol::kPrometheusText1_0_0 ||
        protocol == ScrapeProtocol::kOpenMetricsText1_0_0) {
      header.append(";escaping=").append(escaping);
    }
    header += ";q=0." + std::to_string(weight--) + ",";
  }
  return header + "*/*;q=0." + std::to_string(weight);
}

ScrapeLoop::ScrapeLoop(std::shared_ptr<Target> target, LoopJob job, const ScrapeOptions& options,
                       const ScrapeServices& services)
    : target_(std::move(target)),
      options_(options),
      services_(services),
      interval_ms_(target_->interval_ms()),
      interval_ns_(interval_ms_ * 1'000'000),
      body_(job.config, options, *target_, services),
      report_(target_->public_labels(), ExtraMetrics(*job.config, options),
              options.append_metadata),
      job_(std::move(job)) {}

void ScrapeLoop::Start(uint64_t seed) {
  const int64_t offset_ns =
      target_->OffsetNs(services_.clock->NowMs() * 1'000'000, interval_ns_, seed);
  const int64_t at_ns = services_.clock->MonotonicNs() + offset_ns;
  {
    MutexLock lock(mu_);
    tick_ns_ = at_ns;
  }
  ScheduleTick(at_ns);
}

void ScrapeLoop::ScheduleTick(int64_t at_ns) {
  services_.scheduler->At(at_ns, [self = shared_from_this()] { self->Tick(); });
}

void ScrapeLoop::Stop() {
  int64_t next_tick_ns = 0;
  {
    MutexLock lock(mu_);
    if (stopped_) return;
    stopped_ = true;
    if (!scraped_) return;  // nothing was ever written
    next_tick_ns = in_flight_ ? tick_ns_ + interval_ns_ : tick_ns_;
  }
  const int64_t now_ns = services_.clock->MonotonicNs();
  next_tick_ns = std::max(next_tick_ns, now_ns);
  const int64_t time_ms = services_.clock->NowMs() + (next_tick_ns - now_ns + 500'000) / 1'000'000;
  ScheduleEndMarkers(next_tick_ns + interval_ns_ + EndSlackNs(interval_ns_), time_ms);
}

void ScrapeLoop::StopSilently() {
  MutexLock lock(mu_);
  stopped_ = true;
  silent_ = true;
}

void ScrapeLoop::SetClient(LoopJob job) {
  MutexLock lock(mu_);
  job_ = std::move(job);
}

void ScrapeLoop::SetForcedError(Status error) {
  MutexLock lock(mu_);
  forced_error_ = std::move(error);
}

void ScrapeLoop::Tick() {
  auto scrape = std::make_shared<Scrape>();
  {
    MutexLock lock(mu_);
    if (stopped_) return;
    in_flight_ = true;
    scraped_ = true;
    scrape->forced_error = forced_error_;
    scrape->job = job_;
  }
  scrape->begin_ns = services_.clock->MonotonicNs();
  scrape->begin_ms = services_.clock->NowMs();
  scrape->time_ms = options_.adjust_timestamps ? AlignedTime(scrape->begin_ms) : scrape->begin_ms;
  if (last_begin_ns_ != 0) {
    const double seconds = static_cast<double>(scrape->begin_ns - last_begin_ns_) / 1e9;
    const std::string interval = FormatGoDuration(interval_ns_);
    services_.metrics->interval_length->With({interval})->Observe(seconds);
    services_.metrics->interval_length_histogram->With({interval})->Observe(seconds);
  }
  last_begin_ns_ = scrape->begin_ns;
  if (!scrape->forced_error.ok()) {
    OnResponse(scrape, scrape->forced_error);
    return;
  }
  scrape->job.client->Send(MakeRequest(*scrape->job.config),
                           [self = shared_from_this(), scrape](Result<HttpResponse> response) {
                             self->OnResponse(scrape, std::move(response));
                           });
}

// The tick's place in the schedule, when the clock is within the tolerance of it: samples at even
// distances take far less space.
int64_t ScrapeLoop::AlignedTime(int64_t now_ms) {
  const int64_t tolerance_ms = std::min(interval_ms_ / 100, options_.timestamp_tolerance_ms);
  const int64_t behind_ms = now_ms - aligned_ms_;
  if (!has_aligned_ || behind_ms < -tolerance_ms) {  // first tick, or the clock was set back
    has_aligned_ = true;
    aligned_ms_ = now_ms;
    return now_ms;
  }
  aligned_ms_ += std::max<int64_t>(behind_ms, 0) / interval_ms_ * interval_ms_;
  return now_ms - aligned_ms_ <= tolerance_ms ? aligned_ms_ : now_ms;
}

HttpRequest ScrapeLoop::MakeRequest(const ScrapeConfig& config) const {
  HttpRequest request;
  request.url = target_->url();
  request.timeout_ms = target_->timeout_ms();
  request.unix_socket = target_->unix_socket();
  request.expected_body_bytes = last_body_bytes_;
  if (services_.dials != nullptr) request.dialer = services_.dials->Of(config.job_name);
  if (config.limits.body_size_limit > 0) {
    request.max_body_bytes =
        std::min<uint64_t>(request.max_body_bytes, config.limits.body_size_limit);
  }
  request.headers = {
      {"Accept", AcceptHeader(config.scrape_protocols.value_or(DefaultScrapeProtocols()),
                              config.metric_name_escaping_scheme.empty()
                                  ? kAllowUtf8
                                  : std::string_view(config.metric_name_escaping_scheme))},
      {"Accept-Encoding", config.enable_compression ? "gzip" : "identity"},
      {"User-Agent", options_.user_agent},
  };
  std::string timeout;
  AppendFloatF(&timeout, static_cast<double>(request.timeout_ms) / 1000);
  request.headers.emplace_back("X-Prometheus-Scrape-Timeout-Seconds", timeout);
  return request;
}

void ScrapeLoop::OnResponse(std::shared_ptr<Scrape> scrape, Result<HttpResponse> response) {
  // Shared, because std::function wants to be copied.
  auto shared = std::make_shared<Result<HttpResponse>>(std::move(response));
  services_.run([self = shared_from_this(), scrape = std::move(scrape), shared] {
    self->Process(*scrape, std::move(*shared));
  });
}

void ScrapeLoop::Process(const Scrape& scrape, Result<HttpResponse> response) {
  {
    MutexLock lock(mu_);
    if (silent_) {  // the server stops
      in_flight_ = false;
      return;
    }
  }
  ScrapeReport report;
  std::string content_type;
  const Result<std::string> body = TakeBody(scrape, std::move(response), &content_type, &report);
  Status status = body.status();
  std::unique_ptr<Appender> appender = AppendBody(scrape, body, content_type, &report, &status);

  const int64_t took_ns = services_.clock->MonotonicNs() - scrape.begin_ns;
  report.healthy = status.ok();
  report.duration_seconds = static_cast<double>(took_ns) / 1e9;
  report.timeout_seconds = static_cast<double>(target_->timeout_ms()) / 1000;
  report.sample_limit = scrape.job.config->limits.sample_limit;
  services_.metrics->scrape_duration->Observe(report.duration_seconds);
  target_->Report({.health = status.ok() ? TargetHealth::kUp : TargetHealth::kDown,
                   .last_error = status.ok() ? "" : status.message(),
                   .last_scrape_ms = scrape.begin_ms,
                   .last_duration_seconds = report.duration_seconds});
  Status stored = report_.Append(report, scrape.time_ms, appender.get());
  if (!stored.ok()) {
    services_.log->Warn("Appending scrape report failed",
                        {{"target", target_->url()}, {"err", stored}});
    (void)appender->Rollback();
  } else if (stored = appender->Commit(); !stored.ok()) {
    services_.log->Error("Scrape commit failed", {{"target", target_->url()}, {"err", stored}});
  }
  appender.reset();
  Finish(scrape);
}

Result<std::string> ScrapeLoop::TakeBody(const Scrape& scrape, Result<HttpResponse> response,
                                         std::string* content_type, ScrapeReport* report) {
  Status status = response.status();
  if (status.ok() && response->status != 200) {
    status = UnavailableError("server returned HTTP status " + response->status_line);
  }
  const uint64_t limit = scrape.job.config->limits.body_size_limit > 0
                             ? scrape.job.config->limits.body_size_limit
                             : kDefaultMaxBodyBytes;
  std::string body;
  if (status.ok()) {
    *content_type = response->Header("content-type");
    if (response->Header("content-encoding") == "gzip") {
      Result<std::string> text = DecodeGzip(response->body, limit);
      if (text.ok()) {
        body = *std::move(text);
      } else {
        status = text.status();
      }
    } else {
      body = std::move(response->body);
      if (body.size() >= limit) status = ResourceExhaustedError("body size limit exceeded");
    }
  }
  if (status.ok()) {
    if (!body.empty()) last_body_bytes_ = body.size();
    report->body_size_bytes = static_cast<int64_t>(body.size());
    return body;
  }
  if (status.code() == StatusCode::kResourceExhausted) {
    services_.metrics->exceeded_body_size_limit->Increment();
    report->body_size_bytes = -1;
  }
  if (!scrape.forced_error.ok()) return status;
  if (services_.log->Enabled(LogLevel::kDebug)) {
    services_.log->Debug("Scrape failed", {{"target", target_->url()}, {"err", status}});
  }
  if (scrape.job.failure_log != nullptr) {
    scrape.job.failure_log->Error(
        status.message(), {{"job_name", scrape.job.config->job_name}, {"target", target_->url()}});
  }
  return status;
}

// Returns the transaction to report in. *status: why the scrape failed, if it did.
std::unique_ptr<Appender> ScrapeLoop::AppendBody(const Scrape& scrape,
                                                 const Result<std::string>& body,
                                                 const std::string& content_type,
                                                 ScrapeReport* report, Status* status) {
  std::unique_ptr<Appender> appender = services_.storage->NewAppender();
  const auto begin_anew = [&] {
    (void)appender->Rollback();
    appender.reset();
    appender = services_.storage->NewAppender();
  };
  Status appended;
  const bool has_text = body.ok() && !body->empty();
  if (has_text) {
    AppendCounts counts;
    appended = body_.Append(*body, content_type, scrape.time_ms, appender.get(), &counts);
    if (body_.storage_forgot_series()) {
      begin_anew();
      appended = body_.Append(*body, content_type, scrape.time_ms, appender.get(), &counts);
    }
    report->scraped = counts.total;
    report->post_relabeling = counts.added;
    report->series_added = counts.series_added;
    if (!appended.ok()) {
      begin_anew();
      if (services_.log->Enabled(LogLevel::kDebug)) {
        services_.log->Debug("Append failed", {{"target", target_->url()}, {"err", appended}});
      }
      if (status->ok()) *status = appended;
    }
  }
  if (!has_text || !appended.ok()) {
    // A failed scrape counts as an empty one: what was there is gone.
    appended = body_.AppendStale(scrape.time_ms, appender.get());
    if (!appended.ok()) {
      begin_anew();
      services_.log->Warn("Append failed", {{"target", target_->url()}, {"err", appended}});
      if (status->ok()) *status = appended;
    }
  }
  return appender;
}

void ScrapeLoop::Finish(const Scrape& scrape) {
  int64_t next_ns = 0;
  {
    MutexLock lock(mu_);
    in_flight_ = false;
    if (stopped_) return;
    // Ticks missed while the scrape ran long are one tick, now; the place in the interval stays.
    const int64_t now_ns = services_.clock->MonotonicNs();
    tick_ns_ += interval_ns_;
    if (tick_ns_ < now_ns) tick_ns_ += (now_ns - tick_ns_) / interval_ns_ * interval_ns_;
    next_ns = tick_ns_;
  }
  ScheduleTick(next_ns);
}

void ScrapeLoop::ScheduleEndMarkers(int64_t at_ns, int64_t time_ms) {
  services_.scheduler->At(at_ns, [self = shared_from_this(), time_ms] {
    self->services_.run([self, time_ms] { self->AppendEndMarkers(time_ms); });
  });
}

void ScrapeLoop::AppendEndMarkers(int64_t time_ms) {
  bool wait = false;
  {
    MutexLock lock(mu_);
    if (silent_) return;
    wait = in_flight_;
  }
  if (wait) {  // the last scrape is slow to end; it must not be overtaken
    ScheduleEndMarkers(services_.clock->MonotonicNs() + EndSlackNs(interval_ns_), time_ms);
    return;
  }
  // If the target came back, its new loop has written since: then the markers are out of order.
  std::unique_ptr<Appender> appender =
      services_.storage->NewAppender({.discard_out_of_order = true});
  Status status = body_.AppendStale(time_ms, appender.get());
  if (!status.ok()) {
    services_.log->Warn("Stale append failed", {{"target", target_->url()}, {"err", status}});
    (void)appender->Rollback();
    appender.reset();
    appender = services_.storage->NewAppender({.discard_out_of_order = true});
  }
  status = report_.AppendStale(time_ms, appender.get());
  if (!status.ok()) {
    services_.log->Warn("Stale report failed", {{"target", target_->url()}, {"err", status}});
    (void)appender->Rollback();
    return;
  }
  status = appender->Commit();
  if (!status.ok()) {
    services_.log->Warn("Stale commit failed", {{"target", target_->url()}, {"err", status}});
  }
}

}  // namespace deucalion::scrape
