// The envelope of every API answer: {"status":"success","data":…,"warnings":[…],"infos":[…]} or
// {"status":"error","errorType":…,"error":…}, and how our Status becomes an HTTP status.
#ifndef DEUCALION_SERVER_API_REPLY_H_
#define DEUCALION_SERVER_API_REPLY_H_

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "server/http/message.h"

namespace deucalion::api {

enum class ErrorType {
  kBadData,        // 400
  kExecution,      // 422
  kTimeout,        // 503
  kCanceled,       // 499
  kInternal,       // 500
  kNotFound,       // 404
  kNotAcceptable,  // 406
  kUnavailable,    // 500, as upstream
};

struct Notes {
  std::vector<std::string> warnings;
  std::vector<std::string> infos;
};

// `data_json` is a complete JSON value.
void RespondData(std::string_view data_json, const Notes& notes, http::Response* response);
void RespondError(ErrorType type, std::string_view message, http::Response* response);
// bad_data: invalid parameter "<name>": <message>.
void RespondInvalidParameter(std::string_view name, const Status& status, http::Response* response);
// By the code of a failed query or storage call.
void RespondStatus(const Status& status, http::Response* response);
// 204 without a body: a successful call that has nothing to say.
void RespondNothing(http::Response* response);

// The beginning of a streamed success: {"status":"success","data":
void AppendEnvelopeBegin(std::string* out);
// ,"warnings":[…],"infos":[…]}
void AppendEnvelopeEnd(std::string* out, const Notes& notes);

}  // namespace deucalion::api

#endif  // DEUCALION_SERVER_API_REPLY_H_
