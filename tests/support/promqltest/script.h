// Test scripts of the query language: Prometheus's promqltest notation, read into commands.
//
//     load 5m
//       http_requests{path="/a"} 0+10x10
//
//     eval instant at 50m sum(http_requests)
//       expect no_warn
//       {} 100
//
// A blank line or a comment ends a block. A block that cannot be read becomes a command with
// `error`, so that the rest of the script still runs. Values; all times are milliseconds after the
// epoch.
#ifndef DEUCALION_TESTS_SUPPORT_PROMQLTEST_SCRIPT_H_
#define DEUCALION_TESTS_SUPPORT_PROMQLTEST_SCRIPT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/labels.h"
#include "model/regex.h"
#include "promql/parser/series_description.h"

namespace deucalion::promqltest {

// One series of a `load`: value i stands at i * step.
struct LoadedSeries {
  Labels labels;
  std::vector<promql::SequenceValue> values;
  std::vector<std::optional<int64_t>> start_offsets_ms;  // by value, relative to it; may be empty
};

struct LoadCommand {
  int64_t step_ms = 0;
  bool with_nhcb = false;  // histograms of classic buckets are loaded as native ones too
  std::vector<LoadedSeries> series;
};

// What a message must be: exactly `message`, or found by `regex`; neither: anything.
struct MessageMatch {
  std::optional<std::string> message;
  std::optional<Regex> regex;

  bool Matches(std::string_view text) const;
  std::string Describe() const;
};

struct ExpectedSeries {
  Labels labels;
  std::vector<promql::SequenceValue> values;
  int position = 0;  // from 1, among the lines with series
};

struct EvalCommand {
  std::string expr;
  bool range = false;
  int64_t time_ms = 0;  // instant
  int64_t start_ms = 0, end_ms = 0, step_ms = 0;

  bool ordered = false;
  bool fail = false;
  bool some_warning = false;  // eval_warn
  bool some_info = false;     // eval_info
  bool no_warn = false;
  bool no_info = false;
  std::optional<MessageMatch> failure;
  std::vector<MessageMatch> warnings;
  std::vector<MessageMatch> infos;

  std::vector<ExpectedSeries> series;
  std::optional<double> scalar;
  std::optional<std::string> text;
  bool range_vector = false;  // an instant query whose result is a matrix of [start_ms, end_ms]
};

struct Command {
  enum class Kind { kClear, kLoad, kEval };
  Kind kind = Kind::kClear;
  int line = 0;  // from 1
  std::string error;
  LoadCommand load;
  EvalCommand eval;
};

std::vector<Command> ParseScript(std::string_view text);

}  // namespace deucalion::promqltest

#endif  // DEUCALION_TESTS_SUPPORT_PROMQLTEST_SCRIPT_H_
