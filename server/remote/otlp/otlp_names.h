// How OpenTelemetry's names become Prometheus's, by otlp.translation_strategy.
//
//   UnderscoreEscapingWithSuffixes     http.server.duration, s  ->  http_server_duration_seconds
//   UnderscoreEscapingWithoutSuffixes  http_server_duration
//   NoUTF8EscapingWithSuffixes         http.server.duration_seconds
//   NoTranslation                      http.server.duration
#ifndef DEUCALION_SERVER_REMOTE_OTLP_OTLP_NAMES_H_
#define DEUCALION_SERVER_REMOTE_OTLP_OTLP_NAMES_H_

#include <string>
#include <string_view>

#include "base/status.h"
#include "server/config/config.h"
#include "server/remote/otlp/otlp_request.h"

namespace deucalion::remote {

class OtlpNamer {
 public:
  explicit OtlpNamer(const config::OtlpConfig& config);

  // Errors: nothing is left of the name.
  Result<std::string> MetricName(const OtlpMetric& metric) const;
  Result<std::string> LabelName(std::string_view attribute) const;
  // "By/s" -> bytes_per_second.
  std::string Unit(std::string_view unit) const;

 private:
  const bool suffixes_;
  const bool utf8_;
  const bool key_before_underscore_;
  const bool keep_underscores_;
};

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_OTLP_OTLP_NAMES_H_
