// What OpenTelemetry clients send. The first byte says in which form; what can be read is
// translated as well.
#include <string_view>

#include "server/remote/otlp/otlp_histogram.h"
#include "server/remote/otlp/otlp_names.h"
#include "server/remote/otlp/otlp_request.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace deucalion::remote;
  if (size == 0) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto request = data[0] == 'j' ? ParseOtlpJson(body) : ParseOtlpProtobuf(body);
  if (!request.ok()) return 0;
  const OtlpNamer namer{deucalion::config::OtlpConfig()};
  for (const OtlpResource& resource : *request) {
    for (const OtlpScope& scope : resource.scopes) {
      for (const OtlpMetric& metric : scope.metrics) {
        (void)namer.MetricName(metric);
        for (const OtlpPoint& point : metric.points) {
          for (const auto& [key, value] : point.attributes) (void)namer.LabelName(key);
          const auto native = ExponentialToNative(point);
          if (native.ok()) (void)native->Validate();
          const auto custom = ExplicitToNative(point);
          if (custom.ok()) (void)custom->Validate();
        }
      }
    }
  }
  return 0;
}
