#include "server/remote/otlp/otlp_names.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "model/value.h"

namespace deucalion::remote {
namespace {

struct UnitName {
  std::string_view unit;
  std::string_view name;
};
// Units are UCUM's.
constexpr UnitName kUnits[] = {{"d", "days"},
                               {"h", "hours"},
                               {"min", "minutes"},
                               {"s", "seconds"},
                               {"ms", "milliseconds"},
                               {"us", "microseconds"},
                               {"ns", "nanoseconds"},
                               {"By", "bytes"},
                               {"KiBy", "kibibytes"},
                               {"MiBy", "mebibytes"},
                               {"GiBy", "gibibytes"},
                               {"TiBy", "tibibytes"},
                               {"KBy", "kilobytes"},
                               {"MBy", "megabytes"},
                               {"GBy", "gigabytes"},
                               {"TBy", "terabytes"},
                               {"m", "meters"},
                               {"V", "volts"},
                               {"A", "amperes"},
                               {"J", "joules"},
                               {"W", "watts"},
                               {"g", "grams"},
                               {"Cel", "celsius"},
                               {"Hz", "hertz"},
                               {"1", ""},
                               {"%", "percent"}};
constexpr UnitName kPerUnits[] = {{"s", "second"}, {"m", "minute"}, {"h", "hour"}, {"d", "day"},
                                  {"w", "week"},   {"mo", "month"}, {"y", "year"}};

template <size_t n>
std::string_view Look(const UnitName (&table)[n], std::string_view unit) {
  const auto* const it = std::ranges::find(table, unit, &UnitName::unit);
  return it == std::end(table) ? unit : it->name;
}

bool IsLetterOrDigit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
// Bytes of a character of several count once, as a Go program sees it.
bool Continues(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

std::string_view TrimSpace(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// What is between characters that a metric name may not have.
std::vector<std::string> Tokens(std::string_view name, std::string_view allowed) {
  std::vector<std::string> tokens;
  bool inside = false;
  for (const char c : name) {
    const bool valid = IsLetterOrDigit(c) || allowed.find(c) != std::string_view::npos;
    if (valid && !inside) tokens.emplace_back();
    if (valid) tokens.back() += c;
    inside = valid;
  }
  return tokens;
}

std::string Join(const std::vector<std::string>& tokens) {
  std::string out;
  for (const std::string& token : tokens) out += (out.empty() ? "" : "_") + token;
  return out;
}

// "bytes" and "per_second" of By/s. Units in braces say nothing.
std::pair<std::string, std::string> UnitSuffixes(std::string_view unit) {
  const size_t slash = unit.find('/');
  const auto named = [](std::string_view part) {
    return !part.empty() && part.find_first_of("{}") == std::string_view::npos;
  };
  std::pair<std::string, std::string> out;
  const std::string_view main = TrimSpace(unit.substr(0, slash));
  if (named(main)) out.first = Look(kUnits, main);
  if (slash == std::string_view::npos) return out;
  const std::string_view per = TrimSpace(unit.substr(slash + 1));
  if (named(per)) out.second = "per_" + std::string(Look(kPerUnits, per));
  return out;
}

// Only what a name may have, underscores one at a time, none at the beginning.
std::string CleanUnit(std::string_view unit) {
  std::string out;
  for (const char c : unit) {
    if (Continues(c)) continue;
    const char kept = IsLetterOrDigit(c) || c == ':' ? c : '_';
    if (kept != '_' || (!out.empty() && out.back() != '_')) out += kept;
  }
  return out;
}

std::string TrimUnderscore(std::string text) {
  if (text.ends_with('_')) text.pop_back();
  return text;
}

void AddUnitTokens(std::string_view unit, std::vector<std::string>* tokens) {
  const auto suffixes = UnitSuffixes(unit);
  std::string main = CleanUnit(suffixes.first), per = CleanUnit(suffixes.second);
  const auto there = [&](const std::string& token) {
    return std::ranges::find(*tokens, token) != tokens->end();
  };
  if (there(main)) main.clear();
  per = per == "per_" ? "" : TrimUnderscore(per);
  if (there(per)) per.clear();
  if (!per.empty()) main = TrimUnderscore(main);
  if (!main.empty()) tokens->push_back(main);
  if (!per.empty()) tokens->push_back(per);
}

void MoveToEnd(const std::string& token, std::vector<std::string>* tokens) {
  std::erase(*tokens, token);
  tokens->push_back(token);
}

bool IsRatio(const OtlpMetric& metric) {
  return metric.unit == "1" && metric.kind == OtlpKind::kGauge;
}
bool IsCounter(const OtlpMetric& metric) {
  return metric.kind == OtlpKind::kSum && metric.monotonic;
}

std::string EscapedName(const OtlpMetric& metric, bool suffixes) {
  std::vector<std::string> tokens = Tokens(metric.name, suffixes ? ":" : ":_");
  if (suffixes) {
    AddUnitTokens(metric.unit, &tokens);
    if (IsCounter(metric)) MoveToEnd("total", &tokens);
    if (IsRatio(metric)) MoveToEnd("ratio", &tokens);
  }
  std::string name = Join(tokens);
  if (!name.empty() && IsDigit(name[0])) name.insert(0, "_");
  return name;
}

// A suffix and the delimiter before it, whichever that is.
void TrimSuffix(std::string_view suffix, std::string* name) {
  if (name->ends_with(suffix) && name->size() > suffix.size() + 1) {
    name->resize(name->size() - suffix.size() - 1);
  }
}

std::string UnescapedName(const OtlpMetric& metric, bool suffixes) {
  std::string name = metric.name;
  if (!suffixes) return name;
  const auto [main, per] = UnitSuffixes(metric.unit);
  if (IsRatio(metric)) TrimSuffix("ratio", &name);
  if (IsCounter(metric)) TrimSuffix("total", &name);
  if (!per.empty()) TrimSuffix(per, &name);
  if (!main.empty() && !name.ends_with(main)) name += "_" + main;
  if (!per.empty()) name += "_" + per;
  if (IsCounter(metric)) name += "_total";
  if (IsRatio(metric)) name += "_ratio";
  return name;
}

bool OnlyUnderscores(std::string_view name) {
  return name.find_first_not_of('_') == std::string_view::npos;
}

// Underscores for what a label may not have; `keep`: each, else one for several in a row.
std::string SanitizeLabel(std::string_view name, bool keep) {
  const bool reserved = !keep && name.size() >= 4 && name.starts_with("__") && name.ends_with("__");
  if (reserved) name = name.substr(2, name.size() - 4);
  std::string out = reserved ? "__" : "";
  bool underscore = false;
  for (const char c : name) {
    if (Continues(c)) continue;
    const bool valid = IsLetterOrDigit(c);
    if (valid || keep || !underscore) out += valid ? c : '_';
    underscore = !valid;
  }
  return out + (reserved ? "__" : "");
}

}  // namespace

OtlpNamer::OtlpNamer(const config::OtlpConfig& config)
    : suffixes_(config.translation_strategy == "UnderscoreEscapingWithSuffixes" ||
                config.translation_strategy == "NoUTF8EscapingWithSuffixes"),
      utf8_(config.translation_strategy == "NoUTF8EscapingWithSuffixes" ||
            config.translation_strategy == "NoTranslation"),
      key_before_underscore_(config.label_name_underscore_sanitization),
      keep_underscores_(config.label_name_preserve_multiple_underscores) {}

Result<std::string> OtlpNamer::MetricName(const OtlpMetric& metric) const {
  std::string name = utf8_ ? UnescapedName(metric, suffixes_) : EscapedName(metric, suffixes_);
  if (name.empty()) {
    return InvalidArgumentError("normalization for metric " + GoQuote(metric.name) +
                                " resulted in empty name");
  }
  if (!utf8_ && name != metric.name && OnlyUnderscores(name)) {
    return InvalidArgumentError("normalization for metric " + GoQuote(metric.name) +
                                " resulted in invalid name " + GoQuote(name));
  }
  return name;
}

Result<std::string> OtlpNamer::LabelName(std::string_view attribute) const {
  if (attribute.empty()) {
    return InvalidArgumentError("normalization for label name \"\" resulted in empty name");
  }
  if (utf8_) return std::string(attribute);
  std::string name = SanitizeLabel(attribute, keep_underscores_);
  if (IsDigit(name[0])) {
    name.insert(0, "key_");
  } else if (key_before_underscore_ && name.starts_with('_') && !name.starts_with("__")) {
    name.insert(0, "key");
  }
  if (name != attribute && OnlyUnderscores(name)) {
    return InvalidArgumentError("normalization for label name " + GoQuote(attribute) +
                                " resulted in invalid name " + GoQuote(name));
  }
  return name;
}

std::string OtlpNamer::Unit(std::string_view unit) const {
  auto [main, per] = UnitSuffixes(unit);
  if (!utf8_) {
    main = CleanUnit(main);
    per = CleanUnit(per);
  }
  std::string name = main.empty() || per.empty() ? main + per : main + "_" + per;
  if (name.starts_with('_')) name.erase(0, 1);
  return TrimUnderscore(std::move(name));
}

}  // namespace deucalion::remote
