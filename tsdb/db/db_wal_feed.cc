#include "tsdb/db/db_wal_feed.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <thread>
#include <unordered_map>

#include "tsdb/head/histogram_bytes.h"
#include "tsdb/wal/frame.h"
#include "tsdb/wal/segment.h"

namespace deucalion::tsdb {
namespace {

constexpr std::string_view kSpace = "cursors";
constexpr int64_t kLongestHoldMs = 2 * 3600 * 1000;
constexpr auto kPollEvery = std::chrono::milliseconds(20);

class Cursor final : public WalCursor, private wal::SeriesIntroducer {
 public:
  Cursor(DbWalFeed* feed, std::string name, FileSystem* fs, Logger* logger, Head* head,
         wal::Wal* wal, std::vector<wal::Position> from)
      : feed_(feed), name_(std::move(name)), fs_(fs), logger_(logger), head_(head), wal_(wal) {
    streams_.resize(from.size());
    for (size_t i = 0; i < from.size(); i++) {
      streams_[i].at = from[i];
      streams_[i].decoded = {from[i].segment, wal::kSegmentHeaderBytes};
      ResetIds(static_cast<uint32_t>(i));
    }
  }

  Status Next(FeedBatch* batch, std::chrono::milliseconds wait) override {
    *batch = {};
    const auto deadline = std::chrono::steady_clock::now() + wait;
    for (;;) {
      for (uint32_t i = 0; i < streams_.size(); i++) RETURN_IF_ERROR(ReadFrame(i, batch));
      if (!batch->empty()) return OkStatus();
      const auto now = std::chrono::steady_clock::now();
      if (now >= deadline) return OkStatus();
      std::this_thread::sleep_for(
          std::min<std::chrono::steady_clock::duration>(kPollEvery, deadline - now));
    }
  }
  std::string position() const override {
    std::vector<wal::Position> positions;
    for (const Stream& s : streams_) positions.push_back(s.at);
    return DbWalFeed::Format(positions);
  }
  Status Save(const std::string& position) override { return feed_->Save(name_, position); }
  int64_t newest_ms() const override { return head_->max_ms(); }
  uint64_t segment() const override { return streams_.empty() ? 0 : streams_[0].at.segment; }

 private:
  struct Stream {
    wal::Position at;  // the next frame to hand out
    wal::Position
        decoded;       // the next frame to decode: behind `at` after a restart inside a segment
    wal::IdTable ids;  // user: head slot; state.introduced: the labels were handed out
    uint32_t epoch = 1;
  };

  // The ids of the head. State of values is per segment, so this is right at a segment's begin
  // only.
  void ResetIds(uint32_t stream) {
    wal::IdTable ids;
    const uint64_t pin = head_->pins().Pin();
    {
      ReaderLock lock(head_->index().mu());
      for (const Slot slot : head_->index().AllSlots()) {
        const uint64_t id = head_->slabs().Record(slot).id();
        if (id != 0 && head_->StreamOfId(id) == stream) ids.Add(id)->user = slot;
      }
    }
    head_->pins().Unpin(pin);
    Stream& s = streams_[stream];
    for (const wal::IdTable::Entry& old : s.ids.entries()) {
      if (wal::IdTable::Entry* same = ids.Find(old.id)) {
        same->state.introduced = old.state.introduced;
      }
    }
    s.ids = std::move(ids);
    s.epoch++;
  }

  uint32_t Introduce(uint64_t id, std::string_view labels) override {
    if (fresh_) {
      batch_->series.push_back({.id = id, .labels = Labels(LabelsView(labels))});
      introduced_.push_back(id);
    } else {
      untold_[id] = labels;
    }
    return 0;
  }

  // One frame at most, of what has been written.
  Status ReadFrame(uint32_t stream, FeedBatch* batch) {
    Stream& s = streams_[stream];
    const wal::Position end = wal_->stream(stream)->end();
    while (s.decoded < end) {
      ASSIGN_OR_RETURN(const bool got, ReadFrom(stream, end, batch));
      if (got) return OkStatus();
    }
    return OkStatus();
  }

