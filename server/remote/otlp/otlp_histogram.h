// OpenTelemetry's histograms as native ones.
#ifndef DEUCALION_SERVER_REMOTE_OTLP_OTLP_HISTOGRAM_H_
#define DEUCALION_SERVER_REMOTE_OTLP_OTLP_HISTOGRAM_H_

#include "base/status.h"
#include "model/histogram.h"
#include "server/remote/otlp/otlp_request.h"

namespace deucalion::remote {

// Exponential; scales above 8 are brought down. Error: a scale below -4.
Result<IntHistogram> ExponentialToNative(const OtlpPoint& point);
// With the bounds as custom buckets.
Result<IntHistogram> ExplicitToNative(const OtlpPoint& point);

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_OTLP_OTLP_HISTOGRAM_H_
