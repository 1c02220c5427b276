// The Histogram message, which remote write 1.0, 2.0 and remote read share.
#ifndef DEUCALION_SERVER_REMOTE_WIRE_HISTOGRAM_H_
#define DEUCALION_SERVER_REMOTE_WIRE_HISTOGRAM_H_

#include <string>
#include <string_view>

#include "server/remote/write_request.h"

namespace deucalion::remote {

// False when the bytes are malformed. Counts and layout are not validated here.
bool ParseHistogram(std::string_view bytes, WireHistogram* out);

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_WIRE_HISTOGRAM_H_