  // False when the segment is at its end, or the frame was one handed out before.
  Result<bool> ReadFrom(uint32_t stream, wal::Position end, FeedBatch* batch) {
    Stream& s = streams_[stream];
    const wal::StreamShape shape{.stream = stream, .streams = wal_->streams()};
    const std::string path = JoinPath(wal_->dir(), wal::SegmentName(stream, s.decoded.segment));
    Result<std::unique_ptr<MappedFile>> map = fs_->Map(path);
    if (map.status().code() == StatusCode::kNotFound) {
      RETURN_IF_ERROR(SkipToExisting(stream, end));
      return false;
    }
    RETURN_IF_ERROR(map.TakeStatus());
    std::string_view bytes = (*map)->bytes();
    if (s.decoded.segment == end.segment) bytes = bytes.substr(0, end.offset);
    ASSIGN_OR_RETURN(wal::SegmentReader reader,
                     wal::SegmentReader::Open(path, bytes, shape, s.decoded.segment));
    reader.Seek(s.decoded.offset);
    std::string_view payload;
    switch (reader.Next(&payload)) {
      case wal::SegmentReader::Outcome::kFrame:
        break;
      case wal::SegmentReader::Outcome::kDamaged:
        logger_->Warn("Remote write passes over a damaged WAL frame", {{"err", reader.problem()}});
        s.epoch++;
        s.decoded.offset = reader.offset();
        return false;
      default:
        NextSegment(stream);
        return false;
    }
    const bool fresh = s.decoded >= s.at;
    FeedBatch ignored;
    fresh_ = fresh;
    RETURN_IF_ERROR(Decode(stream, payload, fresh ? batch : &ignored));
    s.decoded.offset = reader.offset();
    if (fresh) s.at = s.decoded;
    return fresh;
  }

  void NextSegment(uint32_t stream) {
    Stream& s = streams_[stream];
    s.decoded = {s.decoded.segment + 1, wal::kSegmentHeaderBytes};
    s.at = std::max(s.at, s.decoded);
    s.epoch++;
    // Series that left the head long ago need not be remembered.
    if (s.ids.size() > 2 * head_->num_series() + 1024) ResetIds(stream);
  }

  Status SkipToExisting(uint32_t stream, wal::Position end) {
    Stream& s = streams_[stream];
    ASSIGN_OR_RETURN(const std::vector<uint32_t> segments,
                     wal::ListSegments(fs_, wal_->dir(), stream));
    const auto next = std::upper_bound(segments.begin(), segments.end(), s.decoded.segment);
    logger_->Warn("Remote write is so far behind that the WAL it needs is gone",
                  {{"cursor", name_}, {"segment", s.decoded.segment}});
    if (next == segments.end()) {
      s.decoded = end;
    } else {
      s.decoded = {*next, wal::kSegmentHeaderBytes};
    }
    s.at = std::max(s.at, s.decoded);
    ResetIds(stream);
    return OkStatus();
  }

  Status Decode(uint32_t stream, std::string_view payload, FeedBatch* batch) {
    Stream& s = streams_[stream];
    batch_ = batch;
    introduced_.clear();
    frame_.Clear();
    RETURN_IF_ERROR(wal::DecodeFrame(payload, {.stream = stream, .streams = wal_->streams()},
                                     s.epoch, &s.ids, this, &frame_));
    if (!fresh_) return OkStatus();
    for (const uint64_t id : introduced_) s.ids.Find(id)->state.introduced = true;
    for (const wal::DecodedSample& d : frame_.samples) {
      if (HandOut(&s, d.id)) batch->samples.push_back({d.id, d.time_ms, d.value, d.st_ms});
    }
    for (const wal::DecodedSample& d : frame_.late) {
      if (HandOut(&s, d.id)) batch->samples.push_back({d.id, d.time_ms, d.value, 0});
    }
    for (const wal::DecodedHistogram& d : frame_.histograms) {
      if (!HandOut(&s, d.id)) continue;
      ASSIGN_OR_RETURN(FloatHistogram h, DecodeHistogram(d.bytes, d.is_float));
      batch->histograms.push_back({d.id, d.time_ms, d.st_ms, !d.is_float, std::move(h)});
    }
    for (wal::DecodedExemplar& d : frame_.exemplars) {
      if (HandOut(&s, d.id)) batch->exemplars.push_back({d.id, std::move(d.exemplar)});
    }
    for (wal::DecodedMetadata& d : frame_.metadata) {
      if (HandOut(&s, d.id)) batch->metadata.push_back({d.id, std::move(d.metadata)});
    }
    return OkStatus();
  }

  // Makes sure the labels of `id` have been handed out. False when nobody knows them any more.
  bool HandOut(Stream* s, uint64_t id) {
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
    const uint64_t pin = head_->pins().Pin();
    const SeriesRecord& r = head_->slabs().Record(entry->user);
    const bool there = (r.id_flags.load(std::memory_order_acquire) & kSeriesIdMask) == id;
    if (there) {
      FeedSeries& series = batch_->series.emplace_back();
      series.id = id;
      head_->index().CopyLabels(r.labels.load(std::memory_order_acquire),
                                series.labels.mutable_bytes());
      entry->state.introduced = true;
    }
    head_->pins().Unpin(pin);
    return there;
  }

