// Runs test scripts against a backend: something that stores series and answers queries.
//
// Every instant query is asked several times: as written; with @ on all selectors at five other
// times; and each of these once more as a range query around its time. All must give the expected
// answer.
#ifndef DEUCALION_TESTS_SUPPORT_PROMQLTEST_RUNNER_H_
#define DEUCALION_TESTS_SUPPORT_PROMQLTEST_RUNNER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "model/histogram.h"
#include "model/labels.h"
#include "promql/engine.h"
#include "tests/support/promqltest/script.h"

namespace deucalion::promqltest {

class TestBackend {
 public:
  virtual ~TestBackend() = default;
  // Forgets all series.
  virtual Status Clear() = 0;
  // In time order within a series. `st_ms` 0: start unknown.
  virtual Status Append(const Labels& labels, int64_t time_ms, double value, int64_t st_ms) = 0;
  virtual Status AppendHistogram(const Labels& labels, int64_t time_ms,
                                 const FloatHistogram& histogram, int64_t st_ms) = 0;
  // All that was appended since the last call belongs together.
  virtual Status Commit() { return OkStatus(); }
  virtual promql::QueryResult Instant(std::string_view query, int64_t time_ms) = 0;
  virtual promql::QueryResult Range(std::string_view query, int64_t start_ms, int64_t end_ms,
                                    int64_t step_ms) = 0;
};

struct Failure {
  int line = 0;
  std::string expr;     // empty for load and clear
  std::string message;  // got and want
};

struct Report {
  int passed = 0;
  int failed = 0;                 // evals
  std::vector<Failure> failures;  // of other commands too
};

// Clears the backend first. Goes on after failures.
Report RunScript(std::string_view text, TestBackend* backend);

}  // namespace deucalion::promqltest

#endif  // DEUCALION_TESTS_SUPPORT_PROMQLTEST_RUNNER_H_
