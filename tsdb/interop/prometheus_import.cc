#include "tsdb/interop/prometheus_import.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <set>
#include <unordered_map>

#include "base/bytes.h"
#include "tsdb/block/merge.h"
#include "tsdb/compact/compactor.h"
#include "tsdb/head/head_querier.h"
#include "tsdb/head/histogram_bytes.h"
#include "tsdb/interop/late_samples.h"
#include "tsdb/interop/prometheus_head_chunks.h"
#include "tsdb/interop/prometheus_records.h"
#include "tsdb/interop/prometheus_wal.h"

namespace deucalion::tsdb {
namespace {

using Type = PrometheusRecordType;
using Segments = std::vector<PrometheusSegment>;

constexpr size_t kMaxStaged = 16 << 10;
// Messages of damage that are written out; the rest is counted.
constexpr uint64_t kMaxDamageLines = 20;

int64_t FloorTo(int64_t ms, int64_t range) {
  const int64_t rest = ms % range;
  return ms - (rest < 0 ? rest + range : rest);
}

PrometheusLogEnd::Place EndOf(const Segments& files) {
  if (files.empty()) return {};
  return {files.back().number, files.back().size_bytes};
}

class Importer {
 public:
  explicit Importer(const PrometheusImportOptions& options) : options_(options) {}

  Result<PrometheusImport> Run() {
    FileSystem* fs = options_.fs;
    ASSIGN_OR_RETURN(out_.end, PrometheusLogEnd::Find(fs, options_.root));
    // Numbers that went back: these are other logs than those that were read.
    if (out_.end.wal < from_.wal) from_.wal = {};
    if (out_.end.wbl < from_.wbl) from_.wbl = {};
    if (out_.end.head_chunks < from_.head_chunks) from_.head_chunks = {};
    RETURN_IF_ERROR(fs->RemoveAll(options_.scratch_dir));
    ASSIGN_OR_RETURN(head_, Head::Open({.fs = fs,
                                        .chunks_dir = options_.scratch_dir,
                                        .shards = 1,
                                        .streams = 1,
                                        .block_range_ms = options_.range_ms,
                                        .max_exemplars = 0}));
    late_.emplace(head_.get());
    commit_ = head_->isolation().Begin();
    RETURN_IF_ERROR(ReadLogs());
    head_->Widen(applied_);
    head_->isolation().Publish(commit_);
    out_.stats.series = head_->num_series();
    RETURN_IF_ERROR(WriteBlocks(true));
    NameSeries();
    late_.reset();
    head_.reset();
    RETURN_IF_ERROR(fs->RemoveAll(options_.scratch_dir));
    return std::move(out_);
  }

 private:
  Status ReadLogs() {
    FileSystem* fs = options_.fs;
    const std::string wal_dir = JoinPath(options_.root, "wal");
    ASSIGN_OR_RETURN(const auto checkpoint, FindPrometheusCheckpoint(fs, wal_dir));
    Segments before;
    if (checkpoint) {
      ASSIGN_OR_RETURN(before, ListPrometheusSegments(fs, checkpoint->dir));
    }
    ASSIGN_OR_RETURN(Segments wal, ListPrometheusSegments(fs, wal_dir));
    if (checkpoint) {
      std::erase_if(wal, [&](const auto& s) { return s.number <= checkpoint->number; });
    }
    ReportGaps(wal, checkpoint ? std::optional<uint32_t>(checkpoint->number) : std::nullopt);
    if (options_.tracker != nullptr && !wal.empty()) {
      options_.tracker->Begin(wal.front().number, wal.back().number);
    }
    for (const Segments* segments : {&before, &wal}) {
      for (const auto& s : *segments) RETURN_IF_ERROR(ReadSeries(s));
    }
    RETURN_IF_ERROR(ReadHeadChunks());
    // A checkpoint made since then may hold what an earlier import has not seen.
    const PrometheusLogEnd::Place from = from_.wal;
    const bool seen = checkpoint && checkpoint->number < from.file;
    for (const auto& s : before) {
      if (!seen) RETURN_IF_ERROR(ReadSamples(s, 0, false));
    }
    for (const auto& s : wal) {
      if (s.number >= from.file) {
        RETURN_IF_ERROR(ReadSamples(s, s.number == from.file ? from.bytes : 0, false));
      }
      if (options_.tracker != nullptr) options_.tracker->Advance();
    }
    return ReadLateLog();
  }

