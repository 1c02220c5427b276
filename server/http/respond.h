// From a handler's Response to one that can be sent: coding chosen, framing headers set, body
// dropped where HTTP forbids one. And the short answers of the front itself.
#ifndef DEUCALION_SERVER_HTTP_RESPOND_H_
#define DEUCALION_SERVER_HTTP_RESPOND_H_

#include <memory>
#include <string>
#include <string_view>

#include "server/http/compress.h"
#include "server/http/message.h"

namespace deucalion::http {

// How the body of a response travels.
struct Framing {
  bool send_body = true;
  bool chunked = false;
  // The end of the body is the end of the connection (streams to HTTP/1.0 clients).
  bool until_close = false;
  // For streamed bodies; may be null.
  std::unique_ptr<Encoder> encoder;
};

struct FinishOptions {
  bool head_request = false;
  bool http10 = false;
  bool keep_alive = true;
  bool compress = true;
  std::string_view accept_encoding;
};

// Compresses a body held in memory, prepares an encoder for a streamed one, and sets Date,
// Content-Length or Transfer-Encoding, Content-Encoding and Vary.
Framing FinishResponse(const FinishOptions& options, Response* response);

// "1a2b\r\n" + piece + "\r\n"; empty for an empty piece.
std::string ChunkOf(std::string piece);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

// A whole response of the front: plain text, Connection: close.
std::string ShortAnswer(int status, std::string_view detail);
// 503 with Retry-After, when a queue is full or a request has waited too long.
std::string BusyAnswer(bool keep_alive);

}  // namespace deucalion::http

#endif  // DEUCALION_SERVER_HTTP_RESPOND_H_
