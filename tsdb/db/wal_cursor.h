// FeedCursor: one follower's way through the WAL.
//
// Reads the segments of every stream, frame by frame, up to what has been written. Labels of series
// that were introduced before it began come from the head, or from kept_labels.h when they have
// left it. Values are relative within a segment, so a cursor that continues inside one decodes it
// from its begin and hands out the rest.
//
// When a segment it needs has been dropped it declares a gap: everything from the newest time it
// had handed out (less what may come late) up to now is to be read from storage, and it goes on
// behind that at new segments.
#ifndef DEUCALION_TSDB_DB_WAL_CURSOR_H_
#define DEUCALION_TSDB_DB_WAL_CURSOR_H_

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "tsdb/db/feed_position.h"
#include "tsdb/head/head.h"
#include "tsdb/storage/wal_feed.h"
#include "tsdb/wal/frame.h"
#include "tsdb/wal/wal.h"

namespace deucalion::tsdb {

class DbWalFeed;

class FeedCursor final : public WalCursor, private wal::SeriesIntroducer {
 public:
  struct Parts {
    DbWalFeed* feed = nullptr;
    FileSystem* fs = nullptr;
    Clock* clock = nullptr;
    Logger* logger = nullptr;
    Head* head = nullptr;
    wal::Wal* wal = nullptr;
  };
  // The parts must outlive the cursor. `from` has one place per stream.
  FeedCursor(const Parts& parts, std::string name, FeedPosition from);

  Status Next(FeedBatch* batch, std::chrono::milliseconds wait) override;
  std::string position() const override;
  std::string PositionInGap(int64_t next_ms) const override;
  Status Save(const std::string& position) override;
  void MarkDoubtful() override;
  int64_t newest_ms() const override { return parts_.head->max_ms(); }
  uint64_t segment() const override { return streams_.empty() ? 0 : streams_[0].at.segment; }

 private:
  struct Stream {
    wal::Position at;  // the next frame to hand out
    // The next frame to decode: behind `at` after a restart inside a segment.
    wal::Position decoded;
    wal::Position doubtful_end;
    wal::IdTable ids;  // user: head slot; state.introduced: the labels were handed out
    uint32_t epoch = 1;
    int64_t seen_ms = kMinTimeMs;  // newest sample time handed out
    std::unique_ptr<MappedFile> map;
    uint32_t map_segment = 0;
    bool map_whole = false;  // nothing was written to the segment any more when it was mapped
  };
  enum class Read { kFrame, kNothing, kGap };

  Status TryNext(FeedBatch* batch);
  Status ReadStream(uint32_t stream, FeedBatch* batch, bool* gap);
  Result<Read> ReadFrom(uint32_t stream, wal::Position end, FeedBatch* batch);
  Result<bool> MapSegment(uint32_t stream, wal::Position end);
  Status Decode(uint32_t stream, std::string_view payload, FeedBatch* batch);
  bool HandOut(Stream* s, uint64_t id);
  void NextSegment(uint32_t stream, wal::Position end, FeedBatch* batch);
  Result<Read> SkipMissing(uint32_t stream, wal::Position end);
  Status BeginGap();
  void ResetIds(uint32_t stream, std::vector<uint64_t>* gone);
  uint32_t Introduce(uint64_t id, std::string_view labels) override;
  FeedPosition Here() const;

  const Parts parts_;
  const std::string name_;
  int64_t begin_ms_;  // stands for the time handed out before anything was
  std::vector<Stream> streams_;
  std::optional<FeedGap> gap_;         // to be handed out next
  std::optional<FeedGap> gap_before_;  // handed out last
  FeedBatch* batch_ = nullptr;
  bool fresh_ = true;  // the frame being decoded is to be handed out
  std::vector<uint64_t> introduced_;
  // Introduced in the part of a segment in front of a saved position.
  std::unordered_map<uint64_t, std::string> untold_;
  wal::DecodedFrame frame_;
};

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_DB_WAL_CURSOR_H_