  Status ReadLateLog() {
    ASSIGN_OR_RETURN(const Segments wbl,
                     ListPrometheusSegments(options_.fs, JoinPath(options_.root, "wbl")));
    const PrometheusLogEnd::Place from = from_.wbl;
    for (const auto& s : wbl) {
      if (s.number < from.file) continue;
      CountDamage(s);
      RETURN_IF_ERROR(ReadSamples(s, s.number == from.file ? from.bytes : 0, true));
    }
    return OkStatus();
  }

  // ---- files ----

  void Damaged(const std::string& where, const std::string& problem) {
    if (++out_.stats.damaged > kMaxDamageLines) return;
    options_.logger->Warn("Prometheus's data are damaged; going on behind the damage",
                          {{"component", "tsdb"}, {"file", where}, {"err", problem}});
  }

  void ReportGaps(const Segments& wal, std::optional<uint32_t> last) {
    for (const auto& s : wal) {
      if (last && s.number != *last + 1) {
        Damaged(s.path, "segments after " + std::to_string(*last) + " are missing");
      }
      last = s.number;
    }
  }

  // Calls visit(reader) for each record from `offset` on.
  template <typename Visit>
  Status ForEachRecord(const PrometheusSegment& segment, uint64_t offset, bool report,
                       Visit visit) {
    ASSIGN_OR_RETURN(const auto map, options_.fs->Map(segment.path));
    PrometheusSegmentReader reader(map->bytes());
    for (;;) {
      switch (reader.Next()) {
        case PrometheusSegmentReader::Outcome::kRecord:
          if (reader.offset() >= offset) RETURN_IF_ERROR(visit(&reader));
          break;
        case PrometheusSegmentReader::Outcome::kEnd:
          return OkStatus();
        case PrometheusSegmentReader::Outcome::kTorn:
          out_.stats.torn += report;
          return OkStatus();
        case PrometheusSegmentReader::Outcome::kDamaged:
          if (report) Damaged(segment.path, reader.problem());
          break;
      }
    }
  }

  // False: passed over, and counted.
  bool Decode(const PrometheusSegment& segment, PrometheusSegmentReader* reader) {
    const auto where = [&] { return segment.path + " at " + std::to_string(reader->offset()); };
    const Result<std::string_view> bytes = reader->Record();
    if (!bytes.ok()) {
      Damaged(where(), bytes.status().message());
      return false;
    }
    const Status status = DecodePrometheusRecord(*bytes, &record_);
    if (status.code() == StatusCode::kUnimplemented) {
      out_.stats.unknown_records++;
      return false;
    }
    if (!status.ok()) Damaged(where(), status.message());
    out_.stats.unusable += record_.unusable_histograms;
    return status.ok();
  }

  // The first of two passes: what later entries refer to, and the state of the files.
  Status ReadSeries(const PrometheusSegment& segment) {
    out_.stats.segments++;
    return ForEachRecord(segment, 0, true, [&](PrometheusSegmentReader* reader) -> Status {
      const auto type = static_cast<Type>(reader->PeekType());
      if (type != Type{0} && type != Type::kSeries && type != Type::kMinValidTime) {
        return OkStatus();
      }
      if (type == Type{0} && !IsSeriesRecord(reader)) return OkStatus();
      if (!Decode(segment, reader)) return OkStatus();
      if (record_.type == Type::kMinValidTime) {
        // Of the head itself: its blocks may say more than it has cut.
        min_valid_ms_ = std::min(min_valid_ms_, record_.min_valid_ms);
      }
      for (const RecordedSeries& s : record_.series) RETURN_IF_ERROR(Introduce(s));
      return OkStatus();
    });
  }

