#include "server/tool/api_client.h"

#include <future>

#include "base/file_system.h"
#include "server/config/go_url.h"
#include "server/config/http_client_file.h"

namespace deucalion::tool {
namespace {

std::string EncodeForm(const FormParams& params) {
  std::string form;
  for (const auto& [name, value] : params) {
    if (!form.empty()) form += "&";
    form += scrape::QueryEscape(name) + "=" + scrape::QueryEscape(value);
  }
  return form;
}

Result<scrape::HttpClientConfig> ReadClientConfig(const std::string& path) {
  if (path.empty()) return scrape::HttpClientConfig();
  ASSIGN_OR_RETURN(const std::string text, FileSystem::Posix()->ReadFile(path));
  return config::ParseHttpClientFile(path, text);
}

}  // namespace

Result<std::unique_ptr<ApiClient>> ApiClient::Make(const ServerArgs& server) {
  std::unique_ptr<ApiClient> api(new ApiClient());
  api->url_ = server.url.find("://") == std::string::npos ? "http://" + server.url : server.url;
  ASSIGN_OR_RETURN(const config::GoUrl url, config::ParseGoUrl(api->url_));
  if (!url.user.empty() && !server.http_config_file.empty()) {
    return InvalidArgumentError(
        "Cannot set base auth in the server URL and use a http.config.file at the same time");
  }
  Result<scrape::HttpClientConfig> config = ReadClientConfig(server.http_config_file);
  RETURN_IF_ERROR(config.status().WithContext("Failed to load HTTP config file"));
  if (!url.user.empty()) {
    config->basic_auth = scrape::BasicAuth{.username = url.user, .password = url.password};
    api->url_ = url.scheme + "://" + url.host + url.path;
  }
  api->headers_ = server.headers;
  api->engine_ = scrape::NewHttpEngine();
  ASSIGN_OR_RETURN(api->client_, api->engine_->NewClient(*config));
  return api;
}

Result<scrape::HttpResponse> ApiClient::Get(const std::string& path, const FormParams& params,
                                            int64_t timeout_ms) {
  scrape::HttpRequest request;
  request.url = path;
  if (!params.empty()) request.url += "?" + EncodeForm(params);
  request.timeout_ms = timeout_ms;
  return Send(std::move(request));
}

Result<scrape::HttpResponse> ApiClient::Post(const std::string& path, const FormParams& params,
                                             int64_t timeout_ms) {
  scrape::HttpRequest request;
  request.method = "POST";
  request.url = path;
  request.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
  request.body = EncodeForm(params);
  request.timeout_ms = timeout_ms;
  Result<scrape::HttpResponse> response = Send(std::move(request));
  const bool refused = response.ok() && (response->status == 405 || response->status == 501);
  return refused ? Get(path, params, timeout_ms) : response;
}

Result<scrape::HttpResponse> ApiClient::Send(scrape::HttpRequest request) {
  const size_t end = url_.find_last_not_of('/');
  request.url = url_.substr(0, end + 1) + request.url;
  request.headers.insert(request.headers.end(), headers_.begin(), headers_.end());
  // Shared, as the event thread may still be inside set_value when get returns.
  auto done = std::make_shared<std::promise<Result<scrape::HttpResponse>>>();
  client_->Send(std::move(request), [done](Result<scrape::HttpResponse> response) {
    done->set_value(std::move(response));
  });
  return done->get_future().get();
}

}  // namespace deucalion::tool
