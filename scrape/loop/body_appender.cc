// The path of a sample: the parser says which series comes (usually the predicted one), the cache
// gives its ref, and (ref, time, value) goes into a batch. Everything else (new series, histograms,
// exemplars, start timestamps, refusals) leaves that path by a branch.
#include "scrape/loop/body_appender.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "model/value.h"

namespace deucalion::scrape {
namespace {

// Samples may be this far ahead of the server's clock.
constexpr int64_t kMaxAheadMs = 10 * 60 * 1000;
// Large enough that storage's cost per batch does not show, small enough for the L1 cache.
constexpr size_t kBatchSamples = 1024;
constexpr size_t kInitialBatch = 64;

// The finest schema whose buckets still grow by `factor`.
int32_t SchemaForBucketFactor(double factor) {
  if (!(factor > 1)) factor = 1.00271;
  const double floor = std::floor(-std::log2(std::log2(factor)));
  return static_cast<int32_t>(
      std::clamp<double>(floor, kExponentialSchemaMin, kExponentialSchemaMax));
}

template <typename H>
size_t BucketCount(const H& h) {
  return h.positive_buckets.size() + h.negative_buckets.size();
}

// Reduces the resolution until at most `limit` buckets are left. False when that cannot be.
template <typename H>
bool FitInto(H* h, size_t limit) {
  while (BucketCount(*h) > limit) {
    if (h->UsesCustomBuckets() || h->schema <= kExponentialSchemaMin) return false;
    h->ReduceResolution(h->schema - 1);
  }
  return true;
}

}  // namespace

BodyAppender::BodyAppender(std::shared_ptr<const ScrapeConfig> config, const ScrapeOptions& options,
                           const Target& target, const ScrapeServices& services)
    : config_(std::move(config)),
      options_(options),
      services_(services),
      target_url_(target.url()),
      max_schema_(SchemaForBucketFactor(config_->native_histogram_min_bucket_factor)),
      labels_(config_, target.public_labels()) {
  const ScrapeConfig& c = *config_;
  if (c.fallback_scrape_protocol) {
    const std::string_view header = ScrapeProtocolHeader(*c.fallback_scrape_protocol);
    fallback_media_type_ = header.substr(0, header.find(';'));
  }
  parser_options_ = {
      .type_and_unit_labels = options.type_and_unit_labels,
      .ignore_native_histograms = !target.Switch("__scrape_native_histograms__",
                                                 c.scrape_native_histograms.value_or(false)),
      .convert_classic_to_nhcb =
          target.Switch("__convert_classic_histograms_to_nhcb__",
                        c.convert_classic_histograms_to_nhcb.value_or(false)),
      .keep_classic = target.Switch("__always_scrape_classic_histograms__",
                                    c.always_scrape_classic_histograms.value_or(false)),
      .skip_created_series = options.start_zero_ingestion || options.start_timestamps,
      .fallback_media_type = fallback_media_type_,
  };
  batch_.reserve(kInitialBatch);
  batch_series_.reserve(kInitialBatch);
}

Status BodyAppender::Append(std::string_view body, std::string_view content_type, int64_t time_ms,
                            Appender* appender, AppendCounts* counts) {
  if (forgotten_ > 0) {
    cache_.Restart();
  } else {
    cache_.Begin();
  }
  attempt_open_ = true;
  appender_ = appender;
  counts_ = counts;
  *counts_ = AppendCounts();
  max_time_ms_ = services_.clock->NowMs() + kMaxAheadMs;
  taken_ = 0;
  sample_limit_hit_ = bucket_limit_hit_ = false;
  forgotten_ = out_of_order_ = duplicates_ = out_of_bounds_ = 0;
  batch_.clear();
  batch_series_.clear();

  Status warning;
  Result<std::unique_ptr<Parser>> parser = NewParser(body, content_type, parser_options_, &warning);
  if (!parser.ok()) {
    services_.log->Error("Failed to determine correct type of scrape target.",
                         {{"target", target_url_},
                          {"content_type", content_type},
                          {"fallback_media_type", fallback_media_type_},
                          {"err", parser.status()}});
    return parser.status();
  }
  if (!warning.ok() && services_.log->Enabled(LogLevel::kDebug)) {
    services_.log->Debug("Invalid content type on scrape, using fallback setting.",
                         {{"target", target_url_}, {"err", warning}});
  }
  parser_ = *std::move(parser);
  Status status = ParseAll(time_ms);
  parser_.reset();
  if (forgotten_ > 0) return UnavailableError("storage has forgotten series");
  if (status.ok()) {
    cache_.Done(/*success=*/true);
    attempt_open_ = false;
  }
  return status;
}

Status BodyAppender::ParseAll(int64_t time_ms) {
  Status status;
  for (;;) {
    Entry entry = Entry::kEof;
    parser_->Predict(cache_.Predicted());
    status = parser_->Next(&entry);
    if (!status.ok() || entry == Entry::kEof) break;
    switch (entry) {
      case Entry::kType:
        cache_.SetType(parser_->family(), parser_->kind());
        continue;
      case Entry::kHelp:
        cache_.SetHelp(parser_->family(), parser_->text());
        continue;
      case Entry::kUnit:
        cache_.SetUnit(parser_->family(), parser_->text());
        continue;
      case Entry::kComment:
        continue;
      default:
        status = TakeSample(entry, time_ms);
    }
    if (!status.ok()) break;
  }
  if (status.ok()) status = FlushBatch();
  if (sample_limit_hit_) {
    services_.metrics->exceeded_sample_limit->Increment();
    if (status.ok()) status = ResourceExhaustedError("sample limit exceeded");
  }
  if (bucket_limit_hit_) {
    services_.metrics->exceeded_bucket_limit->Increment();
    if (status.ok()) status = ResourceExhaustedError("histogram bucket limit exceeded");
  }
  LogRefused();
  RETURN_IF_ERROR(status);
  return AppendStaleMarkers(cache_.Stale(/*failed=*/false), time_ms);
}

Status BodyAppender::TakeSample(Entry entry, int64_t time_ms) {
  ++counts_->total;
  Sample sample{.time_ms = time_ms};
  if (config_->honor_timestamps && parser_->has_timestamp()) {
    sample.explicit_time = true;
    sample.time_ms = parser_->timestamp_ms();
  }
  sample.series = parser_->predicted() ? cache_.TakePredicted() : cache_.Find(parser_->series());
  if (sample.series != ScrapeCache::kNone) {
    const ScrapeCache::Series& known = cache_.at(sample.series);
    const bool repeated = cache_.SeenNow(sample.series);
    cache_.MarkSeen(sample.series);
    if (known.dropped) return OkStatus();
    sample.ref = known.ref;
    if (repeated && !sample.explicit_time) {
      ++counts_->added;
      return Refused(ScrapeCache::kNone, Status(StatusCode::kDuplicateSample, ""));
    }
  }
  if (sample.ref == 0) {
    bool dropped = false;
    RETURN_IF_ERROR(ResolveNew(&sample, &dropped));
    if (dropped) return OkStatus();
  }
  ++counts_->added;
  return AppendOne(entry, &sample);
}

// A series seen for the first time, or one whose ref storage has forgotten: its labels are wanted.
Status BodyAppender::ResolveNew(Sample* sample, bool* dropped) {
  RETURN_IF_ERROR(parser_->BuildLabels(&exposed_));
  bool limit_exceeded = false;
  if (Status s = labels_.Resolve(exposed_, &resolved_, &limit_exceeded); !s.ok()) {
    if (limit_exceeded) services_.metrics->exceeded_label_limits->Increment();
    return s;
  }
  *dropped = resolved_.empty();
  if (*dropped) {
    if (sample->series == ScrapeCache::kNone) {
      cache_.MarkSeen(cache_.Add(parser_->series(), 0, /*dropped=*/true));
    } else {
      cache_.at(sample->series).dropped = true;
    }
    return OkStatus();
  }
  if (sample->time_ms > max_time_ms_) return OkStatus();  // AppendOne refuses it
  if (config_->limits.sample_limit > 0 && taken_ >= config_->limits.sample_limit) return OkStatus();
  ASSIGN_OR_RETURN(sample->ref, appender_->FindOrCreate(resolved_, resolved_.Hash()));
  sample->is_new = sample->series == ScrapeCache::kNone;
  if (!sample->is_new) cache_.at(sample->series).ref = sample->ref;
  return OkStatus();
}

Status BodyAppender::AppendOne(Entry entry, Sample* sample) {
  if (sample->time_ms > max_time_ms_) {
    return Refused(sample->series, Status(StatusCode::kOutOfBounds, ""));
  }
  if (config_->limits.sample_limit > 0 && ++taken_ > config_->limits.sample_limit) {
    // Parsing goes on, so that the number of samples scraped is right.
    sample_limit_hit_ = true;
    return OkStatus();
  }
  const bool with_start = options_.start_zero_ingestion || options_.start_timestamps;
  const int64_t st_ms = with_start ? parser_->StartTimestampMs() : 0;
  if (entry == Entry::kSeries && !sample->is_new && st_ms == 0) {
    batch_.push_back({sample->ref, sample->time_ms, parser_->value()});
    batch_series_.push_back(sample->series);
    if (batch_.size() >= kBatchSamples) RETURN_IF_ERROR(FlushBatch());
  } else {
    // New series go one by one: a refused sample leaves no trace in the cache.
    if (st_ms != 0 && options_.start_zero_ingestion) AppendStartZero(entry, *sample, st_ms);
    const int64_t stored_st_ms = options_.start_timestamps ? st_ms : 0;
    Status s = entry == Entry::kHistogram ? AppendHistogram(*sample, stored_st_ms)
                                          : appender_->Append(sample->ref, sample->time_ms,
                                                              parser_->value(), stored_st_ms);
    if (bucket_limit_hit_ && s.code() == StatusCode::kResourceExhausted) return OkStatus();
    if (!s.ok()) return Refused(sample->series, std::move(s));
    if (sample->is_new) AddSeries(sample);
    if (st_ms != 0) cache_.at(sample->series).start_ms = st_ms;
  }
  if (!sample->explicit_time || config_->track_timestamps_staleness) cache_.Track(sample->series);
  if (parser_->may_have_exemplars()) AppendExemplars(entry, *sample);
  if (options_.append_metadata) AppendMetadata(*sample);
  return OkStatus();
}

void BodyAppender::AddSeries(Sample* sample) {
  sample->series = cache_.Add(parser_->series(), sample->ref, /*dropped=*/false);
  cache_.MarkSeen(sample->series);
  if (!sample_limit_hit_ && !bucket_limit_hit_) ++counts_->series_added;
}

Status BodyAppender::AppendHistogram(const Sample& sample, int64_t st_ms) {
  ConvertedHistogram histogram = parser_->histogram();
  if (!FitBuckets(&histogram)) {
    bucket_limit_hit_ = true;
    return ResourceExhaustedError("histogram bucket limit exceeded");
  }
  return histogram.is_float
             ? appender_->AppendFloatHistogram(sample.ref, sample.time_ms, histogram.floating,
                                               st_ms)
             : appender_->AppendHistogram(sample.ref, sample.time_ms, histogram.integer, st_ms);
}

bool BodyAppender::FitBuckets(ConvertedHistogram* histogram) const {
  const auto fit = [this](auto* h) {
    if (IsExponentialSchema(h->schema) && h->schema > max_schema_) {
      h->ReduceResolution(max_schema_);
    }
    const uint64_t limit = config_->native_histogram_bucket_limit;
    return limit == 0 || FitInto(h, limit);
  };
  return histogram->is_float ? fit(&histogram->floating) : fit(&histogram->integer);
}

// A counter that starts at st_ms was zero then. Once for each start; refusals do not matter.
void BodyAppender::AppendStartZero(Entry entry, const Sample& sample, int64_t st_ms) {
  if (st_ms >= sample.time_ms) return;
  if (sample.series != ScrapeCache::kNone && cache_.at(sample.series).start_ms == st_ms) return;
  Status s;
  if (entry != Entry::kHistogram) {
    s = appender_->Append(sample.ref, st_ms, 0);
  } else if (const ConvertedHistogram& h = parser_->histogram(); h.is_float) {
    s = appender_->AppendFloatHistogram(sample.ref, st_ms,
                                        FloatHistogram{.reset_hint = ResetHint::kReset,
                                                       .schema = h.floating.schema,
                                                       .zero_threshold = h.floating.zero_threshold,
                                                       .custom_values = h.floating.custom_values});
  } else {
    s = appender_->AppendHistogram(sample.ref, st_ms,
                                   IntHistogram{.reset_hint = ResetHint::kReset,
                                                .schema = h.integer.schema,
                                                .zero_threshold = h.integer.zero_threshold,
                                                .custom_values = h.integer.custom_values});
  }
  if (!s.ok() && services_.log->Enabled(LogLevel::kDebug)) {
    services_.log->Debug("Error when appending ST in scrape loop",
                         {{"target", target_url_}, {"series", parser_->series()}, {"err", s}});
  }
}

void BodyAppender::AppendExemplars(Entry entry, const Sample& sample) {
  exemplars_.clear();
  Exemplar e;
  for (; parser_->NextExemplar(&e); e = Exemplar()) {
    if (!e.has_time) {
      // Without a time, repeats of a native histogram's exemplars could not be told from new ones.
      if (entry == Entry::kHistogram) continue;
      e.time_ms = sample.time_ms;
    }
    exemplars_.push_back(std::move(e));
  }
  std::ranges::sort(exemplars_, [](const Exemplar& a, const Exemplar& b) {
    return std::tie(a.time_ms, a.value, a.labels.bytes()) <
           std::tie(b.time_ms, b.value, b.labels.bytes());
  });
  size_t out_of_order = 0;
  for (const Exemplar& exemplar : exemplars_) {
    const Status s = appender_->AppendExemplar(sample.ref, exemplar);
    if (s.code() == StatusCode::kOutOfOrder) ++out_of_order;
  }
  // Some of them old is the usual overlap with the scrape before.
  if (out_of_order > 0 && out_of_order == exemplars_.size()) {
    services_.metrics->out_of_order_exemplars->Add(static_cast<double>(out_of_order));
  }
}

void BodyAppender::AppendMetadata(const Sample& sample) {
  bool changed = false;
  const FamilyMetadata* family = cache_.last_family(&changed);
  if (family == nullptr || (!changed && !sample.is_new)) return;
  if (!sample.is_new && !parser_->BuildLabels(&exposed_).ok()) return;
  if (!IsSeriesOfFamily(exposed_.Get(kMetricName), family->family, family->metadata.kind)) return;
  const Status s = appender_->UpdateMetadata(sample.ref, family->metadata);
  if (!s.ok() && services_.log->Enabled(LogLevel::kDebug)) {
    services_.log->Debug("Error when appending metadata in scrape loop",
                         {{"target", target_url_}, {"err", s}});
  }
}

Status BodyAppender::FlushBatch() {
  if (batch_.empty()) return OkStatus();
  batch_errors_.clear();
  appender_->AppendBatch(batch_, &batch_errors_);
  Status failed;
  for (SampleError& error : batch_errors_) {
    const uint32_t series = batch_series_[error.index];
    cache_.Untrack(series);
    if (error.status.code() == StatusCode::kNotFound) {
      cache_.ForgetRef(series);
      ++forgotten_;
      continue;
    }
    Status s = Refused(series, std::move(error.status));
    if (!s.ok() && failed.ok()) failed = std::move(s);
  }
  batch_.clear();
  batch_series_.clear();
  return failed;
}

Status BodyAppender::Refused(uint32_t series, Status status) {
  switch (status.code()) {
    case StatusCode::kOutOfOrder:
    case StatusCode::kTooOld:
      ++out_of_order_;
      services_.metrics->out_of_order_samples->Increment();
      return OkStatus();
    case StatusCode::kDuplicateSample:
      ++duplicates_;
      services_.metrics->duplicate_samples->Increment();
      return OkStatus();
    case StatusCode::kOutOfBounds:
      ++out_of_bounds_;
      services_.metrics->out_of_bounds_samples->Increment();
      return OkStatus();
    case StatusCode::kNotFound:
      if (series != ScrapeCache::kNone) cache_.ForgetRef(series);
      ++forgotten_;
      return OkStatus();
    default:
      return status;
  }
}

void BodyAppender::LogRefused() {
  const auto warn = [this](std::string_view message, size_t n) {
    if (n > 0) services_.log->Warn(message, {{"target", target_url_}, {"num_dropped", n}});
  };
  warn("Error on ingesting out-of-order samples", out_of_order_);
  warn("Error on ingesting samples with different value but same timestamp", duplicates_);
  warn("Error on ingesting samples that are too old or are too far into the future",
       out_of_bounds_);
}

Status BodyAppender::AppendStale(int64_t time_ms, Appender* appender) {
  appender_ = appender;
  forgotten_ = 0;
  // After a failed Append this is still the same scrape.
  if (!attempt_open_) cache_.Begin();
  attempt_open_ = false;
  Status status = AppendStaleMarkers(cache_.Stale(/*failed=*/true), time_ms);
  if (cache_.Done(/*success=*/false)) services_.metrics->cache_flush_forced->Increment();
  return status;
}

Status BodyAppender::AppendStaleMarkers(const std::vector<uint32_t>& stale, int64_t time_ms) {
  for (const uint32_t series : stale) {
    const Status s = appender_->Append(cache_.at(series).ref, time_ms, StaleNan());
    switch (s.code()) {
      case StatusCode::kOk:
      case StatusCode::kOutOfOrder:
      case StatusCode::kTooOld:
      case StatusCode::kDuplicateSample:  // the target came back under a new loop
      case StatusCode::kNotFound:         // storage has dropped the series meanwhile
        break;
      default:
        return s;
    }
  }
  return OkStatus();
}

}  // namespace deucalion::scrape
