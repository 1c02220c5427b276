#include "tsdb/head/head_replay.h"

#include <algorithm>
#include <thread>

#include "tsdb/wal/frame.h"
#include "tsdb/wal/segment.h"

namespace deucalion::tsdb {
namespace {

// Replays one stream. Streams share no series, so only locks that live commits take too are taken.
class StreamReplay : public wal::SeriesIntroducer {
 public:
  StreamReplay(Head* head, const ReplayOptions* options, uint32_t stream, wal::IdTable ids,
               uint64_t commit)
      : head_(head),
        options_(options),
        shape_{.stream = stream, .streams = head->options().streams},
        ids_(std::move(ids)),
        commit_(commit) {
    if (stream < options->from.size()) from_ = options->from[stream];
    if (stream < options->cut.size()) cut_ = options->cut[stream];
  }

  Status Run(const std::vector<uint32_t>& segments) {
    for (size_t i = 0; i < segments.size(); i++) {
      next_segment_ = segments[i] + 1;
      if (segments[i] >= from_.segment) {
        if (i > 0 && segments[i] != segments[i - 1] + 1) WarnGap(segments[i - 1], segments[i]);
        RETURN_IF_ERROR(Segment(segments[i], i + 1 == segments.size()));
      }
      if (options_->tracker != nullptr) options_->tracker->Advance();
    }
    next_segment_ = std::max(next_segment_, from_.segment);
    return OkStatus();
  }

  uint32_t Introduce(uint64_t id, std::string_view encoded) override {
    const LabelsView labels(encoded);
    head_->ReserveId(id);
    Result<SeriesRef> ref = head_->FindOrCreate(labels, labels.Hash(), id);
    if (!ref.ok()) {
      if (failure_.ok()) failure_ = ref.TakeStatus();
      return wal::kNoUser;
    }
    const Slot slot = static_cast<Slot>(*ref);
    head_->slabs().WalState(slot).introduced = true;
    stats_.series++;
    return slot;
  }

  const ReplayStats& stats() const { return stats_; }
  const Head::Applied& applied() const { return applied_; }
  uint32_t next_segment() const { return next_segment_; }

 private:
  void WarnGap(uint32_t before, uint32_t segment) {
    // A write that failed leaves a gap in the numbers too: the next segment is another one.
    options_->logger->Warn("WAL segments are missing, or were never finished on a full disk",
                           {{"stream", shape_.stream}, {"after", before}, {"next", segment}});
  }

  Status Segment(uint32_t segment, bool last) {
    const std::string path = JoinPath(options_->dir, wal::SegmentName(shape_.stream, segment));
    ASSIGN_OR_RETURN(const std::unique_ptr<MappedFile> map, options_->fs->Map(path));
    stats_.segments++;
    epoch_++;
    Result<wal::SegmentReader> reader =
        wal::SegmentReader::Open(path, map->bytes(), shape_, segment);
    if (!reader.ok()) return BadHeader(path, map->bytes().size(), last, reader.status());
    if (segment == from_.segment && from_.offset > reader->offset()) reader->Seek(from_.offset);
    for (;;) {
      const uint64_t offset = reader->offset();
      std::string_view payload;
      switch (reader->Next(&payload)) {
        case wal::SegmentReader::Outcome::kEnd:
          return OkStatus();
        case wal::SegmentReader::Outcome::kFrame:
          RETURN_IF_ERROR(Frame(path, {segment, offset}, payload));
          break;
        case wal::SegmentReader::Outcome::kDamaged:
          Damaged(reader->problem());
          break;
        case wal::SegmentReader::Outcome::kTorn:
          return Torn(path, offset, map->bytes().size(), last, reader->problem());
      }
    }
  }

  // A crash while a segment was being created leaves less than a header.
  Status BadHeader(const std::string& path, size_t size, bool last, const Status& status) {
    if (last && size < wal::kSegmentHeaderBytes) return options_->fs->Remove(path);
    Damaged(status.message());
    return OkStatus();
  }

  void Damaged(const std::string& problem) {
    stats_.damaged++;
    epoch_++;  // values that were written against the lost ones are unknown now
    options_->logger->Warn("WAL is damaged; going on behind the damage", {{"err", problem}});
  }

