#include "tsdb/chunk/histogram_chunk.h"

#include <limits>
#include <type_traits>
#include <utility>

#include "model/value.h"

namespace deucalion::tsdb {
namespace {

constexpr size_t kFlagByte = 2;
constexpr uint8_t kHeaderMask = 0xc0;
constexpr uint16_t kStartsCountMask = 0x3fff;

CounterResetHeader HeaderOf(std::string_view chunk) {
  return static_cast<CounterResetHeader>(static_cast<uint8_t>(chunk[kFlagByte]) & kHeaderMask);
}

// A histogram's buckets as absolute counts, one after the other.
template <typename T>
class CountWalker {
 public:
  explicit CountWalker(const std::vector<T>& buckets) : buckets_(buckets) {}
  T Next() {
    const T stored = i_ < buckets_.size() ? buckets_[i_] : T{};
    i_++;
    if constexpr (std::is_same_v<T, double>) return stored;
    if constexpr (!std::is_same_v<T, double>) {
      return count_ = static_cast<T>(static_cast<uint64_t>(count_) + static_cast<uint64_t>(stored));
    }
  }

 private:
  const std::vector<T>& buckets_;
  size_t i_ = 0;
  T count_ = 0;
};

// What appending `next` to buckets `last` asks for.
struct SideFit {
  bool ok = true;             // false: a bucket shrank, or one in use is gone
  bool chunk_grows = false;   // `next` has buckets the chunk has not
  bool sample_grows = false;  // the chunk has (empty) buckets that `next` has not
};

template <typename T>
SideFit CompareCounters(const Spans& last_spans, const std::vector<T>& last,
                        const Spans& next_spans, const std::vector<T>& next) {
  SideFit fit;
  CountWalker<T> last_counts(last), next_counts(next);
  auto a = WalkBuckets(last_spans), b = WalkBuckets(next_spans);
  while (a.Valid() || b.Valid()) {
    if (!a.Valid() || (b.Valid() && b.index() < a.index())) {
      fit.chunk_grows = true;
      next_counts.Next();
      b.Next();
      continue;
    }
    const T before = last_counts.Next();
    if (b.Valid() && b.index() == a.index()) {
      fit.ok = fit.ok && !(before > next_counts.Next());
      b.Next();
    } else {
      fit.ok = fit.ok && before == 0;
      fit.sample_grows = true;
    }
    a.Next();
    if (!fit.ok) return fit;
  }
  return fit;
}

SideFit CompareLayouts(const Spans& last, const Spans& next) {
  SideFit fit;
  auto a = WalkBuckets(last), b = WalkBuckets(next);
  while (a.Valid() || b.Valid()) {
    const bool only_a = a.Valid() && (!b.Valid() || a.index() < b.index());
    const bool only_b = b.Valid() && (!a.Valid() || b.index() < a.index());
    fit.sample_grows |= only_a;
    fit.chunk_grows |= only_b;
    if (!only_b) a.Next();
    if (!only_a) b.Next();
  }
  return fit;
}

// `buckets` of layout `from` in layout `to`, which has all of its buckets.
template <typename T>
std::vector<T> RemapBuckets(const Spans& from, const std::vector<T>& buckets, const Spans& to) {
  std::vector<T> out;
  out.reserve(CountBuckets(to));
  CountWalker<T> counts(buckets);
  auto a = WalkBuckets(from);
  T last = 0;
  for (auto b = WalkBuckets(to); b.Valid(); b.Next()) {
    T count = 0;
    if (a.Valid() && a.index() == b.index()) {
      count = counts.Next();
      a.Next();
    }
    if constexpr (std::is_same_v<T, double>) {
      out.push_back(count);
    } else {
      out.push_back(static_cast<T>(static_cast<uint64_t>(count) - static_cast<uint64_t>(last)));
      last = count;
    }
  }
  return out;
}

}  // namespace

// Whether and how a sample fits into the open chunk.
template <typename State>
struct HistogramChunkWriter<State>::Fit {
  bool ok = false;
  CounterResetHeader reset = CounterResetHeader::kNotReset;
  SideFit positive, negative;

