// Random requests, serialised by libprotobuf: our parser must read what was put in.
#include <gtest/gtest.h>

#include <bit>
#include <random>

#include "proto/remote_v1.pb.h"
#include "proto/remote_v2.pb.h"
#include "server/remote/write_request.h"

namespace deucalion::remote {
namespace {

namespace v1 = ::prometheus;
namespace v2 = ::io::prometheus::write::v2;

constexpr int kRounds = 300;

class Dice {
 public:
  explicit Dice(uint32_t seed) : random_(seed) {}
  // 0..n-1
  uint32_t Below(uint32_t n) { return static_cast<uint32_t>(random_() % n); }
  int64_t Int() {
    // Every width of varint is as likely as the other.
    const uint32_t width = Below(64);
    const uint64_t magnitude = random_() >> width;
    return static_cast<int64_t>(Below(2) == 0 ? magnitude : 0 - magnitude);
  }
  double Double() {
    return Below(8) == 0 ? std::bit_cast<double>(random_()) : static_cast<double>(Int()) / 8;
  }
  std::string Text() { return std::string(Below(4) == 0 ? Below(400) : 1 + Below(9), 'v'); }

 private:
  std::mt19937_64 random_;
};

// NaNs compare by their bits, too: stale markers are one of them.
uint64_t Bits(double v) { return std::bit_cast<uint64_t>(v); }

std::vector<uint64_t> Bits(const auto& values) {
  std::vector<uint64_t> bits;
  for (const double v : values) bits.push_back(Bits(v));
  return bits;
}

template <typename Histogram>
void RollHistogram(Dice& dice, Histogram* h) {
  const bool floating = dice.Below(2) == 0;
  if (floating) {
    h->set_count_float(dice.Double());
    h->set_zero_count_float(dice.Double());
  } else {
    h->set_count_int(static_cast<uint64_t>(dice.Int()));
    h->set_zero_count_int(static_cast<uint64_t>(dice.Int()));
  }
  h->set_sum(dice.Double());
  h->set_schema(static_cast<int32_t>(dice.Int()));
  h->set_zero_threshold(dice.Double());
  h->set_reset_hint(static_cast<int32_t>(dice.Below(4)));
  h->set_timestamp(dice.Int());
  for (uint32_t i = dice.Below(4); i > 0; i--) {
    auto* positive = h->add_positive_spans();
    positive->set_offset(static_cast<int32_t>(dice.Int()));
    positive->set_length(static_cast<uint32_t>(dice.Int()));
    h->add_negative_spans()->set_length(dice.Below(9));
    h->add_custom_values(dice.Double());
    if (floating) {
      h->add_positive_counts(dice.Double());
      h->add_negative_counts(dice.Double());
    } else {
      h->add_positive_deltas(dice.Int());
      h->add_negative_deltas(dice.Int());
    }
  }
}

void ExpectSpans(const std::vector<BucketSpan>& got, const auto& want) {
  ASSERT_EQ(got.size(), static_cast<size_t>(want.size()));
  for (int i = 0; i < want.size(); i++) {
    EXPECT_EQ(got[static_cast<size_t>(i)], (BucketSpan{want[i].offset(), want[i].length()}));
  }
}

// What the two kinds have in common.
void ExpectCommon(const auto& got, const auto& want) {
  EXPECT_EQ(Bits(got.sum), Bits(want.sum()));
  EXPECT_EQ(got.schema, want.schema());
  EXPECT_EQ(Bits(got.zero_threshold), Bits(want.zero_threshold()));
  EXPECT_EQ(static_cast<int>(got.reset_hint), want.reset_hint());
  ExpectSpans(got.positive_spans, want.positive_spans());
  ExpectSpans(got.negative_spans, want.negative_spans());
  EXPECT_EQ(Bits(got.custom_values), Bits(want.custom_values()));
}

void ExpectHistogram(const WireHistogram& got, const auto& want) {
  EXPECT_EQ(got.time_ms, want.timestamp());
  ASSERT_EQ(got.is_float, want.has_count_float());
  if (got.is_float) {
    ExpectCommon(got.floating, want);
    EXPECT_EQ(Bits(got.floating.count), Bits(want.count_float()));
    EXPECT_EQ(Bits(got.floating.zero_count), Bits(want.zero_count_float()));
    EXPECT_EQ(Bits(got.floating.positive_buckets), Bits(want.positive_counts()));
    EXPECT_EQ(Bits(got.floating.negative_buckets), Bits(want.negative_counts()));
  } else {
    ExpectCommon(got.integer, want);
    EXPECT_EQ(got.integer.count, want.count_int());
    EXPECT_EQ(got.integer.zero_count, want.zero_count_int());
    const auto deltas = [](const auto& list) {
      return std::vector<int64_t>(list.begin(), list.end());
    };
    EXPECT_EQ(got.integer.positive_buckets, deltas(want.positive_deltas()));
    EXPECT_EQ(got.integer.negative_buckets, deltas(want.negative_deltas()));
  }
}

// Samples, exemplars and histograms of one series, whose ranges must be where they belong.
template <typename Series>
void ExpectSeries(const WriteRequest& got, const WireSeries& series, const Series& want) {
  ASSERT_EQ(series.sample_end - series.sample_begin, static_cast<uint32_t>(want.samples_size()));
  for (int i = 0; i < want.samples_size(); i++) {
    const WireSample& sample = got.samples[series.sample_begin + static_cast<uint32_t>(i)];
    EXPECT_EQ(sample.time_ms, want.samples(i).timestamp());
    EXPECT_EQ(Bits(sample.value), Bits(want.samples(i).value()));
  }
  ASSERT_EQ(series.exemplar_end - series.exemplar_begin,
            static_cast<uint32_t>(want.exemplars_size()));
  for (int i = 0; i < want.exemplars_size(); i++) {
    const WireExemplar& e = got.exemplars[series.exemplar_begin + static_cast<uint32_t>(i)];
    EXPECT_EQ(e.time_ms, want.exemplars(i).timestamp());
    EXPECT_EQ(Bits(e.value), Bits(want.exemplars(i).value()));
  }
  ASSERT_EQ(series.histogram_end - series.histogram_begin,
            static_cast<uint32_t>(want.histograms_size()));
  for (int i = 0; i < want.histograms_size(); i++) {
    ExpectHistogram(got.histograms[series.histogram_begin + static_cast<uint32_t>(i)],
                    want.histograms(i));
  }
}

// In a random order, as senders other than Prometheus may write them.
std::vector<std::pair<std::string, std::string>> RollLabels(Dice& dice) {
  std::vector<std::pair<std::string, std::string>> labels{{"__name__", dice.Text()}};
  for (uint32_t i = dice.Below(6); i > 0; i--) {
    labels.insert(labels.begin() + dice.Below(static_cast<uint32_t>(labels.size()) + 1),
                  {"l" + std::to_string(i), dice.Text()});
  }
  return labels;
}

Labels Expected(const std::vector<std::pair<std::string, std::string>>& pairs) {
  LabelsBuilder builder;
  for (const auto& [name, value] : pairs) builder.Set(name, value);
  return builder.Build();
}

template <typename Series>
void RollValues(Dice& dice, Series* series) {
  for (uint32_t i = dice.Below(4); i > 0; i--) {
    auto* sample = series->add_samples();
    sample->set_timestamp(dice.Int());
    sample->set_value(dice.Double());
  }
  for (uint32_t i = dice.Below(2); i > 0; i--) {
    auto* exemplar = series->add_exemplars();
    exemplar->set_timestamp(dice.Int());
    exemplar->set_value(dice.Double());
  }
  for (uint32_t i = dice.Below(3); i > 0; i--) RollHistogram(dice, series->add_histograms());
}

TEST(WriteOracleTest, ReadsRandomRequestsOfVersionOneAsLibprotobufWroteThem) {
  WriteRequest got;
  for (uint32_t seed = 0; seed < kRounds; seed++) {
    SCOPED_TRACE(seed);
    Dice dice(seed);
    v1::WriteRequest want;
    std::vector<Labels> labels, exemplar_labels;
    for (uint32_t i = dice.Below(8); i > 0; i--) {
      auto* series = want.add_timeseries();
      const auto pairs = RollLabels(dice);
      for (const auto& [name, value] : pairs) {
        auto* label = series->add_labels();
        label->set_name(name);
        label->set_value(value);
      }
      labels.push_back(Expected(pairs));
      RollValues(dice, series);
      for (auto& exemplar : *series->mutable_exemplars()) {
        auto* label = exemplar.add_labels();
        label->set_name("trace_id");
        label->set_value(dice.Text());
        exemplar_labels.push_back(Expected({{"trace_id", label->value()}}));
      }
    }
    if (dice.Below(2) == 0) want.add_metadata()->set_help("Help.");
    ASSERT_TRUE(ParseWriteRequestV1(want.SerializeAsString(), &got).ok());
    ASSERT_EQ(got.series.size(), static_cast<size_t>(want.timeseries_size()));
    for (size_t i = 0; i < got.series.size(); i++) {
      EXPECT_EQ(got.series[i].problem, LabelProblem::kNone);
      EXPECT_EQ(got.LabelsOf(got.series[i]), labels[i].view());
      ExpectSeries(got, got.series[i], want.timeseries(static_cast<int>(i)));
    }
    ASSERT_EQ(got.exemplars.size(), exemplar_labels.size());
    for (size_t i = 0; i < exemplar_labels.size(); i++) {
      EXPECT_EQ(got.exemplars[i].labels, exemplar_labels[i]);
    }
  }
}

uint32_t Symbol(v2::Request* request, const std::string& text) {
  request->add_symbols(text);
  return static_cast<uint32_t>(request->symbols_size()) - 1;
}

TEST(WriteOracleTest, ReadsRandomRequestsOfVersionTwoAsLibprotobufWroteThem) {
  WriteRequest got;
  for (uint32_t seed = 0; seed < kRounds; seed++) {
    SCOPED_TRACE(seed);
    Dice dice(seed);
    v2::Request want;
    want.add_symbols("");
    std::vector<Labels> labels;
    for (uint32_t i = dice.Below(8); i > 0; i--) {
      auto* series = want.add_timeseries();
      const auto pairs = RollLabels(dice);
      for (const auto& [name, value] : pairs) {
        series->add_labels_refs(Symbol(&want, name));
        series->add_labels_refs(Symbol(&want, value));
      }
      labels.push_back(Expected(pairs));
      RollValues(dice, series);
      for (auto& sample : *series->mutable_samples()) sample.set_start_timestamp(dice.Int());
      for (auto& h : *series->mutable_histograms()) h.set_start_timestamp(dice.Int());
      series->mutable_metadata()->set_type(static_cast<int32_t>(dice.Below(8)));
      series->mutable_metadata()->set_help_ref(Symbol(&want, dice.Text()));
      series->mutable_metadata()->set_unit_ref(Symbol(&want, dice.Text()));
    }
    ASSERT_TRUE(ParseWriteRequestV2(want.SerializeAsString(), &got).ok());
    ASSERT_EQ(got.series.size(), static_cast<size_t>(want.timeseries_size()));
    for (size_t i = 0; i < got.series.size(); i++) {
      const v2::TimeSeries& series = want.timeseries(static_cast<int>(i));
      EXPECT_EQ(got.series[i].problem, LabelProblem::kNone);
      EXPECT_EQ(got.LabelsOf(got.series[i]), labels[i].view());
      ExpectSeries(got, got.series[i], series);
      for (int s = 0; s < series.samples_size(); s++) {
        EXPECT_EQ(got.samples[got.series[i].sample_begin + static_cast<uint32_t>(s)].st_ms,
                  series.samples(s).start_timestamp());
      }
      for (int h = 0; h < series.histograms_size(); h++) {
        EXPECT_EQ(got.histograms[got.series[i].histogram_begin + static_cast<uint32_t>(h)].st_ms,
                  series.histograms(h).start_timestamp());
      }
      const Metadata& metadata = got.metadata[static_cast<size_t>(got.series[i].metadata)];
      EXPECT_EQ(metadata.help, want.symbols(static_cast<int>(series.metadata().help_ref())));
      EXPECT_EQ(metadata.unit, want.symbols(static_cast<int>(series.metadata().unit_ref())));
    }
  }
}

}  // namespace
}  // namespace deucalion::remote