  DbWalFeed* const feed_;
  const std::string name_;
  FileSystem* const fs_;
  Logger* const logger_;
  Head* const head_;
  wal::Wal* const wal_;
  std::vector<Stream> streams_;
  FeedBatch* batch_ = nullptr;
  bool fresh_ = true;  // the frame being decoded is to be handed out
  std::vector<uint64_t> introduced_;
  // Introduced in the part of a segment in front of a saved position.
  std::unordered_map<uint64_t, std::string> untold_;
  wal::DecodedFrame frame_;
};

}  // namespace

DbWalFeed::DbWalFeed(FileSystem* fs, Clock* clock, Logger* logger, Head* head, wal::Wal* wal,
                     StateStore* state)
    : fs_(fs), clock_(clock), logger_(logger), head_(head), wal_(wal), state_(state) {
  MutexLock lock(mu_);
  (void)state_->Scan(kSpace, [&](std::string_view name, std::string_view text) {
    std::vector<wal::Position> positions;
    if (Parse(text, &positions) && positions.size() == wal_->streams()) {
      saved_[std::string(name)] = std::move(positions);
    }
    return true;
  });
}

std::string DbWalFeed::Format(const std::vector<wal::Position>& positions) {
  std::string out;
  for (const wal::Position& p : positions) {
    if (!out.empty()) out += ',';
    out += fmt::format("{}.{}", p.segment, p.offset);
  }
  return out;
}

bool DbWalFeed::Parse(std::string_view text, std::vector<wal::Position>* positions) {
  const char* p = text.data();
  const char* const end = p + text.size();
  while (p < end) {
    wal::Position position;
    auto parsed = std::from_chars(p, end, position.segment);
    if (parsed.ec != std::errc() || parsed.ptr == end || *parsed.ptr != '.') return false;
    parsed = std::from_chars(parsed.ptr + 1, end, position.offset);
    if (parsed.ec != std::errc() || (parsed.ptr != end && *parsed.ptr != ',')) return false;
    positions->push_back(position);
    p = parsed.ptr == end ? end : parsed.ptr + 1;
  }
  return !positions->empty();
}

Result<std::unique_ptr<WalCursor>> DbWalFeed::OpenCursor(const std::string& name) {
  std::vector<wal::Position> from;
  {
    MutexLock lock(mu_);
    const auto it = saved_.find(name);
    if (it != saved_.end()) from = it->second;
  }
  if (from.empty()) {
    // A new segment: values are relative within one, so this is where reading can begin.
    ASSIGN_OR_RETURN(from, wal_->RollAll());
    RETURN_IF_ERROR(Save(name, Format(from)));
  }
  return std::unique_ptr<WalCursor>(
      std::make_unique<Cursor>(this, name, fs_, logger_, head_, wal_, std::move(from)));
}

Status DbWalFeed::Save(const std::string& name, const std::string& position) {
  std::vector<wal::Position> positions;
  if (!Parse(position, &positions) || positions.size() != wal_->streams()) {
    return InvalidArgumentError("not a WAL position: " + position);
  }
  RETURN_IF_ERROR(state_->Put(kSpace, name, position));
  MutexLock lock(mu_);
  saved_[name] = std::move(positions);
  return OkStatus();
}

Status DbWalFeed::ForgetCursor(const std::string& name) {
  {
    MutexLock lock(mu_);
    saved_.erase(name);
  }
  return state_->Delete(kSpace, name);
}

std::vector<std::string> DbWalFeed::CursorNames() {
  std::vector<std::string> names;
  MutexLock lock(mu_);
  for (const auto& entry : saved_) names.push_back(entry.first);
  return names;
}

void DbWalFeed::Hold(std::vector<wal::Position>* positions) {
  MutexLock lock(mu_);
  for (const auto& [name, saved] : saved_) {
    for (uint32_t i = 0; i < positions->size() && i < saved.size(); i++) {
      wal::Position& drop = (*positions)[i];
      if (saved[i].segment >= drop.segment) continue;
      const std::string path = JoinPath(wal_->dir(), wal::SegmentName(i, saved[i].segment));
      const Result<FileInfo> info = fs_->Stat(path);
      if (info.ok() && clock_->NowMs() - info->mtime_ms < kLongestHoldMs) drop = saved[i];
    }
  }
}

}  // namespace deucalion::tsdb
