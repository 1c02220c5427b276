#include "server/http/message.h"

#include <gtest/gtest.h>

namespace deucalion::http {
namespace {

std::string Show(const Params& params) {
  std::string out;
  for (const auto& [name, value] : params) out += name + "=" + value + ";";
  return out;
}

TEST(HeadersTest, ComparesNamesWithoutCaseAndKeepsOrder) {
  Headers headers;
  headers.Add("X-A", "1");
  headers.Add("x-a", "2");
  EXPECT_EQ(headers.Get("X-a"), "1");
  EXPECT_EQ(headers.All("X-A").size(), 2u);
  headers.Set("X-A", "3");
  EXPECT_EQ(headers.All("x-a"), std::vector<std::string_view>{"3"});
  headers.Remove("x-A");
  EXPECT_FALSE(headers.Has("X-A"));
}

TEST(QueryTest, DecodesPairsAsGoDoes) {
  struct {
    std::string_view query;
    std::string want;
    std::string error;
  } const cases[] = {
      {"a=1&b=2&a=3", "a=1;b=2;a=3;", ""},
      {"match[]=up&match%5B%5D=x", "match[]=up;match[]=x;", ""},
      {"q=a+b%2Bc", "q=a b+c;", ""},
      {"q=a=b", "q=a=b;", ""},
      {"flag&&=v", "flag=;=v;", ""},
      {"a=%zz&b=1", "b=1;", "invalid URL escape \"%zz\""},
      {"a=%4&b=1", "b=1;", "invalid URL escape \"%4\""},
      {"a=1;b=2&c=3", "c=3;", "invalid semicolon separator in query"},
  };
  for (const auto& c : cases) {
    Params params;
    const Status status = ParseQuery(c.query, &params);
    EXPECT_EQ(Show(params), c.want) << c.query;
    EXPECT_EQ(status.ok() ? "" : status.message(), c.error) << c.query;
  }
}

TEST(FormTest, MergesBodyAndQueryBodyFirst) {
  Request request;
  request.method = "POST";
  request.query = "query=fromurl&time=1";
  request.body = "query=frombody";
  request.headers.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8");
  EXPECT_EQ(Show(request.Form().value()), "query=frombody;query=fromurl;time=1;");
  request.headers.Set("Content-Type", "application/json");
  EXPECT_EQ(Show(request.Form().value()), "query=fromurl;time=1;");
  request.method = "GET";
  request.headers.Set("Content-Type", "application/x-www-form-urlencoded");
  EXPECT_EQ(Show(request.Form().value()), "query=fromurl;time=1;");
}

TEST(FormTest, ReportsWhatItCannotRead) {
  Request request;
  request.method = "POST";
  request.body = "query=%zz";
  request.headers.Set("Content-Type", "application/x-www-form-urlencoded");
  EXPECT_EQ(request.Form().status().message(), "invalid URL escape \"%zz\"");
  request.headers.Set("Content-Type", "application/x-www-form-urlencoded; =");
  EXPECT_EQ(request.Form().status().message(), "mime: invalid media parameter");
}

TEST(FormValuesTest, TakesWhatItCanRead) {
  Request request;
  request.method = "POST";
  request.query = "time=%zz&time=5";
  request.body = "query=1;2&query=up";
  request.headers.Set("Content-Type", "application/x-www-form-urlencoded");
  EXPECT_EQ(Show(request.FormValues()), "query=up;time=5;");
  request.headers.Set("Content-Type", "text/plain");
  EXPECT_EQ(Show(request.FormValues()), "time=5;");
}

TEST(FormValuesTest, ReadsMultipartFieldsButNoFiles) {
  Request request;
  request.method = "POST";
  request.query = "time=5";
  request.headers.Set("Content-Type", "multipart/form-data; boundary=\"a b\"");
  request.body =
      "preamble\r\n--a b\r\nContent-Disposition: form-data; name=\"query\"\r\n\r\nup\r\n--a b \r\n"
      "Content-Type: text/plain\r\ncontent-disposition: form-data; name=empty\r\n\r\n\r\n--a b\r\n"
      "Content-Disposition: form-data; name=f; filename=x\r\n\r\nfile\r\n--a b--\r\n";
  EXPECT_EQ(Show(request.FormValues()), "time=5;query=up;empty=;");
  request.body.resize(request.body.find("\r\n--a b "));
  EXPECT_EQ(Show(request.FormValues()), "time=5;");
}

TEST(MediaTypeTest, SplitsTypeAndParameters) {
  const auto media = ParseMediaType("Application/X-Protobuf ; Proto=\"io.prometheus;v2\"; q=1");
  ASSERT_TRUE(media.ok());
  EXPECT_EQ(media->type, "application/x-protobuf");
  EXPECT_EQ(media->params.Get("proto"), "io.prometheus;v2");
  EXPECT_EQ(media->params.Get("q"), "1");
  for (const char* bad : {"", ";a=b", "a b/c", "a/b; x", "a/b; x=\"open"}) {
    EXPECT_FALSE(ParseMediaType(bad).ok()) << bad;
  }
}

TEST(UrlTest, EncodesWhatItDecodes) {
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  EXPECT_EQ(UrlDecode(UrlEncode(all), true).value(), all);
}

TEST(ResponseTest, ErrorsLookLikeGos) {
  Response response;
  response.Error(404, "404 page not found");
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.body, "404 page not found\n");
  EXPECT_EQ(response.headers.Get("Content-Type"), "text/plain; charset=utf-8");
  EXPECT_EQ(response.headers.Get("X-Content-Type-Options"), "nosniff");
}

TEST(PushStreamTest, RefusesWhatASlowClientWouldPileUp) {
  PushStream stream(10);
  EXPECT_TRUE(stream.Send("12345"));
  EXPECT_FALSE(stream.Send("123456"));
  EXPECT_TRUE(stream.closed());
  EXPECT_FALSE(stream.Send("1"));
}

TEST(PushStreamTest, WakesItsReaderAndDeliversWhatWasSentBeforeTheEnd) {
  PushStream stream;
  int wakes = 0;
  stream.Attach([&wakes] { ++wakes; });
  stream.Send("a");
  stream.Send("b");
  stream.Close();
  EXPECT_EQ(wakes, 3);
  std::string out;
  EXPECT_FALSE(stream.Take(&out));
  EXPECT_EQ(out, "ab");
}

}  // namespace
}  // namespace deucalion::http