  Status Torn(const std::string& path, uint64_t offset, size_t size, bool last,
              const std::string& problem) {
    if (!last) {
      Damaged(problem);
      return OkStatus();
    }
    stats_.torn_bytes += size - offset;
    options_->logger->Warn("WAL ends in an unfinished frame; cutting it off",
                           {{"err", problem}, {"bytes", size - offset}});
    return options_->fs->Truncate(path, offset);
  }

  Status Frame(const std::string& path, wal::Position position, std::string_view payload) {
    Status status = wal::DecodeFrame(payload, shape_, epoch_, &ids_, this, &frame_);
    RETURN_IF_ERROR(failure_);
    if (!status.ok()) {
      Damaged(path + " at " + std::to_string(position.offset) + ": " + status.message());
      return OkStatus();
    }
    stats_.frames++;
    stats_.unknown_ids += frame_.unknown_ids;
    // Somebody had it once: nobody else may, as long as this frame is there.
    if (frame_.max_unknown_id <= kSeriesIdMask) head_->ReserveId(frame_.max_unknown_id);
    stats_.unknown_values += frame_.unknown_values;
    const int64_t floor = position < cut_ ? head_->floor_ms() : kMinTimeMs;
    ApplySamples(floor);
    ApplyRest();
    return OkStatus();
  }

  // A series may have been given a second id before a crash: the record knows the one that counts.
  uint64_t IdOf(Slot slot) const { return head_->slabs().Record(slot).id(); }

  void Stage(const std::vector<wal::DecodedSample>& from, int64_t floor) {
    samples_.clear();
    starts_.clear();
    for (const wal::DecodedSample& s : from) {
      if (s.time_ms < floor) continue;
      samples_.push_back(
          {.id = IdOf(s.user), .slot = s.user, .time_ms = s.time_ms, .value = s.value});
      if (s.st_ms == 0) continue;
      starts_.push_back(s.st_ms);
      samples_.back().start = static_cast<uint32_t>(starts_.size());
    }
    stats_.samples += samples_.size();
  }

  void Stage(const std::vector<wal::DecodedHistogram>& from, int64_t floor) {
    histograms_.clear();
    for (const wal::DecodedHistogram& h : from) {
      if (h.time_ms < floor) continue;
      head_->slabs().Record(h.user).Set(kFlagNative);
      histograms_.push_back({.id = IdOf(h.user),
                             .slot = h.user,
                             .is_float = h.is_float,
                             .time_ms = h.time_ms,
                             .st_ms = h.st_ms,
                             .bytes = std::string(h.bytes)});
    }
    stats_.samples += histograms_.size();
  }

  void ApplySamples(int64_t floor) {
    Stage(frame_.samples, floor);
    head_->ApplySamples(commit_, samples_, starts_, &applied_);
    KeepOvertaken(&samples_, [](const StagedSample&) { return false; });
    head_->ApplyLate(commit_, samples_, starts_, &applied_);
    Stage(frame_.late, floor);
    head_->ApplyLate(commit_, samples_, starts_, &applied_);
    Stage(frame_.histograms, floor);
    head_->ApplyHistograms(commit_, histograms_, &applied_);
    // In a frame floats come before histograms.
    KeepOvertaken(&histograms_, [this](const StagedHistogram& h) {
      return std::any_of(
          frame_.samples.begin(), frame_.samples.end(),
          [&](const wal::DecodedSample& s) { return s.user == h.slot && s.time_ms > h.time_ms; });
    });
    head_->ApplyLateHistograms(commit_, histograms_, &applied_);
    Stage(frame_.late_histograms, floor);
    head_->ApplyLateHistograms(commit_, histograms_, &applied_);
  }

