// What the engine answers from its memory is what it answered without.
#include "server/http/head_cache.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "server/http/engine.h"

namespace deucalion::http {
namespace {

Response Make(int status, std::string date, std::string length, Headers::Field more = {}) {
  Response response;
  response.status = status;
  if (!date.empty()) response.headers.Add("Date", std::move(date));
  if (!more.first.empty()) response.headers.Add(more.first, more.second);
  if (!length.empty()) response.headers.Set("Content-Length", std::move(length));
  return response;
}

std::string Head(const Engine& engine, std::string_view method, bool close, Response response) {
  const std::function<void(Response*)> respond = [](Response*) {};
  const Engine::Call call{.method = method, .close = close, .respond = &respond};
  return const_cast<Engine&>(engine).Process(call, &response);
}

// From a thread that remembers nothing.
std::string FreshHead(const Engine& engine, std::string_view method, bool close,
                      const Response& like) {
  Response response = Make(like.status, "", "");
  response.headers = like.headers;
  std::string head;
  std::thread([&] { head = Head(engine, method, close, std::move(response)); }).join();
  return head;
}

TEST(HeadCacheTest, TheEngineAnswersTheSameWithAndWithoutIt) {
  Engine engine;
  const std::vector<Headers::Field> more = {
      {"", ""},
      {"Content-Type", "application/json"},
      {"Content-Type", "text/plain"},
      {"Content-Encoding", "gzip"},
      {"A", "Content-Length: 7"},
      {"Zebra", "x\r\nDate: never"},
      {"date", "lower case"},
      {"Connection", "close"},
      {"Location", std::string(2000, 'l')},
  };
  const std::vector<std::pair<std::string, std::string>> values = {
      {"Sun, 01 Jan 2023 00:00:00 GMT", "5"},
      {"Mon, 02 Jan 2023 00:00:01 GMT", "1234567"},
      {"", "0"},
      {"Tue, 03 Jan 2023 00:00:02 GMT", ""},
      {"Wed, 04 Jan 2023 00:00:03 GMT", "42"}};
  for (int round = 0; round < 2; round++) {
    for (const auto& [date, length] : values) {
      for (const auto& field : more) {
        for (const int status : {200, 404, 499}) {
          for (const bool close : {false, true}) {
            for (const std::string_view method : {"GET", "HEAD"}) {
              const Response want = Make(status, date, length, field);
              EXPECT_EQ(Head(engine, method, close, Make(status, date, length, field)),
                        FreshHead(engine, method, close, want))
                  << field.first << " " << field.second.substr(0, 40);
            }
          }
        }
      }
    }
  }
}

TEST(HeadCacheTest, FillsInDateAndLength) {
  HeadCache cache;
  EXPECT_EQ(cache.Find({}, Make(200, "then", "5")), "");
  cache.Keep(Make(200, "then", "5"), "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nDate: then\r\n\r\n");
  EXPECT_EQ(cache.Find({}, Make(200, "now", "1234")),
            "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\nDate: now\r\n\r\n");
  EXPECT_EQ(cache.Find({}, Make(404, "now", "1234")), "");
  EXPECT_EQ(cache.Find({.head_request = true}, Make(200, "now", "1234")), "");
  EXPECT_EQ(cache.Find({.close = true}, Make(200, "now", "1234")), "");
}

}  // namespace
}  // namespace deucalion::http
