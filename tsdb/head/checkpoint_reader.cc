#include <algorithm>
#include <cstring>

#include "base/bytes.h"
#include "base/hash.h"
#include "tsdb/head/checkpoint.h"
#include "tsdb/head/checkpoint_format.h"

namespace deucalion::tsdb {
namespace {

struct BlockView {
  uint8_t kind = 0;
  bool intact = false;
  std::string_view content;
};

// False at the end, or where the length leads nowhere.
bool NextBlock(ByteReader* in, BlockView* block) {
  if (in->done()) return false;
  const uint32_t size = in->Fixed32();
  const uint32_t want = in->Fixed32();
  const uint8_t kind = in->U8();
  block->content = in->Bytes(size);
  block->kind = kind;
  if (!in->ok()) return false;
  block->intact = Crc32c(block->content, Crc32c({reinterpret_cast<const char*>(&kind), 1})) == want;
  return true;
}

bool DecodeEnd(std::string_view content, CheckpointEnd* end) {
  ByteReader in(content);
  end->series = in.Varint();
  end->floor_ms = in.SignedVarint();
  end->min_ms = in.SignedVarint();
  end->max_ms = in.SignedVarint();
  end->chunk_files_below = static_cast<uint32_t>(in.Varint());
  end->oldest_chunk_file = static_cast<uint32_t>(in.Varint());
  const uint64_t streams = in.Varint();
  if (!in.ok() || streams > in.remaining()) return false;
  for (uint64_t i = 0; i < streams; i++) {
    end->next_ids.push_back(in.Varint());
    const auto segment = static_cast<uint32_t>(in.Varint());
    end->positions.push_back({segment, in.Varint()});
  }
  return in.ok() && in.remaining() == 4;
}

class Loader {
 public:
  Loader(Head* head, std::vector<wal::IdTable>* ids) : head_(head), ids_(ids) {}

  bool Pairs(std::string_view content) {
    ByteReader in(content);
    WriterLock lock(head_->index().mu());
    while (!in.done()) {
      const uint64_t id = in.Varint();
      const std::string_view text = in.LengthPrefixed();
      // One pair of its own is a label set of one.
      if (!in.ok() || !CheckEncodedLabels(text) || LabelsView(text).size() != 1) return false;
      if (id > kMaxPairId) return false;
      if (id >= pairs_.size())
        pairs_.resize(std::max<size_t>(id + 1, pairs_.size() * 2), UINT32_MAX);
      pairs_[id] = head_->index().InternPair(text);
    }
    return true;
  }

  bool SeriesBlock(std::string_view content) {
    ByteReader in(content);
    while (!in.done()) {
      if (!OneSeries(&in)) return false;
    }
    return true;
  }

  bool Exemplars(std::string_view content) {
    ByteReader in(content);
    while (!in.done()) {
      const std::string_view series = in.LengthPrefixed();
      Exemplar e;
      e.time_ms = in.SignedVarint();
      e.has_time = in.U8() != 0;
      e.value = in.Double();
      const std::string_view labels = in.LengthPrefixed();
      if (!in.ok() || !CheckEncodedLabels(labels) || !CheckEncodedLabels(series)) return false;
      e.labels = Labels::FromEncoded(std::string(labels));
      head_->exemplars().Add(LabelsView(series), e);
    }
    return true;
  }

  const Status& failure() const { return failure_; }

 private:
  // Bounds what a forged id can make us allocate.
  static constexpr uint64_t kMaxPairId = 1u << 30;

  bool OneSeries(ByteReader* in) {
    const uint64_t id = in->Varint();
    const uint64_t shard = in->Varint();
    const uint32_t tag = in->Fixed32();
    const uint64_t n = in->Varint();
    if (!in->ok() || n > in->remaining() || id == 0 || id > kSeriesIdMask ||
        shard >= head_->num_shards() ||
        head_->StreamOfId(id) != head_->StreamOfShard(static_cast<uint32_t>(shard))) {
      return false;
    }
    own_pairs_.clear();
    bool known = true;
    for (uint64_t i = 0; i < n; i++) {
      const uint64_t pair = in->Varint();
      const bool have = pair < pairs_.size() && pairs_[pair] != UINT32_MAX;
      known = known && have;
      own_pairs_.push_back(have ? pairs_[pair] : 0);
    }
    if (!known) {
      // Its labels were in a damaged block: walk over it.
      SeriesRecord nowhere;
      return Fill(in, nullptr, 0, &nowhere).ok();
    }
    Result<Slot> slot = head_->RestoreSeries(
        static_cast<uint32_t>(shard), id, tag, own_pairs_,
        [&](Shard* s, Slot at, SeriesRecord* r) { return Fill(in, s, at, r); });
    if (!slot.ok()) {
      if (slot.status().code() == StatusCode::kResourceExhausted) failure_ = slot.TakeStatus();
      return false;
    }
    (*ids_)[head_->StreamOfId(id)].Add(id)->user = *slot;
    return true;
  }

