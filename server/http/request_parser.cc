#include "server/http/request_parser.h"

#include <array>

namespace deucalion::http {
namespace {

// A chunk-size line with its extension: sixteen digits and some room.
constexpr size_t kMaxChunkLineBytes = 256;
constexpr size_t kMaxTrailerBytes = 8 << 10;
// Room made for a declared body before its bytes have come.
constexpr size_t kMaxEarlyReserve = 256 << 10;

constexpr std::array<bool, 256> MakeTokenTable() {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[c] = true;
  for (int c = 'a'; c <= 'z'; ++c) table[c] = true;
  for (int c = 'A'; c <= 'Z'; ++c) table[c] = true;
  for (const char c :
       {'!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~'}) {
    table[static_cast<unsigned char>(c)] = true;
  }
  return table;
}
constexpr std::array<bool, 256> kToken = MakeTokenTable();

bool IsToken(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](char c) { return kToken[static_cast<uint8_t>(c)]; });
}

bool IsFieldByte(char c) {
  const auto byte = static_cast<uint8_t>(c);
  return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// The engine puts these among the request headers itself; a client must not.
bool IsReservedName(std::string_view name) {
  const auto starts = [name](std::string_view prefix) {
    return name.size() >= prefix.size() && EqualsIgnoreCase(name.substr(0, prefix.size()), prefix);
  };
  return starts("REMOTE_") || starts("LOCAL_");
}

bool ParseDecimal(std::string_view text, uint64_t* value) {
  if (text.empty() || text.size() > 18) return false;
  *value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    *value = *value * 10 + static_cast<uint64_t>(c - '0');
  }
  return true;
}

// Up to the first ';' or blank. Fifteen digits: no overflow, and 2^60 bytes are never wanted.
bool ParseChunkSize(std::string_view line, uint64_t* value) {
  const std::string_view digits = line.substr(0, line.find_first_of("; \t"));
  if (digits.empty() || digits.size() > 15) return false;
  *value = 0;
  for (const char c : digits) {
    int digit = 0;
    if (c >= '0' && c <= '9') {
      digit = c - '0';
    } else if (c >= 'a' && c <= 'f') {
      digit = c - 'a' + 10;
    } else if (c >= 'A' && c <= 'F') {
      digit = c - 'A' + 10;
    } else {
      return false;
    }
    *value = *value << 4 | static_cast<uint64_t>(digit);
  }
  return true;
}

// Calls fn(element) for each element of a comma list.
template <typename Fn>
void ForEachElement(std::string_view list, Fn fn) {
  while (!list.empty()) {
    const size_t end = std::min(list.find(','), list.size());
    fn(Trim(list.substr(0, end)));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
}

}  // namespace

bool RequestParser::Fail(int status, std::string text) {
  state_ = State::kError;
  error_status_ = status;
  error_text_ = std::move(text);
  return false;
}

void RequestParser::Reset() {
  state_ = State::kHead;
  head_bytes_.clear();
  head_ = RequestHead();
  body_ = std::string();
  chunk_state_ = ChunkState::kSize;
  chunk_line_.clear();
  chunk_left_ = 0;
  trailer_bytes_ = 0;
}

size_t RequestParser::Feed(std::string_view bytes) {
  size_t used = 0;
  if (state_ == State::kHead) used = FeedHead(bytes);
  if (state_ == State::kBody) used += FeedBody(bytes.substr(used));
  return used;
}

size_t RequestParser::FeedHead(std::string_view bytes) {
  size_t skipped = 0;
  // Some clients send an empty line after a body; it may come in two halves.
  if (head_bytes_ == "\r" && bytes.starts_with('\n')) {
    head_bytes_.clear();
    skipped = 1;
  }
  if (head_bytes_.empty()) {
    while (bytes.substr(skipped).starts_with("\r\n")) skipped += 2;
    bytes.remove_prefix(skipped);
    const size_t end = bytes.find("\r\n\r\n");
    if (end != std::string_view::npos) {
      if (CheckHeadSize(bytes.substr(0, end + 2))) ParseHead(bytes.substr(0, end + 2));
      return skipped + end + 4;
    }
    head_bytes_ = bytes;
    CheckHeadSize(head_bytes_);
    return skipped + bytes.size();
  }
  const size_t before = head_bytes_.size();
  head_bytes_.append(bytes);
  const size_t end = head_bytes_.find("\r\n\r\n", before < 3 ? 0 : before - 3);
  if (end == std::string::npos) {
    CheckHeadSize(head_bytes_);
    return bytes.size();
  }
  const size_t used = end + 4 - before;
  head_bytes_.resize(end + 2);
  const std::string head = std::move(head_bytes_);
  head_bytes_.clear();
  if (CheckHeadSize(head)) ParseHead(head);
  return used;
}

