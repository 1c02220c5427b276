// loadgen: pushes generated series to a server on this machine by remote write 1.0 and says how it
// went, as one line of JSON.
//
//   loadgen --port=9090 --series=50000 --samples=960 --step-ms=15000 --connections=4 --batch=2000
//           --start-ms=… --seed=1 --churn-percent=10 --churn-every=4 --rate=0 --flat=0
//
// Each connection owns a slice of the series and walks through time: every series once per step.
// `--churn-percent` of all series, whole pods of them, are replaced every `--churn-every` steps;
// those that end get a stale marker, as a scraper writes it. `--rate` bounds samples per second
// over all connections (0 = as fast as accepted). `--flat=1`: all series are of one metric.
#include <snappy.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <bit>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "bench/load/generator.h"
#include "bench/load/http_sender.h"

namespace deucalion::bench {
namespace {

using Clock = std::chrono::steady_clock;

// Connections wait for each other after so many steps: data of one that is far behind would be too
// old for a server that has seen the others'.
constexpr int64_t kStepsApart = 20;

struct Settings {
  std::map<std::string, int64_t> values = {{"port", 9090},
                                           {"series", 1000},
                                           {"samples", 10},
                                           {"step-ms", 15000},
                                           {"connections", 4},
                                           {"batch", 2000},
                                           {"start-ms", 1700000000000},
                                           {"seed", 1},
                                           {"churn-percent", 0},
                                           {"churn-every", 4},
                                           {"rate", 0},
                                           {"flat", 0}};
  int64_t operator[](const std::string& name) const { return values.at(name); }
};

struct Outcome {
  uint64_t accepted = 0, failed_requests = 0, requests = 0, created = 0;
  std::vector<double> latencies_ms;
  std::string first_error;
};

// A series and the bytes of its labels.
struct LoadSeries {
  explicit LoadSeries(GeneratedSeries made)
      : generated(std::move(made)), wire_labels(WireLabels(generated)) {
    generated.labels = {};
  }
  GeneratedSeries generated;
  std::string wire_labels;
};

void AppendSeries(std::string* out, const std::string& wire_labels, double value, int64_t time_ms) {
  std::string sample;
  sample.push_back('\x09');
  PutDouble(&sample, value);
  sample.push_back('\x10');
  PutVarint(&sample, static_cast<uint64_t>(time_ms));
  std::string series = wire_labels;
  series.push_back('\x12');
  PutLengthPrefixed(&series, sample);
  out->push_back('\x0a');
  PutLengthPrefixed(out, series);
}

void Send(HttpSender& sender, const std::string& raw, uint64_t samples, Outcome* outcome) {
  std::string body;
  snappy::Compress(raw.data(), raw.size(), &body);
  const auto begin = Clock::now();
  const Result<int> status = sender.Post(body);
  outcome->latencies_ms.push_back(
      std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
  outcome->requests++;
  if (status.ok() && *status / 100 == 2) {
    outcome->accepted += samples;
    return;
  }
  outcome->failed_requests++;
  if (outcome->first_error.empty()) {
    outcome->first_error =
        status.ok() ? "status " + std::to_string(*status) : status.status().message();
  }
}

// Replaces pods; the stale markers of the series that ended are sent at `time_ms`.
void Churn(const Settings& settings, uint32_t begin, int64_t step, int64_t time_ms,
           std::vector<uint32_t>* generations, std::vector<LoadSeries>* series, HttpSender& sender,
           Outcome* outcome) {
  const int64_t every = std::max<int64_t>(settings["churn-every"], 1);
  if (settings["churn-percent"] == 0 || settings["flat"] != 0 || step == 0 || step % every != 0)
    return;
  const auto percent = static_cast<uint64_t>(settings["churn-percent"]);
  const double stale = std::bit_cast<double>(uint64_t{0x7ff0000000000002});
  std::string raw;
  uint64_t ended = 0;
  for (uint32_t i = 0; i < series->size(); i++) {
    // Only every other owner is a pod, so twice the share of them.
    const uint64_t owner = (begin + i) / 500;
    if (owner % 2 == 0 ||
        (owner / 2 * 7919 + static_cast<uint64_t>(step / every) * percent * 2) % 100 >=
            percent * 2) {
      continue;
    }
    AppendSeries(&raw, (*series)[i].wire_labels, stale, time_ms);
    (*series)[i] = LoadSeries(
        MakeSeries(static_cast<uint64_t>(settings["seed"]), begin + i, ++(*generations)[i]));
    outcome->created++;
    if (++ended % 2000 == 0) {
      Send(sender, raw, 2000, outcome);
      raw.clear();
    }
  }
  if (ended % 2000 != 0) Send(sender, raw, ended % 2000, outcome);
}

void Run(const Settings& settings, uint32_t begin, uint32_t end, std::barrier<>* together,
         Outcome* outcome) {
  HttpSender sender(static_cast<uint16_t>(settings["port"]), "/api/v1/write");
  std::vector<LoadSeries> series;
  for (uint32_t i = begin; i < end; i++) {
    const auto seed = static_cast<uint64_t>(settings["seed"]);
    series.emplace_back(settings["flat"] != 0 ? MakeFlatSeries(seed, i) : MakeSeries(seed, i, 0));
  }
  std::vector<uint32_t> generations(series.size(), 0);
  outcome->created = series.size();
  const auto batch = static_cast<size_t>(settings["batch"]);
  const double per_second =
      static_cast<double>(settings["rate"]) / static_cast<double>(settings["connections"]);
  const auto start = Clock::now();
  uint64_t sent = 0;
  for (int64_t step = 0; step < settings["samples"]; step++) {
    if (step % kStepsApart == 0) together->arrive_and_wait();
    const int64_t time_ms = settings["start-ms"] + step * settings["step-ms"];
    Churn(settings, begin, step, time_ms, &generations, &series, sender, outcome);
    for (size_t i = 0; i < series.size(); i += batch) {
      const size_t stop = std::min(series.size(), i + batch);
      std::string raw;
      for (size_t k = i; k < stop; k++) {
        AppendSeries(&raw, series[k].wire_labels, series[k].generated.Next(), time_ms);
      }
      Send(sender, raw, stop - i, outcome);
      sent += stop - i;
      if (per_second > 0) {
        std::this_thread::sleep_until(
            start + std::chrono::duration_cast<Clock::duration>(
                        std::chrono::duration<double>(static_cast<double>(sent) / per_second)));
      }
    }
  }
}

double CpuSeconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

double Quantile(std::vector<double>& sorted, double phi) {
  if (sorted.empty()) return 0;
  return sorted[std::min(sorted.size() - 1,
                         static_cast<size_t>(phi * static_cast<double>(sorted.size())))];
}

int Main(int argc, char** argv) {
  Settings settings;
  for (int i = 1; i < argc; i++) {
    const std::string arg = argv[i];
    const size_t equals = arg.find('=');
    const std::string name = arg.substr(2, equals - 2);
    if (!arg.starts_with("--") || equals == std::string::npos || !settings.values.contains(name)) {
      std::fprintf(stderr, "loadgen: unknown argument %s\n", argv[i]);
      return 2;
    }
    settings.values[name] = std::atoll(arg.c_str() + equals + 1);
  }
  const auto connections = static_cast<uint32_t>(settings["connections"]);
  const auto total = static_cast<uint32_t>(settings["series"]);
  std::vector<Outcome> outcomes(connections);
  const auto begin = Clock::now();
  std::barrier<> together(connections);
  {
    std::vector<std::jthread> threads;
    for (uint32_t c = 0; c < connections; c++) {
      threads.emplace_back([&, c] {
        Run(settings, static_cast<uint32_t>(uint64_t{total} * c / connections),
            static_cast<uint32_t>(uint64_t{total} * (c + 1) / connections), &together,
            &outcomes[c]);
      });
    }
  }
  const double wall = std::chrono::duration<double>(Clock::now() - begin).count();
  Outcome all;
  for (Outcome& o : outcomes) {
    all.accepted += o.accepted;
    all.failed_requests += o.failed_requests;
    all.requests += o.requests;
    all.created += o.created;
    all.latencies_ms.insert(all.latencies_ms.end(), o.latencies_ms.begin(), o.latencies_ms.end());
    if (all.first_error.empty()) all.first_error = o.first_error;
  }
  std::sort(all.latencies_ms.begin(), all.latencies_ms.end());
  std::printf(
      "{\"accepted\":%llu,\"series\":%llu,\"requests\":%llu,\"failed\":%llu,\"wall_s\":%.3f,"
      "\"cpu_s\":%.3f,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f,\"error\":\"%s\"}\n",
      static_cast<unsigned long long>(all.accepted), static_cast<unsigned long long>(all.created),
      static_cast<unsigned long long>(all.requests),
      static_cast<unsigned long long>(all.failed_requests), wall, CpuSeconds(),
      Quantile(all.latencies_ms, 0.5), Quantile(all.latencies_ms, 0.99),
      Quantile(all.latencies_ms, 1), all.first_error.c_str());
  return all.failed_requests == 0 ? 0 : 1;
}

}  // namespace
}  // namespace deucalion::bench

int main(int argc, char** argv) { return deucalion::bench::Main(argc, argv); }
