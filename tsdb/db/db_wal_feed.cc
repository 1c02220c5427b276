#include "tsdb/db/db_wal_feed.h"

#include "tsdb/db/wal_cursor.h"
#include "tsdb/wal/segment.h"

namespace deucalion::tsdb {
namespace {

constexpr std::string_view kSpace = "cursors";
constexpr int64_t kLongestHoldMs = 2 * 3600 * 1000;
// Of all streams: two hours of half a million samples per second. What is beyond is read from
// blocks, which are smaller.
constexpr uint64_t kMostHeldBytes = uint64_t{4} << 30;

}  // namespace

DbWalFeed::DbWalFeed(FileSystem* fs, Clock* clock, Logger* logger, Head* head, wal::Wal* wal,
                     Catalog* catalog)
    : fs_(fs),
      clock_(clock),
      logger_(logger),
      head_(head),
      wal_(wal),
      state_(catalog),
      kept_labels_(catalog, head, wal) {
  MutexLock lock(mu_);
  const auto take = [&](std::string_view name, std::string_view text) REQUIRES(mu_) {
    FeedPosition position;
    if (ParseFeedPosition(text, &position) && position.streams.size() == wal_->streams()) {
      saved_[std::string(name)] = std::move(position);
    }
    return true;
  };
  (void)state_->Scan(kSpace, take);
}

Result<std::unique_ptr<WalCursor>> DbWalFeed::OpenCursor(const std::string& name) {
  FeedPosition from;
  {
    MutexLock lock(mu_);
    const auto it = saved_.find(name);
    if (it != saved_.end()) from = it->second;
  }
  if (from.streams.empty()) {
    // A new segment: values are relative within one, so this is where reading can begin.
    ASSIGN_OR_RETURN(from.streams, wal_->RollAll());
    from.time_ms = clock_->NowMs();
    RETURN_IF_ERROR(Save(name, FormatFeedPosition(from)));
  }
  return std::unique_ptr<WalCursor>(std::make_unique<FeedCursor>(
      FeedCursor::Parts{this, fs_, clock_, logger_, head_, wal_}, name, std::move(from)));
}

Status DbWalFeed::Save(const std::string& name, const std::string& text) {
  FeedPosition position;
  if (!ParseFeedPosition(text, &position) || position.streams.size() != wal_->streams()) {
    return InvalidArgumentError("not a WAL position: " + text);
  }
  RETURN_IF_ERROR(state_->PutUnsynced(kSpace, name, text));
  MutexLock lock(mu_);
  saved_[name] = std::move(position);
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

Status DbWalFeed::ForgetLabels(const std::vector<wal::Position>& dropped) {
  // Where the slowest cursor stands in each stream; far beyond everything without one.
  std::vector<wal::Position> passed(wal_->streams(), {UINT32_MAX, 0});
  {
    MutexLock lock(mu_);
    for (const auto& [name, saved] : saved_) {
      for (size_t i = 0; i < passed.size(); i++) passed[i] = std::min(passed[i], saved.streams[i]);
    }
  }
  for (size_t i = 0; i < dropped.size(); i++) passed[i] = std::max(passed[i], dropped[i]);
  return kept_labels_.Forget(passed);
}

void DbWalFeed::Hold(std::vector<wal::Position>* positions) {
  MutexLock lock(mu_);
  for (const auto& [name, saved] : saved_) {
    for (uint32_t i = 0; i < positions->size() && i < saved.streams.size(); i++) {
      wal::Position& drop = (*positions)[i];
      if (MayHold(i, saved.streams[i].segment, drop.segment)) drop = saved.streams[i];
    }
  }
}

// Whether `segment` is before `drop`, young enough, and not too much lies between.
bool DbWalFeed::MayHold(uint32_t stream, uint32_t segment, uint32_t drop) {
  if (segment >= drop) return false;
  uint64_t held_bytes = 0;
  for (uint32_t n = drop; n-- > segment;) {
    const Result<FileInfo> info = fs_->Stat(JoinPath(wal_->dir(), wal::SegmentName(stream, n)));
    if (!info.ok()) continue;
    held_bytes += info->size_bytes;
    if (clock_->NowMs() - info->mtime_ms >= kLongestHoldMs) return false;
    if (held_bytes > kMostHeldBytes / wal_->streams()) return false;
  }
  return held_bytes > 0;
}

}  // namespace deucalion::tsdb
