// HeadCache: response heads that were written before, with holes for the two fields that differ
// from answer to answer of one kind.
//
//   "HTTP/1.1 200 OK\r\nContent-Length: " <length> "\r\nContent-Type: …\r\nDate: " <date>
//   "\r\n\r\n"
//
// What comes out is, byte for byte, what the engine would write: its own words for a response with
// the same status and fields. Small and lossy: a newcomer takes the place of whoever was there.
// Thread-compatible.
#ifndef DEUCALION_SERVER_HTTP_HEAD_CACHE_H_
#define DEUCALION_SERVER_HTTP_HEAD_CACHE_H_

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "server/http/message.h"

namespace deucalion::http {

class HeadCache {
 public:
  // What a head depends on besides the fields.
  struct Kind {
    bool head_request = false;
    bool close = false;
  };

  // The head of `response`, from one that was kept; empty when there is none.
  std::string Find(const Kind& kind, const Response& response);
  // `head` is what the engine wrote for the response that Find has just missed.
  void Keep(const Response& response, std::string_view head);

 private:
  // A head with the values of Date and Content-Length cut out. `hole_at` are places in `text`,
  // ascending; npos: no such field.
  struct Entry {
    std::string key;
    std::string text;
    size_t date_at = 0, length_at = 0;
  };
  static constexpr size_t kEntries = 64;

  Entry& EntryOf(std::string_view key);
  // False for a response that is not kept.
  bool MakeKey(const Kind& kind, const Response& response);

  std::array<Entry, kEntries> entries_;
  std::string key_;  // of the last Find; empty: not to be kept
};

}  // namespace deucalion::http

#endif  // DEUCALION_SERVER_HTTP_HEAD_CACHE_H_
