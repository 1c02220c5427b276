// The WAL as a feed: what remote write follows. Commits come in order per WAL stream; a cursor
// keeps the WAL behind it (within bounds), so a restart or an outage loses nothing. Where the WAL
// had to go all the same, the feed says which time has to be read from storage instead.
#ifndef DEUCALION_TSDB_STORAGE_WAL_FEED_H_
#define DEUCALION_TSDB_STORAGE_WAL_FEED_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "model/histogram.h"
#include "model/labels.h"
#include "model/metadata.h"
#include "tsdb/storage/exemplars.h"

namespace deucalion {

// A series as the feed names it: stable for one cursor.
struct FeedSeries {
  uint64_t id = 0;
  Labels labels;
};
struct FeedSample {
  uint64_t id = 0;
  int64_t time_ms = 0;
  double value = 0;
  int64_t st_ms = 0;
};
struct FeedHistogram {
  uint64_t id = 0;
  int64_t time_ms = 0;
  int64_t st_ms = 0;
  bool integer = false;
  FloatHistogram histogram;
};
struct FeedExemplar {
  uint64_t id = 0;
  Exemplar exemplar;
};
struct FeedMetadata {
  uint64_t id = 0;
  Metadata metadata;
};

// What a cursor cannot hand out because the WAL that held it is gone. Its samples are to be read
// from storage: those with times in [min_ms, max_ms], some of which may have been handed out
// before.
struct FeedGap {
  int64_t min_ms = 0;
  int64_t max_ms = 0;
};

// Every id in a batch was introduced in `series` of this or an earlier batch of the same cursor and
// is not among the `gone` of an earlier one.
struct FeedBatch {
  std::optional<FeedGap> gap;  // alone in its batch; what later batches hold comes after it
  std::vector<FeedSeries> series;
  std::vector<FeedSample> samples;
  std::vector<FeedHistogram> histograms;
  std::vector<FeedExemplar> exemplars;
  std::vector<FeedMetadata> metadata;
  std::vector<uint64_t> gone;  // ids that will not come again
  uint64_t unknown = 0;        // samples left out because nobody knows their labels any more
  // Was in the WAL when the cursor was opened (or at WalCursor::MarkDoubtful): the follower may
  // have seen it in an earlier life.
  bool doubtful = false;

  bool empty() const {
    return !gap.has_value() && series.empty() && samples.empty() && histograms.empty() &&
           exemplars.empty() && metadata.empty() && gone.empty() && unknown == 0;
  }
  // Keeps the capacity.
  void Clear() {
    gap.reset();
    series.clear();
    samples.clear();
    histograms.clear();
    exemplars.clear();
    metadata.clear();
    gone.clear();
    unknown = 0;
    doubtful = false;
  }
};

// Thread-compatible.
class WalCursor {
 public:
  virtual ~WalCursor() = default;
  // Fills *batch (cleared first) with some of what comes next, whole commits per stream; empty when
  // nothing came within `wait`.
  virtual Status Next(FeedBatch* batch, std::chrono::milliseconds wait) = 0;
  // Where the next Next() would begin. Opaque.
  virtual std::string position() const = 0;
  // Within the gap handed out last: everything before `next_ms` has been read from storage. Valid
  // until the next Next().
  virtual std::string PositionInGap(int64_t next_ms) const = 0;
  // Remembers `position` under the cursor's name: the WAL before it may go. Survives the end of the
  // process; a power cut may bring back an older one.
  virtual Status Save(const std::string& position) = 0;
  // What is in the WAL now will be handed out as doubtful.
  virtual void MarkDoubtful() = 0;
  // Newest sample time handed to the WAL so far, for lag metrics.
  virtual int64_t newest_ms() const = 0;
  // Segment numbers: at the cursor, and of the writer.
  virtual uint64_t segment() const = 0;
};

class WalFeed {
 public:
  virtual ~WalFeed() = default;
  // Continues where the cursor `name` was saved, else begins at the present end of the WAL.
  virtual Result<std::unique_ptr<WalCursor>> OpenCursor(const std::string& name) = 0;
  // A queue that is gone from the configuration.
  virtual Status ForgetCursor(const std::string& name) = 0;
  virtual std::vector<std::string> CursorNames() = 0;
};

}  // namespace deucalion

#endif  // DEUCALION_TSDB_STORAGE_WAL_FEED_H_
