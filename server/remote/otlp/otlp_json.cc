// OtlpRequest from JSON: protobuf's mapping, where 64-bit numbers may be strings and ids are
// hexadecimal. Field names in lowerCamelCase, or as protobuf has them.
#include <algorithm>
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>

#include "server/remote/otlp/otlp_request.h"
#include "server/remote/otlp/otlp_value.h"

namespace deucalion::remote {
namespace {

using Json = nlohmann::json;

const Json kNull;

const Json& Get(const Json& json, const char* camel, const char* snake = nullptr) {
  if (!json.is_object()) return kNull;
  auto it = json.find(camel);
  if (it == json.end() && snake != nullptr) it = json.find(snake);
  return it == json.end() ? kNull : *it;
}

std::string Text(const Json& json) { return json.is_string() ? json.get<std::string>() : ""; }

template <typename T>
T Integer(const Json& json) {
  if (json.is_number_unsigned()) return static_cast<T>(json.get<uint64_t>());
  if (json.is_number_integer()) return static_cast<T>(json.get<int64_t>());
  if (json.is_number_float()) {
    const double value = json.get<double>();
    const bool fits = value >= -9.2e18 && value <= 9.2e18;
    return fits ? static_cast<T>(static_cast<int64_t>(value)) : T{};
  }
  T value{};
  if (json.is_string()) {
    const auto& text = json.get_ref<const std::string&>();
    std::from_chars(text.data(), text.data() + text.size(), value);
  }
  return value;
}

double Number(const Json& json) {
  if (json.is_number()) return json.get<double>();
  if (!json.is_string()) return 0;
  const auto& text = json.get_ref<const std::string&>();
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "Infinity") return std::numeric_limits<double>::infinity();
  if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

bool True(const Json& json) { return json.is_boolean() && json.get<bool>(); }

OtlpTemporality Temporality(const Json& json) {
  const std::string text = Text(json);
  if (text == "AGGREGATION_TEMPORALITY_DELTA") return OtlpTemporality::kDelta;
  if (text == "AGGREGATION_TEMPORALITY_CUMULATIVE") return OtlpTemporality::kCumulative;
  return static_cast<OtlpTemporality>(std::min<uint32_t>(Integer<uint32_t>(json), 3));
}

OtlpValue Value(const Json& json, int depth) {
  if (!json.is_object() || depth == kMaxOtlpDepth) return {};
  if (const Json& v = Get(json, "stringValue", "string_value"); !v.is_null()) {
    return OtlpValue::String(Text(v));
  }
  if (const Json& v = Get(json, "boolValue", "bool_value"); !v.is_null()) {
    return OtlpValue::Bool(True(v));
  }
  if (const Json& v = Get(json, "intValue", "int_value"); !v.is_null()) {
    return OtlpValue::Int(Integer<int64_t>(v));
  }
  if (const Json& v = Get(json, "doubleValue", "double_value"); !v.is_null()) {
    return OtlpValue::Double(Number(v));
  }
  if (const Json& v = Get(json, "bytesValue", "bytes_value"); !v.is_null()) {
    return OtlpValue::String(Text(v));  // base64 already
  }
  if (const Json& v = Get(json, "arrayValue", "array_value"); !v.is_null()) {
    std::vector<OtlpValue> values;
    for (const Json& one : Get(v, "values")) values.push_back(Value(one, depth + 1));
    return OtlpValue::List(values);
  }
  if (const Json& v = Get(json, "kvlistValue", "kvlist_value"); !v.is_null()) {
    std::map<std::string, OtlpValue> values;
    for (const Json& one : Get(v, "values")) {
      values[Text(Get(one, "key"))] = Value(Get(one, "value"), depth + 1);
    }
    return OtlpValue::Map(values);
  }
  return {};
}

class Reader {
 public:
  bool too_large() const { return too_large_; }

  OtlpRequest Read(const Json& json) {
    OtlpRequest out;
    for (const Json& one : List(Get(json, "resourceMetrics", "resource_metrics"))) {
      if (OtlpResource* resource = Add(&out)) Resource(one, resource);
    }
    return out;
  }

 private:
  // Null, when there is no allowance for one more: the request is refused.
  template <typename T>
  T* Add(std::vector<T>* list) {
    if (too_large_ || !allowance_.Take(sizeof(T))) {
      too_large_ = true;
      return nullptr;
    }
    return &list->emplace_back();
  }
  // What is no list has nothing in it.
  static const Json& List(const Json& json) { return json.is_array() ? json : kNull; }

  void Attributes(const Json& json, OtlpAttributes* out) {
    for (const Json& one : List(json)) {
      auto* added = Add(out);
      if (added == nullptr) return;
      added->first = Text(Get(one, "key"));
      added->second = Value(Get(one, "value"), 0).text;
    }
  }

  void Resource(const Json& json, OtlpResource* out) {
    Attributes(Get(Get(json, "resource"), "attributes"), &out->attributes);
    for (const Json& one : List(Get(json, "scopeMetrics", "scope_metrics"))) {
      if (OtlpScope* scope = Add(&out->scopes)) Scope(one, scope);
    }
  }

