// DbWalFeed: the WAL as remote write follows it.
//
// Opens cursors (wal_cursor.h) and keeps their positions in the catalog. Saved positions keep the
// WAL behind them, but not for more than two hours nor more than 4 GiB: a queue further behind
// finds a gap.
#ifndef DEUCALION_TSDB_DB_DB_WAL_FEED_H_
#define DEUCALION_TSDB_DB_DB_WAL_FEED_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread_annotations.h"
#include "tsdb/db/feed_position.h"
#include "tsdb/db/kept_labels.h"
#include "tsdb/head/head.h"
#include "tsdb/storage/state_store.h"
#include "tsdb/storage/wal_feed.h"
#include "tsdb/wal/wal.h"

namespace deucalion::tsdb {

class DbWalFeed final : public WalFeed {
 public:
  // All must outlive the feed; the feed must outlive its cursors.
  DbWalFeed(FileSystem* fs, Clock* clock, Logger* logger, Head* head, wal::Wal* wal,
            Catalog* catalog);

  Result<std::unique_ptr<WalCursor>> OpenCursor(const std::string& name) override;
  Status ForgetCursor(const std::string& name) override;
  std::vector<std::string> CursorNames() override;

  // Lowers `positions` to what cursors still need.
  void Hold(std::vector<wal::Position>* positions) EXCLUDES(mu_);
  Status Save(const std::string& name, const std::string& text) EXCLUDES(mu_);
  // Labels of series that have left the head, for cursors that will still read their samples.
  KeptLabels* kept_labels() { return &kept_labels_; }
  // Forgets those that no cursor will ask for any more. `dropped`: where the WAL begins.
  Status ForgetLabels(const std::vector<wal::Position>& dropped) EXCLUDES(mu_);

 private:
  bool MayHold(uint32_t stream, uint32_t segment, uint32_t drop);

  FileSystem* const fs_;
  Clock* const clock_;
  Logger* const logger_;
  Head* const head_;
  wal::Wal* const wal_;
  StateStore* const state_;
  KeptLabels kept_labels_;
  Mutex mu_;
  std::map<std::string, FeedPosition> saved_ GUARDED_BY(mu_);
};

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_DB_DB_WAL_FEED_H_
