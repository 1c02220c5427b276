#include "tests/support/promqltest/runner.h"

#include <algorithm>

#include "tests/support/promqltest/at_modifier.h"
#include "tests/support/promqltest/classic_histograms.h"
#include "tests/support/promqltest/compare.h"

namespace deucalion::promqltest {
namespace {

constexpr int64_t kMinuteMs = 60 * 1000;

// start() and its like mean something else in a range query.
bool AsksForTheQuery(std::string_view expr) {
  constexpr std::string_view kCalls[] = {"start()", "end()", "range()", "step()"};
  return std::ranges::any_of(
      kCalls, [&](std::string_view c) { return expr.find(c) != std::string_view::npos; });
}

promql::Vector PointsAt(const promql::Matrix& matrix, int64_t time_ms) {
  promql::Vector out;
  for (const promql::MatrixSeries& s : matrix) {
    const auto it = std::ranges::find(s.times, time_ms);
    if (it != s.times.end()) {
      out.push_back({s.labels, time_ms, s.values[it - s.times.begin()], nullptr});
    }
    for (const promql::MatrixHistogram& h : s.histograms) {
      if (h.time_ms == time_ms) out.push_back({s.labels, time_ms, 0, h.histogram});
    }
  }
  return out;
}

class Runner {
 public:
  explicit Runner(TestBackend* backend) : backend_(backend) {}

  Status Load(const LoadCommand& load);
  // "" or why the command failed.
  std::string Eval(const EvalCommand& eval);

 private:
  std::string EvalRange(const EvalCommand& eval);
  std::string EvalInstant(const EvalCommand& eval);
  std::string AskInstant(const EvalCommand& eval, std::string_view expr, int64_t time_ms);
  std::string AskAsRange(const EvalCommand& eval, std::string_view expr, int64_t time_ms,
                         bool scalar);
  // Checks what every answer must fulfil; *done when the query was to fail and did.
  std::string CheckAnswer(const EvalCommand& eval, std::string_view expr,
                          const promql::QueryResult& result, bool* done);

  TestBackend* const backend_;
};

Status Runner::Load(const LoadCommand& load) {
  for (const LoadedSeries& series : load.series) {
    for (size_t i = 0; i < series.values.size(); ++i) {
      const promql::SequenceValue& v = series.values[i];
      if (v.omitted) continue;
      const int64_t time_ms = static_cast<int64_t>(i) * load.step_ms;
      int64_t st_ms = 0;
      if (!series.start_offsets_ms.empty() && series.start_offsets_ms[i]) {
        st_ms = time_ms + *series.start_offsets_ms[i];
      }
      RETURN_IF_ERROR(v.histogram != nullptr
                          ? backend_->AppendHistogram(series.labels, time_ms, *v.histogram, st_ms)
                          : backend_->Append(series.labels, time_ms, v.value, st_ms));
    }
  }
  if (load.with_nhcb) {
    ASSIGN_OR_RETURN(const NativeHistograms natives, ConvertClassicHistograms(load));
    for (const auto& [labels, by_time] : natives) {
      for (const auto& [time_ms, histogram] : by_time) {
        RETURN_IF_ERROR(backend_->AppendHistogram(labels, time_ms, histogram, 0));
      }
    }
  }
  return backend_->Commit();
}

std::string Runner::Eval(const EvalCommand& eval) {
  return eval.range ? EvalRange(eval) : EvalInstant(eval);
}

std::string Runner::CheckAnswer(const EvalCommand& eval, std::string_view expr,
                                const promql::QueryResult& result, bool* done) {
  *done = !result.status.ok();
  if (*done) return CompareFailure(eval, result.status.message());
  if (eval.fail) return "want an error, got none";
  std::string differs = CompareAnnotations(eval, expr, result.annotations);
  return differs.empty() ? CompareValue(eval, result.value) : differs;
}

std::string Runner::EvalRange(const EvalCommand& eval) {
  bool done = false;
  const promql::QueryResult result =
      backend_->Range(eval.expr, eval.start_ms, eval.end_ms, eval.step_ms);
  return CheckAnswer(eval, eval.expr, result, &done);
}

std::string Runner::EvalInstant(const EvalCommand& eval) {
  const int64_t time_ms = eval.range_vector ? eval.end_ms : eval.time_ms;
  std::string differs = AskInstant(eval, eval.expr, time_ms);
  if (!differs.empty()) return differs;
  const std::optional<std::string> fixed = WithAtModifier(eval.expr, time_ms);
  if (!fixed) return "";
  std::vector<int64_t> times = {-10 * time_ms, 0, time_ms / 5, time_ms, 10 * time_ms};
  if (time_ms == 0) times = {-1000, 0, 1000};
  for (const int64_t at_ms : times) {
    differs = AskInstant(eval, *fixed, at_ms);
    if (!differs.empty()) {
      return "as " + *fixed + " at " + std::to_string(at_ms) + ": " + differs;
    }
  }
  return "";
}

std::string Runner::AskInstant(const EvalCommand& eval, std::string_view expr, int64_t time_ms) {
  bool done = false;
  const promql::QueryResult result = backend_->Instant(expr, time_ms);
  std::string differs = CheckAnswer(eval, expr, result, &done);
  if (!differs.empty() || done || eval.range_vector || eval.text || AsksForTheQuery(expr)) {
    return differs;
  }
  const bool scalar = std::holds_alternative<promql::Scalar>(result.value);
  differs = AskAsRange(eval, expr, time_ms, scalar);
  return differs.empty() ? "" : "as a range query: " + differs;
}

std::string Runner::AskAsRange(const EvalCommand& eval, std::string_view expr, int64_t time_ms,
                               bool scalar) {
  const promql::QueryResult result =
      backend_->Range(expr, time_ms - kMinuteMs, time_ms + kMinuteMs, kMinuteMs);
  if (!result.status.ok()) return "query failed: " + result.status.message();
  if (eval.ordered) return "";
  const auto* matrix = std::get_if<promql::Matrix>(&result.value);
  if (matrix == nullptr) return "want a matrix";
  std::string differs = CheckSorted(*matrix);
  if (!differs.empty()) return differs;
  promql::Vector points = PointsAt(*matrix, time_ms);
  if (!scalar) return CompareValue(eval, points);
  if (points.size() != 1)
    return "want one series of a scalar, got " + std::to_string(points.size());
  return CompareValue(eval, promql::Scalar{time_ms, points[0].value});
}

}  // namespace

Report RunScript(std::string_view text, TestBackend* backend) {
  Report report;
  Runner runner(backend);
  Status cleared = backend->Clear();
  if (!cleared.ok()) report.failures.push_back({0, "", cleared.message()});
  for (const Command& command : ParseScript(text)) {
    std::string message = command.error;
    if (message.empty()) {
      switch (command.kind) {
        case Command::Kind::kClear:
          message = backend->Clear().message();
          break;
        case Command::Kind::kLoad:
          message = runner.Load(command.load).message();
          break;
        case Command::Kind::kEval:
          message = runner.Eval(command.eval);
          break;
      }
    }
    if (command.kind == Command::Kind::kEval) ++(message.empty() ? report.passed : report.failed);
    if (!message.empty()) report.failures.push_back({command.line, command.eval.expr, message});
  }
  return report;
}

}  // namespace deucalion::promqltest
