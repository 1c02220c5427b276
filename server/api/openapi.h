// /openapi.yaml: the route table as an OpenAPI document.
#ifndef DEUCALION_SERVER_API_OPENAPI_H_
#define DEUCALION_SERVER_API_OPENAPI_H_

#include <span>
#include <string>

#include "server/api/route_table.h"

namespace deucalion::api {

enum class OpenApiVersion { k31, k32 };

struct OpenApiOptions {
  std::string server_url;  // "http://host:9090/api/v1"
  std::string version;     // of the API
};

// Event streams need itemSchema, which came with 3.2: the 3.1 document leaves them out.
std::string OpenApiDocument(std::span<const ApiRoute> routes, OpenApiVersion version,
                            const OpenApiOptions& options);

}  // namespace deucalion::api

#endif  // DEUCALION_SERVER_API_OPENAPI_H_
