// What all receivers (remote write, OTLP) do alike: what is a sender's own fault, and what it is
// told.
#ifndef DEUCALION_SERVER_REMOTE_RECEIVED_SAMPLES_H_
#define DEUCALION_SERVER_REMOTE_RECEIVED_SAMPLES_H_

#include <cstdint>
#include <string_view>

#include "base/log.h"
#include "base/status.h"
#include "server/http/message.h"

namespace deucalion::remote {

// Samples further ahead than this are refused: a sender's clock is wrong, not ours.
inline constexpr int64_t kMaxAheadMs = 10 * 60 * 1000;

// A sample that storage refuses whenever it comes: the others of its request are not concerned.
bool IsBadSample(StatusCode code);

// Answers for a request that was not stored: 400 when sending it again would not help, 503 and
// Retry-After when it may, else 500. The last two are logged, as `message`.
void RespondToFailedAppend(const Status& status, std::string_view message, Logger* logger,
                           http::Response* response);

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_RECEIVED_SAMPLES_H_
