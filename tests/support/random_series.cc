#include "tests/support/random_series.h"

#include <algorithm>
#include <string>

#include "model/value.h"

namespace deucalion::testing_support {
namespace {

constexpr int64_t kScrapeMs = 15 * 1000;

// About twenty minutes of scrapes, jittered, some of them missed.
std::vector<int64_t> RandomTimes(std::mt19937_64* random) {
  std::vector<int64_t> times;
  // On the second, samples lie on the edges of windows.
  const uint64_t jitter = (*random)() % 3 == 0 ? 1 : 200;
  for (int64_t i = 0; i < 80; ++i) {
    if ((*random)() % 12 == 0) continue;
    times.push_back(i * kScrapeMs + static_cast<int64_t>((*random)() % jitter));
  }
  return times;
}

// Stale markers, resets, a NaN now and then.
std::vector<RefPoint> RandomPoints(std::mt19937_64* random, bool counter,
                                   const std::vector<int64_t>& times) {
  std::vector<RefPoint> points;
  const auto below = [&](uint64_t n) { return (*random)() % n; };
  double value = counter ? 0 : 20;
  for (size_t i = 0; i < times.size(); ++i) {
    const int64_t t = times[i];
    const double step = static_cast<double>(below(1000000000)) / 99700000;
    value = counter ? (below(20) == 0 ? step : value + step) : value + step - 5;
    if (below(40) == 0) {
      points.push_back({t, StaleNan()});
      // Sometimes it is back at once: its times are those of its neighbours then.
      i += below(2) * below(8);
      continue;
    }
    points.push_back({t, !counter && below(60) == 0 ? NormalNan() : value});
  }
  return points;
}

// When the counter began: now and then between two samples, seldom where it cannot have been.
void AddStarts(std::mt19937_64* random, std::vector<RefPoint>* points) {
  int64_t start = 0, previous = 0;
  for (RefPoint& p : *points) {
    const uint64_t what = (*random)() % 12;
    if (what == 0) start = previous + (p.time_ms - previous) / 2;
    if (what == 1) start = previous;
    if (what == 2) start = 0;
    p.start_ms = what == 3 ? p.time_ms + 5 : start;
    previous = p.time_ms;
  }
}

// Cumulative buckets that count together, with a reset now and then.
void AddHistogram(std::mt19937_64* random, const std::string& name, const std::string& job,
                  std::vector<RefSeries>* out) {
  const std::vector<std::string> bounds = {"0.1", "0.5", "1", "2.5", "+Inf"};
  std::vector<double> counts(bounds.size());
  const size_t first = out->size();
  for (const std::string& le : bounds) {
    out->push_back({{{"__name__", name}, {"job", job}, {"le", le}}, {}});
  }
  for (int64_t t = 0; t < 80 * kScrapeMs; t += kScrapeMs) {
    if ((*random)() % 25 == 0) counts.assign(bounds.size(), 0);
    for (uint64_t n = (*random)() % 4; n > 0; --n) {
      for (size_t i = (*random)() % bounds.size(); i < bounds.size(); ++i) counts[i] += 1;
    }
    if ((*random)() % 15 == 0) continue;
    for (size_t i = 0; i < bounds.size(); ++i) {
      (*out)[first + i].points.push_back({t, counts[i]});
    }
  }
}

}  // namespace

namespace {

// One or two versions of what runs there, one after the other, seldom both for a while.
void AddInfo(std::mt19937_64* random, const std::string& name, const RefLabels& target,
             const std::vector<int64_t>& times, std::vector<RefSeries>* out) {
  const auto below = [&](uint64_t n) { return (*random)() % n; };
  const size_t change = below(3) == 0 ? below(times.size()) : times.size();
  for (const bool later : {false, true}) {
    RefSeries series{target, {}};
    series.labels["__name__"] = name;
    series.labels["version"] = later ? "v2" : "v1";
    if (below(2) == 0) series.labels["zone"] = below(2) == 0 ? "east" : "west";
    for (size_t i = 0; i < times.size(); ++i) {
      if (later ? i >= change : i < change) series.points.push_back({times[i], 1});
    }
    if (!later && below(2) == 0 && change < times.size()) {
      series.points.push_back({times[change], StaleNan()});
    }
    if (!series.points.empty()) out->push_back(std::move(series));
  }
}

}  // namespace

std::vector<RefSeries> RandomSeries(std::mt19937_64* random, const RandomExprOptions& names) {
  std::vector<RefSeries> out;
  // Half of the series are of one scrape, as most series of a server are.
  const std::vector<int64_t> shared = RandomTimes(random);
  const auto add = [&](const std::string& name, bool counter) {
    for (const std::string& job : names.labels[0].second) {
      for (const std::string& instance : names.labels[1].second) {
        if ((*random)() % 8 == 0) continue;
        out.push_back(
            {{{"__name__", name}, {"job", job}, {"instance", instance}},
             RandomPoints(random, counter, (*random)() % 2 == 0 ? shared : RandomTimes(random))});
        if (counter) AddStarts(random, &out.back().points);
      }
    }
  };
  for (const std::string& name : names.counters) add(name, true);
  for (const std::string& name : names.gauges) add(name, false);
  for (const std::string& job : names.labels[0].second) {
    AddHistogram(random, names.histogram, job, &out);
  }
  for (const std::string& name : names.native) {
    for (const std::string& job : names.labels[0].second) {
      for (const std::string& instance : names.labels[1].second) {
        if ((*random)() % 8 == 0) continue;
        out.push_back({{{"__name__", name}, {"job", job}, {"instance", instance}},
                       RandomHistograms(random, (*random)() % 2 == 0 ? shared : RandomTimes(random),
                                        name == names.native[0])});
        if ((*random)() % 2 == 0) AddStarts(random, &out.back().points);
      }
    }
  }
  for (const std::string& name : names.infos) {
    for (const std::string& job : names.labels[0].second) {
      for (const std::string& instance : names.labels[1].second) {
        if ((*random)() % 5 == 0) continue;
        AddInfo(random, name, {{"job", job}, {"instance", instance}}, RandomTimes(random), &out);
      }
    }
  }
  std::ranges::sort(out, {}, &RefSeries::labels);
  return out;
}

}  // namespace deucalion::testing_support