// `head` may be incomplete: then its last byte may be half of an end.
bool RequestParser::CheckHeadSize(std::string_view head) {
  const size_t slack = head.ends_with('\r') ? 1 : 0;
  const size_t line_end = head.find("\r\n");
  if (line_end == std::string_view::npos) {
    return head.size() <= limits_.request_line_bytes + slack || Fail(414);
  }
  if (line_end > limits_.request_line_bytes) return Fail(414);
  return head.size() - line_end <= limits_.header_bytes + slack || Fail(431);
}

// `head` ends with the CRLF of its last line.
void RequestParser::ParseHead(std::string_view head) {
  size_t line_end = head.find("\r\n");
  if (!ParseRequestLine(head.substr(0, line_end))) return;
  head.remove_prefix(line_end + 2);
  while (!head.empty()) {
    line_end = head.find("\r\n");
    if (!ParseField(head.substr(0, line_end))) return;
    head.remove_prefix(line_end + 2);
  }
  if (InterpretFields()) state_ = State::kHeadDone;
}

bool RequestParser::ParseRequestLine(std::string_view line) {
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == std::string_view::npos || last == first) return Fail(400, "malformed HTTP request");
  const std::string_view method = line.substr(0, first);
  const std::string_view version = line.substr(last + 1);
  if (!IsToken(method)) return Fail(400, "invalid method");
  if (version == "HTTP/1.1") {
    head_.minor_version = 1;
  } else if (version == "HTTP/1.0") {
    head_.minor_version = 0;
  } else if (version.size() == 8 && version.starts_with("HTTP/")) {
    return Fail(505, "unsupported protocol version");
  } else {
    return Fail(400, "malformed HTTP version");
  }
  head_.method = method;
  return ParseTarget(line.substr(first + 1, last - first - 1));
}

bool RequestParser::ParseTarget(std::string_view target) {
  for (const char c : target) {
    if (static_cast<uint8_t>(c) <= 0x20 || c == 0x7f) return Fail(400, "malformed request target");
  }
  if (target != "*" && !target.starts_with('/')) {
    // Absolute form, as sent to proxies.
    const size_t scheme = target.find("://");
    if (scheme == std::string_view::npos || !IsToken(target.substr(0, scheme))) {
      return Fail(400, "malformed request target");
    }
    const size_t path = target.find_first_of("/?", scheme + 3);
    target = path == std::string_view::npos ? "/" : target.substr(path);
  }
  const size_t question = std::min(target.find('?'), target.size());
  head_.raw_path = target.substr(0, question);
  if (head_.raw_path.empty()) head_.raw_path = "/";
  head_.query = target.substr(std::min(question + 1, target.size()));
  auto path = UrlDecode(head_.raw_path, false);
  if (!path.ok()) return Fail(400, path.status().message());
  head_.path = std::move(path).value();
  return true;
}

bool RequestParser::ParseField(std::string_view line) {
  if (head_.headers.size() >= limits_.header_count) return Fail(431);
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return Fail(400, "malformed MIME header line");
  const std::string_view name = line.substr(0, colon);
  // Refuses folded lines and blanks before the colon as well.
  if (!IsToken(name)) return Fail(400, "invalid header name");
  const std::string_view value = Trim(line.substr(colon + 1));
  if (!std::all_of(value.begin(), value.end(), IsFieldByte)) {
    return Fail(400, "invalid header value");
  }
  if (!IsReservedName(name)) head_.headers.Add(std::string(name), std::string(value));
  return true;
}

bool RequestParser::InterpretFields() {
  const size_t hosts = head_.headers.Count("Host");
  if (hosts > 1) return Fail(400, "too many Host headers");
  if (hosts == 0 && head_.minor_version == 1) return Fail(400, "missing required Host header");
  if (head_.headers.Get("Host").find_first_of(" \t/?#@\\") != std::string_view::npos) {
    return Fail(400, "malformed Host header");
  }
  InterpretConnection();
  const std::string_view expect = head_.headers.Get("Expect");
  if (!expect.empty()) {
    if (!EqualsIgnoreCase(expect, "100-continue")) return Fail(417);
    head_.expect_continue = head_.minor_version == 1;
  }
  return InterpretLength();
}

