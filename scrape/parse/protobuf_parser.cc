// Delimited protobuf bodies as a Parser. Every Metric message is laid out as the samples a text
// format would show (count, sum, then buckets or quantiles), native histograms first.
//
// What becomes of a histogram:
//   classic only   -> its classic series, or a custom-bucket histogram if asked for
//   native only    -> native; when native ones are ignored, the classic series (count, sum, +Inf)
//   both           -> native, and the classic series as well with keep_classic
#include <cmath>
#include <utility>
#include <vector>

#include "model/value.h"
#include "scrape/parse/parser.h"
#include "scrape/parse/protobuf_reader.h"
#include "scrape/parse/token.h"

namespace deucalion::scrape {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr size_t kNone = static_cast<size_t>(-1);

// A histogram without spans, zero threshold and zero count is classic: libraries add an empty span
// to say otherwise.
bool IsNative(const ProtoHistogram& h) {
  return !h.positive_spans.empty() || !h.negative_spans.empty() || h.zero_threshold > 0 ||
         h.zero_count > 0 || h.zero_count_float > 0;
}

double CountOf(const ProtoHistogram& h) {
  return h.sample_count_float != 0 ? h.sample_count_float : static_cast<double>(h.sample_count);
}

bool EndsInUnit(std::string_view name, std::string_view unit) {
  return name.size() > unit.size() && name.ends_with(unit) &&
         name[name.size() - unit.size() - 1] == '_';
}

void CopyExemplar(const ProtoExemplar& from, Exemplar* to) {
  LabelsBuilder labels;
  for (const auto& [name, value] : from.labels) labels.Set(name, value);
  labels.BuildInto(&to->labels);
  to->value = from.value;
  to->has_time = from.has_time;
  to->time_ms = from.time_ms;
}

class ProtobufParser final : public Parser {
 public:
  ProtobufParser(std::string_view body, const ParserOptions& options)
      : rest_(body), options_(options) {
    may_have_exemplars_ = true;
  }

  Status Next(Entry* entry) override {
    for (;;) {
      switch (state_) {
        case State::kFamily:
          if (rest_.empty()) {
            *entry = Entry::kEof;
            return OkStatus();
          }
          RETURN_IF_ERROR(BeginFamily());
          continue;
        case State::kHelp:
          state_ = family_msg_.unit.empty() ? State::kType : State::kUnit;
          text_ = family_msg_.help;
          *entry = Entry::kHelp;
          return OkStatus();
        case State::kUnit:
          state_ = State::kType;
          text_ = family_msg_.unit;
          *entry = Entry::kUnit;
          return OkStatus();
        case State::kType:
          state_ = State::kMetrics;
          *entry = Entry::kType;
          return OkStatus();
        case State::kMetrics:
          break;
      }
      if (next_row_ < rows_.size()) {
        ShowRow(rows_[next_row_++], entry);
        return BuildCurrent();
      }
      if (next_metric_ >= family_msg_.metrics.size()) {
        state_ = State::kFamily;
        continue;
      }
      RETURN_IF_ERROR(ReadProtoMetric(family_msg_.metrics[next_metric_++], &metric_));
      for (const auto& [name, value] : metric_.labels) {
        if (!IsValidUtf8(value) || !IsValidUtf8(name)) {
          return InvalidArgumentError("invalid UTF-8 label: " + QuoteExcerpt(name) + "=" +
                                      QuoteExcerpt(value));
        }
      }
      LayOut();
    }
  }

  Status BuildLabels(Labels* out) override {
    out->Assign(labels_);
    return OkStatus();
  }

  bool NextExemplar(Exemplar* out) override {
    if (row_->native) return NextNativeExemplar(out);
    if (exemplar_done_) return false;
    exemplar_done_ = true;
    if (row_->bucket != kNone) {
      const ProtoBucket& b = metric_.histogram.buckets[row_->bucket];
      if (b.has_exemplar) CopyExemplar(b.exemplar, out);
      return b.has_exemplar;
    }
    if (type() != ProtoType::kCounter || !metric_.has_exemplar) return false;
    CopyExemplar(metric_.exemplar, out);
    return true;
  }

  int64_t StartTimestampMs() override {
    return type() == ProtoType::kGauge || type() == ProtoType::kUntyped ? 0 : metric_.start_ms;
  }

 private:
  enum class State { kFamily, kHelp, kUnit, kType, kMetrics };

  // One sample of a metric.
  struct Row {
    std::string_view suffix;
    std::string_view magic_label;  // "le", "quantile" or ""
    double magic_value = 0;
    double value = 0;
    size_t bucket = kNone;
    bool native = false;
  };

  ProtoType type() const { return static_cast<ProtoType>(family_msg_.type); }
  bool is_histogram() const {
    return type() == ProtoType::kHistogram || type() == ProtoType::kGaugeHistogram;
  }

