#include "server/http/exposition_format.h"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include "server/http/message.h"

namespace deucalion::http {
namespace {

constexpr std::pair<std::string_view, NameEscaping> kEscapings[] = {
    {"underscores", NameEscaping::kUnderscores},
    {"dots", NameEscaping::kDots},
    {"values", NameEscaping::kValues},
    {"allow-utf-8", NameEscaping::kAllowUtf8}};

double QualityOf(const MediaType& media) {
  double quality = 1;
  const std::string_view text = media.params.Get("q");
  if (!text.empty()) std::from_chars(text.data(), text.data() + text.size(), quality);
  return quality;
}

// The best first; equals as they came.
std::vector<MediaType> ByQuality(std::string_view accept) {
  std::vector<MediaType> list;
  while (!accept.empty()) {
    const size_t end = std::min(accept.find(','), accept.size());
    auto media = ParseMediaType(accept.substr(0, end));
    accept.remove_prefix(std::min(end + 1, accept.size()));
    if (media.ok()) list.push_back(std::move(*media));
  }
  std::stable_sort(list.begin(), list.end(), [](const MediaType& a, const MediaType& b) {
    return QualityOf(a) > QualityOf(b);
  });
  return list;
}

bool IsProtobuf(const MediaType& media) {
  return media.type == "application/vnd.google.protobuf" &&
         media.params.Get("proto") == "io.prometheus.client.MetricFamily" &&
         media.params.Get("encoding") == "delimited";
}

bool IsText(const MediaType& media) {
  const std::string_view version = media.params.Get("version");
  return media.type == "text/plain" &&
         (version.empty() || version == "0.0.4" || version == "1.0.0");
}

}  // namespace

ExpositionFormat ExpositionFormat::Negotiate(std::string_view accept, bool can_protobuf) {
  ExpositionFormat format;
  for (const MediaType& media : ByQuality(accept)) {
    // Also that of a type which is not served: the last one looked at counts.
    for (const auto& [text, escaping] : kEscapings) {
      if (media.params.Get("escaping") == text) format.escaping = escaping;
    }
    format.protobuf = can_protobuf && IsProtobuf(media);
    if (format.protobuf || IsText(media)) break;
  }
  return format;
}

std::string ExpositionFormat::ContentType() const {
  std::string type = protobuf ? "application/vnd.google.protobuf; "
                                "proto=io.prometheus.client.MetricFamily; encoding=delimited"
                              : "text/plain; version=0.0.4; charset=utf-8";
  for (const auto& [text, value] : kEscapings) {
    if (value == escaping) type += "; escaping=" + std::string(text);
  }
  return type;
}

}  // namespace deucalion::http