  void Scope(const Json& json, OtlpScope* out) {
    const Json& scope = Get(json, "scope");
    out->name = Text(Get(scope, "name"));
    out->version = Text(Get(scope, "version"));
    out->schema_url = Text(Get(json, "schemaUrl", "schema_url"));
    Attributes(Get(scope, "attributes"), &out->attributes);
    for (const Json& one : List(Get(json, "metrics"))) {
      if (OtlpMetric* metric = Add(&out->metrics)) Metric(one, metric);
    }
  }

  void Metric(const Json& json, OtlpMetric* out) {
    out->name = Text(Get(json, "name"));
    out->description = Text(Get(json, "description"));
    out->unit = Text(Get(json, "unit"));
    static constexpr struct {
      const char* camel;
      const char* snake;
      OtlpKind kind;
    } kKinds[] = {{"gauge", nullptr, OtlpKind::kGauge},
                  {"sum", nullptr, OtlpKind::kSum},
                  {"histogram", nullptr, OtlpKind::kHistogram},
                  {"exponentialHistogram", "exponential_histogram", OtlpKind::kExponential},
                  {"summary", nullptr, OtlpKind::kSummary}};
    for (const auto& [camel, snake, kind] : kKinds) {
      const Json& data = Get(json, camel, snake);
      if (!data.is_object()) continue;
      out->kind = kind;
      out->monotonic = True(Get(data, "isMonotonic", "is_monotonic"));
      out->temporality =
          Temporality(Get(data, "aggregationTemporality", "aggregation_temporality"));
      for (const Json& one : List(Get(data, "dataPoints", "data_points"))) {
        if (OtlpPoint* point = Add(&out->points)) Point(one, point);
      }
    }
  }

  void Point(const Json& json, OtlpPoint* out) {
    Attributes(Get(json, "attributes"), &out->attributes);
    out->start_ns = Integer<uint64_t>(Get(json, "startTimeUnixNano", "start_time_unix_nano"));
    out->time_ns = Integer<uint64_t>(Get(json, "timeUnixNano", "time_unix_nano"));
    out->no_value = (Integer<uint32_t>(Get(json, "flags")) & 1) != 0;
    out->value = PointValue(json);
    out->count = Integer<uint64_t>(Get(json, "count"));
    const Json& sum = Get(json, "sum");
    out->has_sum = !sum.is_null();
    out->sum = Number(sum);
    for (const Json& one : List(Get(json, "bucketCounts", "bucket_counts"))) {
      if (uint64_t* count = Add(&out->counts)) *count = Integer<uint64_t>(one);
    }
    for (const Json& one : List(Get(json, "explicitBounds", "explicit_bounds"))) {
      if (double* bound = Add(&out->bounds)) *bound = Number(one);
    }
    out->scale = Integer<int32_t>(Get(json, "scale"));
    out->zero_count = Integer<uint64_t>(Get(json, "zeroCount", "zero_count"));
    Buckets(Get(json, "positive"), &out->positive);
    Buckets(Get(json, "negative"), &out->negative);
    for (const Json& one : List(Get(json, "quantileValues", "quantile_values"))) {
      if (auto* quantile = Add(&out->quantiles)) {
        *quantile = {Number(Get(one, "quantile")), Number(Get(one, "value"))};
      }
    }
    for (const Json& one : List(Get(json, "exemplars"))) {
      if (OtlpExemplar* exemplar = Add(&out->exemplars)) Exemplar(one, exemplar);
    }
  }

  static double PointValue(const Json& json) {
    const Json& integer = Get(json, "asInt", "as_int");
    return integer.is_null() ? Number(Get(json, "asDouble", "as_double"))
                             : static_cast<double>(Integer<int64_t>(integer));
  }

  void Buckets(const Json& json, OtlpBuckets* out) {
    out->offset = Integer<int32_t>(Get(json, "offset"));
    for (const Json& one : List(Get(json, "bucketCounts", "bucket_counts"))) {
      if (uint64_t* count = Add(&out->counts)) *count = Integer<uint64_t>(one);
    }
  }

  void Exemplar(const Json& json, OtlpExemplar* out) {
    Attributes(Get(json, "filteredAttributes", "filtered_attributes"), &out->attributes);
    out->time_ns = Integer<uint64_t>(Get(json, "timeUnixNano", "time_unix_nano"));
    out->value = PointValue(json);
    out->trace_id = Text(Get(json, "traceId", "trace_id"));
    out->span_id = Text(Get(json, "spanId", "span_id"));
  }

  OtlpAllowance allowance_;
  bool too_large_ = false;
};

}  // namespace

Result<OtlpRequest> ParseOtlpJson(std::string_view text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return InvalidArgumentError("malformed OTLP request: no JSON object");
  Reader reader;
  OtlpRequest request = reader.Read(json);
  if (reader.too_large()) return InvalidArgumentError("OTLP request unpacks to too much");
  return request;
}

}  // namespace deucalion::remote
