// The remote read server: POST /api/v1/read.
//
// A reader names the kinds of answer it takes; the first that is understood is given. SAMPLES is
// one snappy block, held in memory and bounded by the sample limit. STREAMED_XOR_CHUNKS is a stream
// of frames, made while the client reads. External labels are dropped from equality matchers
// (storage does not have them) and added to the series of the answer. What is read is what queries
// read: the storage and the servers of remote_read; what those cannot answer is left out, and
// logged.
#ifndef DEUCALION_SERVER_REMOTE_READ_HANDLER_H_
#define DEUCALION_SERVER_REMOTE_READ_HANDLER_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/metrics.h"
#include "model/labels.h"
#include "server/http/message.h"
#include "server/remote/read_gate.h"
#include "server/remote/read_query.h"
#include "tsdb/storage.h"

namespace deucalion::remote {

inline constexpr std::string_view kSamplesContentType = "application/x-protobuf";
// Ours: how many servers a request has come through; absent: none. Servers that read each other in
// a circle would ask for ever.
inline constexpr std::string_view kHopsHeader = "X-Deucalion-Remote-Read-Hops";
inline constexpr int kMaxHops = 4;
inline constexpr std::string_view kChunksContentType =
    "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse";

struct ReadHandlerOptions {
  std::function<Storage*()> storage;  // never null when the handler is called
  // What is given out: the storage and the servers of remote_read, asked on behalf of a request
  // that has come through `hops` servers. Null: the storage alone. Must be good as long as the
  // bodies.
  std::function<Result<std::unique_ptr<Querier>>(int64_t min_ms, int64_t max_ms, int hops)> querier;
  std::function<Labels()> external_labels;
  Logger* logger = nullptr;
  MetricRegistry* metrics = nullptr;
  size_t sample_limit = 50'000'000;  // per query, SAMPLES only; 0 = none
  size_t concurrent_limit = 10;      // 0 = none
  size_t max_bytes_in_frame = 1 << 20;
  size_t max_decoded_bytes = 32 << 20;
};

// Thread-safe. What `options` points to must outlive it and the bodies it has handed out; the
// handler itself need not.
class ReadHandler {
 public:
  explicit ReadHandler(ReadHandlerOptions options);
  void Serve(http::Request& request, http::Response* response);

 private:
  void ServeSamples(const ReadSource& source, const std::vector<ReadPlan>& plans,
                    const Labels& external_labels, const CancelToken& cancel,
                    http::Response* response);
  void ServeChunks(ReadSource source, std::vector<ReadPlan> plans, Labels external_labels,
                   const CancelToken& cancel, http::Response* response);
  // Appends the QueryResult of one query to `out` as a field of a ReadResponse.
  Status AppendResult(const ReadSource& source, const ReadPlan& plan, const Labels& external_labels,
                      const CancelToken& cancel, std::string* out);
  // For a request that has come through `hops` servers.
  ReadSource Source(int hops) const;
  void RespondFailure(const Status& status, http::Response* response);

  const ReadHandlerOptions options_;
  Gauge* const queries_;
  const std::shared_ptr<ReadGate> gate_;
};

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_READ_HANDLER_H_