  Status BeginFamily() {
    RETURN_IF_ERROR(ReadProtoFamily(&rest_, &family_msg_));
    rows_.clear();
    next_row_ = next_metric_ = 0;
    if (family_msg_.metrics.empty()) return OkStatus();
    const std::string_view name = family_msg_.name;
    if (!IsValidMetricName(name)) {
      return InvalidArgumentError("invalid metric name: " + std::string(name.substr(0, 256)));
    }
    if (!IsValidUtf8(family_msg_.help)) {
      return InvalidArgumentError("invalid help for metric " + QuoteExcerpt(name) + ": " +
                                  QuoteExcerpt(family_msg_.help));
    }
    if (family_msg_.type > static_cast<uint64_t>(ProtoType::kGaugeHistogram)) {
      return InvalidArgumentError("unknown metric type for metric " + QuoteExcerpt(name) + ": " +
                                  std::to_string(family_msg_.type));
    }
    RETURN_IF_ERROR(CheckUnit());
    family_ = name;
    kind_ = Kind();
    state_ = State::kHelp;
    return OkStatus();
  }

  Status CheckUnit() const {
    const std::string_view name = family_msg_.name;
    const std::string_view unit = family_msg_.unit;
    if (unit.empty()) return OkStatus();
    if (type() == ProtoType::kCounter && name.ends_with("_total")) {
      if (EndsInUnit(name.substr(0, name.size() - 6), unit)) return OkStatus();
      return InvalidArgumentError("unit " + QuoteExcerpt(unit) + " not a suffix of counter " +
                                  QuoteExcerpt(name));
    }
    if (EndsInUnit(name, unit)) return OkStatus();
    return InvalidArgumentError("unit " + QuoteExcerpt(unit) + " not a suffix of metric " +
                                QuoteExcerpt(name));
  }

  MetricKind Kind() const {
    switch (type()) {
      case ProtoType::kCounter:
        return MetricKind::kCounter;
      case ProtoType::kGauge:
        return MetricKind::kGauge;
      case ProtoType::kSummary:
        return MetricKind::kSummary;
      case ProtoType::kHistogram:
        return MetricKind::kHistogram;
      case ProtoType::kGaugeHistogram:
        return MetricKind::kGaugeHistogram;
      case ProtoType::kUntyped:
        return MetricKind::kUnknown;
    }
    return MetricKind::kUnknown;
  }

  // Fills rows_ from metric_.
  void LayOut() {
    rows_.clear();
    next_row_ = 0;
    if (type() == ProtoType::kSummary) {
      rows_.push_back({.suffix = "_count", .value = static_cast<double>(metric_.summary_count)});
      rows_.push_back({.suffix = "_sum", .value = metric_.summary_sum});
      for (const auto& [quantile, value] : metric_.quantiles) {
        rows_.push_back({.magic_label = "quantile", .magic_value = quantile, .value = value});
      }
    } else if (is_histogram()) {
      LayOutHistogram();
    } else {
      rows_.push_back({.value = metric_.value});
    }
  }

  void LayOutHistogram() {
    const ProtoHistogram& h = metric_.histogram;
    bool as_histogram = false;
    if (!options_.ignore_native_histograms && IsNative(h)) {
      ToNative();
      as_histogram = true;
    } else if (options_.convert_classic_to_nhcb) {
      as_histogram = ToCustomBuckets();
    }
    if (as_histogram) {
      rows_.push_back({.native = true});
      if (!options_.keep_classic || h.buckets.empty()) return;
    }
    rows_.push_back({.suffix = "_count", .value = CountOf(h)});
    rows_.push_back({.suffix = "_sum", .value = h.sample_sum});
    for (size_t i = 0; i < h.buckets.size(); ++i) {
      const ProtoBucket& b = h.buckets[i];
      rows_.push_back({.suffix = "_bucket",
                       .magic_label = "le",
                       .magic_value = b.upper_bound,
                       .value = b.cumulative_count,
                       .bucket = i});
      if (b.upper_bound == kInf) return;
    }
    rows_.push_back(
        {.suffix = "_bucket", .magic_label = "le", .magic_value = kInf, .value = CountOf(h)});
  }

