// Requests as they come from the network, cut into packets: how they are cut must not matter, and
// no limit may be passed.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "server/http/request_parser.h"

namespace {

using deucalion::http::RequestParser;
using State = RequestParser::State;

constexpr size_t kMaxBody = 4096;
constexpr deucalion::http::ParserLimits kLimits{
    .request_line_bytes = 512, .header_bytes = 2048, .header_count = 16};

// All requests of the stream, one line each.
std::string Parse(std::string_view bytes, size_t step) {
  std::string out;
  RequestParser parser(kLimits);
  while (true) {
    if (parser.state() == State::kHeadDone) {
      parser.StartBody(kMaxBody);
    } else if (parser.state() == State::kDone) {
      if (parser.body().size() > kMaxBody) abort();
      if (parser.head().headers.size() > kLimits.header_count) abort();
      out += parser.head().method + " " + parser.head().path + "?" + parser.head().query + " " +
             parser.body() + "\n";
      parser.Reset();
    } else if (parser.state() == State::kError) {
      return out + "error";
    } else if (bytes.empty()) {
      return out;
    } else {
      bytes.remove_prefix(parser.Feed(bytes.substr(0, step)));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string whole = Parse(bytes, size + 1);
  if (Parse(bytes, 1) != whole || Parse(bytes, 13) != whole) abort();
  return 0;
}
