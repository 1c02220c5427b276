// The tombstones file of a Prometheus block:
//
//   u32 magic 0x0130BA30, u8 version 1, { varint series, svarint min, svarint max }, u32 crc32c of
//   those
//                                                                                    (big-endian)
// A series is its reference in the block's index.
#ifndef DEUCALION_TSDB_INTEROP_PROMETHEUS_TOMBSTONES_H_
#define DEUCALION_TSDB_INTEROP_PROMETHEUS_TOMBSTONES_H_

#include <string>
#include <string_view>

#include "base/status.h"
#include "tsdb/block/tombstones.h"

namespace deucalion::tsdb {

// `path` is for messages.
Result<Tombstones> DecodePrometheusTombstones(std::string_view bytes, const std::string& path);

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_INTEROP_PROMETHEUS_TOMBSTONES_H_
