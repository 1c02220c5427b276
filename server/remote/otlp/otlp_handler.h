// The OTLP receiver: POST /api/v1/otlp/v1/metrics, protobuf or JSON, plain or gzip.
//
// All or nothing: what storage refuses, or what cannot be translated, fails the request, and
// nothing of it is written.
#ifndef DEUCALION_SERVER_REMOTE_OTLP_OTLP_HANDLER_H_
#define DEUCALION_SERVER_REMOTE_OTLP_OTLP_HANDLER_H_

#include <functional>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "server/http/message.h"
#include "server/remote/otlp/otlp_writer.h"
#include "tsdb/storage.h"

namespace deucalion::remote {

struct OtlpHandlerOptions {
  std::function<Storage*()> storage;  // never null when the handler is called
  std::function<config::OtlpConfig()> config;
  const Clock* clock = nullptr;
  Logger* logger = nullptr;
  MetricRegistry* metrics = nullptr;
  int64_t lookback_ms = 5 * 60 * 1000;
  bool allow_delta = false;
  bool type_and_unit_labels = false;
  bool start_zero_ingestion = false;
  size_t max_decoded_bytes = 32 << 20;
};

// Thread-safe. What `options` points to must outlive it.
class OtlpHandler {
 public:
  explicit OtlpHandler(OtlpHandlerOptions options);
  void Serve(http::Request& request, http::Response* response);

 private:
  Result<OtlpRequest> Decode(const http::Request& request) const;

  const OtlpHandlerOptions options_;
  Counter* const refused_exemplars_;
};

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_OTLP_OTLP_HANDLER_H_
