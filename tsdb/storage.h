// The seam: everything the query language, the scraper and the server know of storage. Interfaces
// only; only server/main.cc and its wiring file name the engine behind them.
#ifndef DEUCALION_TSDB_STORAGE_H_
#define DEUCALION_TSDB_STORAGE_H_

#include "tsdb/storage/admin.h"        // IWYU pragma: export
#include "tsdb/storage/appender.h"     // IWYU pragma: export
#include "tsdb/storage/exemplars.h"    // IWYU pragma: export
#include "tsdb/storage/queryable.h"    // IWYU pragma: export
#include "tsdb/storage/state_store.h"  // IWYU pragma: export
#include "tsdb/storage/wal_feed.h"     // IWYU pragma: export

namespace deucalion {

// One open database. Thread-safe. Everything handed out must be gone before the Storage is
// destroyed.
class Storage : public Appendable, public Queryable {
 public:
  virtual ExemplarQueryable* exemplars() = 0;
  virtual WalFeed* wal_feed() = 0;
  virtual StorageAdmin* admin() = 0;
  virtual StateStore* state() = 0;
  // Makes everything durable and stops background work. Nothing handed out may be in use; nothing
  // may be called afterwards. Idempotent.
  virtual Status Close() = 0;
};

}  // namespace deucalion

#endif  // DEUCALION_TSDB_STORAGE_H_
