// The prometheus_tsdb_* metrics of a Db, read from the head and the WAL at each exposition.
#include "base/metrics_text.h"
#include "tsdb/db/db.h"

namespace deucalion::tsdb {
namespace {

// Prometheus's log has pages; ours is counted in them so that dashboards show its rate.
constexpr uint64_t kWalPageBytes = 32 * 1024;

}  // namespace

void Db::RegisterMetrics() {
  if (options_.metrics == nullptr) return;
  options_.metrics->AddCollector(this, [this](MetricSink& sink) { CollectMetrics(sink); });
}

void Db::CollectMetrics(MetricSink& sink) {
  const HeadCounters& c = head_->counters();
  const auto number = [&](MetricType type, std::string_view name, std::string_view help, double v) {
    sink.Family(name, help, type);
    sink.Sample("", {}, v);
  };
  const auto gauge = [&](std::string_view name, std::string_view help, double v) {
    number(MetricType::kGauge, name, help, v);
  };
  const auto counter = [&](std::string_view name, std::string_view help, double v) {
    number(MetricType::kCounter, name, help, v);
  };
  const auto count = [](const std::atomic<uint64_t>& v) {
    return static_cast<double>(v.load(std::memory_order_relaxed));
  };
  const auto by_kind = [&](const std::atomic<uint64_t>(&refused)[2]) {
    sink.Sample("", {{"type", "float"}}, count(refused[0]));
    sink.Sample("", {{"type", "histogram"}}, count(refused[1]));
  };
  const int64_t min_ms = head_->min_ms() == kMaxTimeMs ? 0 : head_->min_ms();
  const int64_t max_ms = head_->max_ms() == kMinTimeMs ? 0 : head_->max_ms();
  gauge("prometheus_tsdb_head_series", "Total number of series in the head block.",
        static_cast<double>(head_->num_series()));
  const ChunkCounts chunks = head_->Chunks();
  gauge("prometheus_tsdb_head_chunks", "Total number of chunks in the head block.",
        static_cast<double>(chunks.made - chunks.gone));
  counter("prometheus_tsdb_head_chunks_created_total", "Total number of chunks created in the head",
          static_cast<double>(chunks.made));
  counter("prometheus_tsdb_head_chunks_removed_total", "Total number of chunks removed in the head",
          static_cast<double>(chunks.gone));
  counter("prometheus_tsdb_head_series_not_found_total",
          "Total number of requests for series that were not found.", count(c.series_not_found));
  gauge("prometheus_tsdb_head_active_appenders", "Number of currently active appender transactions",
        static_cast<double>(head_->appender_pins().size()));
  gauge("prometheus_tsdb_isolation_low_watermark",
        "The lowest TSDB append ID that is still referenced.",
        static_cast<double>(head_->isolation().Watermarks().front()));
  gauge("prometheus_tsdb_isolation_high_watermark",
        "The highest TSDB append ID that has been given out.",
        static_cast<double>(head_->isolation().newest()));
  counter("prometheus_tsdb_head_series_created_total", "Total number of series created in the head",
          count(c.series_created));
  counter("prometheus_tsdb_head_series_removed_total", "Total number of series removed in the head",
          count(c.series_removed));
  gauge("prometheus_tsdb_head_min_time",
        "Minimum time bound of the head block. The unit is decided by the library consumer.",
        static_cast<double>(min_ms));
  gauge("prometheus_tsdb_head_max_time",
        "Maximum timestamp of the head block. The unit is decided by the library consumer.",
        static_cast<double>(max_ms));
  gauge("prometheus_tsdb_head_min_time_seconds", "Minimum time bound of the head block.",
        static_cast<double>(min_ms) / 1000);
  gauge("prometheus_tsdb_head_max_time_seconds", "Maximum timestamp of the head block.",
        static_cast<double>(max_ms) / 1000);
  sink.Family("prometheus_tsdb_head_samples_appended_total", "Total number of appended samples.",
              MetricType::kCounter);
  sink.Sample("", {{"type", "float"}}, count(c.samples));
  sink.Sample("", {{"type", "histogram"}}, count(c.histogram_samples));
  sink.Family("prometheus_tsdb_out_of_order_samples_total",
              "Total number of out of order samples ingestion failed attempts due to out of order "
              "being disabled.",
              MetricType::kCounter);
  by_kind(c.out_of_order);
  sink.Family("prometheus_tsdb_out_of_bound_samples_total",
              "Total number of out of bound samples ingestion failed attempts with out of order "
              "support disabled.",
              MetricType::kCounter);
  by_kind(c.out_of_bounds);
  sink.Family("prometheus_tsdb_too_old_samples_total",
              "Total number of out of order samples ingestion failed attempts with out of support "
              "enabled, but sample outside of time window.",
              MetricType::kCounter);
  by_kind(c.too_old);
  counter("prometheus_tsdb_head_out_of_order_samples_appended_total",
          "Total number of appended out of order samples.", count(c.late));
  uint32_t segment = 0;
  for (uint32_t i = 0; i < wal_->streams(); i++) {
    segment = std::max(segment, wal_->stream(i)->segment());
  }
  gauge("prometheus_tsdb_wal_segment_current",
        "Write log segment index that TSDB is currently writing to.", segment);
  gauge("prometheus_tsdb_wal_storage_size_bytes", "Size of the write log directory.",
        static_cast<double>(wal_->SizeOnDisk().value_or(0)));
  gauge("deucalion_tsdb_wal_healthy",
        "Whether samples are taken: 0 after a failed sync, until a restart.",
        wal_->health().ok() ? 1 : 0);
  counter("prometheus_tsdb_wal_corruptions_total", "Total number of WAL corruptions.",
          static_cast<double>(replay_stats_.damaged + damaged_checkpoints_ +
                              (replay_stats_.torn_bytes > 0 ? 1 : 0)));
  counter("prometheus_tsdb_wal_page_flushes_total", "Total number of page flushes.",
          static_cast<double>(wal_->writes()));
  counter("prometheus_tsdb_wal_completed_pages_total", "Total number of completed pages.",
          static_cast<double>(wal_->written_bytes() / kWalPageBytes));
  counter("prometheus_tsdb_wal_writes_failed_total",
          "Total number of write log writes that failed.",
          static_cast<double>(wal_->failed_writes()));
  counter("prometheus_tsdb_snapshot_replay_error_total",
          "Total number snapshot replays that failed.", static_cast<double>(damaged_checkpoints_));
  counter("prometheus_tsdb_mmap_chunk_corruptions_total",
          "Total number of memory-mapped chunk corruptions.", count(damaged_chunks_));
  gauge("prometheus_tsdb_head_chunks_storage_size_bytes", "Size of the chunks_head directory.",
        static_cast<double>(head_->sealed().size_bytes()));
  const BlockCounters& b = blocks_->counters();
  gauge("prometheus_tsdb_blocks_loaded", "Number of currently loaded data blocks",
        static_cast<double>(blocks_->List()->size()));
  gauge("prometheus_tsdb_storage_blocks_bytes",
        "The number of bytes that are currently used for local storage by all blocks.",
        static_cast<double>(blocks_->SizeBytes()));
  const int64_t lowest_ms = std::min(TimeBounds().first, max_ms);
  gauge("prometheus_tsdb_lowest_timestamp",
        "Lowest timestamp value stored in the database. The "
        "unit is decided by the library consumer.",
        static_cast<double>(lowest_ms));
  gauge("prometheus_tsdb_lowest_timestamp_seconds",
        "Lowest timestamp value stored in the database.", static_cast<double>(lowest_ms) / 1000);
  counter("prometheus_tsdb_compactions_total",
          "Total number of compactions that were executed for the partition.",
          count(b.compactions) + count(b.cuts));
  counter("prometheus_tsdb_compactions_failed_total",
          "Total number of compactions that failed for the partition.",
          count(b.compactions_failed) + count(b.cuts_failed));
  // Nothing turns compaction off here.
  counter("prometheus_tsdb_compactions_skipped_total",
          "Total number of skipped compactions due to disabled auto compaction.", 0);
  counter("prometheus_tsdb_head_truncations_failed_total",
          "Total number of head truncations that failed.", count(b.cuts_failed));
  counter("prometheus_tsdb_head_truncations_total", "Total number of head truncations attempted.",
          count(b.cuts));
  counter("prometheus_tsdb_time_retentions_total",
          "The number of times that blocks were deleted because the maximum time limit was "
          "exceeded.",
          count(b.dropped_by_time));
  counter("prometheus_tsdb_size_retentions_total",
          "The number of times that blocks were deleted because the maximum number of bytes was "
          "exceeded.",
          count(b.dropped_by_size));
  const BlockStoreFindings& found = blocks_->store().findings();
  sink.Family("deucalion_tsdb_blocks_found_at_start_total",
              "Blocks that start-up had to put in order, by what was found.", MetricType::kCounter);
  sink.Sample("", {{"state", "finished"}}, static_cast<double>(found.finished));
  sink.Sample("", {{"state", "deleted"}}, static_cast<double>(found.deleted));
  sink.Sample("", {{"state", "adopted"}}, static_cast<double>(found.adopted));
  sink.Sample("", {{"state", "missing"}}, static_cast<double>(found.missing));
  sink.Sample("", {{"state", "unreadable"}}, static_cast<double>(found.unreadable));
  sink.Family("deucalion_tsdb_damage_found_total",
              "Damage found on disk since the server started, by kind: frames and segments of the "
              "WAL, checkpoints, chunks of the head, the catalogue.",
              MetricType::kCounter);
  sink.Sample("", {{"kind", "wal"}}, static_cast<double>(replay_stats_.damaged));
  sink.Sample("", {{"kind", "checkpoint"}}, static_cast<double>(damaged_checkpoints_));
  sink.Sample("", {{"kind", "head_chunk"}}, count(damaged_chunks_));
  sink.Sample("", {{"kind", "catalog"}}, catalog_lost_ ? 1 : 0);
  gauge("deucalion_tsdb_catalog_memory_bytes",
        "Anonymous memory of the catalogue of mutable state.",
        static_cast<double>(catalog_->MemoryBytes()));
  const HeadMemory memory = head_->Memory();
  sink.Family("deucalion_tsdb_head_memory_bytes",
              "Memory of the head, by what it holds. Unused: room in pages that are in use.",
              MetricType::kGauge);
  const auto part = [&](const char* name, uint64_t bytes) {
    sink.Sample("", {{"part", name}}, static_cast<double>(bytes));
  };
  part("records", memory.records);
  part("series_map", memory.series_map);
  part("chunks", memory.chunks);
  part("chunks_unused", memory.chunks_unused);
  part("labels", memory.labels);
  part("labels_unused", memory.labels_unused);
  part("pairs", memory.pairs);
  part("postings", memory.postings);
  const ExemplarRing::Stats exemplars = head_->exemplars().stats();
  counter("prometheus_tsdb_exemplar_exemplars_appended_total",
          "Total number of appended exemplars.", count(c.exemplars));
  counter("prometheus_tsdb_exemplar_out_of_order_exemplars_total",
          "Total number of out of order exemplar ingestion failed attempts.",
          count(c.exemplars_out_of_order));
  gauge("prometheus_tsdb_exemplar_exemplars_in_storage",
        "Number of exemplars currently in circular storage.",
        static_cast<double>(exemplars.exemplars));
  gauge("prometheus_tsdb_exemplar_series_with_exemplars_in_storage",
        "Number of series with exemplars currently in circular storage.",
        static_cast<double>(exemplars.series));
  gauge("prometheus_tsdb_exemplar_max_exemplars",
        "Total number of exemplars the exemplar storage can store, resizeable.",
        static_cast<double>(exemplars.capacity));
  gauge("prometheus_tsdb_exemplar_last_exemplars_timestamp_seconds",
        "The timestamp of the oldest exemplar stored in circular storage.",
        static_cast<double>(exemplars.oldest_ms) / 1000);
  if (options_.agent_metrics) CollectAgentMetrics(sink);
}

// prometheus_agent_deleted_series has no counterpart: no series waits for its deletion from the
// log.
void Db::CollectAgentMetrics(MetricSink& sink) {
  const HeadCounters& c = head_->counters();
  const auto count = [](const std::atomic<uint64_t>& v) {
    return static_cast<double>(v.load(std::memory_order_relaxed));
  };
  const auto counter = [&](std::string_view name, std::string_view help, double v) {
    sink.Family(name, help, MetricType::kCounter);
    sink.Sample("", {}, v);
  };
  sink.Family("prometheus_agent_active_series",
              "Number of active series being tracked by the WAL storage", MetricType::kGauge);
  sink.Sample("", {}, static_cast<double>(head_->num_series()));
  sink.Family("prometheus_agent_samples_appended_total",
              "Total number of samples appended to the storage", MetricType::kCounter);
  sink.Sample("", {{"type", "float"}}, count(c.samples));
  sink.Sample("", {{"type", "histogram"}}, count(c.histogram_samples));
  counter("prometheus_agent_exemplars_appended_total",
          "Total number of exemplars appended to the storage", count(c.exemplars));
  counter("prometheus_agent_out_of_order_samples_total",
          "Total number of out of order samples ingestion failed attempts.",
          count(c.out_of_order[0]) + count(c.out_of_order[1]));
  counter("prometheus_agent_corruptions_total", "Total number of WAL corruptions.",
          static_cast<double>(replay_stats_.damaged + damaged_checkpoints_ +
                              (replay_stats_.torn_bytes > 0 ? 1 : 0)));
  counter("prometheus_agent_checkpoint_creations_total",
          "Total number of checkpoint creations attempted.", metrics_.checkpoints->value());
  counter("prometheus_agent_checkpoint_creations_failed_total",
          "Total number of checkpoint creations that failed.",
          metrics_.failed_checkpoints->value());
  counter("prometheus_agent_checkpoint_deletions_total",
          "Total number of checkpoint deletions attempted.",
          metrics_.checkpoint_deletions->value());
  counter("prometheus_agent_checkpoint_deletions_failed_total",
          "Total number of checkpoint deletions that failed.",
          metrics_.failed_checkpoint_deletions->value());
  const Summary::Snapshot truncations = metrics_.wal_truncate_seconds->Read();
  sink.Family("prometheus_agent_truncate_duration_seconds", "Duration of WAL truncation.",
              MetricType::kSummary);
  for (const auto& [phi, value] : truncations.quantiles) {
    sink.Sample("", {{"quantile", FormatMetricValue(phi)}}, value);
  }
  sink.Sample("_sum", {}, truncations.sum);
  sink.Sample("_count", {}, static_cast<double>(truncations.count));
}

}  // namespace deucalion::tsdb
