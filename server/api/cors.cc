#include "server/api/cors.h"

#include <string>

namespace deucalion::api {

Result<Cors> Cors::Make(std::string_view origin_pattern) {
  Cors cors;
  if (origin_pattern == ".*") return cors;
  ASSIGN_OR_RETURN(Regex regex, Regex::Compile(origin_pattern));
  cors.pattern_.push_back(std::move(regex));
  return cors;
}

void Cors::Apply(const http::Request& request, http::Response* response) const {
  response->headers.Add("Vary", "Origin");
  const std::string_view origin = request.headers.Get("Origin");
  if (origin.empty()) return;
  response->headers.Set("Access-Control-Allow-Headers",
                        "Accept, Authorization, Content-Type, Origin");
  response->headers.Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS");
  response->headers.Set("Access-Control-Expose-Headers", "Date");
  if (!pattern_.empty() && !pattern_[0].Matches(origin)) return;
  response->headers.Set("Access-Control-Allow-Origin",
                        pattern_.empty() ? "*" : std::string(origin));
}

}  // namespace deucalion::api