  // Of a record whose type cannot be seen from outside. What does not decode is for the second
  // pass.
  static bool IsSeriesRecord(PrometheusSegmentReader* reader) {
    const auto bytes = reader->Record();
    if (!bytes.ok() || bytes->empty()) return false;
    const auto type = static_cast<Type>((*bytes)[0]);
    return type == Type::kSeries || type == Type::kMinValidTime;
  }

  Status Introduce(const RecordedSeries& series) {
    ASSIGN_OR_RETURN(const SeriesRef ref,
                     head_->FindOrCreate(series.labels, series.labels.Hash(), 0));
    slots_[series.ref] = static_cast<Slot>(ref);
    return OkStatus();
  }

  void CountDamage(const PrometheusSegment& segment) {
    out_.stats.segments++;
    (void)ForEachRecord(segment, 0, true, [](PrometheusSegmentReader*) { return OkStatus(); });
  }

  Status ReadSamples(const PrometheusSegment& segment, uint64_t offset, bool late) {
    return ForEachRecord(segment, offset, false, [&](PrometheusSegmentReader* reader) -> Status {
      if (static_cast<Type>(reader->PeekType()) == Type::kSeries) return OkStatus();
      if (!Decode(segment, reader)) return OkStatus();
      return late ? TakeLate() : Take();
    });
  }

  // ---- entries ----

  Slot SlotOf(uint64_t ref) {
    const auto it = slots_.find(ref);
    if (it != slots_.end()) return it->second;
    out_.stats.unknown_refs++;
    return kNoSlot;
  }
  uint64_t IdOf(Slot slot) const { return head_->slabs().Record(slot).id(); }

  // Times no clock shows would make ranges that cannot be counted.
  bool IsUsable(int64_t time_ms) {
    const bool usable = time_ms > kMinTimeMs / 2 && time_ms < kMaxTimeMs / 2;
    out_.stats.unusable += !usable;
    if (usable) newest_ms_ = std::max(newest_ms_, time_ms);
    return usable;
  }

  void Stage(Slot slot, int64_t time_ms, int64_t st_ms, double value) {
    if (!staged_histograms_.empty() || staged_.size() >= kMaxStaged) Flush();
    staged_.push_back({.id = IdOf(slot), .slot = slot, .time_ms = time_ms, .value = value});
    if (st_ms != 0) {
      starts_.push_back(st_ms);
      staged_.back().start = static_cast<uint32_t>(starts_.size());
    }
    Extend(time_ms);
  }
  void Stage(Slot slot, int64_t time_ms, int64_t st_ms, bool is_float, std::string bytes) {
    if (!staged_.empty() || staged_histograms_.size() >= kMaxStaged / 16) Flush();
    staged_histograms_.push_back({.id = IdOf(slot),
                                  .slot = slot,
                                  .is_float = is_float,
                                  .time_ms = time_ms,
                                  .st_ms = st_ms,
                                  .bytes = std::move(bytes)});
    Extend(time_ms);
  }
  void Extend(int64_t time_ms) {
    if (!ranges_.empty() && time_ms >= newest_range_ &&
        time_ms < newest_range_ + options_.range_ms) {
      return;
    }
    newest_range_ = FloorTo(time_ms, options_.range_ms);
    ranges_.insert(newest_range_);
  }

  // At most one of the two lists has something: the order of a series' samples is kept.
  void Flush() {
    const uint64_t dropped = applied_.dropped;
    out_.stats.samples += staged_.size() + staged_histograms_.size();
    head_->ApplySamples(commit_, staged_, starts_, &applied_);
    head_->ApplyHistograms(commit_, staged_histograms_, &applied_);
    out_.stats.samples -= applied_.dropped - dropped;
    applied_.overtaken.clear();
    staged_.clear();
    starts_.clear();
    staged_histograms_.clear();
  }

