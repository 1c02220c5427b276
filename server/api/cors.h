// Cross-origin headers, by --web.cors.origin. Immutable, thread-safe.
#ifndef DEUCALION_SERVER_API_CORS_H_
#define DEUCALION_SERVER_API_CORS_H_

#include <string_view>
#include <vector>

#include "base/status.h"
#include "model/regex.h"
#include "server/http/message.h"

namespace deucalion::api {

class Cors {
 public:
  // Allows every origin.
  Cors() = default;
  // The pattern is anchored at both ends.
  static Result<Cors> Make(std::string_view origin_pattern);
  void Apply(const http::Request& request, http::Response* response) const;

 private:
  std::vector<Regex> pattern_;  // none: every origin
};

}  // namespace deucalion::api

#endif  // DEUCALION_SERVER_API_CORS_H_
