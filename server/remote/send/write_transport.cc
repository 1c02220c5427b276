#include "server/remote/send/write_transport.h"

#include <charconv>
#include <ctime>
#include <utility>

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

class HttpTransport final : public WriteTransport {
 public:
  HttpTransport(std::unique_ptr<scrape::HttpClient> client, const config::RemoteWriteConfig& config,
                std::string user_agent, Clock* clock, std::shared_ptr<RequestAuth> auth,
                const scrape::Dialer* dialer)
      : client_(std::move(client)),
        retry_429_(config.queue.retry_on_http_429),
        clock_(clock),
        auth_(std::move(auth)),
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
    const auto deliver = [retry_429 = retry_429_, clock = clock_,
                          done = std::move(done)](const Result<scrape::HttpResponse>& response) {
      done(Judge(response, retry_429, clock->NowMs()));
    };
    if (auth_ == nullptr) return client_->Send(std::move(request), deliver);
    // Anew for every attempt: signatures and tokens age.
    auth_->Authorize(std::move(request),
                     [client = client_, deliver](Result<scrape::HttpRequest> authorized) {
                       if (!authorized.ok()) return deliver(authorized.TakeStatus());
                       client->Send(std::move(*authorized), deliver);
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

  const std::shared_ptr<scrape::HttpClient> client_;
  const bool retry_429_;
  Clock* const clock_;
  const std::shared_ptr<RequestAuth> auth_;  // null: the client does all there is to do
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
                                                         const Surroundings& surroundings,
                                                         const scrape::Dialer* dialer) {
  ASSIGN_OR_RETURN(
      std::shared_ptr<RequestAuth> auth,
      NewRequestAuth(config, {.engine = engine, .clock = clock, .surroundings = surroundings}));
  ASSIGN_OR_RETURN(auto client, engine->NewClient(config.http));
  return std::shared_ptr<WriteTransport>(std::make_shared<HttpTransport>(
      std::move(client), config, std::move(user_agent), clock, std::move(auth), dialer));
}

}  // namespace deucalion::remote
