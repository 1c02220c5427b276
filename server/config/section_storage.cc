// storage, tracing and otlp.
#include <set>

#include "server/config/config_sections.h"

namespace deucalion::config {
namespace {

const Section<RetentionConfig>& RetentionSection() {
  using R = RetentionConfig;
  static const Section<R> section{
      "config.TSDBRetentionConfig",
      {
          Key<Duration, &R::time_ms>("time"),
          Key<Bytes, &R::size>("size"),
          Key<Float, &R::percentage>("percentage"),
      },
      [](R* retention) {
        if (retention->percentage >= 0 && retention->percentage <= 100) return OkStatus();
        return InvalidArgumentError(
            "storage.tsdb.retention.percentage must be in the range [0, 100]");
      }};
  return section;
}

const Section<ChunkEncodingConfig>& ChunkEncodingSection() {
  using C = ChunkEncodingConfig;
  static const Section<C> section{
      "config.plain", {Key<Text, &C::floats>("floats")}, [](C* encoding) {
        const std::string& floats = encoding->floats;
        if (floats.empty() || floats == "xor" || floats == "xor2") return OkStatus();
        return InvalidArgumentError("unknown float chunk encoding " + GoQuote(floats) +
                                    ", must be one of \"xor\" or \"xor2\"");
      }};
  return section;
}

const Section<TsdbConfig>& TsdbSection() {
  using T = TsdbConfig;
  static const Section<T> section{
      "config.plain",
      {
          Key<Duration, &T::out_of_order_time_window_ms>("out_of_order_time_window"),
          Key<Float, &T::stale_series_compaction_threshold>("stale_series_compaction_threshold"),
          Key<OptionalNested<RetentionConfig, RetentionSection>, &T::retention>("retention"),
          Key<OptionalNested<ChunkEncodingConfig, ChunkEncodingSection>, &T::chunk_encoding>(
              "chunk_encoding"),
      },
      [](T* tsdb) {
        const double threshold = tsdb->stale_series_compaction_threshold;
        if (threshold >= 0 && threshold <= 1) return OkStatus();
        return InvalidArgumentError(
            "stale_series_compaction_threshold must be between 0 and 1, got " +
            FormatFloatG(threshold));
      }};
  return section;
}

const Section<ExemplarsConfig>& ExemplarsSection() {
  static const Section<ExemplarsConfig> section{
      "config.ExemplarsConfig", {Key<Int64, &ExemplarsConfig::max_exemplars>("max_exemplars")}};
  return section;
}

struct ClientType {
  using Value = std::string;
  static Status Read(Decoder& d, const YamlNode& node, Value* out) {
    std::string text;
    if (!ReadText(d, node, "config.plain", &text)) return OkStatus();
    if (text != "http" && text != "grpc") {
      return d.Refuse(node,
                      "expected tracing client type to be to be http or grpc, but got " + text);
    }
    *out = std::move(text);
    return OkStatus();
  }
  static bool Empty(const Value& v) { return v.empty(); }
  static YamlValue Print(const Value& v) { return YamlValue::Text(v); }
};

Status FinishTracing(TracingConfig* t) {
  RETURN_IF_ERROR(ValidateHeaders(
      t->headers, "custom authorization header configuration is not yet supported"));
  if (t->endpoint.empty()) return InvalidArgumentError("tracing endpoint must be set");
  if (!t->compression.empty() && t->compression != "gzip") {
    return InvalidArgumentError("invalid compression type " + t->compression +
                                " provided, valid options: gzip");
  }
  return OkStatus();
}

// Trims the attributes; all that is wrong with them is reported, one per line.
Status SanitizeAttributes(std::vector<std::string>* attributes, const std::string& field,
                          const std::string& adjective) {
  std::set<std::string> seen;
  std::string errors;
  const auto add = [&errors](const std::string& what) {
    errors += (errors.empty() ? "" : "\n") + what;
  };
  for (std::string& attribute : *attributes) {
    const size_t begin = attribute.find_first_not_of(" \t\r\n");
    const size_t end = attribute.find_last_not_of(" \t\r\n");
    attribute = begin == std::string::npos ? "" : attribute.substr(begin, end - begin + 1);
    if (attribute.empty()) {
      add("empty " + adjective + " OTel resource attribute");
    } else if (!seen.insert(attribute).second) {
      add("duplicated " + adjective + " OTel resource attribute " + GoQuote(attribute));
    }
  }
  return errors.empty() ? OkStatus() : InvalidArgumentError("invalid '" + field + "': " + errors);
}

Status FinishOtlp(OtlpConfig* c) {
  if (c->promote_all_resource_attributes) {
    if (!c->promote_resource_attributes.empty()) {
      return InvalidArgumentError(
          "'promote_all_resource_attributes' and 'promote_resource_attributes' cannot be "
          "configured "
          "simultaneously");
    }
    return SanitizeAttributes(&c->ignore_resource_attributes, "ignore_resource_attributes",
                              "ignored");
  }
  if (!c->ignore_resource_attributes.empty()) {
    return InvalidArgumentError(
        "'ignore_resource_attributes' cannot be configured unless "
        "'promote_all_resource_attributes' is true");
  }
  return SanitizeAttributes(&c->promote_resource_attributes, "promote_resource_attributes",
                            "promoted");
}

}  // namespace

const Section<StorageConfig>& StorageSection() {
  using S = StorageConfig;
  static const Section<S> section{
      "config.StorageConfig",
      {
          Key<OptionalNested<TsdbConfig, TsdbSection>, &S::tsdb>("tsdb"),
          Key<OptionalNested<ExemplarsConfig, ExemplarsSection>, &S::exemplars>("exemplars"),
      }};
  return section;
}

const Section<TracingConfig>& TracingSection() {
  using T = TracingConfig;
  static const Section<T> section{
      "config.plain",
      {
          Key<ClientType, &T::client_type>("client_type"),
          Key<Text, &T::endpoint>("endpoint"),
          Key<Float, &T::sampling_fraction>("sampling_fraction"),
          Key<Bool, &T::insecure>("insecure"),
          Key<Nested<scrape::TlsConfig, TlsSection>, &T::tls_config>("tls_config"),
          Key<TextMap, &T::headers>("headers"),
          Key<Text, &T::compression>("compression"),
          Key<Duration, &T::timeout_ms>("timeout"),
      },
      FinishTracing};
  return section;
}

const Section<OtlpConfig>& OtlpSection() {
  using O = OtlpConfig;
  static const Section<O> section{
      "config.plain",
      {
          Key<Bool, &O::promote_all_resource_attributes>("promote_all_resource_attributes"),
          Key<Texts, &O::promote_resource_attributes>("promote_resource_attributes"),
          Key<Texts, &O::ignore_resource_attributes>("ignore_resource_attributes"),
          Key<Text, &O::translation_strategy>("translation_strategy"),
          Key<Bool, &O::keep_identifying_resource_attributes>(
              "keep_identifying_resource_attributes"),
          Key<Bool, &O::convert_histograms_to_nhcb>("convert_histograms_to_nhcb"),
          Key<Bool, &O::promote_scope_metadata>("promote_scope_metadata"),
          Key<Bool, &O::label_name_underscore_sanitization>("label_name_underscore_sanitization"),
          Key<Bool, &O::label_name_preserve_multiple_underscores>(
              "label_name_preserve_multiple_underscores"),
      },
      FinishOtlp};
  return section;
}

}  // namespace deucalion::config
