#include "server/remote/auth/token.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

namespace deucalion::remote {
namespace {

using Json = nlohmann::json;

constexpr int64_t kTimeoutMs = 10'000;
// The machine's own metadata server is near, or not there at all.
constexpr int64_t kMetadataTimeoutMs = 5'000;
constexpr uint64_t kMaxAnswerBytes = 1 << 20;
// Of an error page, what goes into the log.
constexpr size_t kMaxErrorBytes = 1024;
// What a server means that does not say, and the most that is believed.
constexpr int64_t kUsualSeconds = 3600;
constexpr int64_t kMostSeconds = 365 * 86'400;

Result<std::shared_ptr<scrape::HttpClient>> Client(scrape::HttpEngine* engine, bool proxy) {
  scrape::HttpClientConfig config;
  config.proxy.proxy_from_environment = proxy;
  ASSIGN_OR_RETURN(auto client, engine->NewClient(config));
  return std::shared_ptr<scrape::HttpClient>(std::move(client));
}

// A number, or a string that is one.
bool ReadSeconds(const Json& json, const char* name, int64_t* out) {
  const auto it = json.find(name);
  if (it == json.end()) return false;
  if (it->is_number()) {
    const double seconds = it->get<double>();
    if (!(seconds > -1e15 && seconds < 1e15)) return false;
    *out = static_cast<int64_t>(seconds);
    return true;
  }
  if (!it->is_string()) return false;
  const auto& text = it->get_ref<const std::string&>();
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), *out);
  return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
}

}  // namespace

Result<std::shared_ptr<scrape::HttpClient>> FarClient(scrape::HttpEngine* engine) {
  return Client(engine, true);
}

Result<std::shared_ptr<scrape::HttpClient>> NearClient(scrape::HttpEngine* engine) {
  return Client(engine, false);
}

std::string EncodeForm(const Form& form) {
  std::string out;
  for (const auto& [name, value] : form) {
    out += (out.empty() ? "" : "&") + scrape::QueryEscape(name) + "=" + scrape::QueryEscape(value);
  }
  return out;
}

scrape::HttpRequest FormRequest(std::string url, const Form& form) {
  scrape::HttpRequest request{.method = "POST",
                              .url = std::move(url),
                              .body = EncodeForm(form),
                              .timeout_ms = kTimeoutMs,
                              .max_body_bytes = kMaxAnswerBytes};
  request.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
  return request;
}

scrape::HttpRequest MetadataRequest(std::string url,
                                    std::vector<std::pair<std::string, std::string>> headers) {
  return {.url = std::move(url),
          .headers = std::move(headers),
          .timeout_ms = kMetadataTimeoutMs,
          .max_body_bytes = kMaxAnswerBytes};
}

Status CheckAnswer(const scrape::HttpRequest& request,
                   const Result<scrape::HttpResponse>& response) {
  if (!response.ok()) return response.status();
  if (response->status / 100 == 2) return OkStatus();
  // Without the query: it may hold what is nobody's business.
  const std::string url = request.url.substr(0, request.url.find('?'));
  return UnavailableError(request.method + " " + url + ": " + response->status_line + ": " +
                          response->body.substr(0, kMaxErrorBytes));
}

Result<AccessToken> ParseToken(std::string_view text, int64_t now_ms) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  const auto token = json.is_object() ? json.find("access_token") : json.end();
  if (token == json.end() || !token->is_string() || token->get_ref<const std::string&>().empty()) {
    return UnavailableError("access token is empty");
  }
  AccessToken out{.text = token->get<std::string>()};
  int64_t seconds = kUsualSeconds, at = 0;
  if (!ReadSeconds(json, "expires_in", &seconds) && ReadSeconds(json, "expires_on", &at)) {
    seconds = at - now_ms / 1000;
  }
  if (seconds <= 0) return UnavailableError("access token expiry is less than the current time");
  out.lifetime_ms = std::min(seconds, kMostSeconds) * 1000;
  return out;
}

}  // namespace deucalion::remote
