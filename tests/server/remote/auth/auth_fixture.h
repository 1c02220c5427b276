// What tests of RequestAuth share: a machine that can be told what it is, a small web server on
// 127.0.0.1 that plays the clouds, and requests that are authorised over real HTTP.
#ifndef DEUCALION_TESTS_SERVER_REMOTE_AUTH_AUTH_FIXTURE_H_
#define DEUCALION_TESTS_SERVER_REMOTE_AUTH_AUTH_FIXTURE_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "server/remote/auth/request_auth.h"
#include "tests/support/socket_server.h"

namespace deucalion::remote {

struct Asked {
  std::string line;     // GET /path HTTP/1.1
  std::string headers;  // all of them, as received
  std::string body;

  std::string Header(const std::string& name) const {
    const size_t at = headers.find("\r\n" + name + ": ");
    if (at == std::string::npos) return "";
    const size_t begin = at + name.size() + 4;
    return headers.substr(begin, headers.find("\r\n", begin) - begin);
  }
};

// Answers with what is in `pages` under "METHOD /path" (without the query), else with 404.
// Remembers what it was asked.
class FakeCloud {
 public:
  void Set(const std::string& what, std::string body, std::string status = "200 OK") {
    const std::lock_guard lock(mu_);
    pages_[what] = HttpReply(status, body);
  }
  std::string url() const { return "http://" + server_.address(); }
  std::vector<Asked> asked() const {
    const std::lock_guard lock(mu_);
    return asked_;
  }
  Asked last() const { return asked().empty() ? Asked() : asked().back(); }

 private:
  void Serve(SocketServer::Connection& connection) {
    for (;;) {
      Asked asked{.headers = connection.ReadRequest()};
      if (asked.headers.empty()) return;
      asked.line = asked.headers.substr(0, asked.headers.find("\r\n"));
      const std::string length = asked.Header("Content-Length");
      if (!length.empty()) asked.body = connection.ReadBytes(std::stoul(length));
      const std::lock_guard lock(mu_);
      asked_.push_back(asked);
      const auto page = pages_.find(asked.line.substr(
          0, asked.line.find_first_of("?", 0) == std::string::npos ? asked.line.rfind(' ')
                                                                   : asked.line.find('?')));
      connection.Write(page == pages_.end() ? HttpReply("404 Not Found", "no such page")
                                            : page->second);
    }
  }

  mutable std::mutex mu_;
  std::map<std::string, std::string> pages_;
  std::vector<Asked> asked_;
  SocketServer server_{[this](SocketServer::Connection& c) { Serve(c); }};  // first to go
};

class AuthTest : public ::testing::Test {
 protected:
  AuthTest() { config_.url = "http://there:80/workspaces/w/api/v1/remote_write"; }

  AuthParts Parts() {
    return {.engine = engine_.get(),
            .clock = &clock_,
            .surroundings = {.environment = [this](const char* name) { return environment_[name]; },
                             .file = [this](const std::string& path) -> std::optional<std::string> {
                               const auto it = files_.find(path);
                               if (it == files_.end()) return std::nullopt;
                               return it->second;
                             }},
            .azure_authority = cloud_.url()};
  }
  // Anew, as after a reload.
  Status Configure() {
    auto auth = NewRequestAuth(config_, Parts());
    if (!auth.ok()) return auth.TakeStatus();
    auth_ = std::move(*auth);
    return OkStatus();
  }
  Result<scrape::HttpRequest> Authorize() {
    if (auth_ == nullptr) RETURN_IF_ERROR(Configure());
    std::promise<Result<scrape::HttpRequest>> done;
    auth_->Authorize({.method = "POST",
                      .url = *config_.url,
                      .headers = {{"Content-Type", "application/x-protobuf"}},
                      .body = "body"},
                     [&](Result<scrape::HttpRequest> request) { done.set_value(request); });
    return done.get_future().get();
  }
  // The field of the authorised request, or the error.
  std::string Field(const std::string& name = "Authorization") {
    const auto request = Authorize();
    if (!request.ok()) return "error: " + request.status().message();
    for (const auto& [field, value] : request->headers) {
      if (field == name) return value;
    }
    return "";
  }
  void PassSeconds(int64_t seconds) { clock_.AdvanceMs(seconds * 1000); }
  // Requests whose line begins so.
  size_t Count(const std::string& line) const {
    const auto asked = cloud_.asked();
    return static_cast<size_t>(
        std::ranges::count_if(asked, [&](const Asked& one) { return one.line.starts_with(line); }));
  }

  ManualClock clock_{1'700'000'000'000};  // 2023-11-14T22:13:20Z
  std::map<std::string, std::string> environment_{{"HOME", "/home/me"}};
  std::map<std::string, std::string> files_;
  FakeCloud cloud_;
  config::RemoteWriteConfig config_;
  std::unique_ptr<scrape::HttpEngine> engine_ = scrape::NewHttpEngine();
  std::shared_ptr<RequestAuth> auth_;
};

}  // namespace deucalion::remote

#endif  // DEUCALION_TESTS_SERVER_REMOTE_AUTH_AUTH_FIXTURE_H_
