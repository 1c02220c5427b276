// RequestParser: cuts HTTP/1 requests out of a byte stream, trusting none of it.
//
// This is the guard in front of the protocol engine: it decides where a request ends, so whatever
// two parties could read differently (two lengths, a length beside chunked, a folded or malformed
// field, a bare CR or LF, a sign or blank in a length) is refused, not interpreted. It also bounds
// every dimension of a request.
//
// Feed it bytes as they come; it stops at the end of the head (so that the owner can route the
// request and set the body limit) and at the end of the request. Thread-compatible. After kError
// the connection is lost: answer `error_status()` and close.
#ifndef DEUCALION_SERVER_HTTP_REQUEST_PARSER_H_
#define DEUCALION_SERVER_HTTP_REQUEST_PARSER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"
#include "server/http/message.h"

namespace deucalion::http {

struct RequestHead {
  std::string method;
  std::string path;      // decoded
  std::string raw_path;  // as sent, without query and without scheme and host
  std::string query;
  Headers headers;  // without the names the engine writes itself (REMOTE_*, LOCAL_*)
  int minor_version = 1;
  bool keep_alive = true;
  bool expect_continue = false;
  bool chunked = false;
  uint64_t content_length = 0;
};

struct ParserLimits {
  size_t request_line_bytes = 64 << 10;
  size_t header_bytes = 64 << 10;
  size_t header_count = 256;
};

class RequestParser {
 public:
  enum class State { kHead, kHeadDone, kBody, kDone, kError };

  explicit RequestParser(const ParserLimits& limits) : limits_(limits) {}

  // Consumes bytes and returns how many. Takes nothing in kHeadDone, kDone and kError.
  size_t Feed(std::string_view bytes);
  // Leaves kHeadDone. A declared length above the limit is an error at once.
  void StartBody(size_t max_body_bytes);
  // Ready for the next request.
  void Reset();

  State state() const { return state_; }
  // True before the first byte of a request.
  bool idle() const { return state_ == State::kHead && head_bytes_.empty(); }
  // Valid from kHeadDone on.
  RequestHead& head() { return head_; }
  // Complete in kDone.
  std::string& body() { return body_; }
  int error_status() const { return error_status_; }
  // What was wrong, in Go's words where it has some; may be empty.
  const std::string& error_text() const { return error_text_; }

 private:
  enum class ChunkState { kSize, kData, kDataEnd, kTrailer };

  size_t FeedHead(std::string_view bytes);
  size_t FeedBody(std::string_view bytes);
  size_t FeedChunked(std::string_view bytes);
  // One line of the chunk framing up to CRLF, gathered in chunk_line_. False while incomplete.
  bool TakeChunkLine(std::string_view* bytes);
  void EndChunkLine();
  bool CheckHeadSize(std::string_view head);
  void ParseHead(std::string_view head);
  bool ParseRequestLine(std::string_view line);
  bool ParseTarget(std::string_view target);
  bool ParseField(std::string_view line);
  bool InterpretFields();
  bool InterpretLength();
  void InterpretConnection();
  bool Fail(int status, std::string text = "");

  const ParserLimits limits_;
  State state_ = State::kHead;
  std::string head_bytes_;
  RequestHead head_;
  std::string body_;
  size_t max_body_bytes_ = 0;
  ChunkState chunk_state_ = ChunkState::kSize;
  std::string chunk_line_;
  uint64_t chunk_left_ = 0;
  size_t trailer_bytes_ = 0;
  int error_status_ = 0;
  std::string error_text_;
};

}  // namespace deucalion::http

#endif  // DEUCALION_SERVER_HTTP_REQUEST_PARSER_H_
