#include <fmt/core.h>

#include <charconv>

#include "base/bytes.h"
#include "base/hash.h"
#include "tsdb/head/checkpoint.h"
#include "tsdb/head/checkpoint_format.h"

namespace deucalion::tsdb {
namespace {

constexpr std::string_view kPrefix = "checkpoint-";

class Writer {
 public:
  Writer(Head* head, AppendFile* file) : head_(head), file_(file) {}

  Status Pairs() {
    std::string block;
    // In pieces, so that no creator of series waits for the disk.
    for (uint32_t next = 0; next < NumPairs();) {
      block.clear();
      {
        ReaderLock lock(head_->index().mu());
        for (; next < head_->index().pair_limit() && block.size() < kCheckpointBlockBytes; next++) {
          const std::string_view text = head_->index().LivePairText(next);
          if (text.empty()) continue;
          PutVarint(&block, next);
          PutLengthPrefixed(&block, text);
        }
      }
      RETURN_IF_ERROR(Block(kPairsBlock, block));
    }
    return OkStatus();
  }

  Status Series(uint64_t* count) {
    std::vector<Slot> slots;
    {
      ReaderLock lock(head_->index().mu());
      slots = head_->index().AllSlots();
    }
    std::string block;
    for (const Slot slot : slots) {
      *count += PutSeries(slot, &block);
      if (block.size() < kCheckpointBlockBytes) continue;
      RETURN_IF_ERROR(Block(kSeriesBlock, block));
      block.clear();
    }
    return Block(kSeriesBlock, block);
  }

  Status Exemplars() {
    std::string block;
    head_->exemplars().ForEach([&](std::string_view series, const Exemplar& e) {
      PutLengthPrefixed(&block, series);
      PutSignedVarint(&block, e.time_ms);
      PutU8(&block, e.has_time);
      PutDouble(&block, e.value);
      PutLengthPrefixed(&block, e.labels.bytes());
    });
    return Block(kExemplarsBlock, block);
  }

  Status End(const CheckpointEnd& end) {
    std::string block;
    PutVarint(&block, end.series);
    PutSignedVarint(&block, end.floor_ms);
    PutSignedVarint(&block, end.min_ms);
    PutSignedVarint(&block, end.max_ms);
    PutVarint(&block, end.chunk_files_below);
    PutVarint(&block, end.oldest_chunk_file);
    PutVarint(&block, end.positions.size());
    for (size_t i = 0; i < end.positions.size(); i++) {
      PutVarint(&block, end.next_ids[i]);
      PutVarint(&block, end.positions[i].segment);
      PutVarint(&block, end.positions[i].offset);
    }
    // The block's own size comes last, so that a reader finds the end from behind.
    const size_t begin = kCheckpointBlockHeader + block.size() + 4;
    PutFixed32(&block, static_cast<uint32_t>(begin));
    return Block(kEndBlock, block);
  }

  uint32_t oldest_chunk_file() const { return oldest_chunk_file_; }

 private:
  uint32_t NumPairs() const {
    ReaderLock lock(head_->index().mu());
    return head_->index().pair_limit();
  }

  Status Block(uint8_t kind, std::string_view content) {
    if (content.empty()) return OkStatus();
    std::string out;
    out.reserve(kCheckpointBlockHeader + content.size());
    PutFixed32(&out, static_cast<uint32_t>(content.size()));
    PutFixed32(&out, Crc32c(content, Crc32c({reinterpret_cast<const char*>(&kind), 1})));
    PutU8(&out, kind);
    out += content;
    return file_->Append(out);
  }

  // False when the series has left. Without samples too: its labels may be in front of the
  // positions (an exemplar came first) and samples that name it behind them.
  bool PutSeries(Slot slot, std::string* out) {
    const uint32_t shard_number = head_->slabs().ShardOf(slot);
    Shard& shard = head_->shard(shard_number);
    MutexLock lock(shard.mu);
    const SeriesRecord& r = head_->slabs().Record(slot);
    const SeriesSide* side = shard.FindSide(slot, r);
    if (r.id() == 0) return false;
    PutVarint(out, r.id());
    PutVarint(out, shard_number);
    PutFixed32(out, r.label_hash);
    const auto pairs = head_->index().PairsOf(r.labels.load(std::memory_order_relaxed));
    PutVarint(out, pairs.size());
    for (const uint32_t pair : pairs) PutVarint(out, pair);
    PutSignedVarint(out, r.last_ms.load(std::memory_order_relaxed));
    PutFixed64(out, r.last_bits.load(std::memory_order_relaxed));
    PutSealed(shard, r, out);
    PutOpen(shard, r, out);
    PutSide(side, out);
    return true;
  }

  void PutSealed(const Shard& shard, const SeriesRecord& r, std::string* out) REQUIRES(shard.mu) {
    const auto sealed = shard.chunks.Sealed(r);
    PutVarint(out, sealed.size());
    for (const SealedEntry& e : sealed) {
      const bool in_memory = (e.location & kInMemory) != 0;
      PutU8(out, in_memory);
      PutSignedVarint(out, e.max_ms);
      if (!in_memory) {
        PutFixed64(out, e.location);
        oldest_chunk_file_ = std::min(oldest_chunk_file_, SealedChunks::FileOf(e.location));
        continue;
      }
      const SealedChunkView chunk = shard.chunks.InMemory(e.location);
      PutU8(out, static_cast<uint8_t>(chunk.encoding));
      PutVarint(out, chunk.count);
      PutLengthPrefixed(out, chunk.bytes);
    }
  }

