#include "server/tool/metric_lint.h"

#include <algorithm>
#include <cctype>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace deucalion::tool {
namespace {

// Unit to base unit.
constexpr std::pair<std::string_view, std::string_view> kUnits[] = {
    {"amperes", "amperes"},    {"bytes", "bytes"},   {"celsius", "celsius"}, {"grams", "grams"},
    {"joules", "joules"},      {"kelvin", "kelvin"}, {"meters", "meters"},   {"metres", "metres"},
    {"seconds", "seconds"},    {"volts", "volts"},   {"minutes", "seconds"}, {"hours", "seconds"},
    {"days", "seconds"},       {"weeks", "seconds"}, {"kelvins", "kelvin"},  {"rankine", "celsius"},
    {"fahrenheit", "celsius"}, {"inches", "meters"}, {"yards", "meters"},    {"miles", "meters"},
    {"bits", "bytes"},         {"pounds", "grams"},  {"ounces", "grams"},    {"calories", "joules"},
};
constexpr std::string_view kPrefixes[] = {"pico", "nano",  "micro", "milli", "centi", "deci",
                                          "deca", "hecto", "kilo",  "kibi",  "mega",  "mibi",
                                          "giga", "gibi",  "tera",  "tebi",  "peta",  "pebi"};
constexpr std::string_view kAbbreviations[] = {"s",  "ms", "us", "ns", "sec", "b", "kb",
                                               "mb", "gb", "tb", "pb", "m",   "h", "d"};

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

bool HasWord(std::string_view name, std::string_view word) {
  const std::string inner = "_" + std::string(word);
  return name.ends_with(inner) || name.find(inner + "_") != std::string_view::npos;
}

bool IsCamelCase(std::string_view name) {
  for (size_t i = 1; i < name.size(); ++i) {
    if (name[i - 1] >= 'a' && name[i - 1] <= 'z' && name[i] >= 'A' && name[i] <= 'Z') return true;
  }
  return false;
}

// "" when `word` is no unit.
std::string_view BaseUnit(std::string_view word) {
  for (const auto& [unit, base] : kUnits) {
    if (word == unit) return base;
  }
  return "";
}
std::string_view BaseOfPrefixed(std::string_view word) {
  for (const std::string_view prefix : kPrefixes) {
    if (!word.starts_with(prefix)) continue;
    const std::string_view base = BaseUnit(word.substr(prefix.size()));
    if (!base.empty()) return base;
  }
  return "";
}

// As an exposition's TYPE line names it.
std::string_view KindWord(MetricKind kind) {
  switch (kind) {
    case MetricKind::kCounter:
      return "counter";
    case MetricKind::kGauge:
      return "gauge";
    case MetricKind::kHistogram:
      return "histogram";
    case MetricKind::kSummary:
      return "summary";
    default:
      return "";
  }
}

class Linter {
 public:
  void Lint(const MetricFamily& family) {
    family_ = &family;
    typed_ = !KindWord(family.kind).empty();
    if (!family.has_help) Add("no help text");
    LintUnits();
    LintAbbreviations();
    LintName();
    LintLabelNames();
    if (typed_) {
      LintKind();
      LintReserved();
    }
    LintDuplicates();
  }

  std::vector<MetricProblem> Take() {
    std::sort(problems_.begin(), problems_.end());
    return std::move(problems_);
  }

 private:
  void Add(std::string text) { problems_.push_back({family_->name, std::move(text)}); }
  bool Is(MetricKind kind) const { return family_->kind == kind; }
  bool EndsWith(std::string_view suffix) const { return family_->name.ends_with(suffix); }

  // The first word that is a unit counts.
  void LintUnits() {
    std::string_view rest = family_->name;
    for (;;) {
      const size_t end = rest.find('_');
      const std::string_view word = rest.substr(0, end);
      std::string_view base = BaseUnit(word);
      if (base.empty()) base = BaseOfPrefixed(word);
      if (!base.empty()) {
        if (base != word) {
          Add("use base unit \"" + std::string(base) + "\" instead of \"" + std::string(word) +
              "\"");
        }
        return;
      }
      if (end == std::string_view::npos) return;
      rest.remove_prefix(end + 1);
    }
  }

  void LintAbbreviations() {
    const std::string name = Lower(family_->name);
    for (const std::string_view unit : kAbbreviations) {
      if (HasWord(name, unit)) Add("metric names should not contain abbreviated units");
    }
  }

  void LintName() {
    if (family_->name.find(':') != std::string::npos) Add("metric names should not contain ':'");
    if (IsCamelCase(family_->name)) {
      Add("metric names should be written in 'snake_case' not 'camelCase'");
    }
  }

  void LintLabelNames() {
    for (const Labels& metric : family_->metrics) {
      for (const auto& [name, value] : metric) {
        if (IsCamelCase(name)) Add("label names should be written in 'snake_case' not 'camelCase'");
      }
    }
  }

  void LintKind() {
    if (Is(MetricKind::kCounter) && !EndsWith("_total")) {
      Add("counter metrics should have \"_total\" suffix");
    }
    if (!Is(MetricKind::kCounter) && EndsWith("_total")) {
      Add("non-counter metrics should not have \"_total\" suffix");
    }
    if (!Is(MetricKind::kGauge) && EndsWith("_timestamp_seconds")) {
      Add("non-gauge metrics should not have \"_timestamp_seconds\" suffix");
    }
    const std::string kind(KindWord(family_->kind));
    if (HasWord(Lower(family_->name), kind)) {
      Add("metric name should not include type '" + kind + "'");
    }
  }

  // Suffixes and labels that mean something on histograms and summaries.
  void LintReserved() {
    const bool histogram = Is(MetricKind::kHistogram);
    const bool summary = Is(MetricKind::kSummary);
    if (!histogram && EndsWith("_bucket")) {
      Add("non-histogram metrics should not have \"_bucket\" suffix");
    }
    for (const std::string suffix : {"_count", "_sum"}) {
      if (histogram || summary || !EndsWith(suffix)) continue;
      Add("non-histogram and non-summary metrics should not have \"" + suffix + "\" suffix");
    }
    for (const Labels& metric : family_->metrics) {
      if (!histogram && metric.Has("le")) {
        Add("non-histogram metrics should not have \"le\" label");
      }
      if (!summary && metric.Has("quantile")) {
        Add("non-summary metrics should not have \"quantile\" label");
      }
    }
  }

  void LintDuplicates() {
    std::unordered_map<Labels, size_t, LabelsHash, LabelsEqual> counts;
    for (const Labels& metric : family_->metrics) {
      if (counts[metric]++ > 0) Add("metric not unique");
    }
  }

  const MetricFamily* family_ = nullptr;
  bool typed_ = false;
  std::vector<MetricProblem> problems_;
};

}  // namespace

std::vector<MetricProblem> LintMetrics(const std::vector<MetricFamily>& families) {
  Linter linter;
  for (const MetricFamily& family : families) linter.Lint(family);
  return linter.Take();
}

}  // namespace deucalion::tool
