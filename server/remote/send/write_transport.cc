#include "server/remote/send/write_transport.h"

#include <charconv>
#include <ctime>
#include <optional>
#include <utility>

#include "server/config/go_url.h"

namespace deucalion::remote {
namespace {

// Of an error page, what goes into the log.
constexpr size_t kMaxErrorBytes = 1024;
constexpr const char* kTypeV1 = "application/x-protobuf";
constexpr const char* kTypeV2 = "application/x-protobuf;proto=io.prometheus.write.v2.Request";
// What is read of a response at all.
constexpr uint64_t kMaxResponseBytes = 1 << 20;

std::string_view Trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

bool ParseCount(std::string_view text, int64_t* count) {
  text = Trim(text);
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), *count);
  return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
}

WriteStats StatsOf(const scrape::HttpResponse& response) {
  WriteStats stats;
  const auto take = [&](std::string_view header, int64_t* count) {
    const std::string_view text = response.Header(header);
    if (!text.empty() && ParseCount(text, count)) stats.present = true;
  };
  take("x-prometheus-remote-write-samples-written", &stats.samples);
  take("x-prometheus-remote-write-histograms-written", &stats.histograms);
  take("x-prometheus-remote-write-exemplars-written", &stats.exemplars);
  return stats;
}

// Signs requests to one URL.
class Signer {
 public:
  Signer(AwsCredentials credentials, const config::SigV4Config& config, const config::GoUrl& url)
      : credentials_(std::move(credentials)),
        service_(config.service_name.empty() ? "aps" : config.service_name),
        url_(url) {
    // As the Host field is sent: without the port that goes without saying.
    const std::string_view usual = url.scheme == "https" ? ":443" : ":80";
    if (url_.host.ends_with(usual)) url_.host.resize(url_.host.size() - usual.size());
  }

  void Sign(int64_t now_ms, std::string_view content_type, scrape::HttpRequest* request) const {
    for (auto& field : SignAws({.method = request->method,
                       .host = url_.host,
                       .path = url_.path,
                       .query = url_.query,
                       .content_type = content_type,
                       .body = request->body},
                               credentials_, service_, now_ms)) {
      request->headers.push_back(std::move(field));
    }
  }

 private:
  const AwsCredentials credentials_;
  const std::string service_;
  config::GoUrl url_;
};

class HttpTransport final : public WriteTransport {
 public:
  HttpTransport(std::unique_ptr<scrape::HttpClient> client, const config::RemoteWriteConfig& config,
                std::string user_agent, Clock* clock, std::optional<Signer> signer,
                const scrape::Dialer* dialer)
      : client_(std::move(client)),
        retry_429_(config.queue.retry_on_http_429),
        clock_(clock),
        signer_(std::move(signer)),
        content_type_(config.protobuf_message == config::RemoteWriteConfig::kV2 ? kTypeV2
                                                                                : kTypeV1) {
    const bool v2 = config.protobuf_message == config::RemoteWriteConfig::kV2;
    request_.method = "POST";
    request_.url = *config.url;
    request_.timeout_ms = config.remote_timeout_ms;
    request_.max_body_bytes = kMaxResponseBytes;
    request_.shuffle_addresses = config.round_robin_dns;
    request_.dialer = dialer;
    request_.headers = {{"Content-Encoding", "snappy"},
                        {"Content-Type", content_type_},
                        {"User-Agent", std::move(user_agent)},
                        {"X-Prometheus-Remote-Write-Version", v2 ? "2.0.0" : "0.1.0"}};
    for (const auto& [name, value] : config.headers) request_.headers.emplace_back(name, value);
  }

  void Send(std::string body, int attempt, std::function<void(WriteReply)> done) override {
    scrape::HttpRequest request = request_;
    request.body = std::move(body);
    if (attempt > 0) request.headers.emplace_back("Retry-Attempt", std::to_string(attempt));
    // Anew for every attempt: signatures age.
    if (signer_) signer_->Sign(clock_->NowMs(), content_type_, &request);
    client_->Send(std::move(request),
                  [retry_429 = retry_429_, clock = clock_,
                   done = std::move(done)](Result<scrape::HttpResponse> response) {
                    done(Judge(response, retry_429, clock->NowMs()));
                  });
  }

 private:
  static WriteReply Judge(const Result<scrape::HttpResponse>& response, bool retry_429,
                          int64_t now_ms) {
    WriteReply reply;
    if (!response.ok()) {
      reply.kind = WriteReply::Kind::kRetry;
      reply.error = response.status().message();
      return reply;
    }
    reply.status = response->status;
    reply.written = StatsOf(*response);
    if (reply.status / 100 == 2) return reply;
    reply.error = "server returned HTTP status " + response->status_line + ": " +
                  response->body.substr(0, kMaxErrorBytes);
    const bool retry = reply.status / 100 == 5 || (retry_429 && reply.status == 429);
    reply.kind = retry ? WriteReply::Kind::kRetry : WriteReply::Kind::kRefused;
    if (retry) reply.retry_after_ms = RetryAfterMs(response->Header("retry-after"), now_ms);
    return reply;
  }

  const std::unique_ptr<scrape::HttpClient> client_;
  const bool retry_429_;
  Clock* const clock_;
  const std::optional<Signer> signer_;
  const char* const content_type_;
  scrape::HttpRequest request_;  // less its body
};

}  // namespace

int64_t RetryAfterMs(std::string_view header, int64_t now_ms) {
  // No receiver means more than a day, and nothing overflows.
  constexpr int64_t kMostSeconds = 86'400;
  int64_t seconds = 0;
  if (!ParseCount(header, &seconds)) {
    std::tm date{};
    const std::string text(Trim(header));
    const char* const end = strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &date);
    if (end == nullptr || *end != '\0') return 0;
    seconds = static_cast<int64_t>(timegm(&date)) - now_ms / 1000;
  }
  return seconds <= 0 ? 0 : std::min(seconds, kMostSeconds) * 1000;
}

Result<std::shared_ptr<WriteTransport>> NewHttpTransport(scrape::HttpEngine* engine,
                                                         const config::RemoteWriteConfig& config,
                                                         std::string user_agent, Clock* clock,
                                                         const AwsSurroundings& surroundings,
                                                         const scrape::Dialer* dialer) {
  std::optional<Signer> signer;
  if (config.sigv4) {
    ASSIGN_OR_RETURN(AwsCredentials credentials, FindAwsCredentials(*config.sigv4, surroundings));
    ASSIGN_OR_RETURN(const config::GoUrl url, config::ParseGoUrl(*config.url));
    signer.emplace(std::move(credentials), *config.sigv4, url);
  }
  ASSIGN_OR_RETURN(auto client, engine->NewClient(config.http));
  return std::shared_ptr<WriteTransport>(std::make_shared<HttpTransport>(
      std::move(client), config, std::move(user_agent), clock, std::move(signer), dialer));
}

}  // namespace deucalion::remote
