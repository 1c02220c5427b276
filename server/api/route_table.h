// What /api/v1 serves, as data: paths, methods, parameters and the shape of the answers. The router
// is filled from it (api.cc), /openapi.yaml is printed from it, and /features reads it, so that
// none of the three can claim what the others do not have. Constant, lives as long as the process.
#ifndef DEUCALION_SERVER_API_ROUTE_TABLE_H_
#define DEUCALION_SERVER_API_ROUTE_TABLE_H_

#include <cstdint>
#include <span>
#include <string_view>

namespace deucalion::api {

enum class ParamType : uint8_t { kText, kTime, kDuration, kInteger, kNumber, kBoolean };

struct ApiParam {
  std::string_view name;
  ParamType type;
  bool required;
  bool repeated;
  std::string_view text;
};

// What a successful answer is.
enum class AnswerKind : uint8_t {
  kJson,     // the envelope around `data`
  kNothing,  // 204
  kSnappy,   // a protobuf message, snappy-compressed
  kEvents,   // server-sent events
  kYaml,
};

struct ApiRoute {
  std::string_view path;     // below /api/v1; ":name" is one segment
  std::string_view methods;  // "GET POST"
  std::string_view tag;
  std::string_view summary;
  std::span<const ApiParam> params;
  AnswerKind answer;
  // JSON schema of `data` (of an event, for kEvents) in YAML's flow style.
  std::string_view data;
};

std::span<const ApiRoute> ApiRoutes();
// Null when there is none.
const ApiRoute* FindRoute(std::span<const ApiRoute> routes, std::string_view path);
bool HasParam(const ApiRoute& route, std::string_view name);

}  // namespace deucalion::api

#endif  // DEUCALION_SERVER_API_ROUTE_TABLE_H_
