// multipart/form-data (RFC 7578), as `curl -F query=up` sends it: the values only.
#ifndef DEUCALION_SERVER_HTTP_MULTIPART_H_
#define DEUCALION_SERVER_HTTP_MULTIPART_H_

#include <string_view>

#include "base/status.h"
#include "server/http/message.h"

namespace deucalion::http {

// Appends name and value of every part that is not a file. An error leaves the parts before it in
// `params`. Bounded by the body: at most one part per boundary line.
Status ParseMultipart(std::string_view boundary, std::string_view body, Params* params);

}  // namespace deucalion::http

#endif  // DEUCALION_SERVER_HTTP_MULTIPART_H_
