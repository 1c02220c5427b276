#include "base/metrics.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "base/metrics_text.h"

namespace deucalion {

HistogramMetric::HistogramMetric(std::vector<double> bounds)
    : bounds_(std::move(bounds)),
      counts_(std::make_unique<std::atomic<uint64_t>[]>(bounds_.size() + 1)) {}

void HistogramMetric::Observe(double v) {
  const size_t i =
      static_cast<size_t>(std::lower_bound(bounds_.begin(), bounds_.end(), v) - bounds_.begin());
  counts_[i].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(v, std::memory_order_relaxed);
}

std::vector<uint64_t> HistogramMetric::Counts() const {
  std::vector<uint64_t> out(bounds_.size() + 1);
  for (size_t i = 0; i < out.size(); i++) out[i] = counts_[i].load(std::memory_order_relaxed);
  return out;
}

// 1,024 samples: enough for a stable 0.99, small enough to sort at each exposition.
constexpr size_t kSummarySamples = 1024;
constexpr int64_t kSummaryWindowMs = 10 * 60 * 1000;

Summary::Summary(std::vector<double> quantiles, int64_t window_ms)
    : quantiles_(std::move(quantiles)), window_ms_(window_ms) {}

void Summary::ObserveAt(int64_t now_ms, double v) {
  const Sample sample{now_ms, v};
  MutexLock lock(mu_);
  if (ring_.size() < kSummarySamples) {
    ring_.push_back(sample);
  } else {
    ring_[next_] = sample;
    next_ = (next_ + 1) % kSummarySamples;
  }
  sum_ += v;
  count_++;
}

Summary::Snapshot Summary::Read() const {
  const int64_t oldest_ms = Clock::Real()->NowMs() - window_ms_;
  Snapshot out;
  std::vector<double> values;
  {
    MutexLock lock(mu_);
    out.sum = sum_;
    out.count = count_;
    for (const Sample& s : ring_) {
      if (s.time_ms >= oldest_ms) values.push_back(s.value);
    }
  }
  std::sort(values.begin(), values.end());
  for (const double phi : quantiles_) {
    const size_t rank =
        values.empty() ? 0 : std::min(values.size() - 1, static_cast<size_t>(phi * values.size()));
    out.quantiles.emplace_back(phi, values.empty() ? std::nan("") : values[rank]);
  }
  return out;
}

namespace {

void WriteChild(MetricSink& sink, const MetricLabels& labels, const Counter& c) {
  sink.Sample("", labels, c.value());
}
void WriteChild(MetricSink& sink, const MetricLabels& labels, const Gauge& g) {
  sink.Sample("", labels, g.value());
}
void WriteChild(MetricSink& sink, const MetricLabels& labels, const HistogramMetric& h) {
  const auto counts = h.Counts();
  uint64_t cumulative = 0;
  MetricLabels with_le = labels;
  with_le.emplace_back("le", "");
  for (size_t i = 0; i < counts.size(); i++) {
    cumulative += counts[i];
    with_le.back().second = i < h.bounds().size() ? FormatMetricValue(h.bounds()[i]) : "+Inf";
    sink.Sample("_bucket", with_le, static_cast<double>(cumulative));
  }
  sink.Sample("_sum", labels, h.sum());
  sink.Sample("_count", labels, static_cast<double>(cumulative));
}
void WriteChild(MetricSink& sink, const MetricLabels& labels, const Summary& s) {
  const auto snapshot = s.Read();
  MetricLabels with_phi = labels;
  with_phi.emplace_back("quantile", "");
  for (const auto& [phi, value] : snapshot.quantiles) {
    with_phi.back().second = FormatMetricValue(phi);
    sink.Sample("", with_phi, value);
  }
  sink.Sample("_sum", labels, snapshot.sum);
  sink.Sample("_count", labels, static_cast<double>(snapshot.count));
}

class FamilyBase {
 public:
  virtual ~FamilyBase() = default;
  virtual void Write(std::string_view name, MetricSink& sink) = 0;
};

template <typename T>
class FamilyImpl : public MetricFamily<T>, public FamilyBase {
 public:
  FamilyImpl(std::string help, MetricType type, std::vector<std::string> label_names,
             std::function<std::unique_ptr<T>()> make)
      : help_(std::move(help)),
        type_(type),
        label_names_(std::move(label_names)),
        make_(std::move(make)) {}

  T* With(const std::vector<std::string>& values) override {
    CHECK(values.size() == label_names_.size());
    MutexLock lock(mu_);
    auto& child = children_[values];
    if (child == nullptr) child = make_();
    return child.get();
  }

  void Remove(const std::vector<std::string>& values) override {
    MutexLock lock(mu_);
    children_.erase(values);
  }

