#include "tsdb/db/wal_cursor.h"

#include <algorithm>
#include <thread>

#include "tsdb/db/db_wal_feed.h"
#include "tsdb/head/histogram_bytes.h"
#include "tsdb/wal/segment.h"

namespace deucalion::tsdb {
namespace {

constexpr auto kPollEvery = std::chrono::milliseconds(20);
// A batch ends when it has grown to what one request of a follower holds.
constexpr size_t kEnoughValues = 2000;
// A sample may be committed that much later than a newer one of another series: a whole slow
// scrape.
constexpr int64_t kLateMs = 60'000;

size_t ValuesIn(const FeedBatch& batch) {
  return batch.samples.size() + batch.series.size() + batch.histograms.size() +
         batch.exemplars.size() + batch.metadata.size();
}

}  // namespace

FeedCursor::FeedCursor(const Parts& parts, std::string name, FeedPosition from)
    : parts_(parts), name_(std::move(name)), begin_ms_(from.time_ms) {
  streams_.resize(from.streams.size());
  for (size_t i = 0; i < streams_.size(); i++) {
    Stream& s = streams_[i];
    s.at = from.streams[i];
    s.decoded = {s.at.segment, wal::kSegmentHeaderBytes};
    ResetIds(static_cast<uint32_t>(i), nullptr);
  }
  if (from.gap_end_ms.has_value()) gap_ = FeedGap{from.time_ms, *from.gap_end_ms};
  MarkDoubtful();
}

void FeedCursor::MarkDoubtful() {
  for (uint32_t i = 0; i < streams_.size(); i++) {
    streams_[i].doubtful_end = parts_.wal->stream(i)->end();
  }
}

Status FeedCursor::Next(FeedBatch* batch, std::chrono::milliseconds wait) {
  batch->Clear();
  const auto deadline = std::chrono::steady_clock::now() + wait;
  for (;;) {
    RETURN_IF_ERROR(TryNext(batch));
    if (!batch->empty()) return OkStatus();
    const auto now = std::chrono::steady_clock::now();
    if (now >= deadline) return OkStatus();
    std::this_thread::sleep_for(
        std::min<std::chrono::steady_clock::duration>(kPollEvery, deadline - now));
  }
}

Status FeedCursor::TryNext(FeedBatch* batch) {
  bool missing = false;
  if (!gap_.has_value()) {
    for (uint32_t i = 0; i < streams_.size() && !missing; i++) {
      RETURN_IF_ERROR(ReadStream(i, batch, &missing));
    }
    if (!batch->empty()) return OkStatus();  // the gap comes after it
    if (missing) RETURN_IF_ERROR(BeginGap());
  }
  gap_before_ = gap_;
  batch->gap = std::exchange(gap_, std::nullopt);
  return OkStatus();
}

Status FeedCursor::ReadStream(uint32_t stream, FeedBatch* batch, bool* missing) {
  Stream& s = streams_[stream];
  const wal::Position end = parts_.wal->stream(stream)->end();
  const size_t enough = (stream + 1) * kEnoughValues / streams_.size();
  while (s.decoded < end && ValuesIn(*batch) < enough) {
    const bool doubtful = s.decoded < s.doubtful_end;
    // One kind per batch.
    if (!batch->empty() && batch->doubtful != doubtful && s.decoded >= s.at) return OkStatus();
    ASSIGN_OR_RETURN(const Read read, ReadFrom(stream, end, batch));
    if (read == Read::kFrame) batch->doubtful = doubtful;
    if (read == Read::kGap) {
      *missing = true;
      return OkStatus();
    }
  }
  return OkStatus();
}

// kNothing when the segment is at its end, or the frame was one handed out before.
Result<FeedCursor::Read> FeedCursor::ReadFrom(uint32_t stream, wal::Position end,
                                              FeedBatch* batch) {
  Stream& s = streams_[stream];
  const wal::StreamShape shape{.stream = stream, .streams = parts_.wal->streams()};
  ASSIGN_OR_RETURN(const bool there, MapSegment(stream, end));
  if (!there) return SkipMissing(stream, end);
  std::string_view bytes = s.map->bytes();
  if (s.decoded.segment == end.segment) bytes = bytes.substr(0, end.offset);
  ASSIGN_OR_RETURN(wal::SegmentReader reader,
                   wal::SegmentReader::Open(wal::SegmentName(stream, s.decoded.segment), bytes,
                                            shape, s.decoded.segment));
  reader.Seek(s.decoded.offset);
  std::string_view payload;
  switch (reader.Next(&payload)) {
    case wal::SegmentReader::Outcome::kFrame:
      break;
    case wal::SegmentReader::Outcome::kDamaged:
      parts_.logger->Warn("Remote write passes over a damaged WAL frame",
                          {{"err", reader.problem()}});
      s.epoch++;
      s.decoded.offset = reader.offset();
      return Read::kNothing;
    default:
      NextSegment(stream, end, batch);
      return Read::kNothing;
  }
  fresh_ = s.decoded >= s.at;
  FeedBatch ignored;
  RETURN_IF_ERROR(Decode(stream, payload, fresh_ ? batch : &ignored));
  s.decoded.offset = reader.offset();
  if (!fresh_) return Read::kNothing;
  s.at = s.decoded;
  return Read::kFrame;
}

// False when there is no such file.
Result<bool> FeedCursor::MapSegment(uint32_t stream, wal::Position end) {
  Stream& s = streams_[stream];
  const bool whole = s.decoded.segment != end.segment;
  if (s.map != nullptr && s.map_segment == s.decoded.segment &&
      (whole ? s.map_whole : s.map->bytes().size() >= end.offset)) {
    return true;
  }
  s.map = nullptr;
  Result<std::unique_ptr<MappedFile>> map =
      parts_.fs->Map(JoinPath(parts_.wal->dir(), wal::SegmentName(stream, s.decoded.segment)));
  if (map.status().code() == StatusCode::kNotFound) return false;
  RETURN_IF_ERROR(map.TakeStatus());
  s.map = std::move(*map);
  s.map_segment = s.decoded.segment;
  s.map_whole = whole;
  return true;
}

void FeedCursor::NextSegment(uint32_t stream, wal::Position end, FeedBatch* batch) {
  Stream& s = streams_[stream];
  s.decoded = {s.decoded.segment + 1, wal::kSegmentHeaderBytes};
  s.at = std::max(s.at, s.decoded);
  s.epoch++;
  // Series that left the head long ago need not be remembered; frames further back may name them.
  const bool caught_up = s.decoded.segment >= end.segment;
  if (caught_up && s.ids.size() > 2 * parts_.head->num_series() + 1024) {
    ResetIds(stream, &batch->gone);
  }
}

// Segments go from the oldest on: one that is missing behind others never was.
Result<FeedCursor::Read> FeedCursor::SkipMissing(uint32_t stream, wal::Position end) {
  Stream& s = streams_[stream];
  ASSIGN_OR_RETURN(const std::vector<uint32_t> segments,
                   wal::ListSegments(parts_.fs, parts_.wal->dir(), stream));
  if (segments.empty() || segments.front() > s.decoded.segment) return Read::kGap;
  const auto next = std::upper_bound(segments.begin(), segments.end(), s.decoded.segment);
  s.decoded = next == segments.end() ? end : wal::Position{*next, wal::kSegmentHeaderBytes};
  s.at = std::max(s.at, s.decoded);
  s.epoch++;
  return Read::kNothing;
}

Status FeedCursor::BeginGap() {
  const int64_t seen_ms = Here().time_ms;
  // New segments: values are relative within one. Everything committed so far lies before them.
  ASSIGN_OR_RETURN(const std::vector<wal::Position> from, parts_.wal->RollAll());
  // What lies before them may not have been published yet; storage has to show it.
  parts_.head->appender_pins().WaitForPresent();
  const int64_t now_ms = std::max(parts_.head->max_ms(), parts_.clock->NowMs());
  gap_ = FeedGap{seen_ms == kMinTimeMs ? kMinTimeMs : seen_ms - kLateMs, now_ms};
  for (uint32_t i = 0; i < streams_.size(); i++) {
    Stream& s = streams_[i];
    s.at = s.decoded = from[i];
    s.seen_ms = kMinTimeMs;
    s.epoch++;
    ResetIds(i, nullptr);
  }
  untold_.clear();
  begin_ms_ = now_ms;
  MarkDoubtful();
  parts_.logger->Warn("Remote write is so far behind that the WAL it needs is gone; reading blocks",
                      {{"cursor", name_}, {"from_ms", gap_->min_ms}, {"to_ms", gap_->max_ms}});
  gap_before_ = gap_;
  return Save(PositionInGap(gap_->min_ms));
}

// The ids of the head. State of values is per segment, so this is right at a segment's begin only.
void FeedCursor::ResetIds(uint32_t stream, std::vector<uint64_t>* gone) {
  Head* const head = parts_.head;
  wal::IdTable ids;
  const uint64_t pin = head->pins().Pin();
  {
    ReaderLock lock(head->index().mu());
    for (const Slot slot : head->index().AllSlots()) {
      const uint64_t id = head->slabs().Record(slot).id();
      if (id != 0 && head->StreamOfId(id) == stream) ids.Add(id)->user = slot;
    }
  }
  head->pins().Unpin(pin);
  std::vector<uint64_t> kept;
  // Without them samples of series that have left count as unknown.
  (void)parts_.feed->kept_labels()->Ids(stream, &kept);
  for (const uint64_t id : kept) {
    if (ids.Find(id) == nullptr) ids.Add(id)->user = 0;
  }
  Stream& s = streams_[stream];
  for (const wal::IdTable::Entry& old : s.ids.entries()) {
    if (wal::IdTable::Entry* same = ids.Find(old.id)) {
      same->state.introduced = old.state.introduced;
    } else if (gone != nullptr && old.state.introduced) {
      gone->push_back(old.id);
    }
  }
  s.ids = std::move(ids);
  s.epoch++;
}

uint32_t FeedCursor::Introduce(uint64_t id, std::string_view labels) {
  if (fresh_) {
    batch_->series.push_back({.id = id, .labels = Labels(LabelsView(labels))});
    introduced_.push_back(id);
  } else {
    untold_[id] = labels;
  }
  return 0;
}

Status FeedCursor::Decode(uint32_t stream, std::string_view payload, FeedBatch* batch) {
  Stream& s = streams_[stream];
  batch_ = batch;
  introduced_.clear();
  frame_.Clear();
  RETURN_IF_ERROR(wal::DecodeFrame(payload, {.stream = stream, .streams = parts_.wal->streams()},
                                   s.epoch, &s.ids, this, &frame_));
  if (!fresh_) return OkStatus();
  batch->unknown += frame_.unknown_ids + frame_.unknown_values;
  for (const uint64_t id : introduced_) s.ids.Find(id)->state.introduced = true;
  int64_t newest_ms = kMinTimeMs;
  for (const wal::DecodedSample& d : frame_.samples) {
    if (!HandOut(&s, d.id)) continue;
    batch->samples.push_back({d.id, d.time_ms, d.value, d.st_ms});
    newest_ms = std::max(newest_ms, d.time_ms);
  }
  for (const wal::DecodedSample& d : frame_.late) {
    if (HandOut(&s, d.id)) batch->samples.push_back({d.id, d.time_ms, d.value, d.st_ms});
  }
  for (const auto* histograms : {&frame_.histograms, &frame_.late_histograms}) {
    for (const wal::DecodedHistogram& d : *histograms) {
      if (!HandOut(&s, d.id)) continue;
      ASSIGN_OR_RETURN(FloatHistogram h, DecodeHistogram(d.bytes, d.is_float));
      batch->histograms.push_back({d.id, d.time_ms, d.st_ms, !d.is_float, std::move(h)});
      if (histograms == &frame_.histograms) newest_ms = std::max(newest_ms, d.time_ms);
    }
  }
  for (wal::DecodedExemplar& d : frame_.exemplars) {
    if (HandOut(&s, d.id)) batch->exemplars.push_back({d.id, std::move(d.exemplar)});
  }
  for (wal::DecodedMetadata& d : frame_.metadata) {
    if (HandOut(&s, d.id)) batch->metadata.push_back({d.id, std::move(d.metadata)});
  }
  // A sample from the future says nothing about the present.
  if (newest_ms > s.seen_ms) {
    s.seen_ms = std::max(s.seen_ms, std::min(newest_ms, parts_.clock->NowMs()));
  }
  return OkStatus();
}

// Makes sure the labels of `id` have been handed out. False when nobody knows them any more.
bool FeedCursor::HandOut(Stream* s, uint64_t id) {
  wal::IdTable::Entry* entry = s->ids.Find(id);
  if (entry == nullptr) return false;
  if (entry->state.introduced) return true;
  const auto untold = untold_.find(id);
  if (untold != untold_.end()) {
    batch_->series.push_back({.id = id, .labels = Labels(LabelsView(untold->second))});
    untold_.erase(untold);
    entry->state.introduced = true;
    return true;
  }
  Head* const head = parts_.head;
  const uint64_t pin = head->pins().Pin();
  const SeriesRecord& r = head->slabs().Record(entry->user);
  const bool there = (r.id_flags.load(std::memory_order_acquire) & kSeriesIdMask) == id;
  if (there) {
    FeedSeries& series = batch_->series.emplace_back();
    series.id = id;
    head->index().CopyLabels(r.labels.load(std::memory_order_acquire),
                             series.labels.mutable_bytes());
    entry->state.introduced = true;
  }
  head->pins().Unpin(pin);
  if (there) return true;
  Result<Labels> labels = parts_.feed->kept_labels()->LabelsOf(id);
  if (!labels.ok()) {
    batch_->unknown++;
    return false;
  }
  batch_->series.push_back({.id = id, .labels = std::move(*labels)});
  entry->state.introduced = true;
  return true;
}

// Its time: up to which all streams have been handed out. One at its end does not hold it back, nor
// one that has handed out nothing yet.
FeedPosition FeedCursor::Here() const {
  FeedPosition here;
  int64_t behind_ms = kMaxTimeMs;
  int64_t newest_ms = kMinTimeMs;
  for (uint32_t i = 0; i < streams_.size(); i++) {
    const Stream& s = streams_[i];
    here.streams.push_back(s.at);
    if (s.seen_ms == kMinTimeMs) continue;
    newest_ms = std::max(newest_ms, s.seen_ms);
    if (s.at < parts_.wal->stream(i)->end()) behind_ms = std::min(behind_ms, s.seen_ms);
  }
  here.time_ms = newest_ms == kMinTimeMs ? begin_ms_ : std::min(behind_ms, newest_ms);
  return here;
}

std::string FeedCursor::position() const { return FormatFeedPosition(Here()); }

std::string FeedCursor::PositionInGap(int64_t next_ms) const {
  FeedPosition here = Here();
  if (gap_before_.has_value()) {
    here.time_ms = next_ms;
    here.gap_end_ms = gap_before_->max_ms;
  }
  return FormatFeedPosition(here);
}

Status FeedCursor::Save(const std::string& position) { return parts_.feed->Save(name_, position); }

}  // namespace deucalion::tsdb
