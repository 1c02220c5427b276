#include <gtest/gtest.h>

#include "tests/server/tool/run_tool.h"
#include "tests/support/socket_server.h"
#include "tests/support/temp_dir.h"

namespace deucalion::tool {
namespace {

size_t BodySize(const std::string& head) {
  const std::string key = "Content-Length: ";
  const size_t at = head.find(key);
  return at == std::string::npos ? 0 : std::stoul(head.substr(at + key.size()));
}

// A server of one answer, and the last request it got.
class OneAnswer {
 public:
  OneAnswer(int status, const std::string& body)
      : server_([this, status, body](SocketServer::Connection& connection) {
          for (;;) {
            std::string request = connection.ReadRequest();
            if (request.empty()) return;
            if (const size_t n = BodySize(request); n > 0) request += connection.ReadBytes(n);
            {
              const std::lock_guard<std::mutex> lock(mu_);
              request_ = request;
            }
            connection.Write("HTTP/1.1 " + std::to_string(status) + " Text\r\nContent-Length: " +
                             std::to_string(body.size()) + "\r\n\r\n" + body);
          }
        }) {}

  std::string url() const { return "127.0.0.1:" + std::to_string(server_.port()); }
  std::string request() const {
    const std::lock_guard<std::mutex> lock(mu_);
    return request_;
  }