  // Everything behind the labels. `shard` null: read, keep nothing.
  Status Fill(ByteReader* in, Shard* shard, Slot slot, SeriesRecord* r) NO_THREAD_SAFETY_ANALYSIS {
    const int64_t last_ms = in->SignedVarint();
    const uint64_t last_bits = in->Fixed64();
    r->before_ms = last_ms;
    const uint64_t sealed = in->Varint();
    if (!in->ok() || sealed > in->remaining()) return Bad();
    for (uint64_t i = 0; i < sealed; i++) {
      const bool inside = in->U8() != 0;
      SealedEntry entry;
      entry.max_ms = in->SignedVarint();
      if (!inside) {
        entry.location = in->Fixed64();
        if ((entry.location & kInMemory) != 0) return Bad();
      } else {
        SealedChunkView chunk;
        chunk.encoding = static_cast<ChunkEncoding>(in->U8());
        chunk.count = static_cast<uint16_t>(in->Varint());
        chunk.bytes = in->LengthPrefixed();
        if (in->ok() && shard != nullptr) entry.location = shard->chunks.Store(chunk);
      }
      if (!in->ok()) return Bad();
      if (shard != nullptr) shard->chunks.AddSealed(r, entry);
    }
    RETURN_IF_ERROR(Open(in, shard, r));
    r->last_ms.store(last_ms, std::memory_order_relaxed);
    r->last_bits.store(last_bits, std::memory_order_relaxed);
    RETURN_IF_ERROR(Side(in, shard, slot, r));
    return in->ok() ? OkStatus() : Bad();
  }

  Status Open(ByteReader* in, Shard* shard, SeriesRecord* r) NO_THREAD_SAFETY_ANALYSIS {
    OpenChunkCopy open;
    const uint8_t kind = in->U8();
    if (kind == kOpenRun) {
      open.run = true;
      open.first_ms = in->SignedVarint();
      open.delta = static_cast<uint32_t>(in->Varint());
      open.bits = in->Fixed64();
      open.count = static_cast<uint16_t>(in->Varint());
    } else if (kind == kOpenXor) {
      const std::string_view bytes = in->LengthPrefixed();
      open.bytes.assign(bytes.begin(), bytes.end());
      open.count = XorCount(bytes);
    } else if (kind != kOpenNone) {
      return Bad();
    }
    if (!in->ok()) return Bad();
    return shard == nullptr ? OkStatus() : shard->chunks.Restore(r, open);
  }

  Status Side(ByteReader* in, Shard* shard, Slot slot, SeriesRecord* r) NO_THREAD_SAFETY_ANALYSIS {
    const uint8_t bits = in->U8();
    if (bits == 0) return OkStatus();
    SeriesSide unused;
    SeriesSide* side = shard == nullptr ? &unused : shard->SideOf(slot, r);
    if ((bits & kSideHistograms) != 0) {
      side->histograms.is_float = in->U8() != 0;
      side->histograms.count = static_cast<uint16_t>(in->Varint());
      side->histograms.first_ms = in->SignedVarint();
      side->histograms.entries = std::string(in->LengthPrefixed());
      side->histograms.last = std::string(in->LengthPrefixed());
      r->Set(kFlagHistogram);
      r->Set(kFlagNative);
    }
    const auto count = [&](uint8_t bit) {
      const uint64_t n = (bits & bit) != 0 ? in->Varint() : 0;
      return n <= in->remaining() ? n : in->Fail();
    };
    for (uint64_t n = count(kSideLate); n > 0 && in->ok(); n--) {
      const int64_t t = in->SignedVarint();
      side->late.push_back({.time_ms = t, .bits = in->Fixed64()});
      side->late.back().st_ms = in->SignedVarint();
    }
    if (shard != nullptr) head_->CountLate(side->late.size());
    for (uint64_t n = count(kSideStarts); n > 0 && in->ok(); n--) {
      const int64_t from = in->SignedVarint();
      side->starts.emplace_back(from, in->SignedVarint());
      r->Set(kFlagStarts);
    }
    for (uint64_t n = count(kSideDeleted); n > 0 && in->ok(); n--) {
      const int64_t min_ms = in->SignedVarint();
      side->deleted.push_back({min_ms, in->SignedVarint()});
    }
    if ((bits & kSideMetadata) != 0) {
      side->metadata = std::make_unique<Metadata>();
      const uint8_t kind = in->U8();
      if (kind <= static_cast<uint8_t>(MetricKind::kStateset)) {
        side->metadata->kind = static_cast<MetricKind>(kind);
      }
      side->metadata->unit = std::string(in->LengthPrefixed());
      side->metadata->help = std::string(in->LengthPrefixed());
    }
    for (uint64_t n = count(kSideLateHistograms); n > 0 && in->ok(); n--) {
      LateHistogram h;
      h.time_ms = in->SignedVarint();
      h.st_ms = in->SignedVarint();
      h.is_float = in->U8() != 0;
      h.bytes = std::string(in->LengthPrefixed());
      if (shard != nullptr) head_->CountLate(Head::LateWeight(h));
      side->late_histograms.push_back(std::move(h));
    }
    return OkStatus();
  }

