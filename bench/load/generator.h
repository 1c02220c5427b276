// Deterministic series as a fleet shows them: half node_exporter (few labels, many modes and
// devices), half Kubernetes (pods that come and go, ten to twelve labels), values of seven kinds
// from constant to full-precision noise. The same seed gives the same data on every machine.
#ifndef DEUCALION_BENCH_LOAD_GENERATOR_H_
#define DEUCALION_BENCH_LOAD_GENERATOR_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace deucalion::bench {

enum class ValueKind : uint8_t {
  kConstant,     // build info, limits, most of what exporters show
  kCounter,      // whole, random increments
  kCpuSeconds,   // two decimals, rising
  kMemory,       // multiples of 4096, wandering
  kTemperature,  // one decimal
  kSlowBucket,   // whole, rarely rises
  kNoise,        // a ratio with all its digits
};

struct GeneratedSeries {
  // Sorted by name.
  std::vector<std::pair<std::string, std::string>> labels;
  ValueKind kind = ValueKind::kConstant;
  uint64_t state = 0;  // of its random numbers
  double value = 0;

  // The next value; one call per sample, in order.
  double Next();
};

// The Label messages of a remote write TimeSeries.
std::string WireLabels(const GeneratedSeries& series);
// As in the text exposition format, without the labels that a server adds to its target's series.
std::string TextLabels(const GeneratedSeries& series);

// `generation` counts how often the pod behind series `index` was replaced.
GeneratedSeries MakeSeries(uint64_t seed, uint32_t index, uint32_t generation);

// Series `index` of one metric `x` with labels mode (8 values), group (10 values), instance and
// job: a counter.
GeneratedSeries MakeFlatSeries(uint64_t seed, uint32_t index);

}  // namespace deucalion::bench

#endif  // DEUCALION_BENCH_LOAD_GENERATOR_H_