  void PutOpen(const Shard& shard, const SeriesRecord& r, std::string* out) REQUIRES(shard.mu) {
    shard.chunks.Copy(r, &open_);
    if (open_.count == 0) {
      PutU8(out, kOpenNone);
    } else if (open_.run) {
      PutU8(out, kOpenRun);
      PutSignedVarint(out, open_.first_ms);
      PutVarint(out, open_.delta);
      PutFixed64(out, open_.bits);
      PutVarint(out, open_.count);
    } else {
      PutU8(out, kOpenXor);
      PutLengthPrefixed(out, {open_.bytes.data(), open_.bytes.size()});
    }
  }

  static void PutSide(const SeriesSide* side, std::string* out) {
    if (side == nullptr) {
      PutU8(out, 0);
      return;
    }
    PutU8(out, static_cast<uint8_t>((side->histograms.count > 0 ? kSideHistograms : 0) |
                                    (side->late.empty() ? 0 : kSideLate) |
                                    (side->starts.empty() ? 0 : kSideStarts) |
                                    (side->deleted.empty() ? 0 : kSideDeleted) |
                                    (side->metadata == nullptr ? 0 : kSideMetadata) |
                                    (side->late_histograms.empty() ? 0 : kSideLateHistograms)));
    if (side->histograms.count > 0) {
      PutU8(out, side->histograms.is_float);
      PutVarint(out, side->histograms.count);
      PutSignedVarint(out, side->histograms.first_ms);
      PutLengthPrefixed(out, side->histograms.entries);
      PutLengthPrefixed(out, side->histograms.last);
    }
    if (!side->late.empty()) {
      PutVarint(out, side->late.size());
      for (const LateSample& l : side->late) {
        PutSignedVarint(out, l.time_ms);
        PutFixed64(out, l.bits);
        PutSignedVarint(out, l.st_ms);
      }
    }
    if (!side->starts.empty()) {
      PutVarint(out, side->starts.size());
      for (const auto& [from_ms, st_ms] : side->starts) {
        PutSignedVarint(out, from_ms);
        PutSignedVarint(out, st_ms);
      }
    }
    if (!side->deleted.empty()) {
      PutVarint(out, side->deleted.size());
      for (const TimeInterval& d : side->deleted) {
        PutSignedVarint(out, d.min_ms);
        PutSignedVarint(out, d.max_ms);
      }
    }
    if (side->metadata != nullptr) {
      PutU8(out, static_cast<uint8_t>(side->metadata->kind));
      PutLengthPrefixed(out, side->metadata->unit);
      PutLengthPrefixed(out, side->metadata->help);
    }
    if (side->late_histograms.empty()) return;
    PutVarint(out, side->late_histograms.size());
    for (const LateHistogram& h : side->late_histograms) {
      PutSignedVarint(out, h.time_ms);
      PutSignedVarint(out, h.st_ms);
      PutU8(out, h.is_float);
      PutLengthPrefixed(out, h.bytes);
    }
  }

  Head* const head_;
  AppendFile* const file_;
  OpenChunkCopy open_;
  uint32_t oldest_chunk_file_ = UINT32_MAX;
};

}  // namespace

std::string CheckpointName(uint64_t number) { return fmt::format("checkpoint-{:08}", number); }

bool ParseCheckpointName(std::string_view name, uint64_t* number) {
  if (!name.starts_with(kPrefix)) return false;
  const std::string_view digits = name.substr(kPrefix.size());
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), *number);
  return parsed.ec == std::errc() && parsed.ptr == digits.data() + digits.size() && !digits.empty();
}

Result<CheckpointEnd> WriteCheckpoint(Head* head, wal::Wal* wal, const std::string& dir,
                                      uint64_t number) {
  FileSystem* fs = head->options().fs;
  CheckpointEnd end;
  ASSIGN_OR_RETURN(end.positions, wal->RollAll());
  // What is in front of the positions was written by appenders that exist now: once they are done,
  // it is in the head.
  head->appender_pins().WaitForPresent();
  end.floor_ms = head->floor_ms();
  const std::string path = JoinPath(dir, CheckpointName(number));
  const std::string tmp = path + ".tmp";
  ASSIGN_OR_RETURN(const std::unique_ptr<AppendFile> file, fs->Create(tmp));
  RETURN_IF_ERROR(file->Append(kCheckpointMagic));
  Writer writer(head, file.get());
  // Pairs behind series: those of series created meanwhile must be there too. The reader finds them
  // first. Pairs only go in a truncation, which its caller keeps apart from checkpoints.
  RETURN_IF_ERROR(writer.Series(&end.series));
  RETURN_IF_ERROR(writer.Pairs());
  RETURN_IF_ERROR(writer.Exemplars());
  // Every chunk that a series above names has been written by now.
  ASSIGN_OR_RETURN(end.chunk_files_below, head->sealed().SyncAndRoll());
  end.oldest_chunk_file = writer.oldest_chunk_file();
  end.min_ms = head->min_ms();
  end.max_ms = head->max_ms();
  end.next_ids = head->NextIds();
  RETURN_IF_ERROR(writer.End(end));
  RETURN_IF_ERROR(file->Sync());
  RETURN_IF_ERROR(file->Close());
  RETURN_IF_ERROR(fs->Rename(tmp, path));
  RETURN_IF_ERROR(fs->SyncDir(dir));
  return end;
}

}  // namespace deucalion::tsdb
