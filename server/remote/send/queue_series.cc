#include "server/remote/send/queue_series.h"

namespace deucalion::remote {

void SeriesTable::Introduce(uint64_t id, LabelsView labels) {
  QueueSeries* series = Find(id);
  if (series == nullptr) {
    if (entries_.size() > 2 * index_.size() + 1024) Compact();
    index_[id] = entries_.size();
    series = entries_.emplace_back(std::make_unique<QueueSeries>()).get();
    series->id = id;
  }
  if (series->pending > 0) return;  // its values were queued under these labels
  series->gone = false;
  ReleaseLabels(series->labels, &texts_);
  series->labels = EncodeLabels(SentLabels(labels), version_, &texts_);
  series->hash = labels.Hash();
}

// `labels` as they are sent; empty when the series is dropped. Valid until the next call.
LabelsView SeriesTable::SentLabels(LabelsView labels) {
  if (external_labels_.empty() && rules_->empty()) return labels;
  builder_.Reset(labels);
  for (const Label& label : external_labels_) {
    if (builder_.Get(label.name).empty()) builder_.Set(label.name, label.value);
  }
  if (!scrape::Relabel(*rules_, &builder_)) return LabelsView();
  builder_.BuildInto(&scratch_);
  return scratch_;
}

QueueSeries* SeriesTable::Find(uint64_t id) {
  const size_t next = last_ + 1;
  if (next < entries_.size() && entries_[next] != nullptr && entries_[next]->id == id) {
    last_ = next;
    return entries_[next].get();
  }
  const auto it = index_.find(id);
  if (it == index_.end()) return nullptr;
  last_ = it->second;
  return entries_[last_].get();
}

void SeriesTable::Forget(uint64_t id) {
  QueueSeries* series = Find(id);
  if (series == nullptr) return;
  series->gone = true;
  if (series->pending == 0) Erase(id);
}

void SeriesTable::Erase(uint64_t id) {
  const auto it = index_.find(id);
  ReleaseLabels(entries_[it->second]->labels, &texts_);
  entries_[it->second] = nullptr;
  index_.erase(it);
}

void SeriesTable::Compact() {
  std::erase_if(entries_, [](const auto& entry) { return entry == nullptr; });
  for (size_t i = 0; i < entries_.size(); ++i) index_[entries_[i]->id] = i;
  last_ = 0;
}

}  // namespace deucalion::remote
