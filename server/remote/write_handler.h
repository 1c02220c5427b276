// The remote write receiver: POST /api/v1/write, protocols 1.0 and 2.0.
//
// 1.0 is all or nothing: the first sample that storage refuses fails the request with 400. 2.0
// writes what it can, answers 400 with every reason, and says in headers how much was written. A
// full disk or a database that cannot take samples now is 503, so that senders try again.
#ifndef DEUCALION_SERVER_REMOTE_WRITE_HANDLER_H_
#define DEUCALION_SERVER_REMOTE_WRITE_HANDLER_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "server/http/message.h"
#include "server/remote/order_cache.h"
#include "server/remote/write_request.h"
#include "tsdb/storage.h"

namespace deucalion::remote {

struct WriteHandlerOptions {
  std::function<Storage*()> storage;  // never null when the handler is called
  const Clock* clock = nullptr;
  Logger* logger = nullptr;
  MetricRegistry* metrics = nullptr;
  bool accept_v1 = true;
  bool accept_v2 = true;
  // created-timestamp-zero-ingestion: a zero at the start timestamp, where none is stored yet.
  bool start_zero_ingestion = false;
  size_t max_decoded_bytes = 32 << 20;
  size_t order_cache_bytes = 48 << 20;  // two million series
};

// Thread-safe. What `options` points to must outlive it.
class WriteHandler {
 public:
  explicit WriteHandler(WriteHandlerOptions options);
  void Serve(http::Request& request, http::Response* response);

 private:
  struct Batch;

  void WriteV1(WriteRequest* request, http::Response* response);
  // `remembered`: take series by the bytes of their labels. kNotFound: storage has forgotten one.
  Status StageV1(WriteRequest* request, bool remembered, Appender& appender, Batch* batch);
  // Gives the series whose labels came as the same bytes last time their refs, and reads the labels
  // of the others.
  Status Recognise(WriteRequest* request, bool remembered, Batch* batch);
  void WriteV2(const WriteRequest& request, http::Response* response);
  // Finds or makes the series of the request and lines up its samples.
  Status Resolve(const WriteRequest& request, bool v1, Appender& appender, Batch* batch);
  void AppendExemplars(const WriteRequest& request, const Batch& batch, Appender& appender,
                       Batch* result);
  void RespondFailure(const Status& status, http::Response* response);

  const WriteHandlerOptions options_;
  const uint64_t hash_seed_;
  OrderCache orders_;
  Counter* invalid_labels_;
  Counter* without_metadata_;
};

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_WRITE_HANDLER_H_
