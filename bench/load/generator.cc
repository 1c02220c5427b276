#include "bench/load/generator.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/bytes.h"
#include "base/hash.h"

namespace deucalion::bench {
namespace {

// splitmix64: small state, good enough to look like noise.
uint64_t NextRandom(uint64_t* state) {
  uint64_t z = (*state += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}
double Uniform(uint64_t* state) { return static_cast<double>(NextRandom(state) >> 11) * 0x1p-53; }

using Pairs = std::vector<std::pair<std::string, std::string>>;

// Out of 20: as on a busy node, without the many series that never change being the majority.
ValueKind KindOf(uint32_t metric) {
  static constexpr ValueKind kKinds[20] = {
      ValueKind::kConstant,    ValueKind::kCounter,    ValueKind::kCpuSeconds,
      ValueKind::kMemory,      ValueKind::kSlowBucket, ValueKind::kConstant,
      ValueKind::kCounter,     ValueKind::kCpuSeconds, ValueKind::kMemory,
      ValueKind::kTemperature, ValueKind::kConstant,   ValueKind::kCounter,
      ValueKind::kSlowBucket,  ValueKind::kMemory,     ValueKind::kTemperature,
      ValueKind::kConstant,    ValueKind::kCounter,    ValueKind::kCpuSeconds,
      ValueKind::kSlowBucket,  ValueKind::kNoise};
  return kKinds[metric % 20];
}

constexpr uint32_t kSeriesPerHost = 500;
constexpr uint32_t kMetricsPerHost = 100;

Pairs NodeLabels(uint32_t host, uint32_t metric, uint32_t variant) {
  static constexpr const char* kModes[] = {"idle", "iowait", "irq", "nice", "softirq"};
  return {{"__name__", "node_metric_" + std::to_string(metric) + "_total"},
          {"instance", "host-" + std::to_string(host) + ".example:9100"},
          {"job", "node"},
          {"datacenter", "dc" + std::to_string(host % 3)},
          {"rack", "r" + std::to_string(host % 40)},
          {"cpu", std::to_string(metric % 8)},
          {"mode", kModes[variant % 5]}};
}

Pairs PodLabels(uint32_t pod, uint32_t metric, uint32_t variant, uint32_t generation,
                uint64_t seed) {
  const std::string app = "app-" + std::to_string(pod % 50);
  const std::string id = std::to_string(
      Hash64(std::to_string(seed ^ pod ^ (uint64_t{generation} << 32))) % 1'000'000'000);
  return {{"__name__", "container_metric_" + std::to_string(metric)},
          {"cluster", "main"},
          {"container", app},
          {"endpoint", "https-metrics"},
          {"image", "registry.example/team/" + app + ":v1." + std::to_string(pod % 7)},
          {"instance", "10.0." + std::to_string(pod % 200) + ".7:10250"},
          {"job", "kubelet"},
          {"le", std::to_string(variant)},
          {"namespace", "ns-" + std::to_string(pod % 20)},
          {"node", "node-" + std::to_string(pod % 200)},
          {"pod", app + "-" + id},
          {"service", "kubelet"}};
}

}  // namespace

std::string WireLabels(const GeneratedSeries& series) {
  std::string out;
  for (const auto& [name, value] : series.labels) {
    std::string label;
    label.push_back('\x0a');
    PutLengthPrefixed(&label, name);
    label.push_back('\x12');
    PutLengthPrefixed(&label, value);
    out.push_back('\x0a');
    PutLengthPrefixed(&out, label);
  }
  return out;
}

std::string TextLabels(const GeneratedSeries& series) {
  std::string metric, rest;
  for (const auto& [name, value] : series.labels) {
    if (name == "__name__") {
      metric = value;
    } else if (name != "instance" && name != "job") {
      rest += (rest.empty() ? "" : ",") + name + "=\"" + value + "\"";
    }
  }
  return metric + "{" + rest + "}";
}

GeneratedSeries MakeSeries(uint64_t seed, uint32_t index, uint32_t generation) {
  const uint32_t owner = index / kSeriesPerHost;
  const uint32_t metric = index % kSeriesPerHost % kMetricsPerHost;
  const uint32_t variant = index % kSeriesPerHost / kMetricsPerHost;
  GeneratedSeries s;
  s.labels = owner % 2 == 0 ? NodeLabels(owner, metric, variant)
                            : PodLabels(owner, metric, variant, generation, seed);
  std::sort(s.labels.begin(), s.labels.end());
  s.kind = KindOf(metric);
  s.state = seed * 1'000'003 + index + (uint64_t{generation} << 40);
  s.value = std::floor(Uniform(&s.state) * 1e6);
  return s;
}

GeneratedSeries MakeFlatSeries(uint64_t seed, uint32_t index) {
  static constexpr const char* kModes[] = {"idle",    "iowait", "irq",    "nice",
                                           "softirq", "steal",  "system", "user"};
  GeneratedSeries s;
  s.labels = {{"__name__", "x"},
              {"group", "g" + std::to_string(index / 8 % 10)},
              {"instance", "host-" + std::to_string(index / 8) + ".example:9100"},
              {"job", "node"},
              {"mode", kModes[index % 8]}};
  s.kind = ValueKind::kCounter;
  s.state = seed * 1'000'003 + index;
  s.value = std::floor(Uniform(&s.state) * 1e6);
  return s;
}

double GeneratedSeries::Next() {
  switch (kind) {
    case ValueKind::kConstant:
      break;
    case ValueKind::kCounter:
      value += static_cast<double>(NextRandom(&state) % 200);
      break;
    case ValueKind::kCpuSeconds:
      // Whole hundredths, so that the sum stays one.
      value = std::round(value * 100 + static_cast<double>(NextRandom(&state) % 1500)) / 100;
      break;
    case ValueKind::kMemory:
      value = std::max(0.0, value + 4096.0 * (static_cast<double>(NextRandom(&state) % 65) - 32));
      value = std::floor(value / 4096) * 4096;
      break;
    case ValueKind::kTemperature:
      value = std::round(400 + 100 * Uniform(&state)) / 10;
      break;
    case ValueKind::kSlowBucket:
      if (NextRandom(&state) % 16 == 0) value += 1;
      break;
    case ValueKind::kNoise:
      value = Uniform(&state);
      break;
  }
  return value;
}

}  // namespace deucalion::bench