  bool chunk_grows() const { return positive.chunk_grows || negative.chunk_grows; }
  bool sample_grows() const { return positive.sample_grows || negative.sample_grows; }
};

template <typename State>
HistogramChunkWriter<State>& HistogramChunkWriter<State>::operator=(
    HistogramChunkWriter&& other) noexcept {
  bytes_ = std::move(other.bytes_);
  out_ = other.out_.MovedTo(&bytes_);
  count_ = std::exchange(other.count_, 0);
  continues_ = std::exchange(other.continues_, false);
  header_ = other.header_;
  layout_ = std::move(other.layout_);
  state_ = std::move(other.state_);
  other.bytes_.clear();
  other.out_ = BitWriter(&other.bytes_);
  return *this;
}

template <typename State>
auto HistogramChunkWriter<State>::FitCounter(const Histogram& h) const -> Fit {
  Fit fit;
  if (header_ == CounterResetHeader::kGauge) return fit;
  if (h.reset_hint == ResetHint::kReset) {
    fit.reset = CounterResetHeader::kReset;
    return fit;
  }
  if (IsStaleNan(h.sum)) {
    fit.ok = true;
    return fit;
  }
  // Nothing but stale markers follows one; and a change of layout is not searched for resets.
  const bool other_layout =
      h.schema != layout_.schema || h.zero_threshold != layout_.zero_threshold;
  if (IsStaleNan(state_.sum())) {
    fit.reset = CounterResetHeader::kUnknown;
    return fit;
  }
  fit.reset = CounterResetHeader::kReset;
  if (h.count < state_.count()) return fit;
  if (other_layout) {
    fit.reset = CounterResetHeader::kUnknown;
    return fit;
  }
  if (h.UsesCustomBuckets() && h.custom_values != layout_.custom_values) return fit;
  if (h.zero_count < state_.zero_count()) return fit;
  fit.positive =
      CompareCounters(layout_.positive, state_.positive(), h.positive_spans, h.positive_buckets);
  if (!fit.positive.ok) return fit;
  fit.negative =
      CompareCounters(layout_.negative, state_.negative(), h.negative_spans, h.negative_buckets);
  if (!fit.negative.ok) return fit;
  fit.reset = CounterResetHeader::kNotReset;
  fit.ok = true;
  return fit;
}

template <typename State>
auto HistogramChunkWriter<State>::FitGauge(const Histogram& h) const -> Fit {
  Fit fit;
  fit.reset = CounterResetHeader::kGauge;
  if (header_ != CounterResetHeader::kGauge) return fit;
  fit.ok = IsStaleNan(h.sum);
  if (fit.ok || IsStaleNan(state_.sum())) return fit;
  if (h.schema != layout_.schema || h.zero_threshold != layout_.zero_threshold) return fit;
  if (h.UsesCustomBuckets() && h.custom_values != layout_.custom_values) return fit;
  fit.positive = CompareLayouts(layout_.positive, h.positive_spans);
  fit.negative = CompareLayouts(layout_.negative, h.negative_spans);
  fit.ok = true;
  return fit;
}

namespace {

// The header of a chunk that a sample begins, when a chunk was there before. `cut`: the sample did
// not fit; else the chunk had been sealed. Float chunks say less than integer ones, as upstream's
// do.
CounterResetHeader NextHeader(bool is_float, bool cut, CounterResetHeader reset) {
  if (!is_float || reset == CounterResetHeader::kReset || reset == CounterResetHeader::kGauge) {
    return reset;
  }
  return cut ? CounterResetHeader::kUnknown : CounterResetHeader::kNotReset;
}

}  // namespace

template <typename State>
void HistogramChunkWriter<State>::Begin(CounterResetHeader header, const Histogram& h) {
  bytes_.assign(kHistogramHeaderBytes, '\0');
  bytes_[kFlagByte] = static_cast<char>(header);
  header_ = header;
  out_ = BitWriter(&bytes_);
  count_ = 0;
  state_ = State();
  layout_ = ChunkLayout();
  if (!IsStaleNan(h.sum)) {
    layout_ = {h.schema, h.zero_threshold, h.positive_spans, h.negative_spans, {}};
    if (h.UsesCustomBuckets()) layout_.custom_values = h.custom_values;
  }
  WriteLayout(layout_, &out_);
  state_.SetLayout(layout_);
}

template <typename State>
void HistogramChunkWriter<State>::Write(int64_t time_ms, const Histogram& h) {
  state_.Write(count_ == 0, time_ms, h, &out_);
  count_++;
  bytes_[0] = static_cast<char>(count_ >> 8);
  bytes_[1] = static_cast<char>(count_ & 0xff);
}

template <typename State>
auto HistogramChunkWriter<State>::Remapped(const Histogram& h, const Spans& positive,
                                           const Spans& negative) const -> Histogram {
  Histogram out = h;
  out.positive_buckets = RemapBuckets(h.positive_spans, h.positive_buckets, positive);
  out.negative_buckets = RemapBuckets(h.negative_spans, h.negative_buckets, negative);
  out.positive_spans = positive;
  out.negative_spans = negative;
  return out;
}

template <typename State>
void HistogramChunkWriter<State>::Recode(const Spans& positive, const Spans& negative) {
  const std::string old = std::move(bytes_);
  HistogramChunkReader<State> reader(old);
  for (bool first = true; reader.Next(); first = false) {
    const Histogram larger = Remapped(reader.histogram(), positive, negative);
    if (first) Begin(HeaderOf(old), larger);
    Write(reader.time_ms(), larger);
  }
}

template <typename State>
HistogramAppend HistogramChunkWriter<State>::Append(int64_t time_ms, const Histogram& h,
                                                    std::string* sealed) {
  constexpr bool kFloat = std::is_same_v<State, FloatSampleState>;
  if (count_ == std::numeric_limits<uint16_t>::max()) {
    Seal(sealed);
    Append(time_ms, h, nullptr);
    return HistogramAppend::kCut;
  }
  const bool gauge = h.reset_hint == ResetHint::kGauge;
  if (count_ == 0) {
    CounterResetHeader header = CounterResetHeader::kUnknown;
    if (gauge) {
      header = CounterResetHeader::kGauge;
    } else if (h.reset_hint == ResetHint::kReset) {
      header = CounterResetHeader::kReset;
    } else if (continues_) {
      header = NextHeader(kFloat, false, FitCounter(h).reset);
    }
    Begin(header, h);
    Write(time_ms, h);
    return HistogramAppend::kAppended;
  }
  const Fit fit = gauge ? FitGauge(h) : FitCounter(h);
  if (!fit.ok) {
    *sealed = std::move(bytes_);
    Begin(NextHeader(kFloat, true, fit.reset), h);
    Write(time_ms, h);
    return HistogramAppend::kCut;
  }
  if (!fit.chunk_grows() && !fit.sample_grows()) {
    Write(time_ms, h);
    return HistogramAppend::kAppended;
  }
  if (!fit.chunk_grows()) {
    Write(time_ms, Remapped(h, layout_.positive, layout_.negative));
    return HistogramAppend::kAppended;
  }
  const Spans positive = fit.positive.sample_grows
                             ? UnionOfSpans(layout_.positive, h.positive_spans)
                             : h.positive_spans;
  const Spans negative = fit.negative.sample_grows
                             ? UnionOfSpans(layout_.negative, h.negative_spans)
                             : h.negative_spans;
  Recode(positive, negative);
  Write(time_ms, Remapped(h, positive, negative));
  return HistogramAppend::kRecoded;
}

template <typename State>
void HistogramChunkWriter<State>::Seal(std::string* sealed) {
  continues_ = count_ > 0;
  *sealed = std::move(bytes_);
  bytes_.clear();
  out_ = BitWriter(&bytes_);
  count_ = 0;
}

template <typename State>
Result<HistogramChunkWriter<State>> HistogramChunkWriter<State>::Resume(std::string_view chunk) {
  HistogramChunkWriter writer;
  HistogramChunkReader<State> reader(chunk);
  while (reader.Next()) {
    Histogram h = reader.histogram();
    if (!IsStaleNan(h.sum) && h.schema != reader.layout().schema) {
      return CorruptError("histogram chunk: cannot continue a chunk of a finer schema than 8");
    }
    if (writer.count_ == 0) writer.Begin(reader.header(), h);
    writer.Write(reader.time_ms(), h);
  }
  RETURN_IF_ERROR(reader.status());
  return writer;
}

template <typename State>
HistogramChunkReader<State>::HistogramChunkReader(std::string_view chunk, bool starts) {
  if (chunk.size() < kHistogramHeaderBytes) return;
  count_ =
      static_cast<uint16_t>(static_cast<uint8_t>(chunk[0]) << 8 | static_cast<uint8_t>(chunk[1]));
  if (starts) {
    header_ = static_cast<CounterResetHeader>(static_cast<uint8_t>(chunk[0]) & kHeaderMask);
    count_ &= kStartsCountMask;
    start_ = StartTimeReader(static_cast<uint8_t>(chunk[2]));
  } else {
    header_ = HeaderOf(chunk);
  }
  in_ = BitReader(chunk.substr(kHistogramHeaderBytes));
}

template <typename State>
bool HistogramChunkReader<State>::Next() {
  if (!status_.ok() || read_ == count_) return false;
  const bool first = read_ == 0;
  if (first) {
    Result<ChunkLayout> layout = ReadLayout(&in_, State::kLeastBucketBits);
    if (!layout.ok()) {
      status_ = std::move(layout).TakeStatus();
      return false;
    }
    layout_ = std::move(*layout);
    state_.SetLayout(layout_);
  }
  const int64_t previous_ms = state_.time_ms();
  bool good = state_.Read(first, &in_);
  if (good) start_.Next(previous_ms, state_.time_ms(), &in_);
  good = good && in_.ok();
  if (!good) {
    status_ = CorruptError("histogram chunk: sample " + std::to_string(read_) + " of " +
                           std::to_string(count_) + " does not decode");
    return false;
  }
  read_++;
  Present();
  return true;
}

template <typename State>
void HistogramChunkReader<State>::Present() {
  if (IsStaleNan(state_.sum())) {
    histogram_ = Histogram();
    histogram_.sum = state_.sum();
    return;
  }
  histogram_.reset_hint = header_ == CounterResetHeader::kGauge ? ResetHint::kGauge
                          : read_ > 1                           ? ResetHint::kNotReset
                                                                : ResetHint::kUnknown;
  histogram_.schema = layout_.schema;
  histogram_.zero_threshold = layout_.zero_threshold;
  histogram_.count = state_.count();
  histogram_.zero_count = state_.zero_count();
  histogram_.sum = state_.sum();
  histogram_.positive_spans = layout_.positive;
  histogram_.negative_spans = layout_.negative;
  histogram_.positive_buckets = state_.positive();
  histogram_.negative_buckets = state_.negative();
  histogram_.custom_values = layout_.custom_values;
  if (layout_.schema > kExponentialSchemaMax) {
    histogram_.ReduceResolution(kExponentialSchemaMax);
  }
}

template class HistogramChunkWriter<IntSampleState>;
template class HistogramChunkWriter<FloatSampleState>;
template class HistogramChunkReader<IntSampleState>;
template class HistogramChunkReader<FloatSampleState>;

}  // namespace deucalion::tsdb