  static Status Bad() { return CorruptError("checkpoint: series entry does not decode"); }

  Head* const head_;
  std::vector<wal::IdTable>* const ids_;
  std::vector<uint32_t> pairs_;  // id in the file -> id in the index
  std::vector<uint32_t> own_pairs_;
  Status failure_;
};

}  // namespace

Result<CheckpointReader> CheckpointReader::Open(FileSystem* fs, const std::string& path) {
  CheckpointReader reader;
  ASSIGN_OR_RETURN(reader.map_, fs->Map(path));
  const std::string_view bytes = reader.map_->bytes();
  const auto bad = [&](const char* what) { return CorruptError(path + ": " + what); };
  if (!bytes.starts_with(kCheckpointMagic)) return bad("not a checkpoint");
  if (bytes.size() < kCheckpointMagic.size() + kCheckpointBlockHeader + 4) return bad("too short");
  uint32_t end_size;
  std::memcpy(&end_size, bytes.data() + bytes.size() - 4, 4);
  if (end_size > bytes.size() - kCheckpointMagic.size()) return bad("has no end");
  ByteReader in(bytes.substr(bytes.size() - end_size));
  BlockView block;
  if (!NextBlock(&in, &block) || !block.intact || block.kind != kEndBlock ||
      !DecodeEnd(block.content, &reader.end_)) {
    return bad("its end does not decode");
  }
  return reader;
}

uint64_t CheckpointReader::CountDamaged() const {
  uint64_t damaged = 0;
  ByteReader in(map_->bytes().substr(kCheckpointMagic.size()));
  BlockView block;
  while (NextBlock(&in, &block)) damaged += !block.intact;
  return damaged + !in.done();
}

Status CheckpointReader::Load(Head* head, std::vector<wal::IdTable>* ids, uint64_t* damaged) const {
  if (end_.positions.size() != head->options().streams) {
    return CorruptError("checkpoint of another number of wal streams");
  }
  ids->resize(end_.positions.size());
  for (auto& table : *ids)
    table.Reserve(std::min<uint64_t>(end_.series, 1u << 24) / ids->size() + 1);
  for (uint32_t i = 0; i < end_.next_ids.size(); i++) {
    if (end_.next_ids[i] > 1) head->ReserveId((end_.next_ids[i] - 1) * end_.next_ids.size() + i);
  }
  Loader loader(head, ids);
  // Pairs lie behind the series that need them: two walks.
  for (const bool pairs : {true, false}) {
    ByteReader in(map_->bytes().substr(kCheckpointMagic.size()));
    BlockView block;
    while (NextBlock(&in, &block)) {
      if ((block.kind == kPairsBlock) != pairs || block.kind == kEndBlock) continue;
      bool ok = block.intact;
      if (ok && block.kind == kPairsBlock) ok = loader.Pairs(block.content);
      if (ok && block.kind == kSeriesBlock) ok = loader.SeriesBlock(block.content);
      if (ok && block.kind == kExemplarsBlock) ok = loader.Exemplars(block.content);
      if (!ok) ++*damaged;
      RETURN_IF_ERROR(loader.failure());
    }
    if (!in.done()) ++*damaged;
  }
  head->RestoreTimes(end_.floor_ms, end_.min_ms, end_.max_ms);
  return OkStatus();
}

}  // namespace deucalion::tsdb