  Status Take() {
    for (const RecordedSample& s : record_.samples) {
      if (s.time_ms < min_valid_ms_ || !IsUsable(s.time_ms)) continue;
      const Slot slot = SlotOf(s.ref);
      if (slot != kNoSlot) Stage(slot, s.time_ms, s.st_ms, s.value);
    }
    for (const RecordedHistogram& h : record_.histograms) {
      if (h.time_ms < min_valid_ms_ || !IsUsable(h.time_ms)) continue;
      const Slot slot = SlotOf(h.ref);
      if (slot == kNoSlot) continue;
      std::string bytes;
      h.is_float ? EncodeHistogram(h.floating, &bytes) : EncodeHistogram(h.integer, &bytes);
      Stage(slot, h.time_ms, h.st_ms, h.is_float, std::move(bytes));
    }
    for (const RecordedTombstone& t : record_.tombstones) {
      // Of all times: the series has left the head, its samples are in a block.
      if (t.min_ms == kMinTimeMs && t.max_ms == kMaxTimeMs) continue;
      if (t.max_ms < min_valid_ms_ || t.min_ms > t.max_ms) continue;
      const Slot slot = SlotOf(t.ref);
      if (slot != kNoSlot) head_->AddDeletion(slot, IdOf(slot), {t.min_ms, t.max_ms});
    }
    for (const RecordedExemplar& e : record_.exemplars) {
      if (e.exemplar.time_ms < min_valid_ms_) continue;
      const Slot slot = SlotOf(e.ref);
      if (slot == kNoSlot || options_.max_exemplars == 0) continue;
      exemplars_.emplace_back(slot, e.exemplar);
      if (exemplars_.size() > options_.max_exemplars) exemplars_.pop_front();
    }
    for (const RecordedMetadata& m : record_.metadata) {
      const Slot slot = SlotOf(m.ref);
      if (slot != kNoSlot) metadata_[slot] = m.metadata;
    }
    return OkStatus();
  }

  Status TakeLate() {
    for (const RecordedSample& s : record_.samples) {
      const Slot slot = SlotOf(s.ref);
      if (slot != kNoSlot && IsUsable(s.time_ms)) late_->Add(slot, s.time_ms, s.st_ms, s.value);
    }
    for (RecordedHistogram& h : record_.histograms) {
      const Slot slot = SlotOf(h.ref);
      if (slot == kNoSlot || !IsUsable(h.time_ms)) continue;
      late_->Add(slot, {.time_ms = h.time_ms,
                        .st_ms = h.st_ms,
                        .histogram = h.is_float ? std::move(h.floating) : h.integer.ToFloat(),
                        .integer = !h.is_float});
    }
    // Markers say which samples are in head chunks as well: every one is taken once, whichever.
    out_.stats.late_samples += record_.samples.size() + record_.histograms.size();
    return SpillLate();
  }

  Status SpillLate() {
    return late_->size_bytes() < options_.max_late_bytes ? OkStatus() : WriteBlocks(false);
  }

  // ---- chunks_head ----

  Status ReadHeadChunks() {
    ASSIGN_OR_RETURN(const Segments files,
                     ListPrometheusSegments(options_.fs, JoinPath(options_.root, "chunks_head")));
    for (const auto& file : files) {
      // Prometheus begins a new file whenever it starts.
      if (from_.head_chunks.bytes != 0 && file.number <= from_.head_chunks.file) continue;
      RETURN_IF_ERROR(ReadHeadChunkFile(file));
    }
    Flush();
    return OkStatus();
  }

