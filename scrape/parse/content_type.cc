// Choosing the parser by Content-Type, and small helpers that all parsers share.
#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>

#include "model/value.h"
#include "scrape/parse/parser.h"

namespace deucalion::scrape {
namespace {

std::string_view CutSuffix(std::string_view s, std::string_view suffix) {
  if (s.ends_with(suffix)) s.remove_suffix(suffix.size());
  return s;
}

template <typename... Suffixes>
std::string_view CutAnySuffix(std::string_view s, Suffixes... suffixes) {
  for (std::string_view suffix : {std::string_view(suffixes)...}) {
    if (s.ends_with(suffix)) return s.substr(0, s.size() - suffix.size());
  }
  return s;
}

bool IsTokenChar(char c) {
  return c > ' ' && c < 0x7f &&
         std::string_view("()<>@,;:\\\"/[]?=").find(c) == std::string_view::npos;
}

// The type of a Content-Type value in lower case; the words of mime.ParseMediaType on failure.
Result<std::string> ParseMediaType(std::string_view header) {
  std::string_view type = header.substr(0, header.find(';'));
  while (!type.empty() && type.back() == ' ') type.remove_suffix(1);
  while (!type.empty() && type.front() == ' ') type.remove_prefix(1);
  std::string lower(type);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  if (lower.empty()) return InvalidArgumentError("mime: no media type");
  const size_t slash = lower.find('/');
  const std::string_view sub =
      slash == std::string::npos ? std::string_view() : std::string_view(lower).substr(slash + 1);
  if (!std::ranges::all_of(lower.substr(0, slash), IsTokenChar)) {
    return InvalidArgumentError("mime: expected slash after first token");
  }
  if (slash != std::string::npos && sub.empty()) {
    return InvalidArgumentError("mime: expected token after slash");
  }
  if (!std::ranges::all_of(sub, IsTokenChar)) {
    return InvalidArgumentError("mime: unexpected content after media subtype");
  }
  return lower;
}

}  // namespace

Result<std::string> ExtractMediaType(std::string_view content_type, std::string_view fallback,
                                     Status* warning) {
  const std::string quoted_fallback = GoQuote(fallback);
  if (content_type.empty()) {
    if (fallback.empty()) {
      return InvalidArgumentError(
          "non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol "
          "specified for target");
    }
    *warning = InvalidArgumentError(
        "non-compliant scrape target sending blank Content-Type, using fallback_scrape_protocol " +
        quoted_fallback);
    return std::string(fallback);
  }
  Result<std::string> type = ParseMediaType(content_type);
  if (!type.ok()) {
    if (fallback.empty()) {
      return InvalidArgumentError("cannot parse Content-Type " + GoQuote(content_type) +
                                  " and no fallback_scrape_protocol for target\n" +
                                  type.status().message());
    }
    *warning = InvalidArgumentError("could not parse received Content-Type " +
                                    GoQuote(content_type) + ", using fallback_scrape_protocol " +
                                    quoted_fallback + "\n" + type.status().message());
    return std::string(fallback);
  }
  static constexpr std::array<std::string_view, 3> kKnown = {
      "application/openmetrics-text", "application/vnd.google.protobuf", "text/plain"};
  if (std::ranges::find(kKnown, *type) != kKnown.end()) return type;
  if (fallback.empty()) {
    return InvalidArgumentError("received unsupported Content-Type " + GoQuote(content_type) +
                                " and no fallback_scrape_protocol specified for target");
  }
  *warning = InvalidArgumentError("received unsupported Content-Type " + GoQuote(content_type) +
                                  ", using fallback_scrape_protocol " + quoted_fallback);
  return std::string(fallback);
}

Result<std::unique_ptr<Parser>> NewParser(std::string_view body, std::string_view content_type,
                                          const ParserOptions& options, Status* warning) {
  ASSIGN_OR_RETURN(const std::string type,
                   ExtractMediaType(content_type, options.fallback_media_type, warning));
  if (type == "application/vnd.google.protobuf") return NewProtobufParser(body, options);
  std::unique_ptr<Parser> parser = type == "application/openmetrics-text"
                                       ? NewOpenMetricsParser(body, options)
                                       : NewTextParser(body, options);
  if (!options.convert_classic_to_nhcb) return parser;
  return NewNhcbParser(std::move(parser), options.keep_classic);
}

bool IsSeriesOfFamily(std::string_view name, std::string_view family, MetricKind kind) {
  if (!name.starts_with(family) &&
      !(kind == MetricKind::kCounter && name.starts_with(CutSuffix(family, "_total"))) &&
      !(kind == MetricKind::kInfo && name.starts_with(CutSuffix(family, "_info")))) {
    return false;
  }
  switch (kind) {
    case MetricKind::kCounter:
      return CutSuffix(family, "_total") == CutSuffix(name, "_total");
    case MetricKind::kHistogram:
      return family == CutAnySuffix(name, "_bucket", "_sum", "_count");
    case MetricKind::kGaugeHistogram:
      return family == CutAnySuffix(name, "_bucket", "_gsum", "_gcount");
    case MetricKind::kSummary:
      return family == CutAnySuffix(name, "_sum", "_count");
    case MetricKind::kInfo:
      return CutSuffix(family, "_info") == CutSuffix(name, "_info");
    default:
      return family == name;
  }
}

std::string FormatOpenMetricsFloat(double f) {
  if (std::isnan(f)) return "NaN";
  if (std::isinf(f)) return f > 0 ? "+Inf" : "-Inf";
  std::string out = FormatFloatG(f);
  if (out.find_first_of("e.") == std::string::npos) out += ".0";
  return out;
}

}  // namespace deucalion::scrape
