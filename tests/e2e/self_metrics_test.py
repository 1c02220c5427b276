#!/usr/bin/env python3
"""Dashboards, alerts and recording rules about Prometheus look at its own metrics: the names, types and labels they use."""
import re
import unittest

import harness
import remote_write as rw

# name: (type, labels). What the Prometheus mixin and common dashboards read.
WANTED = {
    "prometheus_build_info": ("gauge", "version revision branch goversion goos goarch tags"),
    "process_start_time_seconds": ("gauge", ""), "process_cpu_seconds_total": ("counter", ""), "process_resident_memory_bytes": ("gauge", ""),
    "process_virtual_memory_bytes": ("gauge", ""), "process_virtual_memory_max_bytes": ("gauge", ""), "process_open_fds": ("gauge", ""),
    "process_max_fds": ("gauge", ""), "process_network_receive_bytes_total": ("counter", ""), "process_network_transmit_bytes_total": ("counter", ""), "go_info": ("gauge", "version"), "go_goroutines": ("gauge", ""), "go_threads": ("gauge", ""), "go_memstats_alloc_bytes": ("gauge", ""),
    "go_memstats_heap_inuse_bytes": ("gauge", ""), "go_memstats_heap_sys_bytes": ("gauge", ""), "go_memstats_sys_bytes": ("gauge", ""),
    "prometheus_ready": ("gauge", ""), "prometheus_config_last_reload_successful": ("gauge", ""),
    "prometheus_config_last_reload_success_timestamp_seconds": ("gauge", ""),
    "prometheus_http_requests_total": ("counter", "handler code"), "prometheus_http_request_duration_seconds": ("histogram", "handler"),
    "prometheus_http_response_size_bytes": ("histogram", "handler"), "promhttp_metric_handler_requests_total": ("counter", "code"),
    "promhttp_metric_handler_requests_in_flight": ("gauge", ""), "net_conntrack_listener_conn_accepted_total": ("counter", "listener_name"),
    "net_conntrack_dialer_conn_attempted_total": ("counter", "dialer_name"), "net_conntrack_dialer_conn_established_total": ("counter", "dialer_name"),
    "net_conntrack_dialer_conn_closed_total": ("counter", "dialer_name"), "net_conntrack_dialer_conn_failed_total": ("counter", "dialer_name reason"),
    "prometheus_engine_queries": ("gauge", ""), "prometheus_engine_queries_concurrent_max": ("gauge", ""),
    "prometheus_engine_query_duration_seconds": ("summary", "slice"), "prometheus_engine_query_samples_total": ("counter", ""),
    "prometheus_engine_query_log_enabled": ("gauge", ""), "prometheus_engine_query_log_failures_total": ("counter", ""),
    "prometheus_sd_discovered_targets": ("gauge", "name config"), "prometheus_sd_refresh_failures_total": ("counter", "mechanism config"),
    "prometheus_target_interval_length_seconds": ("summary", "interval"), "prometheus_target_sync_length_seconds": ("summary", "scrape_job"),
    "prometheus_target_sync_length_histogram_seconds": ("histogram", "scrape_job"),
    "prometheus_target_sync_failed_total": ("counter", "scrape_job"), "prometheus_target_metadata_cache_entries": ("gauge", "scrape_job"),
    "prometheus_target_scrape_pool_targets": ("gauge", "scrape_job"),
    "prometheus_target_scrapes_sample_duplicate_timestamp_total": ("counter", ""), "prometheus_target_scrapes_sample_out_of_order_total": ("counter", ""),
    "prometheus_target_scrapes_sample_out_of_bounds_total": ("counter", ""), "prometheus_target_scrapes_exceeded_sample_limit_total": ("counter", ""),
    "prometheus_target_scrapes_exceeded_body_size_limit_total": ("counter", ""),
    "prometheus_target_scrape_pool_exceeded_target_limit_total": ("counter", ""),
    "prometheus_target_scrape_pool_exceeded_label_limits_total": ("counter", ""),
    "prometheus_tsdb_head_series": ("gauge", ""), "prometheus_tsdb_head_chunks": ("gauge", ""),
    "prometheus_tsdb_head_samples_appended_total": ("counter", "type"), "prometheus_tsdb_head_series_created_total": ("counter", ""),
    "prometheus_tsdb_head_series_removed_total": ("counter", ""), "prometheus_tsdb_head_min_time": ("gauge", ""),
    "prometheus_tsdb_head_max_time_seconds": ("gauge", ""), "prometheus_tsdb_wal_corruptions_total": ("counter", ""),
    "prometheus_tsdb_wal_segment_current": ("gauge", ""), "prometheus_tsdb_wal_storage_size_bytes": ("gauge", ""),
    "prometheus_tsdb_storage_blocks_bytes": ("gauge", ""), "prometheus_tsdb_blocks_loaded": ("gauge", ""),
    "prometheus_tsdb_lowest_timestamp_seconds": ("gauge", ""), "prometheus_tsdb_compactions_total": ("counter", ""),
    "prometheus_tsdb_compactions_failed_total": ("counter", ""), "prometheus_tsdb_clean_start": ("gauge", ""),
    "prometheus_tsdb_data_replay_duration_seconds": ("gauge", ""), "prometheus_tsdb_retention_limit_seconds": ("gauge", ""),
    "prometheus_tsdb_retention_limit_bytes": ("gauge", ""), "prometheus_tsdb_out_of_order_samples_total": ("counter", "type"),
    "prometheus_tsdb_too_old_samples_total": ("counter", "type"), "prometheus_tsdb_head_chunks_storage_size_bytes": ("gauge", ""),
    "prometheus_tsdb_checkpoint_creations_total": ("counter", ""), "prometheus_tsdb_checkpoint_deletions_total": ("counter", ""),
    "prometheus_tsdb_checkpoint_deletions_failed_total": ("counter", ""), "prometheus_tsdb_compaction_duration_seconds": ("histogram", ""),
    "prometheus_tsdb_compaction_chunk_samples": ("histogram", ""), "prometheus_tsdb_compaction_chunk_size_bytes": ("histogram", ""),
    "prometheus_tsdb_compaction_chunk_range_seconds": ("histogram", ""), "prometheus_tsdb_compaction_populating_block": ("gauge", ""), "prometheus_tsdb_compactions_skipped_total": ("counter", ""),
    "prometheus_tsdb_compactions_triggered_total": ("counter", ""), "prometheus_tsdb_exemplar_out_of_order_exemplars_total": ("counter", ""),
    "prometheus_tsdb_head_active_appenders": ("gauge", ""), "prometheus_tsdb_head_chunks_created_total": ("counter", ""),
    "prometheus_tsdb_head_chunks_removed_total": ("counter", ""), "prometheus_tsdb_head_gc_duration_seconds": ("summary", ""),
    "prometheus_tsdb_head_series_not_found_total": ("counter", ""), "prometheus_tsdb_head_truncations_failed_total": ("counter", ""),
    "prometheus_tsdb_isolation_high_watermark": ("gauge", ""), "prometheus_tsdb_isolation_low_watermark": ("gauge", ""),
    "prometheus_tsdb_mmap_chunk_corruptions_total": ("counter", ""), "prometheus_tsdb_reloads_failures_total": ("counter", ""),
    "prometheus_tsdb_reloads_total": ("counter", ""), "prometheus_tsdb_snapshot_replay_error_total": ("counter", ""),
    "prometheus_tsdb_tombstone_cleanup_seconds": ("histogram", ""), "prometheus_tsdb_vertical_compactions_total": ("counter", ""),
    "prometheus_tsdb_wal_completed_pages_total": ("counter", ""), "prometheus_tsdb_wal_fsync_duration_seconds": ("summary", ""),
    "prometheus_tsdb_wal_page_flushes_total": ("counter", ""), "prometheus_tsdb_wal_truncate_duration_seconds": ("summary", ""),
    "prometheus_tsdb_wal_truncations_failed_total": ("counter", ""), "prometheus_tsdb_wal_truncations_total": ("counter", ""),
    "prometheus_tsdb_wal_writes_failed_total": ("counter", ""), "deucalion_tsdb_head_memory_bytes": ("gauge", "part"),
    "prometheus_api_remote_write_invalid_labels_samples_total": ("counter", ""),
    "prometheus_api_remote_write_without_metadata_appended_samples_total": ("counter", ""),
    "prometheus_web_federation_errors_total": ("counter", ""), "prometheus_web_federation_warnings_total": ("counter", ""),
}


class SelfMetricsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.exporter = harness.Exporter(lambda: "# TYPE a counter\na 1\n")
        cls.server = harness.Server("global: {scrape_interval: 1s}\nscrape_configs: [{job_name: app, static_configs: [{targets: ['%s']}]}, "
                                    "{job_name: sd, http_sd_configs: [{url: 'http://127.0.0.1:1/'}]}]\n" % cls.exporter.address, ["--web.enable-remote-write-receiver"]).start()
        harness.wait_until(lambda: cls.exporter.scrapes > 2)
        cls.server.query("a")
        cls.server.get("/metrics")
        cls.text = cls.server.get("/metrics").text

    @classmethod
    def tearDownClass(cls):
        cls.server.close()
        cls.exporter.close()

    def samples(self, name):
        suffix = r"(?:_bucket|_sum|_count)?"
        return re.findall(r"^%s%s(?:\{(.*)\})? (\S+)$" % (name, suffix), self.text, re.M)

    def test_names_types_and_labels(self):
        for name, (kind, labels) in WANTED.items():
            with self.subTest(name=name):
                self.assertIn("\n# TYPE %s %s\n" % (name, kind), "\n" + self.text)
                self.assertIn("\n# HELP %s " % name, "\n" + self.text)
                for found, _ in self.samples(name):
                    have = set(re.findall(r'(\w+)="', found)) - {"le", "quantile"}
                    self.assertEqual(have, set(labels.split()), name)

    def test_values_move_with_what_they_count(self):
        def value(name, labels=""):
            for found, v in re.findall(r"^%s(?:\{(.*)\})? (\S+)$" % name, self.server.get("/metrics").text, re.M):
                if labels in found:
                    return float(v)
            raise AssertionError(name)
        requests, appended = value("prometheus_http_requests_total", 'handler="/api/v1/query",code="200"'), value("prometheus_tsdb_head_samples_appended_total")
        scrapes = value("promhttp_metric_handler_requests_total", 'code="200"')
        self.server.query("a")
        rw.push(self.server, [({"__name__": "b"}, [(1000 * int(value("prometheus_tsdb_head_max_time_seconds")), 1)])])
        self.assertEqual(value("prometheus_http_requests_total", 'handler="/api/v1/query",code="200"'), requests + 1)
        self.assertGreater(value("prometheus_tsdb_head_samples_appended_total"), appended)
        self.assertGreater(value("promhttp_metric_handler_requests_total", 'code="200"'), scrapes)
        self.assertGreater(value("prometheus_tsdb_isolation_high_watermark"), 0)
        self.assertGreaterEqual(value("prometheus_tsdb_isolation_high_watermark"), value("prometheus_tsdb_isolation_low_watermark"))
        self.assertGreater(value("prometheus_tsdb_wal_page_flushes_total"), 0)
        self.assertGreater(value("prometheus_tsdb_wal_fsync_duration_seconds_count"), 0)
        self.assertGreater(value("prometheus_tsdb_reloads_total"), 0)
        self.assertGreaterEqual(value("prometheus_tsdb_head_chunks_created_total"), value("prometheus_tsdb_head_series"))
        self.assertGreater(value("go_memstats_alloc_bytes"), 1 << 20)
        self.assertLess(value("go_memstats_alloc_bytes"), value("go_memstats_sys_bytes"))
        self.assertGreater(value("process_cpu_seconds_total"), 0)
        self.assertGreater(value("process_network_receive_bytes_total"), 0)
        self.assertEqual(value("prometheus_target_scrape_pool_targets", 'scrape_job="app"'), 1)
        self.assertEqual(value("net_conntrack_dialer_conn_established_total", 'dialer_name="app"'), 1)
        self.assertEqual(value("prometheus_sd_discovered_targets", 'config="app"'), 1)

    def test_self_metrics_are_the_same_families(self):
        families = self.server.get("/api/v1/status/self_metrics").json["data"]
        names = {f["name"] for f in families}
        self.assertLessEqual(set(WANTED), names)
        histogram = next(f for f in families if f["name"] == "prometheus_http_request_duration_seconds")
        self.assertEqual(histogram["type"], "HISTOGRAM")
        self.assertIn("sampleCount", histogram["metric"][0]["histogram"])


if __name__ == "__main__":
    harness.main()
