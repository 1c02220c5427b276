#include "promql/exec/row.h"

#include <string>

namespace deucalion::promql {

bool Row::Any() const {
  if (floats.Any()) return true;
  for (const HistogramPtr& h : histograms) {
    if (h != nullptr) return true;
  }
  return false;
}

void Row::AddPresence(StepMask* mask) const {
  mask->Or(floats);
  for (size_t i = 0; i < histograms.size(); i++) {
    if (histograms[i] != nullptr) mask->Set(i);
  }
}

uint64_t Row::SizeInSamples() const {
  uint64_t n = floats.Count();
  for (const HistogramPtr& h : histograms) {
    if (h != nullptr) n += h->SizeInSamples();
  }
  return n;
}

void Row::Restrict(const StepMask& keep) {
  floats.And(keep);
  for (size_t i = 0; i < histograms.size(); i++) {
    if (!keep.Test(i)) histograms[i].reset();
  }
}

uint64_t Row::SizeBytes() const {
  uint64_t n = sizeof(Row) + labels.bytes().capacity() + values.capacity() * sizeof(double) +
               floats.heap_bytes() + histograms.capacity() * sizeof(HistogramPtr);
  const FloatHistogram* last = nullptr;  // neighbours often share one histogram
  for (const HistogramPtr& h : histograms) {
    if (h != nullptr && h.get() != last) n += h->SizeBytes();
    last = h.get();
  }
  return n;
}

size_t Block::SizeBytes() const {
  size_t n = sizeof(Block) + (rows_.capacity() - rows_.size()) * sizeof(Row);
  for (const Row& row : rows_) n += row.SizeBytes();
  return n;
}

namespace {

bool IsMetadataLabel(std::string_view name) {
  return name == kMetricName || name == kTypeLabel || name == kUnitLabel;
}

}  // namespace

bool HasMetadataLabels(LabelsView in) {
  for (const Label& l : in) {
    if (IsMetadataLabel(l.name)) return true;
    if (l.name > kUnitLabel) return false;
  }
  return false;
}

void DropMetadataLabels(LabelsView in, Labels* out) {
  std::string kept;
  kept.reserve(in.bytes().size());
  for (const Label& l : in) {
    if (!IsMetadataLabel(l.name)) AppendEncodedLabel(&kept, l.name, l.value);
  }
  out->mutable_bytes()->swap(kept);
}

}  // namespace deucalion::promql
