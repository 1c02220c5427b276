// check healthy and check ready: whether a server says so of itself.
#ifndef DEUCALION_SERVER_TOOL_CHECK_SERVER_H_
#define DEUCALION_SERVER_TOOL_CHECK_SERVER_H_

#include <string>

#include "server/tool/api_client.h"
#include "server/tool/streams.h"

namespace deucalion::tool {

struct CheckServerArgs {
  ServerArgs server;
  std::string path;  // "/-/healthy"
};

int CheckServer(const CheckServerArgs& args, const Streams& io);

}  // namespace deucalion::tool

#endif  // DEUCALION_SERVER_TOOL_CHECK_SERVER_H_
