// The backend of engine tests: the engine over series in memory, with every experiment of the
// language switched on as Prometheus's own script tests have it.
#ifndef DEUCALION_TESTS_SUPPORT_PROMQLTEST_ENGINE_BACKEND_H_
#define DEUCALION_TESTS_SUPPORT_PROMQLTEST_ENGINE_BACKEND_H_

#include "promql/engine.h"
#include "tests/support/memory_storage.h"
#include "tests/support/promqltest/runner.h"

namespace deucalion::promqltest {

// Lookback 5m, 10,000 samples, 100 s, delayed name removal and start timestamps on.
promql::EngineOptions ScriptEngineOptions();

class EngineBackend : public TestBackend {
 public:
  explicit EngineBackend(promql::EngineOptions options = ScriptEngineOptions())
      : engine_(std::move(options)) {}

  Status Clear() override {
    storage_.Clear();
    return OkStatus();
  }
  Status Append(const Labels& labels, int64_t time_ms, double value, int64_t st_ms) override {
    return storage_.Append(labels, time_ms, value, st_ms);
  }
  Status AppendHistogram(const Labels& labels, int64_t time_ms, const FloatHistogram& histogram,
                         int64_t st_ms) override {
    return storage_.AppendHistogram(labels, time_ms, histogram, st_ms);
  }
  promql::QueryResult Instant(std::string_view query, int64_t time_ms) override {
    return engine_.Instant(storage_, query, time_ms);
  }
  promql::QueryResult Range(std::string_view query, int64_t start_ms, int64_t end_ms,
                            int64_t step_ms) override {
    return engine_.Range(storage_, query, start_ms, end_ms, step_ms);
  }

 private:
  testing_support::MemoryStorage storage_;
  promql::Engine engine_;
};

inline promql::EngineOptions ScriptEngineOptions() {
  promql::EngineOptions options;
  options.timeout_ms = 100 * 1000;
  options.max_samples = 10000;
  options.experimental_functions = true;
  options.delayed_name_removal = true;
  options.use_start_timestamps = true;
  options.extended_range_selectors = true;
  options.binop_fill_modifiers = true;
  return options;
}

}  // namespace deucalion::promqltest

#endif  // DEUCALION_TESTS_SUPPORT_PROMQLTEST_ENGINE_BACKEND_H_
