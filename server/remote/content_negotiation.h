// Which remote write message a Content-Type names.
#ifndef DEUCALION_SERVER_REMOTE_CONTENT_NEGOTIATION_H_
#define DEUCALION_SERVER_REMOTE_CONTENT_NEGOTIATION_H_

#include <string_view>

#include "base/status.h"

namespace deucalion::remote {

enum class WriteMessage { kV1, kV2 };
inline constexpr std::string_view kMessageV1 = "prometheus.WriteRequest";
inline constexpr std::string_view kMessageV2 = "io.prometheus.write.v2.Request";

// Empty means 1.0, as old senders leave it out. Errors in upstream's words.
Result<WriteMessage> ParseWriteContentType(std::string_view content_type);

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_CONTENT_NEGOTIATION_H_
