// Stand-ins for loop tests: a storage that remembers every sample as text, an HTTP engine that
// answers from a table, and the services that go with them. Everything runs on the test's thread.
#ifndef DEUCALION_TESTS_SCRAPE_LOOP_FAKES_H_
#define DEUCALION_TESTS_SCRAPE_LOOP_FAKES_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "model/value.h"
#include "scrape/loop/settings.h"
#include "tsdb/storage/appender.h"

namespace deucalion::scrape {

// Orders samples per series as the head does; a transaction is applied on Commit.
class FakeStorage final : public Appendable {
 public:
  struct Sample {
    int64_t time_ms;
    std::string value;  // "stale" for a marker, "{…}" for a histogram
    friend bool operator==(const Sample&, const Sample&) = default;
  };

  std::unique_ptr<Appender> NewAppender(const AppenderOptions& options = {}) override {
    return std::make_unique<FakeAppender>(this, options);
  }

  // Committed samples of a series, by its label text.
  std::vector<Sample> Of(const std::string& series) const {
    const auto it = samples_.find(series);
    return it == samples_.end() ? std::vector<Sample>() : it->second;
  }
  // "value@time value@time …".
  std::string Text(const std::string& series) const {
    std::string text;
    for (const Sample& s : Of(series)) {
      text += (text.empty() ? "" : " ") + s.value + "@" + std::to_string(s.time_ms);
    }
    return text;
  }
  std::string Last(const std::string& series) const {
    const auto samples = Of(series);
    return samples.empty() ? "" : samples.back().value;
  }
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& [name, samples] : samples_) names.push_back(name);
    return names;
  }
  // Drops all refs, as a head that was cut.
  void ForgetSeries() {
    refs_.clear();
    names_.clear();
  }
  void FailCommits(Status status) { commit_status_ = std::move(status); }

  std::map<std::string, std::vector<Exemplar>> exemplars;
  std::map<std::string, Metadata> metadata;
  int rollbacks = 0;
  int lookups = 0;  // Find and FindOrCreate

 private:
  class FakeAppender final : public Appender {
   public:
    FakeAppender(FakeStorage* s, const AppenderOptions& options) : s_(s), options_(options) {}

    SeriesRef Find(LabelsView labels, uint64_t, SeriesRef) override {
      ++s_->lookups;
      const auto it = s_->refs_.find(labels.ToString());
      return it == s_->refs_.end() ? 0 : it->second;
    }
    Result<SeriesRef> FindOrCreate(LabelsView labels, uint64_t hash, SeriesRef hint) override {
      if (SeriesRef ref = Find(labels, hash, hint); ref != 0) return ref;
      const SeriesRef ref = ++s_->next_ref_;
      s_->refs_[labels.ToString()] = ref;
      s_->names_[ref] = labels.ToString();
      return ref;
    }
    Status Append(SeriesRef ref, int64_t t, double v, int64_t) override {
      return Take(ref, t, IsStaleNan(v) ? "stale" : FormatFloatF(v));
    }
    size_t AppendBatch(std::span<const RefSample> samples,
                       std::vector<SampleError>* errors) override {
      size_t taken = 0;
      for (size_t i = 0; i < samples.size(); ++i) {
        Status s = Append(samples[i].ref, samples[i].time_ms, samples[i].value, 0);
        s.ok() ? void(++taken) : errors->push_back({i, std::move(s)});
      }
      return taken;
    }
    Status AppendHistogram(SeriesRef ref, int64_t t, const IntHistogram& h, int64_t) override {
      return Take(ref, t, "{schema:" + std::to_string(h.schema) + "}");
    }
    Status AppendFloatHistogram(SeriesRef ref, int64_t t, const FloatHistogram& h,
                                int64_t) override {
      return Take(ref, t, "{schema:" + std::to_string(h.schema) + "}");
    }
    Status AppendExemplar(SeriesRef ref, const Exemplar& e) override {
      s_->exemplars[s_->names_[ref]].push_back(e);
      return OkStatus();
    }
    Status UpdateMetadata(SeriesRef ref, const Metadata& m) override {
      s_->metadata[s_->names_[ref]] = m;
      return OkStatus();
    }
    Status Commit() override {
      if (!s_->commit_status_.ok()) return s_->commit_status_;
      for (auto& [name, samples] : pending_) {
        auto& all = s_->samples_[name];
        all.insert(all.end(), samples.begin(), samples.end());
      }
      pending_.clear();
      return OkStatus();
    }
    Status Rollback() override {
      ++s_->rollbacks;
      pending_.clear();
      return OkStatus();
    }

   private:
    Status Take(SeriesRef ref, int64_t t, std::string value) {
      const auto name = s_->names_.find(ref);
      if (name == s_->names_.end()) return NotFoundError("unknown ref");
      const Sample* last = nullptr;
      const auto committed = s_->samples_.find(name->second);
      if (committed != s_->samples_.end() && !committed->second.empty()) {
        last = &committed->second.back();
      }
      auto& pending = pending_[name->second];
      if (!pending.empty()) last = &pending.back();
      if (last != nullptr && t < last->time_ms) {
        return Status(StatusCode::kOutOfOrder, "out of order sample");
      }
      if (last != nullptr && t == last->time_ms) {
        if (last->value == value) return OkStatus();
        return Status(StatusCode::kDuplicateSample, "duplicate sample for timestamp");
      }
      pending.push_back({t, std::move(value)});
      return OkStatus();
    }

    FakeStorage* s_;
    AppenderOptions options_;
    std::map<std::string, std::vector<Sample>> pending_;
  };

  SeriesRef next_ref_ = 0;
  std::map<std::string, SeriesRef> refs_;
  std::map<SeriesRef, std::string> names_;
  std::map<std::string, std::vector<Sample>> samples_;
  Status commit_status_;
};

