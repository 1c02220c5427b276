// Any text parses or is refused; what parses prints, and what is printed parses to the same text.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "promql/ast_json.h"
#include "promql/parser/parser.h"
#include "promql/printer.h"

using namespace deucalion::promql;  // NOLINT: the one thing under test

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)ParseMetricSelector(text);
  (void)ParseMetric(text);
  const deucalion::Result<ParsedExpr> parsed = Parse(text, ParserOptions::AllEnabled());
  if (!parsed.ok()) {
    CHECK(parsed.status().message().find("parse error: ") != std::string::npos);
    return 0;
  }
  const std::string printed = Print(*parsed->root);
  const deucalion::Result<ParsedExpr> again = Parse(printed, ParserOptions::AllEnabled());
  CHECK(again.ok());
  CHECK(Print(*again->root) == printed);
  CHECK(!AstJson(*parsed->root).empty());
  const deucalion::Result<ParsedExpr> pretty =
      Parse(Prettify(*parsed->root), ParserOptions::AllEnabled());
  CHECK(pretty.ok());
  CHECK(Print(*pretty->root) == printed);
  return 0;
}
