// SeriesTable: the series a write queue follows, by their id in the feed, with the labels they are
// sent under: external labels added, write_relabel_configs applied. Thread-compatible.
#ifndef DEUCALION_SERVER_REMOTE_SEND_QUEUE_SERIES_H_
#define DEUCALION_SERVER_REMOTE_SEND_QUEUE_SERIES_H_

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "model/labels.h"
#include "model/metadata.h"
#include "scrape/relabel.h"
#include "server/remote/send/request_encoder.h"
#include "server/remote/send/text_pool.h"

namespace deucalion::remote {

struct QueueSeries {
  uint64_t id = 0;
  EncodedLabels labels;                // as sent; empty: dropped by relabelling
  uint64_t hash = 0;                   // of the labels in storage: picks the shard
  std::unique_ptr<Metadata> metadata;  // null: none
  uint32_t pending = 0;                // values in the queue
  bool gone = false;                   // to be forgotten once nothing is pending
  bool dropped() const { return labels.texts.empty(); }
};

class SeriesTable {
 public:
  // `rules` must outlive the table.
  SeriesTable(WriteVersion version, Labels external_labels,
              const std::vector<scrape::RelabelConfig>* rules)
      : version_(version), external_labels_(std::move(external_labels)), rules_(rules) {}

  // A series the table knows already keeps its place and what is pending.
  void Introduce(uint64_t id, LabelsView labels);
  // Null when unknown. Valid until the series is released.
  QueueSeries* Find(uint64_t id);
  // The id will not come again.
  void Forget(uint64_t id);
  // One pending value less.
  void Release(QueueSeries* series) {
    if (--series->pending == 0 && series->gone) Erase(series->id);
  }
  size_t size() const { return index_.size(); }
  // What the labels of the series refer to.
  const TextPool& texts() const { return texts_; }

 private:
  LabelsView SentLabels(LabelsView labels);
  void Erase(uint64_t id);
  void Compact();

  const WriteVersion version_;
  const Labels external_labels_;
  const std::vector<scrape::RelabelConfig>* const rules_;
  // In the order of introduction, which is mostly that of samples: the entry behind the last one is
  // looked at first. Null: erased.
  std::vector<std::unique_ptr<QueueSeries>> entries_;
  std::unordered_map<uint64_t, size_t> index_;  // id -> entries_
  size_t last_ = 0;
  TextPool texts_;
  LabelsBuilder builder_;
  Labels scratch_;
};

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_SEND_QUEUE_SERIES_H_