  Status ReadHeadChunkFile(const PrometheusSegment& file) {
    if (file.size_bytes == 0) return OkStatus();  // made just before a crash
    ASSIGN_OR_RETURN(const auto map, options_.fs->Map(file.path));
    Result<PrometheusHeadChunkReader> reader = PrometheusHeadChunkReader::Open(map->bytes());
    if (!reader.ok()) {
      Damaged(file.path, reader.status().message());
      return OkStatus();
    }
    PrometheusHeadChunk chunk;
    while (reader->Next(&chunk)) {
      out_.stats.chunks++;
      if (!chunk.out_of_order && chunk.max_ms < min_valid_ms_) continue;
      const Slot slot = SlotOf(chunk.ref);
      if (slot == kNoSlot) continue;
      columns_.Clear();
      const Status status = DecodePrometheusChunk(
          chunk.chunk, chunk.out_of_order ? kMinTimeMs : min_valid_ms_, kMaxTimeMs, &columns_);
      if (!status.ok()) {
        Damaged(file.path + " before " + std::to_string(reader->offset()), status.message());
        continue;
      }
      RETURN_IF_ERROR(TakeChunk(slot, chunk.out_of_order));
    }
    if (!reader->status().ok()) Damaged(file.path, reader->status().message());
    return OkStatus();
  }

  Status TakeChunk(Slot slot, bool late) {
    for (size_t i = 0; i < columns_.times.size(); i++) {
      const int64_t t = columns_.times[i];
      const int64_t st_ms = columns_.start_times.empty() ? 0 : columns_.start_times[i];
      if (!IsUsable(t)) continue;
      late ? late_->Add(slot, t, st_ms, columns_.values[i])
           : Stage(slot, t, st_ms, columns_.values[i]);
    }
    for (HistogramPoint& p : columns_.histograms) {
      if (!IsUsable(p.time_ms)) continue;
      if (late) {
        late_->Add(slot, std::move(p));
        continue;
      }
      std::string bytes;
      p.integer ? EncodeHistogram(ToIntHistogram(p.histogram), &bytes)
                : EncodeHistogram(p.histogram, &bytes);
      Stage(slot, p.time_ms, p.st_ms, !p.integer, std::move(bytes));
    }
    return late ? SpillLate() : OkStatus();
  }

  // ---- blocks ----

  // The late samples so far and, at the end, all that came in order.
  Status WriteBlocks(bool in_order) {
    Flush();
    const std::set<int64_t> late_starts = late_->Ranges(options_.range_ms);
    std::set<int64_t> starts = late_starts;
    if (in_order) starts.insert(ranges_.begin(), ranges_.end());
    const std::unique_ptr<SeriesSet> late = late_->Sorted();
    for (const int64_t start : starts) {
      // Where Prometheus's newest block ends within the range, ours begins.
      const int64_t begin = late_starts.contains(start) ? start : std::max(start, min_valid_ms_);
      RETURN_IF_ERROR(WriteRange(begin, start + options_.range_ms, in_order, *late));
    }
    late_->Clear();
    return OkStatus();
  }

  // Lends a set to MergeSets, which wants to own it.
  class Borrowed final : public SeriesSet {
   public:
    explicit Borrowed(const SeriesSet* set) : set_(set) {}
    size_t size() const override { return set_->size(); }
    void LabelsOf(size_t i, Labels* out) const override { set_->LabelsOf(i, out); }
    Status Read(size_t i, int64_t min_ms, int64_t max_ms, SampleColumns* out) const override {
      return set_->Read(i, min_ms, max_ms, out);
    }

   private:
    const SeriesSet* const set_;
  };

  Status WriteRange(int64_t begin_ms, int64_t end_ms, bool in_order, const SeriesSet& late) {
    std::optional<HeadQuerier> querier;
    std::vector<SourceSet> sources;
    if (in_order) {
      querier.emplace(head_.get(), begin_ms, end_ms - 1);
      ASSIGN_OR_RETURN(
          auto set, querier->Select(true, {.min_ms = begin_ms, .max_ms = end_ms - 1}, {}, nullptr));
      sources.push_back({std::move(set), begin_ms, end_ms - 1});
    }
    if (late.size() > 0) {
      sources.push_back({std::make_unique<Borrowed>(&late), begin_ms, end_ms - 1});
    }
    if (sources.empty()) return OkStatus();
    ASSIGN_OR_RETURN(const auto merged, MergeSets(std::move(sources), 0, nullptr));
    BlockMeta meta;
    meta.ulid = NewUlid(options_.clock->NowMs());
    meta.sources = {meta.ulid};
    meta.min_ms = begin_ms;
    // Not beyond what is there: the rest of the newest range is the head's.
    meta.max_ms = std::min(end_ms, std::max(newest_ms_, begin_ms) + 1);
    if (!in_order) meta.hints = {"from-out-of-order"};
    BlockJob job{.fs = options_.fs, .dir = options_.block_dir(meta.ulid)};
    ASSIGN_OR_RETURN(BlockMeta written, WriteBlock(*merged, std::move(meta), job));
    if (written.series > 0) out_.blocks.push_back(std::move(written));
    return OkStatus();
  }

