#include "server/remote/content_negotiation.h"

#include <string>

namespace deucalion::remote {
namespace {

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// The part before the next ';'; `rest` moves behind it.
std::string_view NextPart(std::string_view* rest) {
  const size_t end = rest->find(';');
  const std::string_view part = rest->substr(0, end);
  *rest = end == std::string_view::npos ? std::string_view() : rest->substr(end + 1);
  return part;
}

}  // namespace

Result<WriteMessage> ParseWriteContentType(std::string_view content_type) {
  content_type = Trim(content_type);
  if (content_type.empty()) return WriteMessage::kV1;
  const std::string whole(content_type);
  std::string_view rest = content_type;
  if (NextPart(&rest) != "application/x-protobuf") {
    return InvalidArgumentError("expected application/x-protobuf as the first (media) part, got " +
                                whole + " content-type");
  }
  while (!rest.empty()) {
    const std::string_view part = NextPart(&rest);
    const size_t equals = part.find('=');
    if (equals == std::string_view::npos || part.find('=', equals + 1) != std::string_view::npos) {
      return InvalidArgumentError(
          "as per https://www.rfc-editor.org/rfc/rfc9110#parameter expected parameters to be "
          "key-values, got " +
          std::string(part) + " in " + whole + " content-type");
    }
    if (Trim(part.substr(0, equals)) != "proto") continue;
    const std::string_view message = Trim(part.substr(equals + 1));
    if (message == kMessageV1) return WriteMessage::kV1;
    if (message == kMessageV2) return WriteMessage::kV2;
    return InvalidArgumentError("got " + whole +
                                " content type; unknown type for remote write protobuf message " +
                                std::string(message) +
                                ", supported: prometheus.WriteRequest, "
                                "io.prometheus.write.v2.Request");
  }
  return WriteMessage::kV1;
}

}  // namespace deucalion::remote
