#include "promql/annotations.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <utility>

#include "model/duration.h"
#include "model/value.h"

namespace deucalion::promql {
namespace {

void MergeDetail(const Annotation& from, Annotation* into) {
  switch (from.detail) {
    case Annotation::Detail::kNone:
      return;
    case Annotation::Detail::kForcedMonotonicity:
      into->min_time_ms = std::min(into->min_time_ms, from.min_time_ms);
      into->max_time_ms = std::max(into->max_time_ms, from.max_time_ms);
      into->min_bucket = std::min(into->min_bucket, from.min_bucket);
      into->max_bucket = std::max(into->max_bucket, from.max_bucket);
      into->max_diff = std::max(into->max_diff, from.max_diff);
      [[fallthrough]];
    case Annotation::Detail::kOccurrences:
      into->count += from.count;
  }
}

// Go's %.2g.
std::string TwoDigits(double v) {
  if (std::isnan(v)) return "NaN";
  if (std::isinf(v)) return v > 0 ? "+Inf" : "-Inf";
  char buf[32];
  snprintf(buf, sizeof(buf), "%.2g", v);
  return buf;
}

void AppendDetail(const Annotation& a, std::string* out) {
  if (a.detail == Annotation::Detail::kForcedMonotonicity) {
    *out += ", from buckets " + FormatFloatG(a.min_bucket) + " to " + FormatFloatG(a.max_bucket) +
            ", with a max diff of " + TwoDigits(a.max_diff) + ", over " + std::to_string(a.count) +
            " samples from " + FormatTimeRfc3339(a.min_time_ms) + " to " +
            FormatTimeRfc3339(a.max_time_ms);
  } else if (a.detail == Annotation::Detail::kOccurrences && a.count > 1) {
    *out += " (" + std::to_string(a.count) + " occurrences)";
  }
}

// "line:column", both from 1, of a byte offset.
std::string LineColumn(std::string_view query, int32_t position) {
  if (position > static_cast<int64_t>(query.size())) return "invalid position";
  const std::string_view before = query.substr(0, static_cast<size_t>(position));
  const size_t newline = before.rfind('\n');
  const size_t column = before.size() - (newline == std::string_view::npos ? 0 : newline + 1) + 1;
  return std::to_string(1 + std::count(before.begin(), before.end(), '\n')) + ":" +
         std::to_string(column);
}

void AppendOmitted(size_t n, const char* kind, std::vector<std::string>* out) {
  if (n > 0) out->push_back(std::to_string(n) + " more " + kind + " annotations omitted");
}

}  // namespace

void Annotations::Add(Annotation annotation) {
  for (Annotation& have : list_) {
    if (have.text != annotation.text) continue;
    MergeDetail(annotation, &have);
    have.position = annotation.position;
    return;
  }
  list_.push_back(std::move(annotation));
}

void Annotations::Merge(const Annotations& other) {
  for (const Annotation& a : other.list_) Add(a);
}

size_t Annotations::CountWarnings() const { return list_.size() - CountInfos(); }

size_t Annotations::CountInfos() const {
  return static_cast<size_t>(std::count_if(list_.begin(), list_.end(), [](const Annotation& a) {
    return a.kind == AnnotationKind::kInfo;
  }));
}

AnnotationTexts Annotations::Render(std::string_view query, size_t max_warnings,
                                    size_t max_infos) const {
  AnnotationTexts out;
  size_t omitted_warnings = 0, omitted_infos = 0;
  for (const Annotation& a : list_) {
    const bool info = a.kind == AnnotationKind::kInfo;
    std::vector<std::string>& texts = info ? out.infos : out.warnings;
    const size_t max = info ? max_infos : max_warnings;
    if (max != 0 && texts.size() >= max) {
      ++(info ? omitted_infos : omitted_warnings);
      continue;
    }
    std::string text = a.text;
    AppendDetail(a, &text);
    if (a.position >= 0) text += " (" + LineColumn(query, a.position) + ")";
    texts.push_back(std::move(text));
  }
  AppendOmitted(omitted_warnings, "warning", &out.warnings);
  AppendOmitted(omitted_infos, "info", &out.infos);
  return out;
}

}  // namespace deucalion::promql
