// Turns classic histograms of a text body into custom-bucket histograms (NHCB) on the way through.
//
// The formats are line based: the series of one classic histogram come one after another. This
// parser collects them while name and labels (without `le`) stay the same and emits the histogram
// when something else begins. Only families whose TYPE says histogram are converted.
#include <cmath>
#include <utility>
#include <vector>

#include "model/value.h"
#include "scrape/parse/parser.h"

namespace deucalion::scrape {
namespace {

std::string_view HistogramBaseName(std::string_view name) {
  for (std::string_view suffix : {"_bucket", "_sum", "_count"}) {
    if (name.ends_with(suffix)) return name.substr(0, name.size() - suffix.size());
  }
  return name;
}

class NhcbParser final : public Parser {
 public:
  NhcbParser(std::unique_ptr<Parser> inner, bool keep_classic)
      : inner_(std::move(inner)), keep_classic_(keep_classic) {
    may_have_exemplars_ = true;
  }

  Status Next(Entry* entry) override {
    if (emitting_) {
      // What ended the histogram is still to be returned.
      emitting_ = false;
      if (held_ == Entry::kSeries && Collect() && !keep_classic_) return Next(entry);
      return Release(entry);
    }
    for (;;) {
      RETURN_IF_ERROR(inner_->Next(&held_));
      if (held_ == Entry::kSeries) {
        RETURN_IF_ERROR(inner_->BuildLabels(&labels_));
        if (collecting_ && !SameHistogram() && Emit(entry)) return OkStatus();
        if (Collect() && !keep_classic_) continue;
        return Release(entry);
      }
      if (held_ == Entry::kType) {
        type_family_.assign(inner_->family());
        type_ = inner_->kind();
      }
      if (Emit(entry)) return OkStatus();
      return Release(entry);
    }
  }

  Status BuildLabels(Labels* out) override {
    if (emitting_) {
      out->Assign(emitted_labels_);
    } else {
      out->Assign(labels_);
    }
    return OkStatus();
  }

  bool NextExemplar(Exemplar* out) override {
    if (!emitting_) {
      // Collecting has taken the exemplars of a classic series that is kept.
      if (next_kept_exemplar_ < kept_exemplars_.size()) {
        *out = kept_exemplars_[next_kept_exemplar_++];
        return true;
      }
      return kept_exemplars_.empty() && inner_->NextExemplar(out);
    }
    if (next_exemplar_ >= emitted_exemplars_.size()) return false;
    *out = std::move(emitted_exemplars_[next_exemplar_++]);
    return true;
  }

  int64_t StartTimestampMs() override {
    return emitting_ ? emitted_st_ms_ : inner_->StartTimestampMs();
  }

 private:
  // Shows what the wrapped parser stands at.
  Status Release(Entry* entry) {
    series_ = inner_->series();
    value_ = inner_->value();
    has_timestamp_ = inner_->has_timestamp();
    timestamp_ms_ = inner_->timestamp_ms();
    family_ = inner_->family();
    text_ = inner_->text();
    kind_ = inner_->kind();
    *entry = held_;
    return OkStatus();
  }

  // Name and labels without `le` of the series at hand, as one string.
  std::string Identity() const {
    std::string id(HistogramBaseName(labels_.Get(kMetricName)));
    for (const Label& l : labels_) {
      if (l.name == kMetricName || l.name == kBucketLabel) continue;
      id.push_back('\xff');
      id.append(l.name);
      id.push_back('\xff');
      id.append(l.value);
    }
    return id;
  }

  bool SameHistogram() const { return type_ == MetricKind::kHistogram && identity_ == Identity(); }

  // Takes the series into the histogram being collected (begun if there is none). False: it is none
  // of a classic histogram.
  bool Collect() {
    kept_exemplars_.clear();
    next_kept_exemplar_ = 0;
    if (type_ != MetricKind::kHistogram) return false;
    const std::string_view name = labels_.Get(kMetricName);
    const std::string_view base = HistogramBaseName(name);
    if (base != type_family_ || base.size() == name.size()) return false;
    double bound = 0;
    const bool bucket = name.ends_with("_bucket");
    if (bucket && (!ParseFloatFast(labels_.Get(kBucketLabel), &bound) || std::isnan(bound))) {
      return false;
    }
    if (!collecting_) Begin(base);
    const double v = inner_->value();
    if (bucket) {
      classic_.buckets.emplace_back(bound, v);
    } else if (name.ends_with("_count")) {
      classic_.has_count = true;
      classic_.count = v;
    } else {
      classic_.sum = v;
    }
    Exemplar exemplar;
    while (inner_->NextExemplar(&exemplar)) {
      if (keep_classic_) kept_exemplars_.push_back(exemplar);
      exemplars_.push_back(std::move(exemplar));
      exemplar = Exemplar();
    }
    return true;
  }

  void Begin(std::string_view base) {
    collecting_ = true;
    identity_ = Identity();
    classic_ = ClassicHistogram();
    exemplars_.clear();
    collected_st_ms_ = inner_->StartTimestampMs();
    collected_has_timestamp_ = inner_->has_timestamp();
    collected_timestamp_ms_ = inner_->timestamp_ms();
    LabelsBuilder builder(labels_);
    builder.Set(kMetricName, base);
    builder.Delete(kBucketLabel);
    builder.BuildInto(&collected_labels_);
  }

  // Ends the collection and shows the histogram, if one came out.
  bool Emit(Entry* entry) {
    if (!collecting_) return false;
    collecting_ = false;
    Result<ConvertedHistogram> converted = ConvertClassicToNhcb(classic_);
    if (!converted.ok()) return false;
    histogram_ = *std::move(converted);
    const Status valid =
        histogram_.is_float ? histogram_.floating.Validate() : histogram_.integer.Validate();
    if (!valid.ok()) return false;
    emitting_ = true;
    emitted_labels_ = collected_labels_;
    emitted_exemplars_.swap(exemplars_);
    next_exemplar_ = 0;
    emitted_st_ms_ = collected_st_ms_;
    emitted_text_ = identity_;
    series_ = emitted_text_;
    has_timestamp_ = collected_has_timestamp_;
    timestamp_ms_ = collected_timestamp_ms_;
    *entry = Entry::kHistogram;
    return true;
  }

  const std::unique_ptr<Parser> inner_;
  const bool keep_classic_;

  Entry held_ = Entry::kEof;  // where the wrapped parser stands
  Labels labels_;             // of the series it stands at
  std::string type_family_;
  MetricKind type_ = MetricKind::kUnknown;
  std::vector<Exemplar> kept_exemplars_;
  size_t next_kept_exemplar_ = 0;

  bool collecting_ = false;
  std::string identity_;
  ClassicHistogram classic_;
  Labels collected_labels_;
  std::vector<Exemplar> exemplars_;
  int64_t collected_st_ms_ = 0;
  int64_t collected_timestamp_ms_ = 0;
  bool collected_has_timestamp_ = false;

  bool emitting_ = false;
  Labels emitted_labels_;
  std::string emitted_text_;
  std::vector<Exemplar> emitted_exemplars_;
  size_t next_exemplar_ = 0;
  int64_t emitted_st_ms_ = 0;
};

}  // namespace

std::unique_ptr<Parser> NewNhcbParser(std::unique_ptr<Parser> parser, bool keep_classic) {
  return std::make_unique<NhcbParser>(std::move(parser), keep_classic);
}

}  // namespace deucalion::scrape
