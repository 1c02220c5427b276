// The WAL as a feed: what remote write follows. Commits come in order per WAL stream; a cursor keeps
// the WAL behind it (within bounds), so a restart or an outage loses nothing.
#ifndef DEUCALION_TSDB_STORAGE_WAL_FEED_H_
#define DEUCALION_TSDB_STORAGE_WAL_FEED_H_

#include <chrono>
#include <cstdint>
#include <memory>
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

// Every id in a batch was introduced in `series` of this or an earlier batch of the same cursor.
struct FeedBatch {
  std::vector<FeedSeries> series;
  std::vector<FeedSample> samples;
  std::vector<FeedHistogram> histograms;
  std::vector<FeedExemplar> exemplars;
  std::vector<FeedMetadata> metadata;
  bool empty() const {
    return series.empty() && samples.empty() && histograms.empty() && exemplars.empty() &&
           metadata.empty();
  }
};

// Thread-compatible.
class WalCursor {
 public:
  virtual ~WalCursor() = default;
  // Fills *batch (cleared first) with what comes next; empty when nothing came within `wait`.
  virtual Status Next(FeedBatch* batch, std::chrono::milliseconds wait) = 0;
  // Where the next Next() would begin. Opaque.
  virtual std::string position() const = 0;
  // Remembers `position` durably under the cursor's name: the WAL before it may go.
  virtual Status Save(const std::string& position) = 0;
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
