#include "server/remote/otlp/otlp_writer.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "model/value.h"
#include "server/remote/otlp/otlp_histogram.h"

namespace deucalion::remote {
namespace {

constexpr std::string_view kServiceName = "service.name";
constexpr std::string_view kServiceNamespace = "service.namespace";
constexpr std::string_view kServiceInstance = "service.instance.id";
// OpenMetrics' limit for all labels of an exemplar.
constexpr size_t kMaxExemplarRunes = 128;
// A request whose points lie further apart has its target_info only towards the end.
constexpr int64_t kMaxTargetInfos = 10'000;

const std::string* Find(const OtlpAttributes& attributes, std::string_view key) {
  for (const auto& [name, value] : attributes) {
    if (name == key) return &value;
  }
  return nullptr;
}

bool IsIdentifying(std::string_view key) {
  return key == kServiceName || key == kServiceNamespace || key == kServiceInstance;
}

int64_t Milliseconds(uint64_t ns) { return static_cast<int64_t>(ns / 1'000'000); }

std::string NumberText(double value) {
  std::string text;
  AppendFloatF(&text, value);
  return text;
}

size_t Runes(std::string_view text) {
  return static_cast<size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

bool HasTemporality(OtlpKind kind) {
  return kind == OtlpKind::kSum || kind == OtlpKind::kHistogram || kind == OtlpKind::kExponential;
}

MetricKind KindOf(const OtlpMetric& metric) {
  const bool delta = metric.temporality == OtlpTemporality::kDelta;
  switch (metric.kind) {
    case OtlpKind::kGauge:
      return MetricKind::kGauge;
    case OtlpKind::kSum:
      if (delta) return MetricKind::kUnknown;
      return metric.monotonic ? MetricKind::kCounter : MetricKind::kGauge;
    case OtlpKind::kHistogram:
    case OtlpKind::kExponential:
      return delta ? MetricKind::kUnknown : MetricKind::kHistogram;
    case OtlpKind::kSummary:
      return MetricKind::kSummary;
    case OtlpKind::kNone:
      break;
  }
  return MetricKind::kUnknown;
}

// The reasons of several metrics as one.
class Reasons {
 public:
  // Failures of storage end the request; those of translation are collected.
  bool Ends(const Status& status) {
    if (status.ok()) return false;
    if (status.code() != StatusCode::kInvalidArgument) return true;
    if (++count_ <= kMost) text_ += (text_.empty() ? "" : "; ") + status.message();
    return false;
  }
  Status Take() const {
    if (count_ == 0) return OkStatus();
    const size_t more = count_ - std::min(count_, kMost);
    return InvalidArgumentError(
        more == 0 ? text_ : text_ + "; " + std::to_string(more) + " more errors omitted");
  }

 private:
  static constexpr size_t kMost = 50;
  std::string text_;
  size_t count_ = 0;
};

}  // namespace

Status OtlpWriter::Write(const OtlpRequest& request) {
  Reasons reasons;
  for (const OtlpResource& resource : request) {
    TimeSpan times;
    for (const OtlpScope& scope : resource.scopes) {
      for (const OtlpMetric& metric : scope.metrics) {
        const Status status = WriteMetric(resource, scope, metric, &times);
        if (reasons.Ends(status)) return status;
      }
    }
    if (times.first_ns > times.last_ns) continue;  // no point, no time
    const Status status = WriteTargetInfo(resource, times);
    if (reasons.Ends(status)) return status;
  }
  return reasons.Take();
}

Status OtlpWriter::WriteMetric(const OtlpResource& resource, const OtlpScope& scope,
                               const OtlpMetric& metric, TimeSpan* times) {
  for (const OtlpPoint& point : metric.points) {
    times->first_ns = std::min(times->first_ns, point.time_ns);
    times->last_ns = std::max(times->last_ns, point.time_ns);
  }
  if (metric.kind == OtlpKind::kNone) {
    return InvalidArgumentError("could not get aggregation temporality for " + metric.name +
                                " as it has unsupported metric type Empty");
  }
  const bool delta = metric.temporality == OtlpTemporality::kDelta;
  if (HasTemporality(metric.kind) && metric.temporality != OtlpTemporality::kCumulative &&
      !(delta && settings_.allow_delta)) {
    return InvalidArgumentError("invalid temporality and type combination for metric " +
                                GoQuote(metric.name));
  }
  if (metric.points.empty()) {
    return InvalidArgumentError("empty data points. " + metric.name + " is dropped");
  }
  Family family{
      .name = "",
      .metadata = {
          .kind = KindOf(metric), .unit = namer_.Unit(metric.unit), .help = metric.description}};
  ASSIGN_OR_RETURN(family.name, namer_.MetricName(metric));
  for (const OtlpPoint& point : metric.points) {
    ASSIGN_OR_RETURN(LabelMap labels, MakeLabels(resource, &scope, point.attributes, true));
    RETURN_IF_ERROR(AddTypeAndUnit(family, &labels));
    RETURN_IF_ERROR(WritePoint(family, metric, labels, point));
  }
  return OkStatus();
}

Status OtlpWriter::AddTypeAndUnit(const Family& family, LabelMap* labels) const {
  if (!settings_.type_and_unit_labels) return OkStatus();
  if (family.metadata.kind != MetricKind::kUnknown) {
    (*labels)["__type__"] = MetricKindText(family.metadata.kind);
  }
  if (!family.metadata.unit.empty()) (*labels)["__unit__"] = family.metadata.unit;
  return OkStatus();
}

Status OtlpWriter::WritePoint(const Family& family, const OtlpMetric& metric,
                              const LabelMap& labels, const OtlpPoint& point) {
  switch (metric.kind) {
    case OtlpKind::kHistogram:
      return settings_.config.convert_histograms_to_nhcb
                 ? WriteNative(family, metric, labels, point)
                 : WriteClassic(family, labels, point);
    case OtlpKind::kExponential:
      return WriteNative(family, metric, labels, point);
    case OtlpKind::kSummary:
      return WriteSummary(family, labels, point);
    default:
      return WriteNumber(family, metric, labels, point);
  }
}

Status OtlpWriter::WriteNumber(const Family& family, const OtlpMetric& metric,
                               const LabelMap& labels, const OtlpPoint& point) {
  ASSIGN_OR_RETURN(const SeriesRef ref, Append(family, "", labels, {}, point, point.value));
  if (metric.kind != OtlpKind::kSum) return OkStatus();
  for (const OtlpExemplar& exemplar : point.exemplars) AppendExemplar(ref, exemplar);
  return OkStatus();
}

Status OtlpWriter::WriteClassic(const Family& family, const LabelMap& labels,
                                const OtlpPoint& point) {
  if (point.has_sum) {
    RETURN_IF_ERROR(Append(family, "_sum", labels, {}, point, point.sum).TakeStatus());
  }
  const double count = static_cast<double>(point.count);
  RETURN_IF_ERROR(Append(family, "_count", labels, {}, point, count).TakeStatus());
  std::vector<std::pair<double, SeriesRef>> buckets;  // upper bound
  uint64_t cumulative = 0;
  for (size_t i = 0; i < point.bounds.size() && i < point.counts.size(); i++) {
    cumulative += point.counts[i];
    ASSIGN_OR_RETURN(const SeriesRef ref,
                     Append(family, "_bucket", labels, {"le", NumberText(point.bounds[i])}, point,
                            static_cast<double>(cumulative)));
    buckets.emplace_back(point.bounds[i], ref);
  }
  ASSIGN_OR_RETURN(const SeriesRef last,
                   Append(family, "_bucket", labels, {"le", "+Inf"}, point, count));
  buckets.emplace_back(std::numeric_limits<double>::infinity(), last);
  std::ranges::stable_sort(buckets, {}, &std::pair<double, SeriesRef>::first);
  for (const OtlpExemplar& exemplar : point.exemplars) {
    const auto bucket =
        std::ranges::find_if(buckets, [&](const auto& b) { return exemplar.value <= b.first; });
    if (bucket != buckets.end()) AppendExemplar(bucket->second, exemplar);
  }
  return OkStatus();
}

Status OtlpWriter::WriteNative(const Family& family, const OtlpMetric& metric,
                               const LabelMap& labels, const OtlpPoint& point) {
  ASSIGN_OR_RETURN(IntHistogram histogram, metric.kind == OtlpKind::kExponential
                                               ? ExponentialToNative(point)
                                               : ExplicitToNative(point));
  // Each delta stands for itself.
  if (metric.temporality == OtlpTemporality::kDelta) histogram.reset_hint = ResetHint::kGauge;
  RETURN_IF_ERROR(histogram.Validate());
  const int64_t time_ms = Milliseconds(point.time_ns);
  if (time_ms > settings_.max_time_ms) {
    return Status(StatusCode::kOutOfBounds, "out of bounds: timestamp is too far in the future");
  }
  ASSIGN_OR_RETURN(const SeriesRef ref, Series(family, "", labels, {}));
  RETURN_IF_ERROR(
      appender_->AppendHistogram(ref, time_ms, histogram, Milliseconds(point.start_ns)));
  for (const OtlpExemplar& exemplar : point.exemplars) AppendExemplar(ref, exemplar);
  return OkStatus();
}

Status OtlpWriter::WriteSummary(const Family& family, const LabelMap& labels,
                                const OtlpPoint& point) {
  RETURN_IF_ERROR(Append(family, "_sum", labels, {}, point, point.sum).TakeStatus());
  const double count = static_cast<double>(point.count);
  RETURN_IF_ERROR(Append(family, "_count", labels, {}, point, count).TakeStatus());
  for (const auto& [quantile, value] : point.quantiles) {
    RETURN_IF_ERROR(
        Append(family, "", labels, {"quantile", NumberText(quantile)}, point, value).TakeStatus());
  }
  return OkStatus();
}

Status OtlpWriter::WriteTargetInfo(const OtlpResource& resource, const TimeSpan& times) {
  OtlpAttributes attributes;
  bool says_more = false;
  for (const auto& attribute : resource.attributes) {
    const bool identifying = IsIdentifying(attribute.first);
    says_more = says_more || !identifying;
    if (identifying && !settings_.config.keep_identifying_resource_attributes) continue;
    attributes.push_back(attribute);
  }
  // Of job and instance alone there is nothing to say.
  if (!says_more) return OkStatus();
  ASSIGN_OR_RETURN(const LabelMap labels, MakeLabels(resource, nullptr, attributes, false));
  if (!labels.contains("job") && !labels.contains("instance")) return OkStatus();
  const Family family{
      .name = "target_info",
      .metadata = {.kind = MetricKind::kGauge, .unit = "", .help = "Target metadata"}};
  ASSIGN_OR_RETURN(const SeriesRef ref, Series(family, "", labels, {}));
  // So close that a query at any time of the request finds one.
  const int64_t step_ms = std::max<int64_t>(settings_.lookback_ms / 2, 1);
  const int64_t last_ms = Milliseconds(times.last_ns);
  int64_t time_ms = std::max(Milliseconds(times.first_ns), last_ms - kMaxTargetInfos * step_ms);
  for (; time_ms < last_ms; time_ms += step_ms) {
    RETURN_IF_ERROR(AppendValue(ref, 0, time_ms, 1));
  }
  return AppendValue(ref, 0, last_ms, 1);
}

Result<OtlpWriter::LabelMap> OtlpWriter::MakeLabels(const OtlpResource& resource,
                                                    const OtlpScope* scope,
                                                    const OtlpAttributes& attributes,
                                                    bool promote) const {
  // In the order of their keys, so that those that collide always join the same way.
  std::vector<const std::pair<std::string, std::string>*> sorted;
  for (const auto& attribute : attributes) sorted.push_back(&attribute);
  std::ranges::stable_sort(sorted, {}, [](const auto* a) { return std::string_view(a->first); });
  LabelMap labels;
  for (const auto* attribute : sorted) {
    ASSIGN_OR_RETURN(std::string name, namer_.LabelName(attribute->first));
    const auto [it, added] = labels.emplace(std::move(name), attribute->second);
    if (!added) it->second += ";" + attribute->second;
  }
  if (promote) RETURN_IF_ERROR(AddPromoted(resource, scope, &labels));
  if (const std::string* name = Find(resource.attributes, kServiceName)) {
    const std::string* space = Find(resource.attributes, kServiceNamespace);
    labels["job"] = space == nullptr ? *name : *space + "/" + *name;
  }
  if (const std::string* instance = Find(resource.attributes, kServiceInstance)) {
    labels["instance"] = *instance;
  }
  return labels;
}

Status OtlpWriter::AddPromoted(const OtlpResource& resource, const OtlpScope* scope,
                               LabelMap* labels) const {
  const config::OtlpConfig& config = settings_.config;
  const bool all = config.promote_all_resource_attributes;
  const auto& listed = all ? config.ignore_resource_attributes : config.promote_resource_attributes;
  OtlpAttributes promoted;
  for (const auto& attribute : resource.attributes) {
    const bool in_list = std::ranges::find(listed, attribute.first) != listed.end();
    if (in_list != all) promoted.push_back(attribute);
  }
  std::ranges::stable_sort(promoted, {}, &std::pair<std::string, std::string>::first);
  for (const auto& [key, value] : promoted) {
    ASSIGN_OR_RETURN(std::string name, namer_.LabelName(key));
    labels->emplace(std::move(name), value);
  }
  if (!config.promote_scope_metadata || scope == nullptr || scope->name.empty()) return OkStatus();
  (*labels)["otel_scope_name"] = scope->name;
  (*labels)["otel_scope_version"] = scope->version;
  (*labels)["otel_scope_schema_url"] = scope->schema_url;
  for (const auto& [key, value] : scope->attributes) {
    ASSIGN_OR_RETURN(const std::string name, namer_.LabelName("otel_scope_" + key));
    (*labels)[name] = value;
  }
  return OkStatus();
}

Result<SeriesRef> OtlpWriter::Series(const Family& family, std::string_view suffix,
                                     const LabelMap& labels,
                                     const std::pair<std::string_view, std::string>& extra) {
  LabelsBuilder builder;
  for (const auto& [name, value] : labels) builder.Set(name, value);
  if (!extra.first.empty()) builder.Set(extra.first, extra.second);
  builder.Set(kMetricName, family.name + std::string(suffix));
  for (const auto& [name, value] : builder.pairs()) {
    if (!IsValidLabelName(name) || !IsValidUtf8(value)) {
      return InvalidArgumentError("invalid metric name or labels: " + GoQuote(name) + "=" +
                                  GoQuote(value));
    }
  }
  const Labels built = builder.Build();
  ASSIGN_OR_RETURN(const SeriesRef ref, appender_->FindOrCreate(built, built.Hash()));
  (void)appender_->UpdateMetadata(ref, family.metadata);
  return ref;
}

Result<SeriesRef> OtlpWriter::Append(const Family& family, std::string_view suffix,
                                     const LabelMap& labels,
                                     std::pair<std::string_view, std::string> extra,
                                     const OtlpPoint& point, double value) {
  ASSIGN_OR_RETURN(const SeriesRef ref, Series(family, suffix, labels, extra));
  RETURN_IF_ERROR(AppendValue(ref, Milliseconds(point.start_ns), Milliseconds(point.time_ns),
                              point.no_value ? StaleNan() : value));
  return ref;
}

Status OtlpWriter::AppendValue(SeriesRef ref, int64_t start_ms, int64_t time_ms, double value) {
  if (time_ms > settings_.max_time_ms) {
    return Status(StatusCode::kOutOfBounds, "out of bounds: timestamp is too far in the future");
  }
  if (settings_.start_zero_ingestion && start_ms != 0 && start_ms < time_ms) {
    // Refused as out of order once it is there: then there is nothing to add.
    (void)appender_->Append(ref, start_ms, 0);
  }
  return appender_->Append(ref, time_ms, value, start_ms);
}

void OtlpWriter::AppendExemplar(SeriesRef ref, const OtlpExemplar& exemplar) {
  LabelsBuilder labels;
  size_t runes = 0;
  const auto count = [&](std::string_view name, std::string_view value) {
    runes += Runes(name) + Runes(value);
  };
  for (const auto& [name, value] : exemplar.attributes) count(name, value);
  if (!exemplar.trace_id.empty()) count("trace_id", exemplar.trace_id);
  if (!exemplar.span_id.empty()) count("span_id", exemplar.span_id);
  // The ids matter more than the rest.
  if (runes <= kMaxExemplarRunes) {
    for (const auto& [name, value] : exemplar.attributes) labels.Set(name, value);
  }
  if (!exemplar.trace_id.empty()) labels.Set("trace_id", exemplar.trace_id);
  if (!exemplar.span_id.empty()) labels.Set("span_id", exemplar.span_id);
  const Status status = appender_->AppendExemplar(ref, {.labels = labels.Build(),
                                                        .value = exemplar.value,
                                                        .time_ms = Milliseconds(exemplar.time_ns),
                                                        .has_time = true});
  if (!status.ok()) ++refused_exemplars_;
}

}  // namespace deucalion::remote
