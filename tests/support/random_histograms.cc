// Native histograms as applications make them: counters that begin anew, lower their resolution or
// widen their zero bucket when they grow, gauges, custom buckets, now and then numbers in between.
#include <cmath>
#include <string>

#include "model/value.h"
#include "tests/support/random_series.h"

namespace deucalion::testing_support {
namespace {

class HistogramMaker {
 public:
  HistogramMaker(std::mt19937_64* random, bool counter) : random_(random) {
    custom_ = Below(3) == 0;
    gauge_ = Below(4) == 0 && !counter;
    negative_ = Below(2) == 0;
    begins_at_once_ = Below(2) == 0;
    Restart();
  }

  RefElement Next() {
    if (Below(50) == 0) number_ = !number_;
    if (number_) return static_cast<double>(Below(1000));
    if (Below(20) == 0) Restart();
    if (Below(15) == 0) Grow();
    if (gauge_) Clear();
    for (uint64_t n = Below(6); n > 0; --n) Observe();
    return h_;
  }

 private:
  uint64_t Below(uint64_t n) { return (*random_)() % n; }

  void Clear() {
    h_.positive.clear();
    h_.negative.clear();
    h_.zero_count = h_.count = h_.sum = 0;
  }

  // Seldom one of the other kind: they do not go together.
  void Restart() {
    if (Below(12) == 0) custom_ = !custom_;
    h_ = RefHistogram();
    h_.hint = gauge_ ? RefHint::kGauge : RefHint::kUnknown;
    h_.custom = custom_;
    if (custom_) {
      for (const double bound : {-1.0, 0.0, 0.5, 1.0, 2.5, 5.0}) {
        if (bound > 0 ? Below(5) != 0 : Below(6) == 0) h_.bounds.push_back(bound);
      }
    } else {
      h_.schema = static_cast<int>(Below(4)) - 1;
      h_.zero_threshold = Below(2) == 0 ? 1e-9 : 0.0625;
      if (Below(8) == 0) h_.zero_threshold = 0.3;
    }
    if (begins_at_once_) Observe();
  }

  void Grow() {
    if (custom_) return;
    if (Below(2) == 0) {
      h_ = RefReduce(h_, h_.schema - 1);
    } else if (h_.zero_threshold < 0.25) {
      // Adding nothing to it that has a wider zero bucket.
      RefHistogram wide;
      wide.schema = h_.schema;
      wide.zero_threshold = 0.25;
      wide.hint = h_.hint;
      h_ = *RefAdd(h_, wide, 1);
    }
    if (h_.schema < -2) Restart();
  }

  void Observe() {
    const double n = static_cast<double>(1 + Below(4));
    h_.count += n;
    if (Below(300) == 0) {
      h_.sum = NormalNan();  // an observation that is no number is in no bucket
      return;
    }
    const double value = std::exp2(static_cast<double>(Below(900)) / 100 - 4.5);
    if (custom_) {
      int i = 0;
      while (i < static_cast<int>(h_.bounds.size()) && h_.bounds[static_cast<size_t>(i)] < value) {
        ++i;
      }
      if (Below(6) == 0) i = 0;
      h_.positive[i] += n;
      h_.sum += n * value;
      return;
    }
    const bool below = negative_ && Below(3) == 0;
    h_.sum += below ? -n * value : n * value;
    if (value <= h_.zero_threshold || Below(10) == 0) {
      h_.zero_count += n;
    } else {
      const int i = static_cast<int>(std::ceil(std::ldexp(std::log2(value), h_.schema)));
      // Not into a bucket that ends inside of the zero bucket.
      if (std::exp2(std::ldexp(i, -h_.schema)) <= h_.zero_threshold) {
        h_.zero_count += n;
      } else {
        (below ? h_.negative : h_.positive)[i] += n;
      }
    }
  }

  std::mt19937_64* const random_;
  RefHistogram h_;
  bool custom_ = false, gauge_ = false, negative_ = false, begins_at_once_ = false;
  bool number_ = false;
};

}  // namespace

std::vector<RefPoint> RandomHistograms(std::mt19937_64* random, const std::vector<int64_t>& times,
                                       bool counter) {
  HistogramMaker maker(random, counter);
  std::vector<RefPoint> points;
  for (const int64_t t : times) {
    RefElement next = maker.Next();
    if ((*random)() % 40 == 0) {
      RefHistogram stale;
      stale.sum = StaleNan();
      next = (*random)() % 2 == 0 ? RefElement(StaleNan()) : RefElement(stale);
    }
    points.push_back({t, next});
  }
  return points;
}

}  // namespace deucalion::testing_support
