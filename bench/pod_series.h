// 500,000 series with 12 labels: 50 metrics of 10,000 pods. Head and blocks answer the same
// selections of them, so that their figures can be compared.
#ifndef DEUCALION_BENCH_POD_SERIES_H_
#define DEUCALION_BENCH_POD_SERIES_H_

#include <string>
#include <vector>

#include "model/labels.h"
#include "model/matcher.h"

namespace deucalion::bench {

inline constexpr int kPodSeries = 500'000;
inline constexpr int kPods = 10'000;

inline std::string PodName(int pod) { return "deployment-" + std::to_string(pod) + "-x7k2p"; }

inline Labels PodSeries(int i) {
  const int pod = i % kPods, metric = i / kPods;
  LabelsBuilder b;
  b.Set("__name__", "container_metric_" + std::to_string(metric));
  b.Set("cluster", "eu-west-1").Set("container", "c" + std::to_string(pod % 7));
  b.Set("env", "production").Set("image", "registry/app-" + std::to_string(pod % 300) + ":v1");
  b.Set("instance", "10.0." + std::to_string(pod % 250) + ".1:10250").Set("job", "kubelet");
  b.Set("namespace", "ns-" + std::to_string(pod % 120))
      .Set("node", "node-" + std::to_string(pod % 250));
  b.Set("pod", PodName(pod)).Set("region", "eu");
  b.Set("service", "svc-" + std::to_string(pod % 400));
  return b.Build();
}

// What is selected, and how many series that are.
struct PodSelection {
  const char* name;
  std::vector<Matcher> matchers;
};
inline std::vector<PodSelection> PodSelections() {
  return {
      {"three matchers",
       {Matcher::Equal("image", "registry/app-17:v1"), Matcher::Equal("job", "kubelet"),
        Matcher::Equal("container", "c3")}},
      {"metric and job",
       {Matcher::Equal("__name__", "container_metric_7"), Matcher::Equal("job", "kubelet")}},
      {"regex over 10,000 values", {*Matcher::Make(MatchType::kRegexp, "pod", ".*-12.*-x7k2p")}},
      {"metric, regex and not equal",
       {Matcher::Equal("__name__", "container_metric_7"),
        *Matcher::Make(MatchType::kRegexp, "instance", "10.0.1.*"),
        *Matcher::Make(MatchType::kNotEqual, "container", "c3")}},
      {"everything", {Matcher::Equal("job", "kubelet")}},
  };
}

}  // namespace deucalion::bench

#endif  // DEUCALION_BENCH_POD_SERIES_H_
