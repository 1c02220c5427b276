// What another server answers to a remote read, taken apart: the counterpart of read_response.h.
//
//   SAMPLES              snappy block of a ReadResponse
//   STREAMED_XOR_CHUNKS  frames: length as uvarint, CRC-32C big-endian, ChunkedReadResponse
//
// Outside bytes: anything may be in them. Both give the series sorted by labels, each once, with
// samples in time order (of equal times the first), and histograms that are valid in themselves.
#ifndef DEUCALION_SERVER_REMOTE_FETCH_READ_ANSWER_H_
#define DEUCALION_SERVER_REMOTE_FETCH_READ_ANSWER_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "model/labels.h"
#include "model/sample_columns.h"
#include "tsdb/storage/memory_budget.h"

namespace deucalion::remote {

struct FetchedSeries {
  Labels labels;
  SampleColumns columns;
};

// With what it holds of the asker's memory.
struct FetchedAnswer {
  std::vector<FetchedSeries> series;
  MemoryCharge charge;
};

// An answer to one query. What it unpacks to is charged while it is unpacked: a few bytes can be
// many samples. kInvalidArgument when it is none, or unpacks to more than `max_bytes`;
// kResourceExhausted when the budget does not allow it.
Result<FetchedAnswer> ParseSamplesAnswer(std::string_view body, size_t max_bytes,
                                         MemoryBudget* budget);
// `max_frame_bytes`: chunked_read_limit; 0 = no limit.
Result<FetchedAnswer> ParseChunksAnswer(std::string_view body, uint64_t max_frame_bytes,
                                        MemoryBudget* budget);
// The message in one frame: appends its series as they stand, or continues the last one of *all.
Status ReadChunksFrame(std::string_view message, FetchedAnswer* all);

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_FETCH_READ_ANSWER_H_
