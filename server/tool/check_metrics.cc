#include "server/tool/check_metrics.h"

#include <algorithm>
#include <cstdio>

#include "server/tool/metric_lint.h"
#include "server/tool/text.h"

namespace deucalion::tool {
namespace {

std::string Percent(double share, int decimals) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.*f%%", decimals, share * 100);
  return text;
}

// Families by cardinality, largest first.
void PrintCardinality(const std::vector<MetricFamily>& families, std::ostream& out) {
  std::vector<std::pair<std::string, size_t>> rows;
  size_t total = 0;
  for (const MetricFamily& family : families) {
    rows.emplace_back(family.name, family.Cardinality());
    total += rows.back().second;
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  TabTable table;
  table.Add({"Metric", "Cardinality", "Percentage"});
  for (const auto& [name, series] : rows) {
    const double share = static_cast<double>(series) / static_cast<double>(total);
    table.Add({name, std::to_string(series), Percent(share, 2)});
  }
  table.Add({"Total", std::to_string(total), Percent(1, 0)});
  table.Print(out);
}

}  // namespace

int CheckMetrics(const CheckMetricsArgs& args, const Streams& io) {
  const bool lint = args.lint != "none";
  if (!args.extended && !lint) {
    io.err << "error: at least one of --extended or linting must be enabled\n"
              "Use --extended for cardinality analysis, or remove --lint=none to enable linting\n";
    return kFailure;
  }
  const std::string text = ReadAll(io.in);
  const Result<std::vector<MetricFamily>> families = ReadFamilies(text);
  if (!families.ok()) {
    io.err << (lint ? "error while linting: " : "error while parsing text to metric families: ")
           << families.status().message() << "\n";
    return kFailure;
  }
  int exit_code = kSuccess;
  if (lint) {
    for (const MetricProblem& problem : LintMetrics(*families)) {
      io.err << problem.metric << " " << problem.text << "\n";
      exit_code = kLintFailure;
    }
  }
  if (args.extended) PrintCardinality(*families, io.out);
  return exit_code;
}

}  // namespace deucalion::tool
