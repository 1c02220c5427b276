// GapReader: what the WAL no longer holds, read from storage in slices of time, so that the values
// of each series come in order whatever is how large. The way back for a queue that was too far
// behind.
//
// A slice is selected sorted by labels, so it can be left and taken up again behind the last
// series: a slow receiver must not make storage keep an old view alive.
//
// Thread-compatible.
#ifndef DEUCALION_SERVER_REMOTE_SEND_GAP_READER_H_
#define DEUCALION_SERVER_REMOTE_SEND_GAP_READER_H_

#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "model/labels.h"
#include "tsdb/storage.h"

namespace deucalion::remote {

class GapReader {
 public:
  // `gap` within what the storage holds. Both must outlive the reader.
  GapReader(Queryable* storage, Clock* clock, FeedGap gap);

  // Replaces *batch with some of what comes next, under ids of its own: those have the highest bit
  // set, which the feed's never have. An empty one says nothing about the end. Exemplars and
  // metadata are not in storage's series and do not come.
  Status Next(FeedBatch* batch);
  bool done() const { return slice_ms_ > gap_.max_ms; }
  // Everything before is in the batches returned so far.
  int64_t next_ms() const { return slice_ms_; }

 private:
  Status OpenSlice();
  void CloseSlice();
  void EndSlice(FeedBatch* batch);
  int64_t SliceEndMs() const;
  Status ReadSeries(size_t i, FeedBatch* batch);

  Queryable* const storage_;
  Clock* const clock_;
  const FeedGap gap_;
  int64_t slice_ms_;  // begin of the slice being read
  std::unique_ptr<Querier> querier_;
  std::unique_ptr<SeriesSet> set_;  // null: the slice is not open
  int64_t opened_ns_ = 0;
  size_t next_ = 0;            // of set_
  bool resumed_ = false;       // some series of the slice were handed out before it was opened
  Labels last_;                // the last of them
  std::vector<uint64_t> ids_;  // handed out in this slice
  uint64_t last_id_;
  SampleColumns columns_;  // scratch
};

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_SEND_GAP_READER_H_
