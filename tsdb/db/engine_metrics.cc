#include "tsdb/db/engine_metrics.h"

namespace deucalion::tsdb {
namespace {

// Each `factor` times the one before.
std::vector<double> Bounds(double first, double factor, size_t count) {
  std::vector<double> bounds;
  for (double b = first; bounds.size() < count; b *= factor) bounds.push_back(b);
  return bounds;
}

}  // namespace

EngineMetrics::EngineMetrics(MetricRegistry* r) {
  if (r == nullptr) return;
  compaction_seconds = r->AddHistogram("prometheus_tsdb_compaction_duration_seconds",
                                       "Duration of compaction runs", Bounds(1, 2, 14));
  tombstone_cleanup_seconds =
      r->AddHistogram("prometheus_tsdb_tombstone_cleanup_seconds",
                      "The time taken to recompact blocks to remove tombstones.",
                      {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10});
  cut_slices.samples =
      r->AddHistogram("prometheus_tsdb_compaction_chunk_samples",
                      "Final number of samples on their first compaction", Bounds(4, 1.5, 12));
  cut_slices.size_bytes =
      r->AddHistogram("prometheus_tsdb_compaction_chunk_size_bytes",
                      "Final size of chunks on their first compaction", Bounds(32, 1.5, 12));
  // Milliseconds, as in Prometheus.
  cut_slices.range_ms =
      r->AddHistogram("prometheus_tsdb_compaction_chunk_range_seconds",
                      "Final time range of chunks on their first compaction", Bounds(100, 4, 10));
  writing_blocks = r->AddGauge("prometheus_tsdb_compaction_populating_block",
                               "Set to 1 when a block is currently being written to the disk.");
  compactions_triggered = r->AddCounter("prometheus_tsdb_compactions_triggered_total",
                                        "Total number of triggered compactions for the partition.");
  vertical_compactions = r->AddCounter("prometheus_tsdb_vertical_compactions_total",
                                       "Total number of compactions done on overlapping blocks.");
  reloads = r->AddCounter("prometheus_tsdb_reloads_total",
                          "Number of times the database reloaded block data from disk.");
  failed_reloads =
      r->AddCounter("prometheus_tsdb_reloads_failures_total",
                    "Number of times the database failed to reloadBlocks block data from disk.");
  gc_seconds = r->AddSummary("prometheus_tsdb_head_gc_duration_seconds",
                             "Runtime of garbage collection in the head block.", {});
  wal_sync_seconds =
      r->AddSummary("prometheus_tsdb_wal_fsync_duration_seconds", "Duration of write log fsync.");
  wal_truncate_seconds = r->AddSummary("prometheus_tsdb_wal_truncate_duration_seconds",
                                       "Duration of WAL truncation.", {});
  wal_truncations = r->AddCounter("prometheus_tsdb_wal_truncations_total",
                                  "Total number of WAL truncations attempted.");
  failed_wal_truncations = r->AddCounter("prometheus_tsdb_wal_truncations_failed_total",
                                         "Total number of WAL truncations that failed.");
  checkpoints = r->AddCounter("prometheus_tsdb_checkpoint_creations_total",
                              "Total number of checkpoint creations attempted.");
  failed_checkpoints = r->AddCounter("prometheus_tsdb_checkpoint_creations_failed_total",
                                     "Total number of checkpoint creations that failed.");
  checkpoint_deletions = r->AddCounter("prometheus_tsdb_checkpoint_deletions_total",
                                       "Total number of checkpoint deletions attempted.");
  failed_checkpoint_deletions = r->AddCounter("prometheus_tsdb_checkpoint_deletions_failed_total",
                                              "Total number of checkpoint deletions that failed.");
}

}  // namespace deucalion::tsdb
