#include "server/http/request_parser.h"

#include <gtest/gtest.h>

namespace deucalion::http {
namespace {

using State = RequestParser::State;

constexpr size_t kMaxBody = 1000;

// Feeds `bytes` in pieces of `step`, starting bodies as they come, until the request ends. Returns
// how many were consumed.
size_t FeedAll(RequestParser* parser, std::string_view bytes, size_t step) {
  size_t used = 0;
  while (used < bytes.size() || parser->state() == State::kHeadDone) {
    if (parser->state() == State::kHeadDone) {
      parser->StartBody(kMaxBody);
      continue;
    }
    if (parser->state() == State::kDone || parser->state() == State::kError) break;
    used += parser->Feed(bytes.substr(used, step));
  }
  return used;
}

struct Outcome {
  int error = 0;  // 0: complete; -1: wants more
  std::string summary;
  size_t used = 0;
};

Outcome Parse(std::string_view bytes, size_t step = 1 << 20, ParserLimits limits = {}) {
  RequestParser parser(limits);
  Outcome out;
  out.used = FeedAll(&parser, bytes, step);
  if (parser.state() == State::kError) {
    out.error = parser.error_status();
  } else if (parser.state() != State::kDone) {
    out.error = -1;
  } else {
    const RequestHead& head = parser.head();
    out.summary = head.method + "|" + head.path + "|" + head.query + "|" +
                  (head.keep_alive ? "keep" : "close") + "|" + parser.body();
  }
  return out;
}

struct Case {
  std::string bytes;
  int error;
  std::string summary;
};

const Case kCases[] = {
    {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0, "GET|/||keep|"},
    {"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 0, "GET|/||keep|"},
    {"GET /a%20b/c?x=1?2&x=%zz HTTP/1.1\r\nHost: a\r\n\r\n", 0, "GET|/a b/c|x=1?2&x=%zz|keep|"},
    {"GET http://host:80/p?q HTTP/1.1\r\nHost: host\r\n\r\n", 0, "GET|/p|q|keep|"},
    {"GET http://host HTTP/1.1\r\nHost: host\r\n\r\n", 0, "GET|/||keep|"},
    {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 0, "OPTIONS|*||keep|"},
    {"GET / HTTP/1.0\r\n\r\n", 0, "GET|/||close|"},
    {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", 0, "GET|/||keep|"},
    {"GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n", 0, "GET|/||close|"},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 0, "POST|/||keep|abc"},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
     "3;ext=\"1\"\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n",
     0, "POST|/||keep|abc0123456789"},
    // Not yet a request.
    {"GET / HTTP/1.1\r\nHost: a\r\n", -1, ""},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab", -1, ""},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n", -1, ""},
    // What two parties could read differently.
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400, ""},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\nabc", 400, ""},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc", 400, ""},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400, ""},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x3\r\n\r\nabc", 400, ""},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", 400, ""},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 400, ""},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
     ""},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n",
     400, ""},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501, ""},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", 501, ""},
    {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, ""},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 3\r\n\r\nabc", 400, ""},
    {"GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n folded\r\n\r\n", 400, ""},
    {"GET / HTTP/1.1\nHost: a\n\n GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400, ""},
    {"GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", 400, ""},
    {"GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n", 400, ""},
    {std::string("GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n", 33), 400, ""},
    {"GET / HTTP/1.1\r\nHost: a\r\nnocolon\r\n\r\n", 400, ""},
    {"GET / HTTP/1.1\r\n\r\n", 400, ""},
    {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, ""},
    {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, ""},
    {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400, ""},
    {"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400, ""},
    {"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400, ""},
    {"GET relative HTTP/1.1\r\nHost: a\r\n\r\n", 400, ""},
    {"G@T / HTTP/1.1\r\nHost: a\r\n\r\n", 400, ""},
    {"GET /\r\n\r\n", 400, ""},
    {"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400, ""},
    {"PRI * HTTP/2.0\r\n\r\n", 505, ""},
    {"GET / HTTP/1.1\r\nHost: a\r\nExpect: magic\r\n\r\n", 417, ""},
    // Chunks.
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n", 400, ""},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n", 400, ""},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", 400, ""},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n", 400, ""},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n", 400, ""},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n", 400,
     ""},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFF\r\n", 413, ""},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;" + std::string(300, 'x'),
     400, ""},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n", 413, ""},
};

