// Remote write, sending: what a value costs from the WAL feed's batch to compressed bytes.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "base/metrics.h"
#include "server/remote/send/send_queue.h"

namespace deucalion::remote {
namespace {

constexpr int kSeries = 2'000;

// Like node_exporter's: ten labels, most of them shared.
Labels SeriesLabels(int i) {
  return Labels{{"__name__", "node_metric_" + std::to_string(i % 200) + "_total"},
                {"cluster", "production-eu-west-1"},
                {"cpu", std::to_string(i % 8)},
                {"device", "nvme" + std::to_string(i % 5) + "n1"},
                {"env", "production"},
                {"instance", "host-" + std::to_string(i / 400) + ".example.com:9100"},
                {"job", "node"},
                {"mode", i % 2 == 0 ? "idle" : "system"},
                {"rack", "r" + std::to_string(i / 800)},
                {"team", "infrastructure"}};
}

void BM_Encode(benchmark::State& state) {
  const auto version = static_cast<WriteVersion>(state.range(0));
  TextPool pool;
  std::vector<EncodedLabels> labels;
  for (int i = 0; i < kSeries; ++i) labels.push_back(EncodeLabels(SeriesLabels(i), version, &pool));
  RequestEncoder encoder(version, &pool);
  size_t bytes = 0;
  int64_t t = 1'700'000'000'000;
  for (auto _ : state) {
    for (int i = 0; i < kSeries; ++i) {
      encoder.Add({.labels = &labels[static_cast<size_t>(i)], .time_ms = t, .value = i * 1.25});
    }
    const std::string body = encoder.Finish();
    bytes = body.size();
    benchmark::DoNotOptimize(body.data());
    t += 15'000;
  }
  state.SetItemsProcessed(state.iterations() * kSeries);
  state.counters["bytes/sample"] = static_cast<double>(bytes) / kSeries;
}
BENCHMARK(BM_Encode)
    ->Arg(static_cast<int>(WriteVersion::kV1))
    ->Arg(static_cast<int>(WriteVersion::kV2));

// The whole state machine, with a receiver that takes everything at once.
void BM_Queue(benchmark::State& state) {
  config::RemoteWriteConfig config;
  if (state.range(0) == 2) config.protobuf_message = config::RemoteWriteConfig::kV2;
  MetricRegistry registry;
  SendMetrics metrics(&registry, nullptr);
  ManualClock clock;
  std::vector<int> sent;
  SendQueue queue(config, Labels(),
                  {.clock = &clock,
                   .logger = Logger::Null(),
                   .metrics = metrics.Add("q", "u"),
                   .send = [&](int channel, std::string, int) { sent.push_back(channel); }});
  WriteReply taken{.status = 204};
  taken.written = {.present = true, .samples = kSeries};
  FeedBatch introduce;
  for (int i = 0; i < kSeries; ++i) {
    introduce.series.push_back({static_cast<uint64_t>(i + 1), SeriesLabels(i)});
  }
  queue.Take(&introduce, "p");
  int64_t t = 1'700'000'000'000;
  for (auto _ : state) {
    FeedBatch batch;
    for (int i = 0; i < kSeries; ++i) {
      batch.samples.push_back({static_cast<uint64_t>(i + 1), t, i * 1.25, 0});
    }
    queue.Take(&batch, "p");
    queue.Tick(t);
    for (const int channel : std::exchange(sent, {})) queue.OnReply(channel, taken);
    benchmark::DoNotOptimize(queue.TakePosition());
    t += 15'000;
  }
  state.SetItemsProcessed(state.iterations() * kSeries);
}
BENCHMARK(BM_Queue)->Arg(1)->Arg(2);

}  // namespace
}  // namespace deucalion::remote