  void NameSeries() {
    const auto labels = [&](Slot slot) {
      Labels out;
      head_->index().CopyLabels(head_->slabs().Record(slot).labels.load(std::memory_order_relaxed),
                                out.mutable_bytes());
      return out;
    };
    for (auto& [slot, e] : exemplars_) out_.exemplars.emplace_back(labels(slot), std::move(e));
    for (auto& [slot, m] : metadata_) out_.metadata.emplace_back(labels(slot), std::move(m));
  }

  const PrometheusImportOptions& options_;
  PrometheusLogEnd from_ = options_.from;
  int64_t min_valid_ms_ = options_.min_valid_ms;
  std::unique_ptr<Head> head_;
  std::optional<LateSamples> late_;
  uint64_t commit_ = 0;
  Head::Applied applied_;
  std::unordered_map<uint64_t, Slot> slots_;  // by Prometheus's number
  std::set<int64_t> ranges_;                  // starts of those with in-order samples
  int64_t newest_range_ = 0;
  int64_t newest_ms_ = kMinTimeMs;
  std::vector<StagedSample> staged_;
  std::vector<int64_t> starts_;  // StagedSample::start counts in it
  std::vector<StagedHistogram> staged_histograms_;
  std::deque<std::pair<Slot, Exemplar>> exemplars_;
  std::unordered_map<Slot, Metadata> metadata_;
  PrometheusRecord record_;
  SampleColumns columns_;
  PrometheusImport out_;
};

}  // namespace

std::string PrometheusLogEnd::Encode() const {
  std::string out;
  PutVarint(&out, 1);  // version
  for (const Place* p : {&wal, &wbl, &head_chunks}) {
    PutVarint(&out, p->file);
    PutVarint(&out, p->bytes);
  }
  return out;
}

Result<PrometheusLogEnd> PrometheusLogEnd::Decode(std::string_view bytes) {
  PrometheusLogEnd end;
  ByteReader in(bytes);
  const uint64_t version = in.Varint();
  for (Place* p : {&end.wal, &end.wbl, &end.head_chunks}) {
    p->file = static_cast<uint32_t>(in.Varint());
    p->bytes = in.Varint();
  }
  if (!in.ok() || !in.done() || version != 1) {
    return CorruptError("catalog: the end of the last import does not decode");
  }
  return end;
}

Result<PrometheusLogEnd> PrometheusLogEnd::Find(FileSystem* fs, const std::string& root) {
  PrometheusLogEnd end;
  ASSIGN_OR_RETURN(const Segments wal, ListPrometheusSegments(fs, JoinPath(root, "wal")));
  ASSIGN_OR_RETURN(const Segments wbl, ListPrometheusSegments(fs, JoinPath(root, "wbl")));
  ASSIGN_OR_RETURN(const Segments chunks,
                   ListPrometheusSegments(fs, JoinPath(root, "chunks_head")));
  end.wal = EndOf(wal);
  end.wbl = EndOf(wbl);
  end.head_chunks = EndOf(chunks);
  return end;
}

Result<PrometheusImport> ImportPrometheusLogs(const PrometheusImportOptions& options) {
  Result<PrometheusImport> done = Importer(options).Run();
  if (!done.ok()) {
    (void)options.fs->RemoveAll(options.scratch_dir);
    return done.status().WithContext("importing Prometheus's logs");
  }
  return done;
}

}  // namespace deucalion::tsdb
