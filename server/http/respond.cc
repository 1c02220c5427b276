#include "server/http/respond.h"

#include <time.h>

#include <charconv>

namespace deucalion::http {
namespace {

// "Mon, 02 Jan 2006 15:04:05 GMT", whatever the locale.
std::string HttpDate(time_t now) {
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  tm t{};
  gmtime_r(&now, &t);
  char buffer[64];
  const int n =
      snprintf(buffer, sizeof(buffer), "%s, %02d %s %04d %02d:%02d:%02d GMT", kDays[t.tm_wday],
               t.tm_mday, kMonths[t.tm_mon], t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
  return std::string(buffer, static_cast<size_t>(n));
}

// The date of now. Most answers of a second share one text.
const std::string& HttpDateNow() {
  thread_local time_t second = -1;
  thread_local std::string text;
  const time_t now = time(nullptr);
  if (now != second) {
    text = HttpDate(now);
    second = now;
  }
  return text;
}

bool HasVaryOnEncoding(const Headers& headers) {
  if (!headers.Has("Vary")) return false;  // nearly always
  for (const std::string_view value : headers.All("Vary")) {
    if (value.find("Accept-Encoding") != std::string_view::npos) return true;
  }
  return false;
}

// Picks the coding and, for a body in memory, applies it.
void ApplyCoding(const FinishOptions& options, Response* response, Framing* framing) {
  if (!options.compress || response->push != nullptr) return;
  if (response->headers.Has("Content-Encoding")) return;
  const bool streamed = response->source != nullptr;
  if (!streamed && response->body.empty()) return;
  if (!HasVaryOnEncoding(response->headers)) response->headers.Add("Vary", "Accept-Encoding");
  if (!streamed && response->body.size() < kMinCompressBytes) return;
  const Coding coding = ChooseCoding(options.accept_encoding);
  if (coding == Coding::kIdentity) return;
  response->headers.Set("Content-Encoding", std::string(CodingName(coding)));
  response->headers.Remove("Content-Length");
  if (streamed) {
    framing->encoder = Encoder::Make(coding);
  } else {
    response->body = Compress(coding, response->body);
  }
}

}  // namespace

Framing FinishResponse(const FinishOptions& options, Response* response) {
  Framing framing;
  Headers& headers = response->headers;
  const bool bodiless =
      response->status == 204 || response->status == 304 || response->status < 200;
  if (!headers.Has("Date")) headers.Add("Date", HttpDateNow());
  if (bodiless) {
    framing.send_body = false;
    headers.Remove("Content-Length");
    headers.Remove("Content-Type");
  } else {
    ApplyCoding(options, response, &framing);
    const bool streamed = response->source != nullptr || response->push != nullptr;
    if (!streamed) {
      headers.Set("Content-Length", std::to_string(response->body.size()));
    } else if (options.http10) {
      framing.until_close = true;
      if (options.keep_alive) headers.Set("Connection", "close");
    } else {
      framing.chunked = true;
      headers.Set("Transfer-Encoding", "chunked");
    }
    if (!headers.Has("Content-Type") && (streamed || !response->body.empty())) {
      headers.Add("Content-Type", "text/plain; charset=utf-8");
    }
    framing.send_body = !options.head_request;
  }
  if (!framing.send_body) {
    response->body.clear();
    response->source.reset();
    if (response->push != nullptr) response->push->ClientGone();
    response->push.reset();
  }
  if (options.http10 && options.keep_alive && !framing.until_close) {
    headers.Set("Connection", "keep-alive");
  }
  return framing;
}

std::string ChunkOf(std::string piece) {
  if (piece.empty()) return piece;
  char size[20];
  const auto end = std::to_chars(size, size + sizeof(size), piece.size(), 16);
  const size_t digits = static_cast<size_t>(end.ptr - size);
  std::string out;
  out.reserve(piece.size() + digits + 4);
  out.append(size, digits).append("\r\n").append(piece).append("\r\n");
  return out;
}

std::string ShortAnswer(int status, std::string_view detail) {
  std::string body = std::to_string(status) + " " + StatusText(status);
  if (!detail.empty()) body.append(": ").append(detail);
  std::string out = "HTTP/1.1 " + std::to_string(status) + " " + StatusText(status);
  out.append(
      "\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\nContent-Length: ");
  out.append(std::to_string(body.size())).append("\r\n");
  if (status == 503) out.append("Retry-After: 5\r\n");
  return out.append("\r\n").append(body);
}

std::string BusyAnswer(bool keep_alive) {
  const std::string body = "Service Unavailable: too many requests are waiting\n";
  std::string out =
      "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\n";
  out.append("Retry-After: 5\r\nContent-Length: ").append(std::to_string(body.size()));
  out.append(keep_alive ? "\r\n\r\n" : "\r\nConnection: close\r\n\r\n");
  return out.append(body);
}

}  // namespace deucalion::http
