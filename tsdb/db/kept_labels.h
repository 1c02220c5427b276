// KeptLabels: labels of series that have left the head, as long as a cursor of remote write may
// still read samples of them. Catalogue keyspace "series":
//
//   u64 big-endian id -> varint segment, varint offset, labels
//
// The position is the end of the series' WAL stream when it left: frames that name it lie before.
// Thread-safe.
#ifndef DEUCALION_TSDB_DB_KEPT_LABELS_H_
#define DEUCALION_TSDB_DB_KEPT_LABELS_H_

#include <cstdint>
#include <vector>

#include "tsdb/catalog/catalog.h"
#include "tsdb/head/head.h"
#include "tsdb/wal/wal.h"

namespace deucalion::tsdb {

class KeptLabels {
 public:
  // All must outlive it.
  KeptLabels(Catalog* catalog, Head* head, wal::Wal* wal)
      : catalog_(catalog), head_(head), wal_(wal) {}

  // Of series that are about to leave: every frame that names them has been written. Durable when
  // it returns.
  Status Keep(const std::vector<Slot>& leaving);
  // Those of series that had left before `passed`, one position per stream, go.
  Status Forget(const std::vector<wal::Position>& passed);
  // kNotFound.
  Result<Labels> LabelsOf(uint64_t id);
  // Appends the ids of one stream.
  Status Ids(uint32_t stream, std::vector<uint64_t>* ids);

 private:
  Catalog* const catalog_;
  Head* const head_;
  wal::Wal* const wal_;
};

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_DB_KEPT_LABELS_H_
