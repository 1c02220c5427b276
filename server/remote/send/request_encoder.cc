#include "server/remote/send/request_encoder.h"

#include <cstring>

#include "server/remote/snappy_block.h"
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

std::string Compress(const std::string& message) {
  Result<std::string> body = SnappyEncode(message);
  CHECK(body.ok());  // far below snappy's 4 GiB
  return std::move(*body);
}

void PutLabel(std::string_view name, std::string_view value, uint32_t field, std::string* out) {
  std::string label;
  PutBytesField(&label, 1, name);
  PutBytesField(&label, 2, value);
  PutBytesAlways(out, field, label);
}

void PutSample(const OutgoingValue& v, int64_t st_ms, std::string* out) {
  SmallMessage sample(out, 2);
  PutDoubleField(out, 1, v.value);
  PutInt64Field(out, 2, v.time_ms);
  PutInt64Field(out, 3, st_ms);
}

void PutHistogram(uint32_t field, const OutgoingValue& v, int64_t st_ms, std::string* out) {
  std::string message;
  AppendHistogramMessage(v.time_ms, st_ms, v.histogram->integer, v.histogram->histogram, &message);
  PutBytesAlways(out, field, message);
}

void PutExemplarV1(const Exemplar& exemplar, std::string* out) {
  std::string message;
  for (const Label& label : exemplar.labels) PutLabel(label.name, label.value, 1, &message);
  PutDoubleField(&message, 2, exemplar.value);
  PutInt64Field(&message, 3, exemplar.time_ms);
  PutBytesAlways(out, 3, message);
}

}  // namespace

EncodedLabels EncodeLabels(LabelsView labels, WriteVersion version, TextPool* pool) {
  EncodedLabels encoded;
  const auto add = [&](std::string_view text) {
    encoded.texts.push_back(pool->Ref(text));
    encoded.bytes += static_cast<uint32_t>(text.size());
  };
  std::string message;
  for (const Label& label : labels) {
    if (version == WriteVersion::kV2) {
      add(label.name);
      add(label.value);
    } else {
      message.clear();
      PutLabel(label.name, label.value, 1, &message);
      add(message);
    }
  }
  return encoded;
}

void ReleaseLabels(const EncodedLabels& labels, TextPool* pool) {
  for (const uint32_t text : labels.texts) pool->Unref(text);
}

// The texts of a series are small: one growth of the message for all of them.
void RequestEncoder::AddV1(const OutgoingValue& v) {
  scratch_.clear();
  if (v.exemplar != nullptr) {
    PutExemplarV1(*v.exemplar, &scratch_);
  } else if (v.histogram != nullptr) {
    PutHistogram(4, v, 0, &scratch_);
  } else {
    PutSample(v, 0, &scratch_);
  }
  PutKey(&message_, 1, WireType::kBytes);
  PutVarint(&message_, v.labels->bytes + scratch_.size());
  const size_t begin = message_.size();
  message_.resize(begin + v.labels->bytes);
  char* p = message_.data() + begin;
  for (const uint32_t number : v.labels->texts) {
    const std::string_view text = pool_->text(number);
    std::memcpy(p, text.data(), text.size());
    p += text.size();
  }
  message_ += scratch_;
}

uint32_t RequestEncoder::Symbol(uint32_t text) {
  if (text >= uses_.size()) uses_.resize(pool_->limit());
  Use& use = uses_[text];
  if (use.request != request_) {
    const std::string_view bytes = pool_->text(text);
    use.request = request_;
    use.symbol = bytes.empty() ? 0 : num_symbols_++;
    if (!bytes.empty()) PutBytesAlways(&symbols_, 4, bytes);
  }
  return use.symbol;
}

uint32_t RequestEncoder::Symbol(std::string_view text) {
  if (text.empty()) return 0;
  const auto [it, added] = other_symbols_.try_emplace(std::string(text), num_symbols_);
  if (added) {
    num_symbols_++;
    PutBytesAlways(&symbols_, 4, text);
  }
  return it->second;
}

void RequestEncoder::PutExemplarV2(const Exemplar& exemplar) {
  std::string message;
  std::string refs;
  for (const Label& label : exemplar.labels) {
    PutVarint(&refs, Symbol(label.name));
    PutVarint(&refs, Symbol(label.value));
  }
  PutBytesField(&message, 1, refs);
  PutDoubleField(&message, 2, exemplar.value);
  PutInt64Field(&message, 3, exemplar.time_ms);
  PutBytesAlways(&scratch_, 4, message);
}

void RequestEncoder::PutLabelRefs(const EncodedLabels& labels) {
  size_t bytes = 0;
  for (const uint32_t text : labels.texts) bytes += VarintSize(Symbol(text));
  PutKey(&scratch_, 1, WireType::kBytes);
  PutVarint(&scratch_, bytes);
  for (const uint32_t text : labels.texts) PutVarint(&scratch_, uses_[text].symbol);
}

void RequestEncoder::AddV2(const OutgoingValue& v) {
  scratch_.clear();
  PutLabelRefs(*v.labels);
  if (v.exemplar != nullptr) {
    PutExemplarV2(*v.exemplar);
  } else if (v.histogram != nullptr) {
    PutHistogram(3, v, v.st_ms, &scratch_);
  } else {
    PutSample(v, v.st_ms, &scratch_);
  }
  if (v.metadata != nullptr) {
    SmallMessage message(&scratch_, 5);
    PutVarintField(&scratch_, 1, KindNumber(v.metadata->kind));
    PutVarintField(&scratch_, 3, Symbol(v.metadata->help));
    PutVarintField(&scratch_, 4, Symbol(v.metadata->unit));
  }
  PutBytesAlways(&message_, 5, scratch_);
}

std::string RequestEncoder::Finish() {
  if (version_ == WriteVersion::kV2) {
    std::string head;
    PutBytesAlways(&head, 4, "");  // symbol 0
    message_.insert(0, head + symbols_);
    symbols_.clear();
    other_symbols_.clear();
    num_symbols_ = 1;
    request_++;
  }
  std::string body = Compress(message_);
  message_.clear();
  return body;
}

std::string EncodeMetadataV1(std::span<const OutgoingMetadata> metadata) {
  std::string request;
  std::string message;
  for (const OutgoingMetadata& m : metadata) {
    message.clear();
    PutVarintField(&message, 1, KindNumber(m.metadata->kind));
    PutBytesField(&message, 2, m.family);
    PutBytesField(&message, 4, m.metadata->help);
    PutBytesField(&message, 5, m.metadata->unit);
    PutBytesAlways(&request, 3, message);
  }
  return Compress(request);
}

}  // namespace deucalion::remote
