// The Histogram message, which remote write 1.0, 2.0 and remote read share.
#ifndef DEUCALION_SERVER_REMOTE_WIRE_HISTOGRAM_H_
#define DEUCALION_SERVER_REMOTE_WIRE_HISTOGRAM_H_

#include <optional>
#include <string>
#include <string_view>

#include "server/remote/write_request.h"

namespace deucalion::remote {

// False when the bytes are malformed. Counts and layout are not validated here.
bool ParseHistogram(std::string_view bytes, WireHistogram* out);

// Appends the message (without key and length) of a histogram as storage hands it out: as integers
// when it was stored so. `st_ms` 0 = unknown, left out.
void AppendHistogramMessage(int64_t time_ms, int64_t st_ms, bool integer,
                            const FloatHistogram& histogram, std::string* out);

// The integer histogram that `h` was before it was read; nothing when a count is not a whole number
// that fits.
std::optional<IntHistogram> ToIntHistogram(const FloatHistogram& h);

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_WIRE_HISTOGRAM_H_
