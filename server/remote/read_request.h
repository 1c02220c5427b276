// prometheus.ReadRequest: what a remote reader asks for, and which answer it gets.
//
//   ReadRequest   1 queries*, 2 accepted_response_types*
//   Query         1 start_timestamp_ms, 2 end_timestamp_ms, 3 matchers*, 4 hints
//   LabelMatcher  1 type (EQ NEQ RE NRE), 2 name, 3 value
//   ReadHints     1 step_ms, 2 func, 3 start_ms, 4 end_ms, 5 grouping*, 6 by, 7 range_ms
#ifndef DEUCALION_SERVER_REMOTE_READ_REQUEST_H_
#define DEUCALION_SERVER_REMOTE_READ_REQUEST_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "model/labels.h"
#include "model/matcher.h"

namespace deucalion::remote {

struct ReadMatcher {
  uint64_t type = 0;
  std::string_view name, value;
};

struct ReadHints {
  bool present = false;
  int64_t min_ms = 0, max_ms = 0;
  int64_t step_ms = 0, range_ms = 0;
  std::string_view func;
  std::vector<std::string_view> grouping;
  bool by = false;
};

struct ReadQuery {
  int64_t min_ms = 0, max_ms = 0;  // inclusive
  std::vector<ReadMatcher> matchers;
  ReadHints hints;

  // What is asked of storage: the range of the hints when they give one inside that of the query.
  std::pair<int64_t, int64_t> Range() const;
  // The reader wants labels, not samples.
  bool OnlyLabels() const { return hints.func == "series"; }
};

// Views borrow from the bytes that were parsed.
struct ReadRequest {
  std::vector<ReadQuery> queries;
  std::vector<int32_t> accepted_types;
};

enum class ReadResponseType : int32_t { kSamples = 0, kStreamedXorChunks = 1 };

// kInvalidArgument when the bytes are no such message, or name more queries, matchers, labels or
// types than any reader does (a few bytes of input must not become gigabytes of structures).
Result<ReadRequest> ParseReadRequest(std::string_view bytes);

// The first accepted type that this server speaks; SAMPLES when none is named.
Result<ReadResponseType> NegotiateResponseType(const std::vector<int32_t>& accepted);

// The matchers of a query against storage, where external labels are absent: an equality matcher
// that an external label satisfies becomes one for the empty value.
Result<std::vector<Matcher>> StorageMatchers(const ReadQuery& query, LabelsView external_labels);

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_READ_REQUEST_H_
