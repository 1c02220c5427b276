// FeedPosition: where a follower of the WAL is, as text in the catalog:
//
//   segment.offset,segment.offset[@time_ms[!gap_end_ms]]
//
// One place per stream, all before it handed out; the newest sample time handed out there; when it
// stands in a gap, everything before time_ms is done and the gap ends at gap_end_ms.
#ifndef DEUCALION_TSDB_DB_FEED_POSITION_H_
#define DEUCALION_TSDB_DB_FEED_POSITION_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/value.h"
#include "tsdb/wal/segment.h"

namespace deucalion::tsdb {

struct FeedPosition {
  std::vector<wal::Position> streams;
  int64_t time_ms = kMinTimeMs;  // kMinTimeMs: not known
  std::optional<int64_t> gap_end_ms;
  friend bool operator==(const FeedPosition&, const FeedPosition&) = default;
};

std::string FormatFeedPosition(const FeedPosition& position);
// False for text that is none.
bool ParseFeedPosition(std::string_view text, FeedPosition* position);

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_DB_FEED_POSITION_H_
