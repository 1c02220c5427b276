#include <limits>

#include "model/histogram.h"
#include "model/value.h"

namespace deucalion {
namespace {

void AppendBucket(const HistogramBucket& b, std::string* out) {
  out->append(b.lower_inclusive ? ", [" : ", (");
  AppendFloatG(out, b.lower);
  out->push_back(',');
  AppendFloatG(out, b.upper);
  out->append(b.upper_inclusive ? "]:" : "):");
  AppendFloatG(out, b.count);
}

// key:value pairs between double braces.
class TestText {
 public:
  void Add(std::string_view key, std::string_view value) {
    if (text_.size() > 2) text_.push_back(' ');
    text_.append(key).append(":").append(value);
  }
  void AddUnlessZero(std::string_view key, double value) {
    if (value != 0) Add(key, FormatFloatG(value));
  }
  void AddList(std::string_view key, const std::vector<double>& values) {
    std::string list = "[";
    for (const double v : values) {
      if (list.size() > 1) list.push_back(' ');
      AppendFloatG(&list, v);
    }
    Add(key, list + "]");
  }
  void AddSide(std::string_view offset_key, std::string_view buckets_key,
               const std::vector<BucketSpan>& spans, const std::vector<double>& buckets) {
    if (!spans.empty() && spans[0].offset != 0) Add(offset_key, std::to_string(spans[0].offset));
    if (!buckets.empty()) AddList(buckets_key, buckets);
  }
  std::string Take() { return std::move(text_) + "}}"; }

 private:
  std::string text_ = "{{";
};

}  // namespace

std::string FloatHistogram::ToString() const {
  std::string out = "{count:";
  AppendFloatG(&out, count);
  out.append(", sum:");
  AppendFloatG(&out, sum);
  const std::vector<HistogramBucket> negative = NegativeBuckets();
  for (auto b = negative.rbegin(); b != negative.rend(); ++b) {
    if (b->count != 0) AppendBucket(*b, &out);
  }
  if (zero_count != 0) AppendBucket(ZeroBucket(), &out);
  for (const HistogramBucket& b : PositiveBuckets()) {
    if (b.count != 0) AppendBucket(b, &out);
  }
  out.push_back('}');
  return out;
}

std::string FloatHistogram::TestExpression() const {
  FloatHistogram h = *this;
  h.Compact(std::numeric_limits<int>::max());  // one span a side
  TestText text;
  if (h.schema != 0) text.Add("schema", std::to_string(h.schema));
  text.AddUnlessZero("count", h.count);
  text.AddUnlessZero("sum", h.sum);
  text.AddUnlessZero("z_bucket", h.zero_count);
  text.AddUnlessZero("z_bucket_w", h.zero_threshold);
  if (h.UsesCustomBuckets()) text.AddList("custom_values", h.custom_values);
  constexpr std::string_view kHints[] = {"", "reset", "not_reset", "gauge"};
  if (h.reset_hint != ResetHint::kUnknown) {
    text.Add("counter_reset_hint", kHints[static_cast<size_t>(h.reset_hint) & 3]);
  }
  text.AddSide("offset", "buckets", h.positive_spans, h.positive_buckets);
  text.AddSide("n_offset", "n_buckets", h.negative_spans, h.negative_buckets);
  return text.Take();
}

}  // namespace deucalion