  void ToNative() {
    const ProtoHistogram& h = metric_.histogram;
    histogram_ = ConvertedHistogram();
    histogram_.is_float = h.sample_count_float > 0 || h.zero_count_float > 0;
    const ResetHint hint =
        type() == ProtoType::kGaugeHistogram ? ResetHint::kGauge : ResetHint::kUnknown;
    if (histogram_.is_float) {
      FloatHistogram& f = histogram_.floating;
      f = {.reset_hint = hint,
           .schema = h.schema,
           .zero_threshold = h.zero_threshold,
           .zero_count = h.zero_count_float,
           .count = h.sample_count_float,
           .sum = h.sample_sum,
           .positive_spans = h.positive_spans,
           .negative_spans = h.negative_spans,
           .positive_buckets = h.positive_counts,
           .negative_buckets = h.negative_counts};
      valid_ = f.Validate();
      if (valid_.ok()) f.Compact(0);
    } else {
      IntHistogram& n = histogram_.integer;
      n = {.reset_hint = hint,
           .schema = h.schema,
           .zero_threshold = h.zero_threshold,
           .zero_count = h.zero_count,
           .count = h.sample_count,
           .sum = h.sample_sum,
           .positive_spans = h.positive_spans,
           .negative_spans = h.negative_spans,
           .positive_buckets = h.positive_deltas,
           .negative_buckets = h.negative_deltas};
      valid_ = n.Validate();
      if (valid_.ok()) n.Compact(0);
    }
  }

  bool ToCustomBuckets() {
    const ProtoHistogram& h = metric_.histogram;
    ClassicHistogram classic{.has_count = true, .count = CountOf(h), .sum = h.sample_sum};
    for (const ProtoBucket& b : h.buckets) {
      classic.buckets.emplace_back(b.upper_bound, b.cumulative_count);
    }
    Result<ConvertedHistogram> converted = ConvertClassicToNhcb(classic);
    if (!converted.ok()) return false;
    histogram_ = *std::move(converted);
    if (type() == ProtoType::kGaugeHistogram) {
      histogram_.integer.reset_hint = histogram_.floating.reset_hint = ResetHint::kGauge;
    }
    valid_ = histogram_.is_float ? histogram_.floating.Validate() : histogram_.integer.Validate();
    return valid_.ok();
  }

  void ShowRow(const Row& row, Entry* entry) {
    row_ = &row;
    exemplar_done_ = false;
    next_native_exemplar_ = 0;
    value_ = row.value != row.value ? NormalNan() : row.value;
    has_timestamp_ = metric_.timestamp_ms != 0;
    timestamp_ms_ = metric_.timestamp_ms;
    *entry = row.native ? Entry::kHistogram : Entry::kSeries;
  }

  // The labels of the row, and from them the text that identifies the series.
  Status BuildCurrent() {
    if (row_->native && !valid_.ok()) return valid_;
    name_.assign(family_msg_.name);
    name_.append(row_->suffix);
    builder_.Reset();
    for (const auto& [label, value] : metric_.labels) {
      if (!IsValidLabelName(label)) {
        return InvalidArgumentError("invalid label name " + QuoteExcerpt(label));
      }
      if (!builder_.Get(label).empty()) {
        return InvalidArgumentError("label name " + QuoteExcerpt(label) +
                                    " is not unique: invalid sample");
      }
      builder_.Set(label, value);
    }
    if (options_.type_and_unit_labels) {
      if (kind_ != MetricKind::kUnknown) builder_.Set(kTypeLabel, MetricKindText(kind_));
      if (!family_msg_.unit.empty()) builder_.Set(kUnitLabel, family_msg_.unit);
    }
    builder_.Set(kMetricName, name_);
    if (!row_->magic_label.empty()) {
      builder_.Set(row_->magic_label, FormatOpenMetricsFloat(row_->magic_value));
    }
    builder_.BuildInto(&labels_);
    series_ = labels_.bytes();
    return OkStatus();
  }

  // Those of the native part; without any, those of the classic buckets. Only with timestamps:
  // without them repeats could not be told from new ones.
  bool NextNativeExemplar(Exemplar* out) {
    const ProtoHistogram& h = metric_.histogram;
    const bool own = !h.exemplars.empty();
    const size_t n = own ? h.exemplars.size() : h.buckets.size();
    while (next_native_exemplar_ < n) {
      const size_t i = next_native_exemplar_++;
      if (!own && !h.buckets[i].has_exemplar) continue;
      const ProtoExemplar& e = own ? h.exemplars[i] : h.buckets[i].exemplar;
      if (!e.has_time) continue;
      CopyExemplar(e, out);
      return true;
    }
    return false;
  }

  std::string_view rest_;
  const ParserOptions options_;
  State state_ = State::kFamily;
  ProtoFamily family_msg_;
  size_t next_metric_ = 0;
  ProtoMetric metric_;
  std::vector<Row> rows_;
  size_t next_row_ = 0;
  const Row* row_ = nullptr;
  Status valid_;  // of histogram_
  std::string name_;
  LabelsBuilder builder_;
  Labels labels_;
  bool exemplar_done_ = false;
  size_t next_native_exemplar_ = 0;
};

}  // namespace

std::unique_ptr<Parser> NewProtobufParser(std::string_view body, const ParserOptions& options) {
  return std::make_unique<ProtobufParser>(body, options);
}

}  // namespace deucalion::scrape
