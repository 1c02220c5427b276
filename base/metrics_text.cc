#include "base/metrics_text.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

namespace deucalion {
namespace {

std::string_view TypeText(MetricType type) {
  switch (type) {
    case MetricType::kCounter:
      return "counter";
    case MetricType::kGauge:
      return "gauge";
    case MetricType::kHistogram:
      return "histogram";
    case MetricType::kSummary:
      return "summary";
    case MetricType::kUntyped:
      return "untyped";
  }
  return "untyped";
}

void AppendEscaped(std::string* out, std::string_view text, bool quotes) {
  for (const char c : text) {
    if (c == '\\') {
      *out += "\\\\";
    } else if (c == '\n') {
      *out += "\\n";
    } else if (c == '"' && quotes) {
      *out += "\\\"";
    } else {
      out->push_back(c);
    }
  }
}

}  // namespace

std::string FormatMetricValue(double v) {
  if (std::isnan(v)) return "NaN";
  if (std::isinf(v)) return v > 0 ? "+Inf" : "-Inf";
  char buf[64];
  // Go's 'g': exponent form from 1e21 on, where to_chars would switch at 1e17 or so.
  const double magnitude = std::abs(v);
  const bool plain = v == 0 || (magnitude >= 1e-4 && magnitude < 1e21);
  const auto r = std::to_chars(buf, buf + sizeof(buf), v,
                               plain ? std::chars_format::fixed : std::chars_format::scientific);
  return std::string(buf, r.ptr);
}

void MetricTextWriter::Family(std::string_view name, std::string_view help, MetricType type) {
  name_ = name;
  text_ = &families_[std::string(name)];
  if (!text_->empty()) return;  // a second collector adds samples to a family
  *text_ += fmt::format("# HELP {} ", name);
  AppendEscaped(text_, help, false);
  *text_ += fmt::format("\n# TYPE {} {}\n", name, TypeText(type));
}

void MetricTextWriter::Sample(std::string_view name_suffix, const MetricLabels& labels,
                              double value) {
  *text_ += name_;
  *text_ += name_suffix;
  if (!labels.empty()) {
    char separator = '{';
    for (const auto& [name, label_value] : labels) {
      text_->push_back(separator);
      *text_ += name;
      *text_ += "=\"";
      AppendEscaped(text_, label_value, true);
      text_->push_back('"');
      separator = ',';
    }
    text_->push_back('}');
  }
  text_->push_back(' ');
  *text_ += FormatMetricValue(value);
  text_->push_back('\n');
}

std::string MetricTextWriter::Finish() {
  std::string out;
  for (const auto& [name, text] : families_) out += text;
  return out;
}

}  // namespace deucalion