 private:
  mutable std::mutex mu_;
  std::string request_;
  SocketServer server_;
};

constexpr char kEmptyVector[] =
    R"({"status":"success","data":{"resultType":"vector","result":[]}})";
constexpr char kNoNames[] = R"({"status":"success","data":[]})";

TEST(ToolQueryTest, AsksWhatPromtoolAsks) {
  struct {
    std::vector<std::string> args;  // behind "query"; SERVER is replaced
    const char* body;
    std::vector<std::string> want;  // parts of the request
  } cases[] = {
      {{"instant", "SERVER", "a+b", "--time=1.5"},
       kEmptyVector,
       {"POST /api/v1/query HTTP", "\r\n\r\nquery=a%2Bb&time=1.5"}},
      {{"instant", "http://SERVER/prefix/", "up", "--time=2026-01-02T03:04:05.678Z"},
       kEmptyVector,
       {"POST /prefix/api/v1/query HTTP", "\r\n\r\nquery=up&time=1767323045.678"}},
      {{"instant", "http://user:pw@SERVER", "up"},
       kEmptyVector,
       {"Authorization: Basic dXNlcjpwdw=="}},
      {{"range", "SERVER", "up", "--start=0", "--end=1000", "--header", "A=b", "--header=C:d"},
       kEmptyVector,
       {"POST /api/v1/query_range HTTP", "\r\n\r\nend=1000&query=up&start=0&step=4", "A: b\r\n",
        "C: d\r\n"}},
      {{"range", "SERVER", "up", "--end=1000", "--step=1m30s500ms"},
       kEmptyVector,
       {"\r\n\r\nend=1000&query=up&start=700&step=90.5"}},
      {{"series", "--match=a", "--match", "b{c=\"d\"}", "SERVER", "--start=1", "--end=2"},
       kNoNames,
       {"POST /api/v1/series HTTP",
        "\r\n\r\nend=2&match%5B%5D=a&match%5B%5D=b%7Bc%3D%22d%22%7D&start=1"}},
      {{"labels", "SERVER", "job", "--start=1", "--end=2"},
       kNoNames,
       {"GET /api/v1/label/job/values?end=2&start=1 HTTP"}},
      {{"labels", "SERVER", "my.label/ü"}, kNoNames, {"GET /api/v1/label/U__my_2e_label_2f__fc_/"}},
  };
  for (auto& c : cases) {
    OneAnswer server(200, c.body);
    std::vector<std::string> args = {"query"};
    for (std::string arg : c.args) {
      if (const size_t at = arg.find("SERVER"); at != std::string::npos) {
        arg.replace(at, 6, server.url());
      }
      args.push_back(arg);
    }
    const ToolRun run = Deutool(args);
    EXPECT_EQ(run.exit_code, 0) << run.err;
    for (const std::string& want : c.want) {
      EXPECT_NE(server.request().find(want), std::string::npos)
          << "want: " << want << "\ngot: " << server.request();
    }
  }
}

TEST(ToolQueryTest, FormAndClientConfigurationAreFlagsOfTheGroup) {
  OneAnswer server(200, kEmptyVector);
  TempDir dir;
  WriteFile(dir.Path("client.yml"), "authorization: {credentials: secret}\n");
  const std::string config = "--http.config.file=" + dir.Path("client.yml");
  EXPECT_EQ(Deutool({"query", "-o", "json", config, "instant", server.url(), "up"}).out, "[]\n");
  EXPECT_NE(server.request().find("Authorization: Bearer secret\r\n"), std::string::npos);
  EXPECT_EQ(Deutool({"query", "instant", server.url(), "up", "--format=json"}).out, "[]\n");
  EXPECT_EQ(Deutool({"query", "instant", server.url(), "up"}).out, "\n");
}

TEST(ToolQueryTest, FallsBackToGetWhereFormsAreRefused) {
  OneAnswer server(405, "");
  const ToolRun run = Deutool({"query", "instant", server.url(), "up", "--time=1"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_EQ(run.err, "query error: client_error: client error: 405\n");
  EXPECT_TRUE(server.request().starts_with("GET /api/v1/query?query=up&time=1 HTTP"))
      << server.request();
}

TEST(ToolQueryTest, RefusesFlagsThatMakeNoSense) {
  struct {
    std::vector<std::string> args;
    std::string want;
  } cases[] = {
      {{"instant", "localhost:1", "up", "--time=soon"},
       "error parsing evaluation time: cannot parse \"soon\" to a valid timestamp"},
      {{"range", "localhost:1", "up", "--start=x"}, "error parsing start time: "},
      {{"range", "localhost:1", "up", "--start=2", "--end=1"}, "start time is not before end time"},
      {{"range", "localhost:1", "up", "--step=often"}, "deutool: error: --step"},
      {{"range", "localhost:1", "up", "--header=x"}, "deutool: error: --header"},
      {{"series", "localhost:1"}, "deutool: error: --match is required"},
      {{"labels", "localhost:1", "job", "--end=x"}, "error parsing end time: "},
      {{"instant", "http://[::", "up"}, "error creating API client: parse "},
      {{"-o", "xml", "instant", "localhost:1", "up"}, "deutool: error: --format"},
  };
  for (auto& c : cases) {
    std::vector<std::string> args = {"query"};
    args.insert(args.end(), c.args.begin(), c.args.end());
    const ToolRun run = Deutool(args);
    EXPECT_EQ(run.exit_code, 1);
    EXPECT_TRUE(run.err.starts_with(c.want)) << run.err;
  }
}

TEST(ToolCheckServerTest, RepeatsWhatTheServerSays) {
  OneAnswer healthy(200, "Prometheus Server is Healthy.\n");
  const ToolRun good = Deutool({"check", "healthy", "--url", "http://" + healthy.url()});
  EXPECT_EQ(good.exit_code, 0);
  EXPECT_EQ(good.err, "  SUCCESS:  Prometheus Server is Healthy.\n\n");
  EXPECT_TRUE(healthy.request().starts_with("GET /-/healthy HTTP")) << healthy.request();
  OneAnswer starting(503, "no");
  const ToolRun bad = Deutool({"check", "ready", "--url", "http://" + starting.url()});
  EXPECT_EQ(bad.exit_code, 1);
  EXPECT_EQ(bad.err, "check failed: URL=http://" + starting.url() + ", status=503\n");
}

}  // namespace
}  // namespace deucalion::tool
