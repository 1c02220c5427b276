// PromQL text -> syntax tree. The text comes from strangers: every failure is a Status
// (kInvalidArgument) in Prometheus's words, "1:5: parse error: unexpected end of input".
//
// Thread-safe: calls share nothing. Time and memory are linear in the text; nesting beyond
// kMaxNesting levels is refused, so consumers may recurse over the tree.
#ifndef DEUCALION_PROMQL_PARSER_PARSER_H_
#define DEUCALION_PROMQL_PARSER_PARSER_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "model/labels.h"
#include "model/matcher.h"
#include "promql/ast.h"

namespace deucalion::promql {

// Height of the tree, operators in a row included: 1,000 frames fit any thread's stack many times
// over.
inline constexpr int kMaxNesting = 1000;

// Which parts of the language are on. The defaults are those of a Prometheus 3.14 without
// --enable-feature.
struct ParserOptions {
  bool experimental_functions = false;    // promql-experimental-functions
  bool duration_expressions = true;       // on since 3.14
  bool extended_range_selectors = false;  // promql-extended-range-selectors
  bool binop_fill_modifiers = false;      // promql-binop-fill-modifiers

  static ParserOptions AllEnabled() { return {true, true, true, true}; }
};

// A checked expression and the text its spans point into. Copying shares both.
struct ParsedExpr {
  std::shared_ptr<const Expr> root;
  std::shared_ptr<const std::string> text;
};

// Parses and type-checks.
Result<ParsedExpr> Parse(std::string_view text, const ParserOptions& options = {});

// "L:C" of a byte of the text: line and byte column, both from 1.
std::string LineColumn(std::string_view text, uint32_t byte);

// The matchers of one selector such as up{job="x"}: match[] parameters.
Result<std::vector<Matcher>> ParseMetricSelector(std::string_view text);
// A series descriptor such as up{job="x"}: the labels of one series.
Result<Labels> ParseMetric(std::string_view text);
// The same at the beginning of `text`; *size says how many bytes of it were the descriptor.
Result<Labels> ParseMetricPrefix(std::string_view text, size_t* size);

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_PARSER_PARSER_H_
