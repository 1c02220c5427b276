// HTTP discovery: a URL that answers with target groups in JSON, asked every refresh interval.
// While it fails the last groups stay.
#include <algorithm>
#include <cctype>

#include "model/value.h"
#include "scrape/discovery/discoverer.h"
#include "scrape/discovery/group_text.h"
#include "scrape/fetch/dial_metrics.h"

namespace deucalion::scrape {
namespace {

constexpr uint64_t kMaxBodyBytes = 256 << 20;

// application/json, perhaps with charset=utf-8.
bool IsJson(std::string_view content_type) {
  std::string s;
  for (const char c : content_type) {
    if (c != ' ' && c != '"') s.push_back(static_cast<char>(std::tolower(c)));
  }
  return s == "application/json" || s == "application/json;charset=utf-8";
}

// What outlives the discoverer while a request or a timer is pending.
class Refresher : public std::enable_shared_from_this<Refresher> {
 public:
  Refresher(HttpSdConfig config, std::string set_name, std::unique_ptr<HttpClient> client,
            const DiscoveryServices& services)
      : config_(std::move(config)),
        set_name_(std::move(set_name)),
        client_(std::move(client)),
        services_(services) {}

  void Start(UpdateSink sink) {
    {
      MutexLock lock(mu_);
      sink_ = std::move(sink);
    }
    Refresh();
  }

  void Stop() EXCLUDES(mu_) {
    MutexLock lock(mu_);
    sink_ = nullptr;
  }

 private:
  void Refresh() EXCLUDES(mu_) {
    {
      MutexLock lock(mu_);
      if (!sink_) return;
    }
    begin_ns_ = services_.clock->MonotonicNs();
    HttpRequest request{.url = config_.url, .max_body_bytes = kMaxBodyBytes};
    if (services_.dials != nullptr) request.dialer = services_.dials->Of("http");
    std::string interval;
    AppendFloatF(&interval, static_cast<double>(config_.refresh_interval_ms) / 1000);
    request.headers = {{"User-Agent", services_.user_agent},
                       {"Accept", "application/json"},
                       {"X-Prometheus-Refresh-Interval-Seconds", interval}};
    request.timeout_ms = config_.refresh_interval_ms;
    client_->Send(std::move(request), [self = shared_from_this()](Result<HttpResponse> response) {
      self->OnResponse(std::move(response));
    });
  }

  void OnResponse(Result<HttpResponse> response) EXCLUDES(mu_) {
    Result<std::vector<TargetGroup>> groups = Read(std::move(response));
    const double seconds = static_cast<double>(services_.clock->MonotonicNs() - begin_ns_) / 1e9;
    {
      MutexLock lock(mu_);
      if (!sink_) return;
      services_.metrics->refresh_duration->With({"http", set_name_})->Observe(seconds);
      if (groups.ok()) {
        sink_(Update(*std::move(groups)));
      } else {
        services_.metrics->http_failures->Increment();
        services_.metrics->refresh_failures->With({"http", set_name_})->Increment();
        services_.log->Error(
            "Unable to refresh target groups",
            {{"discovery", "http"}, {"config", set_name_}, {"err", groups.status()}});
      }
    }
    services_.scheduler->At(begin_ns_ + config_.refresh_interval_ms * 1'000'000,
                            [self = shared_from_this()] { self->Refresh(); });
  }

  Result<std::vector<TargetGroup>> Read(Result<HttpResponse> response) const {
    if (!response.ok()) return response.status();
    if (response->status != 200) {
      return UnavailableError("server returned HTTP status " + response->status_line);
    }
    const std::string_view type = response->Header("content-type");
    if (!IsJson(type)) return InvalidArgumentError("unsupported content type " + GoQuote(type));
    std::string body = std::move(response->body);
    if (response->Header("content-encoding") == "gzip") {
      ASSIGN_OR_RETURN(body, DecodeGzip(body, kMaxBodyBytes));
    }
    ASSIGN_OR_RETURN(std::vector<TargetGroup> groups, ParseGroupsJson(body));
    for (size_t i = 0; i < groups.size(); ++i) {
      groups[i].source = SourceOf(i);
      groups[i].labels["__meta_url"] = config_.url;
    }
    return groups;
  }

  // With empty groups for those the last answer had beyond this one.
  std::vector<TargetGroup> Update(std::vector<TargetGroup> groups) {
    const size_t count = groups.size();
    for (size_t i = count; i < last_count_; ++i) groups.push_back({.source = SourceOf(i)});
    last_count_ = count;
    return groups;
  }

  std::string SourceOf(size_t i) const { return config_.url + ":" + std::to_string(i); }

  const HttpSdConfig config_;
  const std::string set_name_;
  const std::unique_ptr<HttpClient> client_;
  const DiscoveryServices services_;
  int64_t begin_ns_ = 0;  // of the chain: one refresh at a time
  size_t last_count_ = 0;

  Mutex mu_;  // held while the sink runs, so that Stop waits for it
  UpdateSink sink_ GUARDED_BY(mu_);
};

class HttpDiscoverer final : public Discoverer {
 public:
  explicit HttpDiscoverer(std::shared_ptr<Refresher> refresher)
      : refresher_(std::move(refresher)) {}
  ~HttpDiscoverer() override { refresher_->Stop(); }
  void Start(UpdateSink sink) override { refresher_->Start(std::move(sink)); }

 private:
  const std::shared_ptr<Refresher> refresher_;
};

}  // namespace

Result<std::unique_ptr<Discoverer>> NewHttpDiscoverer(const HttpSdConfig& config,
                                                      const std::string& set_name,
                                                      const DiscoveryServices& services) {
  ASSIGN_OR_RETURN(auto client, services.http->NewClient(config.http));
  return std::unique_ptr<Discoverer>(std::make_unique<HttpDiscoverer>(
      std::make_shared<Refresher>(config, set_name, std::move(client), services)));
}

}  // namespace deucalion::scrape