  void Write(std::string_view name, MetricSink& sink) override {
    MutexLock lock(mu_);
    if (children_.empty()) return;
    sink.Family(name, help_, type_);
    for (const auto& [values, child] : children_) {
      MetricLabels labels;
      for (size_t i = 0; i < values.size(); i++) labels.emplace_back(label_names_[i], values[i]);
      WriteChild(sink, labels, *child);
    }
  }

 private:
  const std::string help_;
  const MetricType type_;
  const std::vector<std::string> label_names_;
  const std::function<std::unique_ptr<T>()> make_;
  Mutex mu_;
  std::map<std::vector<std::string>, std::unique_ptr<T>> children_ GUARDED_BY(mu_);
};

}  // namespace

struct MetricRegistry::Impl {
  mutable Mutex mu;
  std::map<std::string, std::unique_ptr<FamilyBase>> families GUARDED_BY(mu);
  // Held while collectors run, so that RemoveCollectors can wait for them.
  mutable Mutex collect_mu;
  std::vector<std::pair<const void*, std::function<void(MetricSink&)>>> collectors
      GUARDED_BY(collect_mu);

  template <typename T>
  FamilyImpl<T>* Add(std::string name, std::string help, MetricType type,
                     std::vector<std::string> label_names,
                     std::function<std::unique_ptr<T>()> make) {
    auto family = std::make_unique<FamilyImpl<T>>(std::move(help), type, std::move(label_names),
                                                  std::move(make));
    FamilyImpl<T>* out = family.get();
    MutexLock lock(mu);
    const bool added = families.emplace(std::move(name), std::move(family)).second;
    CHECK(added);  // two metrics of one name
    return out;
  }

  std::string Expose() const {
    MetricTextWriter writer;
    {
      MutexLock lock(mu);
      for (const auto& [name, family] : families) family->Write(name, writer);
    }
    {
      MutexLock lock(collect_mu);
      for (const auto& [owner, collector] : collectors) collector(writer);
    }
    return writer.Finish();
  }
};

MetricRegistry::MetricRegistry() : impl_(std::make_unique<Impl>()) {}
MetricRegistry::~MetricRegistry() = default;

MetricFamily<Counter>* MetricRegistry::AddCounterFamily(std::string name, std::string help,
                                                        std::vector<std::string> label_names) {
  return impl_->Add<Counter>(std::move(name), std::move(help), MetricType::kCounter,
                             std::move(label_names), [] { return std::make_unique<Counter>(); });
}
MetricFamily<Gauge>* MetricRegistry::AddGaugeFamily(std::string name, std::string help,
                                                    std::vector<std::string> label_names) {
  return impl_->Add<Gauge>(std::move(name), std::move(help), MetricType::kGauge,
                           std::move(label_names), [] { return std::make_unique<Gauge>(); });
}
MetricFamily<HistogramMetric>* MetricRegistry::AddHistogramFamily(
    std::string name, std::string help, std::vector<std::string> label_names,
    std::vector<double> bounds) {
  return impl_->Add<HistogramMetric>(
      std::move(name), std::move(help), MetricType::kHistogram, std::move(label_names),
      [bounds] { return std::make_unique<HistogramMetric>(bounds); });
}
MetricFamily<Summary>* MetricRegistry::AddSummaryFamily(std::string name, std::string help,
                                                        std::vector<std::string> label_names,
                                                        std::vector<double> quantiles) {
  return impl_->Add<Summary>(
      std::move(name), std::move(help), MetricType::kSummary, std::move(label_names),
      [quantiles] { return std::make_unique<Summary>(quantiles, kSummaryWindowMs); });
}

Counter* MetricRegistry::AddCounter(std::string name, std::string help) {
  return AddCounterFamily(std::move(name), std::move(help), {})->With({});
}
Gauge* MetricRegistry::AddGauge(std::string name, std::string help) {
  return AddGaugeFamily(std::move(name), std::move(help), {})->With({});
}
HistogramMetric* MetricRegistry::AddHistogram(std::string name, std::string help,
                                              std::vector<double> bounds) {
  return AddHistogramFamily(std::move(name), std::move(help), {}, std::move(bounds))->With({});
}
Summary* MetricRegistry::AddSummary(std::string name, std::string help,
                                    std::vector<double> quantiles) {
  return AddSummaryFamily(std::move(name), std::move(help), {}, std::move(quantiles))->With({});
}

void MetricRegistry::AddCollector(const void* owner, std::function<void(MetricSink&)> collector) {
  MutexLock lock(impl_->collect_mu);
  impl_->collectors.emplace_back(owner, std::move(collector));
}
void MetricRegistry::RemoveCollectors(const void* owner) {
  MutexLock lock(impl_->collect_mu);
  std::erase_if(impl_->collectors, [owner](const auto& c) { return c.first == owner; });
}

std::string MetricRegistry::TextExposition() const { return impl_->Expose(); }

}  // namespace deucalion
