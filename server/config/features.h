// FeatureSet: what --enable-feature turned on. A name that is not known only warns.
#ifndef DEUCALION_SERVER_CONFIG_FEATURES_H_
#define DEUCALION_SERVER_CONFIG_FEATURES_H_

#include <span>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/status.h"

namespace deucalion::config {

struct FeatureSet {
  bool auto_reload_config = false;
  bool concurrent_rule_eval = false;
  bool created_timestamp_zero_ingestion = false;
  bool delayed_compaction = false;
  bool exemplar_storage = false;
  bool extra_scrape_metrics = false;
  bool fast_startup = false;
  bool histograms_st_encoding = false;
  bool memory_snapshot_on_shutdown = false;
  bool metadata_wal_records = false;
  bool old_ui = false;
  bool otlp_deltatocumulative = false;
  bool otlp_native_delta_ingestion = false;
  bool promql_binop_fill_modifiers = false;
  bool promql_delayed_name_removal = false;
  bool promql_experimental_functions = false;
  bool promql_extended_range_selectors = false;
  bool promql_per_step_stats = false;
  bool search_api = false;
  bool st_storage = false;
  bool st_synthesis = false;
  bool type_and_unit_labels = false;
  bool use_start_timestamps = false;
  bool use_uncached_io = false;
  bool xor2_encoding = false;
  friend bool operator==(const FeatureSet&, const FeatureSet&) = default;
};

// One line for the log, written once the logger exists.
struct FeatureNote {
  LogLevel level = LogLevel::kInfo;
  std::string message;
  std::string option;  // the feature's name
};

// `lists` are the values of the repeatable flag, each a comma separated list. Fails when two
// features exclude each other.
Status ParseFeatures(std::span<const std::string> lists, FeatureSet* features,
                     std::vector<FeatureNote>* notes);

}  // namespace deucalion::config

#endif  // DEUCALION_SERVER_CONFIG_FEATURES_H_
