// Starting on a Prometheus data directory: what its head holds in its logs comes in as blocks,
// once.
//
// Order: blocks written under temporary names -> exemplars and metadata into our head (given twice
// they are the same) -> one synced batch with the blocks and how far the logs have been read. A
// crash before the batch leaves nothing but what the next start removes, and that start begins
// again.
#include <algorithm>

#include "tsdb/db/db.h"

namespace deucalion::tsdb {
namespace {

// In keyspace kCheckpoint: PrometheusLogEnd of what has been imported.
constexpr std::string_view kImportKey = "prometheus-import";
constexpr size_t kPerCommit = 5'000;

Result<PrometheusLogEnd> LastImport(Catalog* catalog) {
  const auto record = catalog->Get(Keyspace::kCheckpoint, kImportKey);
  if (record.ok()) return PrometheusLogEnd::Decode(*record);
  if (record.status().code() == StatusCode::kNotFound) return PrometheusLogEnd{};
  return record.status();
}

// Prometheus's rule: in-order samples before the end of its newest block are in blocks. Those of
// out-of-order or stale series say nothing about the others.
int64_t EndOfPrometheusBlocks(const BlockList& blocks) {
  int64_t end_ms = kMinTimeMs;
  for (const auto& block : blocks) {
    const BlockMeta& meta = block->meta();
    const bool partial = std::any_of(meta.hints.begin(), meta.hints.end(), [](const auto& hint) {
      return hint == "from-out-of-order" || hint == "from-stale-series";
    });
    if (!meta.ours() && !partial) end_ms = std::max(end_ms, meta.max_ms);
  }
  return end_ms;
}

}  // namespace

Status Db::BeginImport() {
  const std::string scratch = OwnPath("import");
  if (options_.fs->Exists(scratch)) {
    RETURN_IF_ERROR(options_.fs->RemoveAll(scratch));
  }
  ASSIGN_OR_RETURN(const PrometheusLogEnd last, LastImport(catalog_.get()));
  ASSIGN_OR_RETURN(const PrometheusLogEnd now, PrometheusLogEnd::Find(options_.fs, path_));
  if (now == PrometheusLogEnd{} || now == last) return OkStatus();
  options_.logger->Info("Importing the head of a Prometheus data directory",
                        {{"component", "tsdb"}, {"dir", path_}});
  ASSIGN_OR_RETURN(PrometheusImport import,
                   ImportPrometheusLogs({.fs = options_.fs,
                                         .clock = options_.clock,
                                         .logger = options_.logger,
                                         .tracker = tracker_.get(),
                                         .root = path_,
                                         .scratch_dir = scratch,
                                         .range_ms = options_.min_block_range_ms,
                                         .max_exemplars = static_cast<size_t>(
                                             std::max<int64_t>(0, options_.settings.max_exemplars)),
                                         .from = last,
                                         .min_valid_ms = EndOfPrometheusBlocks(*blocks_->List()),
                                         .block_dir = [this](const std::string& ulid) {
                                           return blocks_->store().CreationDir(ulid);
                                         }}));
  import_ = std::make_unique<PrometheusImport>(std::move(import));
  return OkStatus();
}

Status Db::FinishImport() {
  if (import_ == nullptr) return OkStatus();
  const std::unique_ptr<PrometheusImport> import = std::move(import_);
  // Exemplars that are there already are refused: fine.
  auto appender = NewAppender({});
  size_t staged = 0;
  const auto commit_some = [&]() -> Status {
    if (++staged % kPerCommit != 0) return OkStatus();
    RETURN_IF_ERROR(appender->Commit());
    appender = NewAppender({});
    return OkStatus();
  };
  for (const auto& [labels, exemplar] : import->exemplars) {
    ASSIGN_OR_RETURN(const SeriesRef ref, appender->FindOrCreate(labels, labels.Hash(), 0));
    (void)appender->AppendExemplar(ref, exemplar);
    RETURN_IF_ERROR(commit_some());
  }
  for (const auto& [labels, metadata] : import->metadata) {
    ASSIGN_OR_RETURN(const SeriesRef ref, appender->FindOrCreate(labels, labels.Hash(), 0));
    RETURN_IF_ERROR(appender->UpdateMetadata(ref, metadata));
    RETURN_IF_ERROR(commit_some());
  }
  RETURN_IF_ERROR(appender->Commit());
  RETURN_IF_ERROR(wal_->SyncAll());
  CatalogBatch batch;
  batch.Put(Keyspace::kCheckpoint, kImportKey, import->end.Encode());
  RETURN_IF_ERROR(blocks_->store().Commit(import->blocks, {}, batch));
  const PrometheusImportStats& s = import->stats;
  replay_stats_.damaged += s.damaged;
  options_.logger->Log(s.damaged + s.unknown_refs > 0 ? LogLevel::kWarn : LogLevel::kInfo,
                       "Head of a Prometheus data directory imported; its wal, wbl and chunks_head "
                       "are no longer needed here and stay as they are",
                       {{"component", "tsdb"},
                        {"segments", s.segments},
                        {"series", s.series},
                        {"samples", s.samples},
                        {"late_samples", s.late_samples},
                        {"chunks", s.chunks},
                        {"exemplars", import->exemplars.size()},
                        {"blocks", import->blocks.size()},
                        {"torn", s.torn},
                        {"damaged", s.damaged},
                        {"unknown_series", s.unknown_refs},
                        {"unknown_records", s.unknown_records},
                        {"unusable", s.unusable}});
  return OkStatus();
}

}  // namespace deucalion::tsdb
