#include "tsdb/db/kept_labels.h"

#include "base/bytes.h"

namespace deucalion::tsdb {
namespace {

// Rows per batch: a few MiB at most.
constexpr size_t kBatchRows = 10'000;

std::string KeyOf(uint64_t id) {
  std::string key(8, '\0');
  for (int i = 0; i < 8; i++) key[static_cast<size_t>(i)] = static_cast<char>(id >> (56 - 8 * i));
  return key;
}

uint64_t IdOf(std::string_view key) {
  uint64_t id = 0;
  for (const char c : key) id = id << 8 | static_cast<uint8_t>(c);
  return id;
}

wal::Position GetPosition(ByteReader* in) {
  const auto segment = static_cast<uint32_t>(in->Varint());
  return {segment, in->Varint()};
}

}  // namespace

Status KeptLabels::Keep(const std::vector<Slot>& leaving) {
  const std::vector<wal::Position> ends = wal_->Ends();
  CatalogBatch batch;
  std::string row, labels;
  for (const Slot slot : leaving) {
    const SeriesRecord& r = head_->slabs().Record(slot);
    const uint64_t id = r.id();
    if (id == 0) continue;
    const wal::Position end = ends[head_->StreamOfId(id)];
    row.clear();
    PutVarint(&row, end.segment);
    PutVarint(&row, end.offset);
    head_->index().CopyLabels(r.labels.load(std::memory_order_acquire), &labels);
    batch.Put(Keyspace::kSeries, KeyOf(id), row + labels);
    if (batch.changes().size() < kBatchRows) continue;
    RETURN_IF_ERROR(catalog_->Write(batch, false));
    batch.Clear();
  }
  return catalog_->Write(batch, true);
}

Status KeptLabels::Forget(const std::vector<wal::Position>& passed) {
  CatalogBatch batch;
  RETURN_IF_ERROR(
      catalog_->Scan(Keyspace::kSeries, "", [&](std::string_view key, std::string_view value) {
        ByteReader in(value);
        const wal::Position left = GetPosition(&in);
        if (!in.ok() || left <= passed[head_->StreamOfId(IdOf(key))]) {
          batch.Delete(Keyspace::kSeries, key);
        }
        return true;
      }));
  return batch.empty() ? OkStatus() : catalog_->Write(batch, false);
}

Result<Labels> KeptLabels::LabelsOf(uint64_t id) {
  ASSIGN_OR_RETURN(const std::string row, catalog_->Get(Keyspace::kSeries, KeyOf(id)));
  ByteReader in(row);
  (void)GetPosition(&in);
  const std::string_view labels = in.Rest();
  if (!in.ok() || !CheckEncodedLabels(labels)) {
    return CorruptError("catalog: labels of a series do not decode");
  }
  return Labels::FromEncoded(std::string(labels));
}

Status KeptLabels::Ids(uint32_t stream, std::vector<uint64_t>* ids) {
  return catalog_->Scan(Keyspace::kSeries, "", [&](std::string_view key, std::string_view) {
    const uint64_t id = IdOf(key);
    if (head_->StreamOfId(id) == stream) ids->push_back(id);
    return true;
  });
}

}  // namespace deucalion::tsdb
