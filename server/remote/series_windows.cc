#include "server/remote/series_windows.h"

#include <algorithm>

namespace deucalion::remote {
namespace {

constexpr int64_t kHourMs = 3'600'000;
// 6 hours at one sample a second are 21,600 samples; 32 days at a scrape of 15 s are 184,320.
constexpr int64_t kFirstWindowMs = 6 * kHourMs;
constexpr int64_t kMaxWindowMs = 32 * 24 * kHourMs;
constexpr int64_t kMinWindowMs = 1'000;
// What a window should yield: a MiB of floats. A histogram weighs as much as 32 floats or more.
constexpr size_t kTargetSamples = 65'536;
constexpr size_t kHistogramWeight = 32;

}  // namespace

void SeriesWindows::Start(size_t series) {
  series_ = series;
  next_ms_ = min_ms_;
  window_ms_ = kFirstWindowMs;
  done_ = min_ms_ > max_ms_;
}

Result<bool> SeriesWindows::Next(SampleColumns* out) {
  while (!done_) {
    out->Clear();
    const int64_t stored_begin_ms = std::max(next_ms_, stored_min_ms_);
    int64_t end_ms = 0;
    const bool overflow = __builtin_add_overflow(stored_begin_ms, window_ms_ - 1, &end_ms);
    if (overflow || end_ms >= stored_max_ms_) end_ms = max_ms_;
    end_ms = std::min(end_ms, max_ms_);
    RETURN_IF_ERROR(set_->Read(series_, next_ms_, end_ms, out));
    done_ = end_ms == max_ms_;
    if (!done_) next_ms_ = end_ms + 1;
    Adapt(*out);
    if (!out->times.empty() || !out->histograms.empty()) return true;
  }
  return false;
}

void SeriesWindows::Adapt(const SampleColumns& got) {
  const size_t weight = got.times.size() + kHistogramWeight * got.histograms.size();
  if (weight < kTargetSamples / 4) {
    window_ms_ = std::min(window_ms_ * 4, kMaxWindowMs);
  } else if (weight > kTargetSamples) {
    window_ms_ = std::max(window_ms_ / 4, kMinWindowMs);
  }
}

}  // namespace deucalion::remote