void RequestParser::InterpretConnection() {
  head_.keep_alive = head_.minor_version == 1;
  for (const std::string_view value : head_.headers.All("Connection")) {
    ForEachElement(value, [this](std::string_view option) {
      if (EqualsIgnoreCase(option, "close")) head_.keep_alive = false;
      if (EqualsIgnoreCase(option, "keep-alive") && head_.minor_version == 0) {
        head_.keep_alive = true;
      }
    });
  }
}

bool RequestParser::InterpretLength() {
  const auto lengths = head_.headers.All("Content-Length");
  const auto encodings = head_.headers.All("Transfer-Encoding");
  if (!encodings.empty()) {
    if (!lengths.empty()) return Fail(400, "both Content-Length and Transfer-Encoding");
    if (encodings.size() > 1) return Fail(400, "too many transfer encodings");
    if (head_.minor_version == 0) return Fail(400, "Transfer-Encoding in HTTP/1.0");
    if (!EqualsIgnoreCase(encodings[0], "chunked")) {
      return Fail(501, "unsupported transfer encoding");
    }
    head_.chunked = true;
    return true;
  }
  if (lengths.size() > 1) return Fail(400, "more than one Content-Length");
  if (!lengths.empty() && !ParseDecimal(lengths[0], &head_.content_length)) {
    return Fail(400, "bad Content-Length");
  }
  return true;
}

void RequestParser::StartBody(size_t max_body_bytes) {
  max_body_bytes_ = max_body_bytes;
  if (head_.chunked) {
    state_ = State::kBody;
  } else if (head_.content_length == 0) {
    state_ = State::kDone;
  } else if (head_.content_length > max_body_bytes) {
    Fail(413);
  } else {
    state_ = State::kBody;
    body_.reserve(std::min<uint64_t>(head_.content_length, kMaxEarlyReserve));
  }
}

size_t RequestParser::FeedBody(std::string_view bytes) {
  if (head_.chunked) return FeedChunked(bytes);
  const size_t take = std::min<uint64_t>(bytes.size(), head_.content_length - body_.size());
  body_.append(bytes.substr(0, take));
  if (body_.size() == head_.content_length) state_ = State::kDone;
  return take;
}

size_t RequestParser::FeedChunked(std::string_view bytes) {
  const size_t all = bytes.size();
  while (state_ == State::kBody && !bytes.empty()) {
    if (chunk_state_ == ChunkState::kData) {
      const size_t take = std::min<uint64_t>(bytes.size(), chunk_left_);
      body_.append(bytes.substr(0, take));
      bytes.remove_prefix(take);
      chunk_left_ -= take;
      if (chunk_left_ == 0) chunk_state_ = ChunkState::kDataEnd;
    } else if (TakeChunkLine(&bytes)) {
      EndChunkLine();
    }
  }
  return all - bytes.size();
}

bool RequestParser::TakeChunkLine(std::string_view* bytes) {
  while (!bytes->empty()) {
    const char c = bytes->front();
    bytes->remove_prefix(1);
    const bool after_cr = !chunk_line_.empty() && chunk_line_.back() == '\r';
    if (c == '\n' && after_cr) {
      chunk_line_.pop_back();
      return true;
    }
    const bool control = !IsFieldByte(c) && c != '\r';
    const size_t max = chunk_state_ == ChunkState::kTrailer ? kMaxTrailerBytes : kMaxChunkLineBytes;
    if (after_cr || control || chunk_line_.size() >= max) {
      return Fail(400, "malformed chunked encoding");
    }
    chunk_line_ += c;
  }
  return false;
}

void RequestParser::EndChunkLine() {
  const std::string line = std::move(chunk_line_);
  chunk_line_.clear();
  switch (chunk_state_) {
    case ChunkState::kSize:
      if (!ParseChunkSize(line, &chunk_left_)) {
        Fail(400, "invalid byte in chunk length");
      } else if (chunk_left_ > max_body_bytes_ - body_.size()) {
        Fail(413);
      } else {
        chunk_state_ = chunk_left_ == 0 ? ChunkState::kTrailer : ChunkState::kData;
      }
      return;
    case ChunkState::kDataEnd:
      if (!line.empty()) {
        Fail(400, "malformed chunked encoding");
        return;
      }
      chunk_state_ = ChunkState::kSize;
      return;
    case ChunkState::kTrailer:
      // Trailer fields are dropped: nothing here needs one, and merged they would be headers that
      // no limit and no check has seen.
      trailer_bytes_ += line.size() + 2;
      if (line.empty()) {
        state_ = State::kDone;
      } else if (trailer_bytes_ > kMaxTrailerBytes) {
        Fail(431);
      }
      return;
    case ChunkState::kData:
      return;
  }
}

}  // namespace deucalion::http
