// What a scrape loop needs to know: the job's configuration, the process's options, and the
// services it works with.
#ifndef DEUCALION_SCRAPE_LOOP_SETTINGS_H_
#define DEUCALION_SCRAPE_LOOP_SETTINGS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "scrape/fetch/http_client.h"
#include "scrape/loop/metrics.h"
#include "scrape/loop/scheduler.h"
#include "scrape/scrape_config.h"
#include "tsdb/storage/appender.h"

namespace deucalion::scrape {

// From flags and feature names; fixed for the life of the process.
struct ScrapeOptions {
  std::string user_agent = "Prometheus/3.14.0";
  bool extra_metrics = false;                   // extra-scrape-metrics
  bool append_metadata = false;                 // metadata-wal-records
  bool type_and_unit_labels = false;            // type-and-unit-labels
  bool start_zero_ingestion = false;            // created-timestamp-zero-ingestion
  bool start_timestamps = false;                // st-storage: handed to storage with each sample
  bool adjust_timestamps = true;                // scrape.adjust-timestamps
  int64_t timestamp_tolerance_ms = 2;           // scrape.timestamp-tolerance
  int64_t discovery_reload_interval_ms = 5000;  // scrape.discovery-reload-interval
};

// The services of the process. All must outlive every loop.
struct ScrapeServices {
  Appendable* storage = nullptr;
  HttpEngine* http = nullptr;
  Scheduler* scheduler = nullptr;
  const Clock* clock = nullptr;
  Logger* log = nullptr;
  ScrapeMetrics* metrics = nullptr;
  DialMetrics* dials = nullptr;  // may be null
  // Runs a task on a thread that may parse and append. In order of arrival or not.
  std::function<void(std::function<void()>)> run;
};

}  // namespace deucalion::scrape

#endif  // DEUCALION_SCRAPE_LOOP_SETTINGS_H_
