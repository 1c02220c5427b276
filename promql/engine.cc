#include "promql/engine.h"

#include <unistd.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "promql/cached_run.h"
#include "promql/engine_metrics.h"
#include "promql/exec/context.h"
#include "promql/parse_cache.h"
#include "promql/parser/parser.h"
#include "promql/query_gate.h"
#include "promql/query_journal.h"
#include "promql/query_log.h"
#include "promql/query_run.h"

namespace deucalion::promql {
namespace {

uint64_t MachineBytes() {
  const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGE_SIZE);
  return pages > 0 && page > 0 ? static_cast<uint64_t>(pages) * static_cast<uint64_t>(page) : 0;
}

EngineOptions WithDefaults(EngineOptions o) {
  if (o.lookback_delta_ms <= 0) o.lookback_delta_ms = 5 * 60 * 1000;
  if (o.max_query_bytes == 0) o.max_query_bytes = MachineBytes() / 4;
  if (o.max_total_bytes == 0) o.max_total_bytes = MachineBytes() / 2;
  if (o.clock == nullptr) o.clock = Clock::Real();
  if (o.file_system == nullptr) o.file_system = FileSystem::Posix();
  return o;
}

ParserOptions ParserOptionsOf(const EngineOptions& o) {
  ParserOptions p;
  p.experimental_functions = o.experimental_functions;
  p.extended_range_selectors = o.extended_range_selectors;
  p.binop_fill_modifiers = o.binop_fill_modifiers;
  return p;
}

}  // namespace

struct Engine::Impl {
  explicit Impl(EngineOptions o)
      : options(WithDefaults(std::move(o))),
        memory(options.max_total_bytes),
        parse_cache(ParserOptionsOf(options)),
        gate(options.max_concurrency),
        log(options.file_system),
        metrics(options.metrics, options.max_concurrency) {
    if (options.result_cache_bytes > 0) {
      cache = std::make_unique<ResultCache>(options.result_cache_bytes);
    }
    if (options.active_query_path.empty()) return;
    const int slots = options.max_concurrency > 0 ? options.max_concurrency : 20;
    Result<std::unique_ptr<QueryJournal>> opened =
        QueryJournal::Open(options.file_system, options.active_query_path, slots, options.logger);
    if (opened.ok()) {
      journal = std::move(*opened);
    } else if (options.logger != nullptr) {
      options.logger->Error("Failed to create directory for logging active queries",
                            {{"err", opened.status()}});
    }
  }

  QueryResult Run(Queryable& queryable, std::string_view text, const QueryTimes& times,
                  const QueryOptions& query_options) {
    QueryResult result;
    metrics.Started();
    const int64_t begin = options.clock->MonotonicNs();
    Execute(queryable, text, times, query_options, &result);
    result.stats.timings.exec_total =
        static_cast<double>(options.clock->MonotonicNs() - begin) / 1e9;
    metrics.Finished(result.stats);
    Log(text, times, query_options, result);
    return result;
  }

  void Execute(Queryable& queryable, std::string_view text, const QueryTimes& times,
               const QueryOptions& query_options, QueryResult* result) {
    Result<ParsedExpr> parsed = parse_cache.Parse(text);
    if (!parsed.ok()) {
      result->status = parsed.TakeStatus();
      return;
    }
    result->status = CheckType(*parsed->root, times);
    if (!result->status.ok()) return;

    int64_t timeout_ms = options.timeout_ms;
    if (query_options.timeout_ms > 0) {
      timeout_ms = timeout_ms > 0 ? std::min(timeout_ms, query_options.timeout_ms)
                                  : query_options.timeout_ms;
    }
    const int64_t now = options.clock->MonotonicNs();
    const CancelToken deadline(options.clock, timeout_ms > 0 ? now + timeout_ms * 1'000'000 : 0,
                               query_options.cancel);
    result->status = InQueryWords(gate.Enter(deadline, query_options.cancel), "query queue");
    result->stats.timings.queue = static_cast<double>(options.clock->MonotonicNs() - now) / 1e9;
    if (!result->status.ok()) return;
    const int slot = journal == nullptr ? -1 : journal->Insert(text, options.clock->NowMs() / 1000);
    // Numbers per step or node are of a run of the whole query.
    const bool whole_run = query_options.per_step_stats || query_options.per_node_stats;
    if (cache != nullptr && !query_options.no_cache && !whole_run) {
      RunCachedQuery(options, query_options, *parsed, times, deadline, queryable, &memory,
                     cache.get(), result);
    } else {
      RunQuery(options, query_options, *parsed, times, deadline, queryable, &memory, result);
    }
    if (journal != nullptr) journal->Remove(slot);
    gate.Leave();
  }

  static Status CheckType(const Expr& root, const QueryTimes& times) {
    const ValueType type = root.Type();
    if (times.step_ms == 0 || type == ValueType::kScalar || type == ValueType::kVector) {
      return OkStatus();
    }
    return InvalidArgumentError("invalid expression type \"" + std::string(DocumentedType(type)) +
                                "\" for range query, must be Scalar or instant Vector");
  }

  void Log(std::string_view text, const QueryTimes& times, const QueryOptions& query_options,
           const QueryResult& result) {
    const Status logged =
        log.Write({text, times.start_ms, times.end_ms, times.step_ms, options.clock->NowMs(),
                   &result.status, &result.stats, &query_options});
    if (!logged.ok()) metrics.LogFailed();
  }

  const EngineOptions options;
  SharedMemory memory;
  ParseCache parse_cache;
  QueryGate gate;
  QueryLog log;
  EngineMetrics metrics;
  std::unique_ptr<QueryJournal> journal;
  std::unique_ptr<ResultCache> cache;  // null = off
};

Engine::Engine(EngineOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Engine::~Engine() = default;

const EngineOptions& Engine::options() const { return impl_->options; }

QueryResult Engine::Instant(Queryable& queryable, std::string_view query, int64_t time_ms,
                            const QueryOptions& options) {
  return impl_->Run(queryable, query, {time_ms, time_ms, 0}, options);
}

QueryResult Engine::Range(Queryable& queryable, std::string_view query, int64_t start_ms,
                          int64_t end_ms, int64_t step_ms, const QueryOptions& options) {
  return impl_->Run(queryable, query, {start_ms, std::max(start_ms, end_ms), step_ms}, options);
}

Status Engine::SetQueryLogFile(const std::string& path) {
  Status status = impl_->log.SetPath(path);
  impl_->metrics.SetLogEnabled(impl_->log.enabled());
  return status;
}

bool Engine::logs_queries() const { return impl_->log.enabled(); }

}  // namespace deucalion::promql