TEST(RequestParserTest, AcceptsOrRefusesEachShape) {
  for (const Case& c : kCases) {
    const Outcome out = Parse(c.bytes);
    EXPECT_EQ(out.error, c.error) << c.bytes;
    EXPECT_EQ(out.summary, c.summary) << c.bytes;
  }
}

TEST(RequestParserTest, DoesNotCareHowBytesAreCutIntoPackets) {
  for (const Case& c : kCases) {
    const Outcome whole = Parse(c.bytes);
    for (const size_t step : {1, 2, 3, 7}) {
      const Outcome pieces = Parse(c.bytes, step);
      EXPECT_EQ(pieces.error, whole.error) << c.bytes << " in steps of " << step;
      EXPECT_EQ(pieces.summary, whole.summary) << c.bytes << " in steps of " << step;
      if (whole.error == 0) {
        EXPECT_EQ(pieces.used, whole.used) << c.bytes;
      }
    }
  }
}

TEST(RequestParserTest, LeavesTheNextRequestAlone) {
  const std::string first = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
  EXPECT_EQ(Parse(first + "GET / HTTP/1.1\r\n").used, first.size());
}

TEST(RequestParserTest, BoundsEveryDimensionOfTheHead) {
  const ParserLimits limits{.request_line_bytes = 100, .header_bytes = 200, .header_count = 4};
  const std::string start = "GET / HTTP/1.1\r\nHost: a\r\n";
  EXPECT_EQ(Parse("GET /" + std::string(200, 'a'), 16, limits).error, 414);
  EXPECT_EQ(Parse(std::string(200, 'a'), 1 << 20, limits).error, 414);
  EXPECT_EQ(Parse(start + "X: " + std::string(300, 'a'), 16, limits).error, 431);
  EXPECT_EQ(Parse(start + "A: 1\r\nB: 2\r\nC: 3\r\n\r\n", 16, limits).error, 0);
  EXPECT_EQ(Parse(start + "A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n\r\n", 16, limits).error, 431);
}

TEST(RequestParserTest, BoundsTrailers) {
  std::string bytes = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n";
  for (int i = 0; i < 2000; ++i) bytes += "X-Trailer: value\r\n";
  EXPECT_EQ(Parse(bytes).error, 431);
}

TEST(RequestParserTest, DropsHeadersTheEngineWritesItself) {
  RequestParser parser({});
  FeedAll(&parser,
          "GET / HTTP/1.1\r\nHost: a\r\nREMOTE_ADDR: 1.2.3.4\r\nlocal_port: 1\r\nX-A: 1\r\n\r\n",
          99);
  EXPECT_FALSE(parser.head().headers.Has("REMOTE_ADDR"));
  EXPECT_FALSE(parser.head().headers.Has("LOCAL_PORT"));
  EXPECT_EQ(parser.head().headers.Get("x-a"), "1");
}

TEST(RequestParserTest, IsReadyForTheNextRequestAfterReset) {
  RequestParser parser({});
  FeedAll(&parser,
          "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
          5);
  ASSERT_EQ(parser.state(), State::kDone);
  parser.Reset();
  EXPECT_TRUE(parser.idle());
  FeedAll(&parser, "GET /b HTTP/1.1\r\nHost: a\r\n\r\n", 5);
  EXPECT_EQ(parser.state(), State::kDone);
  EXPECT_EQ(parser.head().path, "/b");
  EXPECT_EQ(parser.body(), "");
}

}  // namespace
}  // namespace deucalion::http
