// Status texts, query escaping and gzip: the parts of HTTP that need no connection.
#include <zlib.h>

#include <array>

#include "scrape/fetch/http_client.h"

namespace deucalion::scrape {
namespace {

struct StatusText {
  int status;
  std::string_view text;
};

constexpr std::array<StatusText, 61> kStatusTexts = {{
    {100, "Continue"},
    {101, "Switching Protocols"},
    {102, "Processing"},
    {103, "Early Hints"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {207, "Multi-Status"},
    {208, "Already Reported"},
    {226, "IM Used"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {305, "Use Proxy"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Request Entity Too Large"},
    {414, "Request URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Requested Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {418, "I'm a teapot"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Entity"},
    {423, "Locked"},
    {424, "Failed Dependency"},
    {425, "Too Early"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {451, "Unavailable For Legal Reasons"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {506, "Variant Also Negotiates"},
    {507, "Insufficient Storage"},
    {508, "Loop Detected"},
    {511, "Network Authentication Required"},
}};

// Frees what inflateInit2 took.
struct Inflater {
  z_stream stream{};
  bool ok = false;
  // 15 window bits, +16: gzip header and trailer.
  Inflater() : ok(inflateInit2(&stream, 15 + 16) == Z_OK) {}
  ~Inflater() {
    if (ok) inflateEnd(&stream);
  }
};

}  // namespace

std::string HttpStatusLine(int status) {
  std::string line = std::to_string(status);
  for (const StatusText& s : kStatusTexts) {
    if (s.status == status) return line.append(" ").append(s.text);
  }
  return line;
}

std::string QueryEscape(std::string_view text) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char ch : text) {
    const auto c = static_cast<unsigned char>(ch);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      out.push_back(ch);
    } else if (c == ' ') {
      out.push_back('+');
    } else {
      out.push_back('%');
      out.push_back(kHex[c >> 4]);
      out.push_back(kHex[c & 15]);
    }
  }
  return out;
}

Result<std::string> DecodeGzip(std::string_view bytes, uint64_t max_bytes) {
  Inflater inflater;
  if (!inflater.ok) return InternalError("gzip: cannot start the decoder");
  std::string out;
  z_stream& z = inflater.stream;
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  z.avail_in = static_cast<uInt>(bytes.size());
  // Exposition text shrinks about tenfold.
  size_t room = std::max<size_t>(bytes.size() * 10, 4096);
  for (;;) {
    const size_t used = out.size();
    out.resize(std::min<uint64_t>(used + room, max_bytes));
    z.next_out = reinterpret_cast<Bytef*>(out.data() + used);
    z.avail_out = static_cast<uInt>(std::min<size_t>(out.size() - used, UINT32_MAX));
    const size_t offered = z.avail_out;
    const int rc = inflate(&z, Z_NO_FLUSH);
    out.resize(used + (offered - z.avail_out));
    if (out.size() >= max_bytes) return ResourceExhaustedError("body size limit exceeded");
    if (rc == Z_STREAM_END) {
      if (z.avail_in == 0) return out;
      if (inflateReset(&z) != Z_OK) return InternalError("gzip: cannot restart the decoder");
      continue;  // members may follow one another
    }
    if (rc == Z_BUF_ERROR || (rc == Z_OK && z.avail_in == 0 && z.avail_out != 0)) {
      return CorruptError("unexpected EOF");
    }
    if (rc != Z_OK)
      return CorruptError(out.empty() ? "gzip: invalid header" : "gzip: invalid data");
    room = std::max<size_t>(out.size(), 4096);
  }
}

}  // namespace deucalion::scrape