// Answers by URL. A handler may also keep `done` and answer later.
class FakeHttp final : public HttpEngine {
 public:
  using Handler = std::function<void(const HttpRequest&, HttpClient::Done)>;

  void Handle(const std::string& url, Handler handler) { handlers_[url] = std::move(handler); }
  // Answers with 200 and this text from now on.
  void Serve(const std::string& url, std::string body,
             std::string content_type = "text/plain; version=0.0.4") {
    Handle(url, [body = std::move(body), content_type = std::move(content_type)](
                    const HttpRequest&, HttpClient::Done done) {
      HttpResponse r{.status = 200, .status_line = "200 OK", .body = body};
      if (!content_type.empty()) r.headers["content-type"] = content_type;
      done(std::move(r));
    });
  }
  void Fail(const std::string& url, Status status) {
    Handle(url, [status](const HttpRequest&, HttpClient::Done done) { done(status); });
  }

  Result<std::unique_ptr<HttpClient>> NewClient(const HttpClientConfig& config) override {
    ++clients;
    if (config.tls_config.ca_file == "missing") return NotFoundError("unable to read CA cert");
    return std::unique_ptr<HttpClient>(std::make_unique<Client>(this));
  }

  std::vector<HttpRequest> requests;
  int clients = 0;

 private:
  class Client final : public HttpClient {
   public:
    explicit Client(FakeHttp* http) : http_(http) {}
    void Send(HttpRequest request, Done done) override {
      http_->requests.push_back(request);
      const auto it = http_->handlers_.find(request.url);
      if (it == http_->handlers_.end()) {
        done(UnavailableError("Get \"" + request.url + "\": connection refused"));
      } else {
        it->second(request, std::move(done));
      }
    }

   private:
    FakeHttp* http_;
  };
  std::map<std::string, Handler> handlers_;
};

struct FakeServices {
  FakeServices() {
    services.storage = &storage;
    services.http = &http;
    services.scheduler = &scheduler;
    services.clock = &clock;
    services.log = Logger::Null();
    services.metrics = &metrics;
    services.run = [](std::function<void()> task) { task(); };
  }

  ManualClock clock{1'700'000'000'000};
  ManualScheduler scheduler{&clock};
  MetricRegistry registry;
  ScrapeMetrics metrics{&registry};
  FakeStorage storage;
  FakeHttp http;
  ScrapeServices services;
};

// A job with globals applied; `edit` changes it first.
inline ScrapeConfig MakeJob(const std::string& name,
                            const std::function<void(ScrapeConfig*)>& edit = nullptr) {
  ScrapeConfig job;
  job.job_name = name;
  job.scrape_interval_ms = 10'000;
  job.scrape_timeout_ms = 5'000;
  if (edit) edit(&job);
  Status s = job.Validate();
  if (s.ok()) s = job.ApplyGlobals(GlobalScrapeConfig());
  CHECK(s.ok());
  return job;
}

}  // namespace deucalion::scrape

#endif  // DEUCALION_TESTS_SCRAPE_LOOP_FAKES_H_
