// Engine: answers PromQL queries over any Queryable.
//
// Thread-safe: one engine serves all queries of the server. Everything in EngineOptions must
// outlive it, and it must outlive the queries that run in it. A query runs on the calling thread,
// with help from the worker pool; it waits its turn behind the concurrency gate first. Its result
// owns all it holds.
//
// Failures
//   kInvalidArgument    the text does not parse, or has the wrong type for a range query (bad_data)
//   kExecution          evaluation failed: duplicates, many-to-many, a bad parameter (execution)
//   kResourceExhausted  over the sample or byte budget; the text is upstream's for samples
//   (execution) kDeadlineExceeded   "query timed out in expression evaluation" (timeout) kCanceled
//   "query was canceled in expression evaluation" (canceled)
// Errors of storage keep their own code.
#ifndef DEUCALION_PROMQL_ENGINE_H_
#define DEUCALION_PROMQL_ENGINE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/status.h"
#include "base/worker_pool.h"
#include "promql/annotations.h"
#include "promql/value.h"
#include "tsdb/storage/queryable.h"

namespace deucalion::promql {

struct EngineOptions {
  int64_t lookback_delta_ms = 5 * 60 * 1000;
  int64_t timeout_ms = 2 * 60 * 1000;
  int64_t max_samples = 50'000'000;  // in memory at once, as upstream counts them; 0 = no limit
  int max_concurrency = 20;          // 0 = no gate
  // Bytes of evaluation state and results; 0 = a quarter (one query) and a half (all) of the
  // machine.
  uint64_t max_query_bytes = 0;
  uint64_t max_total_bytes = 0;

  // --enable-feature names: promql-experimental-functions, promql-delayed-name-removal,
  // use-start-timestamps, promql-extended-range-selectors, promql-binop-fill-modifiers,
  // promql-per-step-stats, type-and-unit-labels.
  bool experimental_functions = false;
  bool delayed_name_removal = false;
  bool use_start_timestamps = false;
  bool extended_range_selectors = false;
  bool binop_fill_modifiers = false;
  bool per_step_stats = false;
  bool type_and_unit_labels = false;

  // Step of `x[5m:]`, from the range; null = one minute.
  std::function<int64_t(int64_t range_ms)> default_subquery_step;

  // Range-result cache; 0 = off. Entries are told apart by the address of the Queryable: with the
  // cache on, hand in one that lives as long as the engine.
  uint64_t result_cache_bytes = 0;

  WorkerPool* pool = nullptr;         // null = everything on the calling thread
  MetricRegistry* metrics = nullptr;  // may be null
  Logger* logger = nullptr;           // may be null
  const Clock* clock = nullptr;       // null = Clock::Real()
  FileSystem* file_system = nullptr;  // null = FileSystem::Posix()
  // Journal of running queries ("<data dir>/queries.active"); what it holds at start is logged as
  // the queries of a crash. Empty = none.
  std::string active_query_path;
};

struct QueryOptions {
  int64_t lookback_delta_ms = 0;  // 0 = the engine's
  int64_t timeout_ms = 0;         // shortens the engine's; 0 = the engine's
  bool per_step_stats = false;    // works only with the engine's feature
  bool per_node_stats = false;
  bool no_cache = false;
  // False: ("x") fails as it does over the API of Prometheus 2.x
  // (docs/decisions/answers-of-2.42.md).
  bool parenthesised_strings = true;
  const CancelToken* cancel = nullptr;  // of the client; may be null
  // Who asks, for the query log: {"httpRequest", {{"clientIP", …}, {"method", …}, {"path", …}}} or
  // {"ruleGroup", {{"file", …}, {"name", …}}}. Empty name = nobody.
  std::string origin_name;
  std::vector<std::pair<std::string, std::string>> origin;
};

// Seconds.
struct QueryTimings {
  double eval_total = 0, result_sort = 0, preparation = 0, inner_eval = 0, queue = 0,
         exec_total = 0;
};

struct StepSamples {
  int64_t time_ms = 0;
  uint64_t queryable = 0;  // totalQueryableSamplesPerStep
  uint64_t read = 0;       // samplesReadPerStep
};

// One AST node, for the explain view. Numbers are of the whole query; time includes the children.
struct NodeStats {
  std::string text;            // as the printer writes the node
  int32_t begin = 0, end = 0;  // bytes in the query text
  int32_t depth = 0;           // 0 = root; children follow their parent
  uint64_t series_in = 0, series_out = 0;
  uint64_t samples = 0;  // read from storage or produced
  int64_t time_ns = 0;
  uint64_t peak_bytes = 0;
};

struct QueryStats {
  QueryTimings timings;
  uint64_t total_queryable_samples = 0;
  uint64_t samples_read = 0;
  uint64_t peak_samples = 0;
  std::vector<StepSamples> per_step;  // when asked for and enabled
  uint64_t peak_bytes = 0;
  uint64_t cached_steps = 0;     // steps answered by the range-result cache
  std::vector<NodeStats> nodes;  // when asked for, parents before children
};

// One answer. When `status` failed the value is empty; annotations and stats are still what was
// known.
struct QueryResult {
  Status status;
  Value value;
  Annotations annotations;
  QueryStats stats;
};

class Engine {
 public:
  explicit Engine(EngineOptions options);
  ~Engine();

  QueryResult Instant(Queryable& queryable, std::string_view query, int64_t time_ms,
                      const QueryOptions& options = {});
  // Steps at start_ms, start_ms + step_ms, … <= end_ms. step_ms > 0, end_ms >= start_ms.
  QueryResult Range(Queryable& queryable, std::string_view query, int64_t start_ms, int64_t end_ms,
                    int64_t step_ms, const QueryOptions& options = {});

  // From now on every query is one JSON line appended to `path`; empty = none. The file is reopened
  // also when the path is the same, so that log rotation works through a reload.
  Status SetQueryLogFile(const std::string& path);
  // Whether there is such a file: who asks may leave QueryOptions::origin out otherwise.
  bool logs_queries() const;

  const EngineOptions& options() const;

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_ENGINE_H_