  // Leaves in *samples those that were overtaken and must not be lost. Such a sample is
  //  - in the checkpoint, when it is not newer than the series was there: nothing to do;
  //  - in disorder within its own commit: the live head has dealt with it;
  //  - else it was in order when it was live, and what overtakes it now comes from a commit that
  //    failed in another stream, of which this one still has its part: it goes among the late ones.
  template <typename Staged, typename InDisorder>
  void KeepOvertaken(std::vector<Staged>* samples, InDisorder in_disorder) {
    size_t kept = 0;
    for (const auto& o : applied_.overtaken) {
      const Staged& s = (*samples)[o.index];
      const auto overtakes = [&](const Staged& other) {
        return other.slot == s.slot && other.time_ms > s.time_ms;
      };
      if (o.by_another || s.time_ms <= head_->slabs().Record(s.slot).before_ms) continue;
      const auto end = samples->begin() + static_cast<long>(o.index);
      if (in_disorder(s) || std::any_of(samples->begin(), end, overtakes)) continue;
      late_indexes_.push_back(o.index);
    }
    applied_.overtaken.clear();
    // Shards are visited one by one: put them back in the order of the frame.
    std::sort(late_indexes_.begin(), late_indexes_.end());
    for (const uint32_t index : late_indexes_) {
      if (kept != index) (*samples)[kept] = std::move((*samples)[index]);
      kept++;
    }
    samples->resize(kept);
    late_indexes_.clear();
  }

  void ApplyRest() {
    for (const wal::DecodedMetadata& m : frame_.metadata) {
      head_->SetMetadata(m.user, IdOf(m.user), m.metadata);
    }
    for (const wal::DecodedDeletion& d : frame_.deletions) {
      head_->AddDeletion(d.user, IdOf(d.user), {d.min_ms, d.max_ms});
    }
    for (const wal::DecodedExemplar& e : frame_.exemplars) {
      const ArenaRef labels = head_->slabs().Record(e.user).labels.load(std::memory_order_relaxed);
      head_->index().CopyLabels(labels, &labels_);
      head_->exemplars().Add(LabelsView(labels_), e.exemplar);
    }
  }

  Head* const head_;
  const ReplayOptions* const options_;
  const wal::StreamShape shape_;
  wal::IdTable ids_;
  const uint64_t commit_;
  wal::Position from_;
  wal::Position cut_;
  uint32_t epoch_ = 0;
  uint32_t next_segment_ = 1;
  wal::DecodedFrame frame_;
  std::vector<StagedSample> samples_;
  std::vector<int64_t> starts_;
  std::vector<uint32_t> late_indexes_;
  std::vector<StagedHistogram> histograms_;
  std::string labels_;
  ReplayStats stats_;
  Head::Applied applied_;
  Status failure_;
};

}  // namespace

void ReplayStats::Add(const ReplayStats& o) {
  segments += o.segments;
  frames += o.frames;
  series += o.series;
  samples += o.samples;
  torn_bytes += o.torn_bytes;
  damaged += o.damaged;
  unknown_ids += o.unknown_ids;
  unknown_values += o.unknown_values;
}

Result<std::vector<uint32_t>> ReplayWal(Head* head, ReplayOptions options, ReplayStats* stats) {
  const uint32_t streams = head->options().streams;
  options.known_ids.resize(streams);
  std::vector<std::vector<uint32_t>> segments;
  int64_t total = 0;
  for (uint32_t i = 0; i < streams; i++) {
    ASSIGN_OR_RETURN(std::vector<uint32_t> mine, wal::ListSegments(options.fs, options.dir, i));
    total += static_cast<int64_t>(mine.size());
    segments.push_back(std::move(mine));
  }
  if (options.tracker != nullptr) options.tracker->Begin(0, total);
  const uint64_t commit = head->isolation().Begin();
  std::vector<std::unique_ptr<StreamReplay>> replays;
  std::vector<Status> results(streams);
  for (uint32_t i = 0; i < streams; i++) {
    replays.push_back(
        std::make_unique<StreamReplay>(head, &options, i, std::move(options.known_ids[i]), commit));
  }
  {
    std::vector<std::jthread> threads;
    for (uint32_t i = 1; i < streams; i++) {
      threads.emplace_back([&, i] { results[i] = replays[i]->Run(segments[i]); });
    }
    results[0] = replays[0]->Run(segments[0]);
  }
  std::vector<uint32_t> next;
  for (uint32_t i = 0; i < streams; i++) {
    head->Widen(replays[i]->applied());
    stats->Add(replays[i]->stats());
    next.push_back(replays[i]->next_segment());
  }
  head->isolation().Publish(commit);
  for (Status& status : results) RETURN_IF_ERROR(std::move(status));
  if (options.tracker != nullptr) options.tracker->Done();
  return next;
}

}  // namespace deucalion::tsdb
