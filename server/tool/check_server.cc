#include "server/tool/check_server.h"

namespace deucalion::tool {
namespace {

constexpr int64_t kTimeoutMs = 10'000;

// What the server answers when all is well.
Result<std::string> Ask(const CheckServerArgs& args) {
  ASSIGN_OR_RETURN(const std::unique_ptr<ApiClient> api, ApiClient::Make(args.server));
  ASSIGN_OR_RETURN(const scrape::HttpResponse response, api->Get(args.path, {}, kTimeoutMs));
  if (response.status == 200) return response.body;
  return UnavailableError("check failed: URL=" + api->url() +
                          ", status=" + std::to_string(response.status));
}

}  // namespace

int CheckServer(const CheckServerArgs& args, const Streams& io) {
  const Result<std::string> answer = Ask(args);
  if (!answer.ok()) {
    io.err << answer.status().message() << "\n";
    return kFailure;
  }
  io.err << "  SUCCESS:  " << *answer << "\n";
  return kSuccess;
}

}  // namespace deucalion::tool
