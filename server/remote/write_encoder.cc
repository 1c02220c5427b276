#include "server/remote/write_encoder.h"

#include <unordered_map>
#include <vector>

#include "server/remote/read_response.h"
#include "server/remote/wire_histogram.h"
#include "server/remote/wire_put.h"

namespace deucalion::remote {
namespace {

// Both versions number the kinds alike.
uint64_t KindNumber(MetricKind kind) {
  switch (kind) {
    case MetricKind::kCounter:
      return 1;
    case MetricKind::kGauge:
      return 2;
    case MetricKind::kHistogram:
      return 3;
    case MetricKind::kGaugeHistogram:
      return 4;
    case MetricKind::kSummary:
      return 5;
    case MetricKind::kInfo:
      return 6;
    case MetricKind::kStateset:
      return 7;
    default:
      return 0;
  }
}

void PutHistogramField(uint32_t field, const OutgoingValue& v, int64_t st_ms, std::string* out) {
  std::string message;
  AppendHistogramMessage(v.time_ms, st_ms, v.histogram->integer, v.histogram->histogram, &message);
  PutBytesAlways(out, field, message);
}

void PutSample(const OutgoingValue& v, int64_t st_ms, std::string* out) {
  SmallMessage sample(out, 2);
  PutDoubleField(out, 1, v.value);
  PutInt64Field(out, 2, v.time_ms);
  PutInt64Field(out, 3, st_ms);
}

void PutExemplarV1(const OutgoingValue& v, std::string* out) {
  std::string message;
  AppendLabels(v.exemplar->labels, LabelsView(), &message);
  PutDoubleField(&message, 2, v.exemplar->value);
  PutInt64Field(&message, 3, v.exemplar->time_ms);
  PutBytesAlways(out, 3, message);
}

// The table of a 2.0 request; the empty text is 0.
class Symbols {
 public:
  Symbols() { Ref(""); }
  uint32_t Ref(std::string_view text) {
    const auto [it, added] = refs_.try_emplace(text, static_cast<uint32_t>(list_.size()));
    if (added) list_.push_back(text);
    return it->second;
  }
  void Put(std::string* out) const {
    for (const std::string_view text : list_) PutBytesAlways(out, 4, text);
  }

 private:
  std::unordered_map<std::string_view, uint32_t> refs_;
  std::vector<std::string_view> list_;
};

void PutLabelRefs(LabelsView labels, Symbols* symbols, std::string* out) {
  std::string packed;
  for (const Label& label : labels) {
    PutVarint(&packed, symbols->Ref(label.name));
    PutVarint(&packed, symbols->Ref(label.value));
  }
  PutBytesField(out, 1, packed);
}

void PutExemplarV2(const OutgoingValue& v, Symbols* symbols, std::string* out) {
  std::string message;
  PutLabelRefs(v.exemplar->labels, symbols, &message);
  PutDoubleField(&message, 2, v.exemplar->value);
  PutInt64Field(&message, 3, v.exemplar->time_ms);
  PutBytesAlways(out, 4, message);
}

void PutMetadataV2(const Metadata& metadata, Symbols* symbols, std::string* out) {
  SmallMessage message(out, 5);
  PutVarintField(out, 1, KindNumber(metadata.kind));
  PutVarintField(out, 3, symbols->Ref(metadata.help));
  PutVarintField(out, 4, symbols->Ref(metadata.unit));
}

}  // namespace

void EncodeWriteV1(std::span<const OutgoingValue> values, std::string* out) {
  std::string series;
  for (const OutgoingValue& v : values) {
    series.clear();
    AppendLabels(v.labels, LabelsView(), &series);
    if (v.exemplar != nullptr) {
      PutExemplarV1(v, &series);
    } else if (v.histogram != nullptr) {
      PutHistogramField(4, v, 0, &series);
    } else {
      PutSample(v, 0, &series);
    }
    PutBytesAlways(out, 1, series);
  }
}

void EncodeMetadataV1(std::span<const OutgoingMetadata> metadata, std::string* out) {
  std::string message;
  for (const OutgoingMetadata& m : metadata) {
    message.clear();
    PutVarintField(&message, 1, KindNumber(m.metadata->kind));
    PutBytesField(&message, 2, m.family);
    PutBytesField(&message, 4, m.metadata->help);
    PutBytesField(&message, 5, m.metadata->unit);
    PutBytesAlways(out, 3, message);
  }
}

void EncodeWriteV2(std::span<const OutgoingValue> values, std::string* out) {
  Symbols symbols;
  std::string all, series;
  for (const OutgoingValue& v : values) {
    series.clear();
    PutLabelRefs(v.labels, &symbols, &series);
    if (v.exemplar != nullptr) {
      PutExemplarV2(v, &symbols, &series);
    } else if (v.histogram != nullptr) {
      PutHistogramField(3, v, v.st_ms, &series);
    } else {
      PutSample(v, v.st_ms, &series);
    }
    if (v.metadata != nullptr) PutMetadataV2(*v.metadata, &symbols, &series);
    PutBytesAlways(&all, 5, series);
  }
  symbols.Put(out);
  *out += all;
}

}  // namespace deucalion::remote
