#include "server/remote/read_response.h"

#include <utility>

#include "base/hash.h"
#include "server/remote/wire_histogram.h"
#include "server/remote/wire_put.h"

namespace deucalion::remote {
namespace {

void AppendLabel(const Label& label, std::string* out) {
  PutKey(out, 1, WireType::kBytes);
  PutVarint(out, BytesFieldSize(label.name) + BytesFieldSize(label.value));
  PutBytesField(out, 1, label.name);
  PutBytesField(out, 2, label.value);
}

}  // namespace

void AppendLabels(LabelsView labels, LabelsView external_labels, std::string* out) {
  auto external = external_labels.begin();
  const auto end = external_labels.end();
  for (const Label& label : labels) {
    for (; external != end && external->name < label.name; ++external) {
      AppendLabel(*external, out);
    }
    if (external != end && external->name == label.name) ++external;
    AppendLabel(label, out);
  }
  for (; external != end; ++external) AppendLabel(*external, out);
}

void AppendSamples(const SampleColumns& columns, std::string* out) {
  for (size_t i = 0; i < columns.times.size(); i++) {
    SmallMessage sample(out, 2);
    PutDoubleField(out, 1, columns.values[i]);
    PutInt64Field(out, 2, columns.times[i]);
  }
  std::string message;
  for (const HistogramPoint& point : columns.histograms) {
    message.clear();
    AppendHistogramMessage(point.time_ms, 0, point.integer, point.histogram, &message);
    PutBytesAlways(out, 4, message);
  }
}

void FrameWriter::BeginSeries(uint64_t query_index, std::string labels) {
  query_index_ = query_index;
  labels_ = std::move(labels);
}

void FrameWriter::AddChunk(const CutChunk& chunk, std::string* out) {
  message_.clear();
  PutInt64Field(&message_, 1, chunk.min_ms);
  PutInt64Field(&message_, 2, chunk.max_ms);
  PutVarintField(&message_, 3, static_cast<uint64_t>(chunk.encoding));
  PutBytesField(&message_, 4, chunk.data);
  PutBytesAlways(&chunks_, 2, message_);
  if (labels_.size() + chunks_.size() >= max_bytes_) Flush(out);
}

void FrameWriter::EndSeries(std::string* out) {
  if (!chunks_.empty()) Flush(out);
}

void FrameWriter::Flush(std::string* out) {
  message_.clear();
  PutKey(&message_, 1, WireType::kBytes);
  PutVarint(&message_, labels_.size() + chunks_.size());
  message_ += labels_;
  message_ += chunks_;
  PutVarintField(&message_, 2, query_index_);
  PutVarint(out, message_.size());
  PutBigEndian32(out, Crc32c(message_));
  *out += message_;
  chunks_.clear();
}

}  // namespace deucalion::remote
