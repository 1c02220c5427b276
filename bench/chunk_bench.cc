// Value columns of blocks and chunks of the head: bytes per value, encoding and decoding speed, by
// class of series and over the mix of the first six.
#include <benchmark/benchmark.h>

#include <cmath>
#include <random>
#include <vector>

#include "tsdb/chunk/packed_times.h"
#include "tsdb/chunk/packed_values.h"
#include "tsdb/chunk/xor.h"

namespace deucalion::tsdb {
namespace {

constexpr size_t kSamples = 480;  // two hours at 15 s
constexpr int kSeries = 100;
constexpr const char* kClasses[] = {"counter",  "cpu_seconds", "memory",      "temperature",
                                    "constant", "slow_bucket", "random_float"};

std::vector<double> MakeSeries(int64_t kind, std::mt19937_64& rng) {
  std::vector<double> v(kSamples);
  const auto below = [&](uint64_t n) { return static_cast<double>(rng() % n); };
  double x = below(1'000'000);
  for (double& out : v) {
    switch (kind) {
      case 0:
        out = x += below(200);
        break;
      case 1:
        x += below(20);
        out = x / 100;
        break;
      case 2:
        x += below(161) - 80;
        out = 4096 * (1e6 + x);
        break;
      case 3:
        out = (450 + below(5)) / 10;
        break;
      case 4:
        out = x;
        break;
      case 5:
        out = x += rng() % 30 == 0 ? 1 : 0;
        break;
      default:
        out = std::ldexp(below(1ull << 53), -53);
    }
  }
  return v;
}

std::vector<std::vector<double>> MakeAll(int64_t kind) {
  std::mt19937_64 rng(1);
  std::vector<std::vector<double>> all;
  for (int i = 0; i < kSeries; ++i) all.push_back(MakeSeries(kind, rng));
  return all;
}

void BM_EncodeValues(benchmark::State& state) {
  const auto all = MakeAll(state.range(0));
  std::string bytes;
  for (auto _ : state) {
    bytes.clear();
    for (const auto& v : all) EncodeValues(v, &bytes);
  }
  state.SetLabel(kClasses[state.range(0)]);
  state.SetItemsProcessed(state.iterations() * kSeries * static_cast<int64_t>(kSamples));
  state.counters["B/value"] =
      static_cast<double>(bytes.size()) / (kSeries * static_cast<double>(kSamples));
}
BENCHMARK(BM_EncodeValues)->DenseRange(0, 6);

void BM_DecodeValues(benchmark::State& state) {
  const auto all = MakeAll(state.range(0));
  std::string bytes;
  for (const auto& v : all) EncodeValues(v, &bytes);
  std::vector<double> out(kSamples);
  for (auto _ : state) {
    ByteReader in(bytes);
    for (int i = 0; i < kSeries; ++i) DecodeValues(&in, kSamples, out.data());
    benchmark::DoNotOptimize(out.data());
  }
  state.SetLabel(kClasses[state.range(0)]);
  state.SetItemsProcessed(state.iterations() * kSeries * static_cast<int64_t>(kSamples));
}
BENCHMARK(BM_DecodeValues)->DenseRange(0, 6);

constexpr int64_t kMix = 6;

void BM_DecodeValuesMix(benchmark::State& state) {
  std::string bytes;
  for (int64_t kind = 0; kind < kMix; ++kind) {
    for (const auto& v : MakeAll(kind)) EncodeValues(v, &bytes);
  }
  std::vector<double> out(kSamples);
  for (auto _ : state) {
    ByteReader in(bytes);
    for (int64_t i = 0; i < kMix * kSeries; ++i) DecodeValues(&in, kSamples, out.data());
    benchmark::DoNotOptimize(out.data());
  }
  const int64_t values = kMix * kSeries * static_cast<int64_t>(kSamples);
  state.SetItemsProcessed(state.iterations() * values);
  state.counters["B/value"] = static_cast<double>(bytes.size()) / static_cast<double>(values);
}
BENCHMARK(BM_DecodeValuesMix);

// Chunks of 120 samples, times and values. Argument 0: the mix; 1 + class: that one.
void BM_DecodeXor(benchmark::State& state) {
  std::vector<std::string> chunks;
  size_t bytes = 0;
  for (int64_t kind = 0; kind < kMix; ++kind) {
    if (state.range(0) != 0 && state.range(0) != kind + 1) continue;
    for (const auto& v : MakeAll(kind)) {
      for (size_t begin = 0; begin < kSamples; begin += 120) {
        XorWriter writer;
        for (size_t i = begin; i < begin + 120; ++i) {
          writer.Append(1'700'000'000'000 + static_cast<int64_t>(i) * 15'000, v[i]);
        }
        chunks.emplace_back(writer.Finish());
        bytes += chunks.back().size();
      }
    }
  }
  std::vector<int64_t> times;
  std::vector<double> values;
  for (auto _ : state) {
    for (const std::string& chunk : chunks) {
      times.clear();
      values.clear();
      benchmark::DoNotOptimize(XorDecode(chunk, &times, &values).ok());
    }
  }
  const auto samples = static_cast<int64_t>(chunks.size() * 120);
  state.SetLabel(state.range(0) == 0 ? "mix" : kClasses[state.range(0) - 1]);
  state.SetItemsProcessed(state.iterations() * samples);
  state.counters["B/sample"] = static_cast<double>(bytes) / static_cast<double>(samples);
}
BENCHMARK(BM_DecodeXor)->DenseRange(0, kMix);

void BM_DecodeJitteredTimes(benchmark::State& state) {
  std::mt19937_64 rng(1);
  std::vector<int64_t> times(kSamples), out(kSamples);
  for (size_t i = 0; i < kSamples; ++i) {
    times[i] = 15'000 * static_cast<int64_t>(i) + static_cast<int64_t>(rng() % 4);
  }
  std::string bytes;
  EncodeTimes(times, 0, &bytes);
  for (auto _ : state) {
    ByteReader in(bytes);
    TimesHeader header;
    DecodeTimesHeader(&in, 0, &header);
    DecodeTimes(&in, header, out.data());
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kSamples));
  state.counters["B/value"] = static_cast<double>(bytes.size()) / static_cast<double>(kSamples);
}
BENCHMARK(BM_DecodeJitteredTimes);

}  // namespace
}  // namespace deucalion::tsdb
