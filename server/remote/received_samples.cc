#include "server/remote/received_samples.h"

namespace deucalion::remote {

bool IsBadSample(StatusCode code) {
  return code == StatusCode::kOutOfOrder || code == StatusCode::kOutOfBounds ||
         code == StatusCode::kTooOld || code == StatusCode::kDuplicateSample;
}

void RespondToFailedAppend(const Status& status, std::string_view message, Logger* logger,
                           http::Response* response) {
  // kInvalidArgument: a histogram that contradicts itself.
  if (IsBadSample(status.code()) || status.code() == StatusCode::kInvalidArgument) {
    return response->Error(400, status.message());
  }
  logger->Error(message, {{"err", status}});
  const bool retry = status.code() == StatusCode::kNoSpace ||
                     status.code() == StatusCode::kUnavailable ||
                     status.code() == StatusCode::kResourceExhausted;
  if (retry) response->headers.Set("Retry-After", "5");
  response->Error(retry ? 503 : 500, status.message());
}

}  // namespace deucalion::remote
