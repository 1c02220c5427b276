#include "scrape/loop/scrape_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/scrape/loop/fakes.h"

namespace deucalion::scrape {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

constexpr char kUrl[] = "http://t:1/metrics";
constexpr char kTarget[] = "instance=\"t:1\", job=\"j\"";

std::string Name(const std::string& metric, const std::string& extra = "") {
  return metric + "{" + (extra.empty() ? "" : extra + ", ") + kTarget + "}";
}

class ScrapeLoopTest : public ::testing::Test {
 protected:
  void Begin(const std::function<void(ScrapeConfig*)>& edit = nullptr,
             const ScrapeOptions& options = {}, const LabelMap& labels = {}) {
    config_ = std::make_shared<const ScrapeConfig>(MakeJob("j", edit));
    TargetGroup group{.targets = {{{"__address__", "t:1"}}}, .labels = labels};
    GroupTargets made;
    MakeTargets(*config_, group, &made);
    ASSERT_THAT(made.active, SizeIs(1));
    auto client = f_.http.NewClient({});
    loop_ = std::make_shared<ScrapeLoop>(
        made.active[0], LoopJob{config_, std::shared_ptr<HttpClient>(*std::move(client)), nullptr},
        options, f_.services);
    loop_->Start(0);
    // To just before the first tick, so that each Scrape() is one tick.
    const int64_t offset_ns =
        loop_->target()->OffsetNs(f_.clock.NowMs() * 1'000'000, 10'000'000'000, 0);
    f_.scheduler.Advance(offset_ns / 1'000'000 - 5);
  }
  void Scrape(const std::string& body, const std::string& type = "text/plain; version=0.0.4") {
    f_.http.Serve(kUrl, body, type);
    f_.scheduler.Advance(10'000);
  }
  void FailScrape() {
    f_.http.Fail(kUrl, UnavailableError("no"));
    f_.scheduler.Advance(10'000);
  }
  std::string Last(const std::string& metric, const std::string& extra = "") const {
    return f_.storage.Last(Name(metric, extra));
  }
  size_t Count(const std::string& metric) const { return f_.storage.Of(Name(metric)).size(); }

  FakeServices f_;
  std::shared_ptr<const ScrapeConfig> config_;
  std::shared_ptr<ScrapeLoop> loop_;
};

TEST_F(ScrapeLoopTest, WritesSamplesAndReport) {
  Begin();
  Scrape("a 1\nb{x=\"y\"} 2\n");
  EXPECT_EQ(Last("a"), "1");
  EXPECT_EQ(f_.storage.Last("b{instance=\"t:1\", job=\"j\", x=\"y\"}"), "2");
  EXPECT_EQ(Last("up"), "1");
  EXPECT_EQ(Last("scrape_samples_scraped"), "2");
  EXPECT_EQ(Last("scrape_samples_post_metric_relabeling"), "2");
  EXPECT_EQ(Last("scrape_series_added"), "2");
  EXPECT_EQ(Last("scrape_duration_seconds"), "0");
  EXPECT_EQ(Last("scrape_timeout_seconds"), "");
  Scrape("a 1\nb{x=\"y\"} 2\n");
  EXPECT_EQ(Last("scrape_series_added"), "0");
  EXPECT_EQ(loop_->target()->state().health, TargetHealth::kUp);
}

TEST_F(ScrapeLoopTest, LooksUpKnownSeriesOnce) {
  Begin();
  Scrape("a 1\nb 2\nc 3\n");
  const int lookups = f_.storage.lookups;
  Scrape("a 1\nb 2\nc 3\n");
  Scrape("c 1\na 2\nb 3\n");
  EXPECT_EQ(f_.storage.lookups, lookups);
  EXPECT_EQ(Last("c"), "1");
}

TEST_F(ScrapeLoopTest, SendsHeadersThatPrometheusSends) {
  Begin();
  Scrape("a 1\n");
  std::map<std::string, std::string> headers(f_.http.requests[0].headers.begin(),
                                             f_.http.requests[0].headers.end());
  EXPECT_EQ(headers["Accept"],
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
            "application/openmetrics-text;version=0.0.1;q=0.5,"
            "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
            "text/plain;version=0.0.4;q=0.3,*/*;q=0.2");
  EXPECT_EQ(headers["Accept-Encoding"], "gzip");
  EXPECT_EQ(headers["X-Prometheus-Scrape-Timeout-Seconds"], "5");
  EXPECT_EQ(f_.http.requests[0].timeout_ms, 5'000);
}

TEST_F(ScrapeLoopTest, MarksSeriesThatAreGone) {
  Begin();
  Scrape("a 1\nb 2\n");
  Scrape("b 3\n");
  EXPECT_EQ(Last("a"), "stale");
  EXPECT_EQ(Last("b"), "3");
  Scrape("b 4\n");
  EXPECT_EQ(Count("a"), 2u);
  Scrape("a 5\nb 4\n");
  EXPECT_EQ(Last("a"), "5");
  EXPECT_EQ(Last("scrape_series_added"), "1");
}

TEST_F(ScrapeLoopTest, MarksEverythingWhenScrapeFails) {
  Begin();
  Scrape("a 1\n");
  FailScrape();
  EXPECT_EQ(Last("a"), "stale");
  EXPECT_EQ(Last("up"), "0");
  EXPECT_EQ(loop_->target()->state().last_error, "no");
  FailScrape();
  EXPECT_EQ(Count("a"), 2u);
  Scrape("a 2\n");
  EXPECT_EQ(Last("a"), "2");
  EXPECT_EQ(Last("up"), "1");
}

TEST_F(ScrapeLoopTest, MarksEverythingWhenBodyDoesNotParse) {
  Begin();
  Scrape("a 1\nb 1\n");
  Scrape("a 2\nnew 1\n7&-\n");
  EXPECT_EQ(Last("a"), "stale");
  EXPECT_EQ(Last("b"), "stale");
  EXPECT_EQ(Last("new"), "");
  EXPECT_EQ(Last("up"), "0");
  EXPECT_EQ(Last("scrape_samples_scraped"), "2");
  EXPECT_THAT(loop_->target()->state().last_error, HasSubstr("expected a valid start token"));
  Scrape("a 3\nb 3\n");
  EXPECT_EQ(Last("b"), "3");
  EXPECT_EQ(Count("new"), 0u);
}

TEST_F(ScrapeLoopTest, TreatsEmptyBodyAsNothingExposed) {
  Begin();
  Scrape("a 1\n");
  Scrape("");
  EXPECT_EQ(Last("a"), "stale");
  EXPECT_EQ(Last("up"), "1");
}

TEST_F(ScrapeLoopTest, ReportsOtherStatuses) {
  Begin();
  f_.http.Handle(kUrl, [](const HttpRequest&, HttpClient::Done done) {
    done(HttpResponse{.status = 500, .status_line = "500 Internal Server Error"});
  });
  f_.scheduler.Advance(10'000);
  EXPECT_EQ(loop_->target()->state().last_error,
            "server returned HTTP status 500 Internal Server Error");
  EXPECT_EQ(loop_->target()->state().health, TargetHealth::kDown);
}

TEST_F(ScrapeLoopTest, FailsWithoutContentTypeUnlessThereIsFallback) {
  Begin();
  Scrape("a 1\n", "");
  EXPECT_EQ(Last("up"), "0");
  EXPECT_THAT(loop_->target()->state().last_error, HasSubstr("blank Content-Type"));
  loop_->StopSilently();
  Begin(
      [](ScrapeConfig* c) { c->fallback_scrape_protocol = ScrapeProtocol::kPrometheusText0_0_4; });
  Scrape("a 1\n", "");
  EXPECT_EQ(Last("a"), "1");
}

TEST_F(ScrapeLoopTest, RenamesConflictingLabels) {
  Begin(nullptr, {}, {{"x", "target"}});
  Scrape("a{job=\"own\",x=\"1\",exported_x=\"2\"} 1\n");
  EXPECT_EQ(f_.storage.Last("a{exported_exported_x=\"1\", exported_job=\"own\", "
                            "exported_x=\"2\", instance=\"t:1\", job=\"j\", x=\"target\"}"),
            "1");
}

TEST_F(ScrapeLoopTest, HonorsLabels) {
  Begin([](ScrapeConfig* c) { c->honor_labels = true; }, {}, {{"x", "target"}});
  Scrape("a{job=\"own\",x=\"1\"} 1\na{x=\"\"} 2\n");
  EXPECT_EQ(f_.storage.Last("a{instance=\"t:1\", job=\"own\", x=\"1\"}"), "1");
  EXPECT_EQ(f_.storage.Last("a{instance=\"t:1\", job=\"j\", x=\"target\"}"), "2");
}

TEST_F(ScrapeLoopTest, RelabelsMetrics) {
  Begin([](ScrapeConfig* c) {
    RelabelConfig drop;
    drop.source_labels = {"__name__"};
    drop.regex = "drop.*";
    drop.action = RelabelAction::kDrop;
    RelabelConfig rename;
    rename.source_labels = {"__name__"};
    rename.regex = "old_(.*)";
    rename.target_label = "__name__";
    rename.replacement = "new_$1";
    c->metric_relabel_configs = {drop, rename};
  });
  Scrape("drop_me 1\nold_x 2\n");
  Scrape("drop_me 1\nold_x 3\n");
  EXPECT_EQ(Last("new_x"), "3");
  EXPECT_EQ(Last("drop_me"), "");
  EXPECT_EQ(Last("scrape_samples_scraped"), "2");
  EXPECT_EQ(Last("scrape_samples_post_metric_relabeling"), "1");
}

TEST_F(ScrapeLoopTest, EnforcesSampleLimit) {
  Begin([](ScrapeConfig* c) { c->limits.sample_limit = 2; });
  Scrape("a 1\nb 1\n");
  EXPECT_EQ(Last("up"), "1");
  Scrape("a 1\nb 1\nc 1\nd 1\n");
  EXPECT_EQ(Last("up"), "0");
  EXPECT_EQ(Last("a"), "stale");
  EXPECT_EQ(Last("c"), "");
  EXPECT_EQ(Last("scrape_samples_scraped"), "4");
  EXPECT_EQ(Last("scrape_samples_post_metric_relabeling"), "4");
  EXPECT_EQ(loop_->target()->state().last_error, "sample limit exceeded");
  EXPECT_EQ(f_.metrics.exceeded_sample_limit->value(), 1);
  Scrape("a 2\nb 2\n");
  EXPECT_EQ(Last("a"), "2");
}

TEST_F(ScrapeLoopTest, EnforcesLabelLimits) {
  struct Case {
    void (*edit)(ScrapeConfig*);
    const char* body;
    const char* error;
  };
  const Case kCases[] = {
      {[](ScrapeConfig* c) { c->limits.label_limit = 3; }, "m{l=\"v\"} 1\n",
       "label_limit exceeded (metric: m, number of labels: 4, limit: 3)"},
      {[](ScrapeConfig* c) { c->limits.label_name_length_limit = 9; }, "m{longer_name=\"v\"} 1\n",
       "label_name_length_limit exceeded (metric: m, label name: longer_name, length: 11, limit: "
       "9)"},
      {[](ScrapeConfig* c) { c->limits.label_value_length_limit = 4; }, "m{l=\"12345\"} 1\n",
       "label_value_length_limit exceeded (metric: m, label name: l, value: \"12345\", length: 5, "
       "limit: 4)"},
  };
  for (const Case& c : kCases) {
    Begin(c.edit);
    Scrape(c.body);
    EXPECT_EQ(loop_->target()->state().last_error, c.error);
    loop_->StopSilently();
  }
  EXPECT_EQ(f_.metrics.exceeded_label_limits->value(), 3);
}

TEST_F(ScrapeLoopTest, EnforcesBodySizeLimit) {
  Begin([](ScrapeConfig* c) {
    c->limits.body_size_limit = 10;
    c->extra_scrape_metrics = true;
  });
  Scrape("a 1\n");
  EXPECT_EQ(Last("scrape_body_size_bytes"), "4");
  EXPECT_EQ(Last("scrape_timeout_seconds"), "5");
  Scrape("a 1\nb 2\nc 3\n");
  EXPECT_EQ(Last("scrape_body_size_bytes"), "-1");
  EXPECT_EQ(Last("up"), "0");
  EXPECT_EQ(loop_->target()->state().last_error, "body size limit exceeded");
}

TEST_F(ScrapeLoopTest, KeepsExplicitTimestampsOutOfStaleness) {
  Begin();
  const std::string now = std::to_string(f_.clock.NowMs());
  Scrape("a 1 " + now + "\nb 1\n");
  EXPECT_EQ(f_.storage.Text(Name("a")), "1@" + now);
  Scrape("b 1\n");
  EXPECT_EQ(Count("a"), 1u);
}

TEST_F(ScrapeLoopTest, TracksExplicitTimestampsIfAsked) {
  Begin([](ScrapeConfig* c) { c->track_timestamps_staleness = true; });
  Scrape("a 1 " + std::to_string(f_.clock.NowMs()) + "\n");
  Scrape("b 1\n");
  EXPECT_EQ(Last("a"), "stale");
}

TEST_F(ScrapeLoopTest, IgnoresTimestampsIfNotHonored) {
  Begin([](ScrapeConfig* c) { c->honor_timestamps = false; });
  Scrape("a 1 5\n");
  EXPECT_EQ(f_.storage.Of(Name("a"))[0].time_ms, f_.storage.Of(Name("up"))[0].time_ms);
}

TEST_F(ScrapeLoopTest, CountsRefusedSamples) {
  Begin();
  const int64_t now = f_.clock.NowMs();
  Scrape("dup 1\ndup 2\nooo 1 " + std::to_string(now) + "\nahead 1 " +
         std::to_string(now + 3'600'000) + "\n");
  Scrape("ooo 1 " + std::to_string(now - 1000) + "\ndup 1\nooo{} 2 " + std::to_string(now) + "\n");
  EXPECT_EQ(f_.metrics.duplicate_samples->value(), 2);
  EXPECT_EQ(f_.metrics.out_of_order_samples->value(), 1);
  EXPECT_EQ(f_.metrics.out_of_bounds_samples->value(), 1);
  EXPECT_EQ(Last("up"), "1");
  EXPECT_EQ(f_.storage.Text(Name("ahead")), "");
}

TEST_F(ScrapeLoopTest, FindsSeriesAgainAfterStorageForgotThem) {
  Begin();
  Scrape("a 1\nb 1\n");
  f_.storage.ForgetSeries();
  Scrape("a 2\nb 2\n");
  EXPECT_EQ(Last("a"), "2");
  EXPECT_EQ(Last("b"), "2");
  EXPECT_EQ(Last("up"), "1");
  EXPECT_EQ(Last("scrape_samples_scraped"), "2");
  Scrape("b 3\n");
  EXPECT_EQ(Last("a"), "stale");
}

TEST_F(ScrapeLoopTest, KeepsExemplarsAndMetadata) {
  Begin(nullptr, {.append_metadata = true});
  Scrape("# HELP a helps\n# TYPE a counter\na_total 1 # {id=\"x\"} 0.5\n# EOF\n",
         "application/openmetrics-text; version=1.0.0");
  EXPECT_THAT(f_.storage.exemplars[Name("a_total")], SizeIs(1));
  EXPECT_EQ(f_.storage.metadata[Name("a_total")].help, "helps");
  EXPECT_EQ(f_.storage.metadata[Name("up")].kind, MetricKind::kGauge);
  Metadata m;
  ASSERT_TRUE(loop_->cache().GetMetadata("a", &m));
  EXPECT_EQ(m.kind, MetricKind::kCounter);
  EXPECT_THAT(loop_->cache().ListMetadata(), SizeIs(1));
}

TEST_F(ScrapeLoopTest, WritesZeroWhereCounterStarted) {
  Begin(nullptr, {.start_zero_ingestion = true});
  const int64_t start = f_.clock.NowMs() / 1000 - 60;
  const std::string body =
      "# TYPE a counter\na_total 7\na_created " + std::to_string(start) + "\n# EOF\n";
  Scrape(body, "application/openmetrics-text");
  Scrape(body, "application/openmetrics-text");
  EXPECT_THAT(f_.storage.Of(Name("a_total")), SizeIs(3));
  EXPECT_EQ(f_.storage.Of(Name("a_total"))[0], (FakeStorage::Sample{start * 1000, "0"}));
  EXPECT_EQ(Last("a_created"), "");
}

TEST_F(ScrapeLoopTest, MarksTargetThatIsGone) {
  Begin();
  Scrape("a 1\n");
  loop_->Stop();  // just before the second tick
  f_.scheduler.Advance(10'900);
  EXPECT_EQ(Last("a"), "1");
  f_.scheduler.Advance(200);
  EXPECT_EQ(Last("a"), "stale");
  EXPECT_EQ(Last("up"), "stale");
  const auto times = f_.storage.Of(Name("a"));
  EXPECT_EQ(times[1].time_ms - times[0].time_ms, 10'000);
}

TEST_F(ScrapeLoopTest, LeavesTargetThatCameBackAlone) {
  Begin();
  Scrape("a 1\n");
  loop_->Stop();
  f_.http.requests.clear();
  Begin();
  for (int i = 0; i < 4; ++i) Scrape("a 2\n");
  EXPECT_EQ(Last("a"), "2");
  EXPECT_THAT(f_.storage.Text(Name("a")), Not(HasSubstr("stale")));
}

TEST_F(ScrapeLoopTest, WritesNothingAfterSilentStop) {
  Begin();
  Scrape("a 1\n");
  loop_->StopSilently();
  f_.scheduler.Advance(100'000);
  EXPECT_EQ(f_.storage.Text(Name("a")), "1@" + std::to_string(f_.storage.Of(Name("a"))[0].time_ms));
}

TEST_F(ScrapeLoopTest, FailsEveryScrapeWithForcedError) {
  Begin();
  Scrape("a 1\n");
  loop_->SetForcedError(ResourceExhaustedError("target_limit exceeded"));
  Scrape("a 1\n");
  EXPECT_EQ(Last("up"), "0");
  EXPECT_EQ(Last("a"), "stale");
  EXPECT_EQ(loop_->target()->state().last_error, "target_limit exceeded");
  EXPECT_THAT(f_.http.requests, SizeIs(1));
}

TEST_F(ScrapeLoopTest, AlignsTimestampsWithinTolerance) {
  Begin([](ScrapeConfig* c) { c->scrape_interval_ms = 10'000; });
  for (int i = 0; i < 5; ++i) Scrape("a 1\n");
  const auto samples = f_.storage.Of(Name("a"));
  for (size_t i = 1; i < samples.size(); ++i) {
    EXPECT_EQ(samples[i].time_ms - samples[i - 1].time_ms, 10'000);
  }
}

TEST_F(ScrapeLoopTest, SkipsTicksWhileScrapeIsUnderWay) {
  Begin();
  HttpClient::Done answer;
  f_.http.Handle(kUrl,
                 [&](const HttpRequest&, HttpClient::Done done) { answer = std::move(done); });
  f_.scheduler.Advance(35'000);
  EXPECT_THAT(f_.http.requests, SizeIs(1));
  f_.http.Serve(kUrl, "a 2\n");
  answer(UnavailableError("late"));
  f_.scheduler.Advance(1);
  EXPECT_THAT(f_.http.requests, SizeIs(2));  // the missed tick, at once
  f_.scheduler.Advance(10'000);
  EXPECT_THAT(f_.http.requests, SizeIs(3));
}

TEST_F(ScrapeLoopTest, GoesOnAfterFailedCommit) {
  Begin();
  f_.storage.FailCommits(Status(StatusCode::kNoSpace, "disk full"));
  Scrape("a 1\n");
  EXPECT_EQ(Last("a"), "");
  f_.storage.FailCommits(OkStatus());
  Scrape("a 2\n");
  EXPECT_EQ(Last("a"), "2");
}

TEST_F(ScrapeLoopTest, CutsCacheThatGrowsOverFailingScrapes) {
  Begin();
  for (int i = 0; i < 5; ++i) {
    std::string body;
    for (int k = 0; k < 600; ++k) {
      body += "m{i=\"" + std::to_string(i) + "\",k=\"" + std::to_string(k) + "\"} 1\n";
    }
    Scrape(body + "bad line here\n");
  }
  EXPECT_GE(f_.metrics.cache_flush_forced->value(), 1);
  EXPECT_LE(loop_->cache().series_count(), 2'000u);
}

TEST_F(ScrapeLoopTest, DecodesGzipBodies) {
  Begin([](ScrapeConfig* c) { c->limits.body_size_limit = 1000; });
  // "a 1" and a line break.
  const std::string small(
      "\x1f"
      "\x8b"
      "\x08"
      "\x00"
      "\x00"
      "\x00"
      "\x00"
      "\x00"
      "\x02"
      "\x03"
      "\x4b"
      "\x54"
      "\x30"
      "\xe4"
      "\x02"
      "\x00"
      "\x36"
      "\xe7"
      "\x1b"
      "\xbc"
      "\x04"
      "\x00"
      "\x00"
      "\x00"
      "",
      24);
  f_.http.Handle(kUrl, [&](const HttpRequest&, HttpClient::Done done) {
    done(HttpResponse{.status = 200,
                      .body = small,
                      .headers = {{"content-type", "text/plain"}, {"content-encoding", "gzip"}}});
  });
  f_.scheduler.Advance(10'000);
  EXPECT_EQ(loop_->target()->state().last_error, "");
  EXPECT_EQ(Last("a"), "1");
}

TEST_F(ScrapeLoopTest, ConvertsAndBoundsHistograms) {
  const std::string body =
      "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"2\"} 2\nh_bucket{le=\"+Inf\"} 3\n"
      "h_count 3\nh_sum 4\n";
  Begin([](ScrapeConfig* c) { c->convert_classic_histograms_to_nhcb = true; });
  Scrape(body);
  Scrape(body);
  EXPECT_EQ(Last("h"), "{schema:-53}");
  EXPECT_EQ(Count("h"), 2u);
  EXPECT_EQ(Last("h_count"), "");
  Scrape("x 1\n");
  EXPECT_EQ(Last("h"), "stale");
  loop_->StopSilently();
  Begin([](ScrapeConfig* c) {
    c->convert_classic_histograms_to_nhcb = true;
    c->native_histogram_bucket_limit = 2;
  });
  Scrape(body);
  EXPECT_EQ(Last("up"), "0");
  EXPECT_EQ(loop_->target()->state().last_error, "histogram bucket limit exceeded");
}

TEST_F(ScrapeLoopTest, SurvivesSeriesThatComeAndGo) {
  Begin();
  uint64_t random = 1;
  std::map<std::string, std::string> last;
  for (int round = 0; round < 60; ++round) {
    std::string body;
    std::map<std::string, std::string> now;
    for (int k = 0; k < 50; ++k) {
      random = random * 6364136223846793005u + 1442695040888963407u;
      if ((random >> 33) % 3 == 0) continue;
      const std::string name = "m" + std::to_string((k * 7 + round % 5) % 50);
      if (!now.emplace(name, std::to_string(round)).second) continue;
      body += name + " " + std::to_string(round) + "\n";
    }
    Scrape(body);
    for (const auto& [name, value] : now) ASSERT_EQ(Last(name), value) << round;
    for (const auto& [name, value] : last) {
      if (now.contains(name)) continue;
      ASSERT_EQ(Last(name), "stale") << round << name;
    }
    last = std::move(now);
    ASSERT_EQ(loop_->cache().series_count(), last.size());
  }
}

}  // namespace
}  // namespace deucalion::scrape
