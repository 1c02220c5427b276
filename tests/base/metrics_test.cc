#include "base/metrics.h"

#include <gtest/gtest.h>

namespace deucalion {
namespace {

TEST(MetricRegistryTest, WritesFamiliesSortedByNameInTextFormat) {
  MetricRegistry registry;
  registry.AddGauge("zz_gauge", "A gauge.")->Set(1.5);
  auto* requests = registry.AddCounterFamily("requests_total", "Requests.", {"code"});
  requests->With({"200"})->Add(3);
  requests->With({"5\"0\\\n"})->Increment();
  EXPECT_EQ(registry.TextExposition(),
            "# HELP requests_total Requests.\n"
            "# TYPE requests_total counter\n"
            "requests_total{code=\"200\"} 3\n"
            "requests_total{code=\"5\\\"0\\\\\\n\"} 1\n"
            "# HELP zz_gauge A gauge.\n"
            "# TYPE zz_gauge gauge\n"
            "zz_gauge 1.5\n");
}

TEST(MetricRegistryTest, HistogramBucketsAreCumulative) {
  MetricRegistry registry;
  auto* h = registry.AddHistogram("h", "H.", {0.1, 1});
  h->Observe(0.1);
  h->Observe(0.5);
  h->Observe(7);
  EXPECT_EQ(registry.TextExposition(),
            "# HELP h H.\n# TYPE h histogram\n"
            "h_bucket{le=\"0.1\"} 1\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 3\n"
            "h_sum 7.6\nh_count 3\n");
}

TEST(MetricRegistryTest, SummariesGiveQuantilesOfWhatWasObserved) {
  MetricRegistry registry;
  auto* s = registry.AddSummary("s", "S.", {0.5});
  for (int i = 1; i <= 9; i++) s->Observe(i);
  const auto snapshot = s->Read();
  EXPECT_EQ(snapshot.count, 9u);
  EXPECT_EQ(snapshot.sum, 45);
  EXPECT_EQ(snapshot.quantiles[0].second, 5);
}

TEST(MetricRegistryTest, CollectorsRunAtEachExpositionUntilRemoved) {
  MetricRegistry registry;
  int calls = 0;
  registry.AddCollector(&calls, [&](MetricSink& sink) {
    calls++;
    sink.Family("live", "Live.", MetricType::kGauge);
    sink.Sample("", {{"a", "b"}}, calls);
  });
  EXPECT_EQ(registry.TextExposition(), "# HELP live Live.\n# TYPE live gauge\nlive{a=\"b\"} 1\n");
  registry.RemoveCollectors(&calls);
  EXPECT_EQ(registry.TextExposition(), "");
}

}  // namespace
}  // namespace deucalion
