#include "scrape/loop/scrape_manager.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/scrape/loop/fakes.h"

namespace deucalion::scrape {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class ScrapeManagerTest : public ::testing::Test {
 protected:
  static std::vector<TargetGroup> Group(std::vector<std::string> addresses) {
    TargetGroup g;
    for (auto& a : addresses) g.targets.push_back({{"__address__", a}});
    return {g};
  }
  std::vector<std::string> Urls(const std::string& job = "") const {
    std::vector<std::string> urls;
    for (const PoolTargets& pool : manager_.Targets(job)) {
      for (const auto& loop : pool.active) urls.push_back(loop->target()->url());
    }
    return urls;
  }

  FakeServices f_;
  ScrapeManager manager_{ScrapeOptions(), f_.services};
};

TEST_F(ScrapeManagerTest, MakesPoolsForConfiguredJobsOnly) {
  ASSERT_TRUE(manager_.ApplyConfig({MakeJob("a"), MakeJob("b")}, {}).ok());
  manager_.SetTargets({{"a", Group({"x:1", "y:1"})}, {"b", {}}, {"gone", Group({"z:1"})}});
  EXPECT_THAT(manager_.PoolNames(), ElementsAre("a", "b"));
  EXPECT_THAT(Urls(), ElementsAre("http://x:1/metrics", "http://y:1/metrics"));
  EXPECT_THAT(Urls("b"), IsEmpty());
}

TEST_F(ScrapeManagerTest, KeepsLoopsOfUnchangedJobsOverReloads) {
  const std::vector<ScrapeConfig> jobs = {MakeJob("a"), MakeJob("b")};
  ASSERT_TRUE(manager_.ApplyConfig(jobs, {}).ok());
  manager_.SetTargets({{"a", Group({"x:1"})}, {"b", Group({"y:1"})}});
  const auto before = manager_.Targets();
  std::vector<ScrapeConfig> changed = jobs;
  changed[1].limits.sample_limit = 5;
  ASSERT_TRUE(manager_.ApplyConfig(changed, {}).ok());
  const auto after = manager_.Targets();
  EXPECT_EQ(before[0].active[0], after[0].active[0]);
  EXPECT_NE(before[1].active[0], after[1].active[0]);
  changed[1].http.basic_auth = BasicAuth{.username = "u"};
  ASSERT_TRUE(manager_.ApplyConfig(changed, {}).ok());
  EXPECT_EQ(manager_.Targets()[1].active[0], after[1].active[0]);
}

TEST_F(ScrapeManagerTest, ScrapesOnAfterReload) {
  ASSERT_TRUE(manager_.ApplyConfig({MakeJob("a")}, {}).ok());
  manager_.SetTargets({{"a", Group({"x:1"})}});
  f_.http.Serve("http://x:1/metrics", "m 1\n");
  f_.scheduler.Advance(30'000);
  const std::string series = "m{instance=\"x:1\", job=\"a\"}";
  const size_t n = f_.storage.Of(series).size();
  EXPECT_EQ(n, 3u);
  ASSERT_TRUE(
      manager_.ApplyConfig({MakeJob("a", [](ScrapeConfig* c) { c->limits.sample_limit = 9; })}, {})
          .ok());
  f_.scheduler.Advance(60'000);
  EXPECT_EQ(f_.storage.Of(series).size(), n + 6);
  EXPECT_EQ(f_.storage.Last(series), "1");
}

TEST_F(ScrapeManagerTest, ReportsPoolThatCannotReload) {
  ASSERT_TRUE(manager_.ApplyConfig({MakeJob("a")}, {}).ok());
  manager_.SetTargets({{"a", Group({"x:1"})}});
  const Status s = manager_.ApplyConfig(
      {MakeJob("a", [](ScrapeConfig* c) { c->http.tls_config.ca_file = "missing"; })}, {});
  EXPECT_EQ(s.message(), "failed to apply the new configuration");
  EXPECT_THAT(Urls(), SizeIs(1));
}

TEST_F(ScrapeManagerTest, StopsTargetsThatAreGone) {
  ASSERT_TRUE(manager_.ApplyConfig({MakeJob("a")}, {}).ok());
  manager_.SetTargets({{"a", Group({"x:1", "y:1"})}});
  f_.http.Serve("http://x:1/metrics", "m 1\n");
  f_.scheduler.Advance(10'000);
  manager_.SetTargets({{"a", Group({"y:1"})}});
  f_.scheduler.Advance(30'000);
  EXPECT_EQ(f_.storage.Last("m{instance=\"x:1\", job=\"a\"}"), "stale");
  EXPECT_THAT(Urls(), SizeIs(1));
}

TEST_F(ScrapeManagerTest, MarksJobsThatAreGone) {
  ASSERT_TRUE(manager_.ApplyConfig({MakeJob("a")}, {}).ok());
  manager_.SetTargets({{"a", Group({"x:1"})}});
  f_.http.Serve("http://x:1/metrics", "m 1\n");
  f_.scheduler.Advance(10'000);
  ASSERT_TRUE(manager_.ApplyConfig({}, {}).ok());
  f_.scheduler.Advance(30'000);
  EXPECT_EQ(f_.storage.Last("up{instance=\"x:1\", job=\"a\"}"), "stale");
  EXPECT_THAT(manager_.PoolNames(), IsEmpty());
}

TEST_F(ScrapeManagerTest, EnforcesTargetLimit) {
  ASSERT_TRUE(
      manager_.ApplyConfig({MakeJob("a", [](ScrapeConfig* c) { c->limits.target_limit = 1; })}, {})
          .ok());
  manager_.SetTargets({{"a", Group({"x:1", "y:1"})}});
  f_.scheduler.Advance(10'000);
  EXPECT_EQ(manager_.Targets()[0].active[0]->target()->state().last_error,
            "target_limit exceeded (number of targets: 2, limit: 1)");
  EXPECT_THAT(f_.http.requests, IsEmpty());
  manager_.SetTargets({{"a", Group({"x:1"})}});
  f_.scheduler.Advance(10'000);
  EXPECT_THAT(f_.http.requests, SizeIs(1));
}

TEST_F(ScrapeManagerTest, KeepsDroppedTargetsUpToLimit) {
  ASSERT_TRUE(manager_
                  .ApplyConfig({MakeJob("a",
                                        [](ScrapeConfig* c) {
                                          c->limits.keep_dropped_targets = 1;
                                          RelabelConfig drop;
                                          drop.source_labels = {"__address__"};
                                          drop.regex = "[xy].*";
                                          drop.action = RelabelAction::kDrop;
                                          c->relabel_configs = {drop};
                                        })},
                               {})
                  .ok());
  manager_.SetTargets({{"a", Group({"x:1", "y:1", "z:1"})}});
  const PoolTargets pool = manager_.Targets()[0];
  EXPECT_THAT(pool.dropped, SizeIs(1));
  EXPECT_EQ(pool.dropped_count, 2u);
  EXPECT_THAT(pool.active, SizeIs(1));
  const auto steps = manager_.RelabelSteps("a", {{"__address__", "x:1"}});
  ASSERT_TRUE(steps.ok());
  ASSERT_THAT(*steps, SizeIs(1));
  EXPECT_FALSE((*steps)[0].keep);
  EXPECT_EQ(manager_.RelabelSteps("nope", {}).status().code(), StatusCode::kNotFound);
}

TEST(TargetTest, BuildsUrlsAndLabels) {
  ScrapeConfig job = MakeJob("j", [](ScrapeConfig* c) {
    c->params = {{"module", {"a b", "c"}}, {"x", {"1"}}};
    c->scheme = "https";
    c->metrics_path = "/p q";
  });
  GroupTargets made;
  MakeTargets(job,
              {.targets = {{{"__address__", "h:1"}, {"__param_x", "2"}, {"__meta_k", "v"}}},
               .labels = {{"zone", "z"}, {"__address__", "ignored"}}},
              &made);
  ASSERT_THAT(made.active, SizeIs(1));
  const Target& t = *made.active[0];
  EXPECT_EQ(t.url(), "https://h:1/p%20q?module=a+b&module=c&x=2");
  EXPECT_EQ(t.public_labels().ToString(), "{instance=\"h:1\", job=\"j\", zone=\"z\"}");
  EXPECT_EQ(t.discovered().Get("__meta_k"), "v");
  EXPECT_EQ(t.discovered().Get("__scrape_interval__"), "10s");
  EXPECT_EQ(t.labels().Get("__meta_k"), "");
}

TEST(TargetTest, RefusesWhatCannotBeScraped) {
  const std::pair<LabelMap, const char*> kCases[] = {
      {{}, "no address"},
      {{{"__address__", "a/b"}}, "\"a/b\" is not a valid hostname"},
      {{{"__address__", "a:1"}, {"__scrape_interval__", "0s"}}, "scrape interval cannot be 0"},
      {{{"__address__", "a:1"}, {"__scrape_timeout__", "0s"}}, "scrape timeout cannot be 0"},
      {{{"__address__", "a:1"}, {"__scrape_interval__", "1s"}, {"__scrape_timeout__", "2s"}},
       "scrape timeout cannot be greater than scrape interval (\"2s\" > \"1s\")"},
      {{{"__address__", "a:1"}, {"x", "\xff"}}, "invalid label value for \"x\": \"\\xff\""},
  };
  for (const auto& [labels, error] : kCases) {
    GroupTargets made;
    MakeTargets(MakeJob("j"), {.targets = {labels}, .source = "s"}, &made);
    ASSERT_THAT(made.failures, SizeIs(1));
    EXPECT_EQ(made.failures[0].message(), "instance 0 in group s: " + std::string(error));
  }
}

TEST(TargetTest, SpreadsOffsetsOverTheInterval) {
  const ScrapeConfig job = MakeJob("j");
  std::vector<int> buckets(10);
  for (int i = 0; i < 1000; ++i) {
    GroupTargets made;
    MakeTargets(job, {.targets = {{{"__address__", "h" + std::to_string(i)}}}}, &made);
    const int64_t offset = made.active[0]->OffsetNs(1'234'567'890'123'456'789, 10'000'000'000, 42);
    ASSERT_GE(offset, 0);
    ASSERT_LE(offset, 10'000'000'000);
    ++buckets[std::min<int64_t>(offset / 1'000'000'000, 9)];
  }
  for (int n : buckets) EXPECT_GT(n, 50);
}

}  // namespace
}  // namespace deucalion::scrape
