// OtlpRequest from protobuf.
#include <algorithm>

#include "server/remote/hex.h"
#include "server/remote/otlp/otlp_request.h"
#include "server/remote/otlp/otlp_value.h"
#include "server/remote/wire.h"

namespace deucalion::remote {
namespace {

constexpr uint64_t kNoRecordedValue = 1;  // of a point's flags

class Reader {
 public:
  Status Read(std::string_view bytes, OtlpRequest* out) {
    WireReader in(bytes);
    while (in.Next()) {
      if (in.field() == 1) {
        Resource(in.Bytes(), Add(out));
      } else {
        in.Skip();
      }
    }
    Check(in);
    if (too_large_) return InvalidArgumentError("OTLP request unpacks to too much");
    return ok_ ? OkStatus() : InvalidArgumentError("malformed OTLP request");
  }

 private:
  // One more, as long as there is allowance for it.
  template <typename T>
  T* Add(std::vector<T>* list) {
    if (!allowance_.Take(sizeof(T))) {
      too_large_ = true;
      list->resize(1);  // whatever is read into it: the request is refused
      return &list->back();
    }
    return &list->emplace_back();
  }
  template <typename T>
  void AddNumber(std::vector<T>* list, T value) {
    if (allowance_.Take(sizeof(T))) {
      list->push_back(value);
    } else {
      too_large_ = true;
    }
  }
  std::string Text(std::string_view bytes) {
    if (!allowance_.Take(bytes.size())) too_large_ = true;
    return too_large_ ? std::string() : std::string(bytes);
  }
  void Check(const WireReader& in) { ok_ = ok_ && in.ok(); }

  void Resource(std::string_view bytes, OtlpResource* out) {
    WireReader in(bytes);
    while (!too_large_ && in.Next()) {
      switch (in.field()) {
        case 1:
          Attributes(in.Bytes(), 1, &out->attributes);
          break;
        case 2:
          Scope(in.Bytes(), Add(&out->scopes));
          break;
        default:
          in.Skip();
      }
    }
    Check(in);
  }

  void Scope(std::string_view bytes, OtlpScope* out) {
    WireReader in(bytes);
    while (!too_large_ && in.Next()) {
      switch (in.field()) {
        case 1:
          ScopeName(in.Bytes(), out);
          break;
        case 2:
          Metric(in.Bytes(), Add(&out->metrics));
          break;
        case 3:
          out->schema_url = Text(in.Bytes());
          break;
        default:
          in.Skip();
      }
    }
    Check(in);
  }

  void ScopeName(std::string_view bytes, OtlpScope* out) {
    WireReader in(bytes);
    while (!too_large_ && in.Next()) {
      switch (in.field()) {
        case 1:
          out->name = Text(in.Bytes());
          break;
        case 2:
          out->version = Text(in.Bytes());
          break;
        case 3:
          Attribute(in.Bytes(), &out->attributes);
          break;
        default:
          in.Skip();
      }
    }
    Check(in);
  }

  void Metric(std::string_view bytes, OtlpMetric* out) {
    WireReader in(bytes);
    while (!too_large_ && in.Next()) {
      switch (in.field()) {
        case 1:
          out->name = Text(in.Bytes());
          break;
        case 2:
          out->description = Text(in.Bytes());
          break;
        case 3:
          out->unit = Text(in.Bytes());
          break;
        case 5:
          Data(in.Bytes(), OtlpKind::kGauge, out);
          break;
        case 7:
          Data(in.Bytes(), OtlpKind::kSum, out);
          break;
        case 9:
          Data(in.Bytes(), OtlpKind::kHistogram, out);
          break;
        case 10:
          Data(in.Bytes(), OtlpKind::kExponential, out);
          break;
        case 11:
          Data(in.Bytes(), OtlpKind::kSummary, out);
          break;
        default:
          in.Skip();
      }
    }
    Check(in);
  }

  void Data(std::string_view bytes, OtlpKind kind, OtlpMetric* out) {
    out->kind = kind;
    WireReader in(bytes);
    while (!too_large_ && in.Next()) {
      switch (in.field()) {
        case 1:
          Point(in.Bytes(), kind, Add(&out->points));
          break;
        case 2:
          out->temporality = static_cast<OtlpTemporality>(std::min<uint64_t>(in.Varint(), 3));
          break;
        case 3:
          out->monotonic = in.Varint() != 0;
          break;
        default:
          in.Skip();
      }
    }
    Check(in);
  }

  void Point(std::string_view bytes, OtlpKind kind, OtlpPoint* out) {
    WireReader in(bytes);
    while (!too_large_ && in.Next()) {
      if (in.field() == 2) {
        out->start_ns = in.Fixed64();
      } else if (in.field() == 3) {
        out->time_ns = in.Fixed64();
      } else {
        Field(kind, in, out);
      }
    }
    Check(in);
  }

  void Field(OtlpKind kind, WireReader& in, OtlpPoint* out) {
    switch (kind) {
      case OtlpKind::kHistogram:
        return HistogramField(in, out);
      case OtlpKind::kExponential:
        return ExponentialField(in, out);
      case OtlpKind::kSummary:
        return SummaryField(in, out);
      default:
        return NumberField(in, out);
    }
  }

  void NumberField(WireReader& in, OtlpPoint* out) {
    switch (in.field()) {
      case 4:
        out->value = in.Double();
        break;
      case 5:
        Exemplar(in.Bytes(), Add(&out->exemplars));
        break;
      case 6:
        out->value = static_cast<double>(static_cast<int64_t>(in.Fixed64()));
        break;
      case 7:
        Attribute(in.Bytes(), &out->attributes);
        break;
      case 8:
        out->no_value = (in.Varint() & kNoRecordedValue) != 0;
        break;
      default:
        in.Skip();
    }
  }

  void HistogramField(WireReader& in, OtlpPoint* out) {
    switch (in.field()) {
      case 4:
        out->count = in.Fixed64();
        break;
      case 5:
        out->sum = in.Double();
        out->has_sum = true;
        break;
      case 6:
        in.RepeatedFixed64([&](uint64_t n) { AddNumber(&out->counts, n); });
        break;
      case 7:
        in.RepeatedDouble([&](double bound) { AddNumber(&out->bounds, bound); });
        break;
      case 8:
        Exemplar(in.Bytes(), Add(&out->exemplars));
        break;
      case 9:
        Attribute(in.Bytes(), &out->attributes);
        break;
      case 10:
        out->no_value = (in.Varint() & kNoRecordedValue) != 0;
        break;
      default:
        in.Skip();
    }
  }

  void ExponentialField(WireReader& in, OtlpPoint* out) {
    switch (in.field()) {
      case 1:
        Attribute(in.Bytes(), &out->attributes);
        break;
      case 4:
        out->count = in.Fixed64();
        break;
      case 5:
        out->sum = in.Double();
        out->has_sum = true;
        break;
      case 6:
        out->scale = static_cast<int32_t>(in.SInt64());
        break;
      case 7:
        out->zero_count = in.Fixed64();
        break;
      case 8:
        Buckets(in.Bytes(), &out->positive);
        break;
      case 9:
        Buckets(in.Bytes(), &out->negative);
        break;
      case 10:
        out->no_value = (in.Varint() & kNoRecordedValue) != 0;
        break;
      case 11:
        Exemplar(in.Bytes(), Add(&out->exemplars));
        break;
      default:
        in.Skip();
    }
  }

  void SummaryField(WireReader& in, OtlpPoint* out) {
    switch (in.field()) {
      case 4:
        out->count = in.Fixed64();
        break;
      case 5:
        out->sum = in.Double();
        break;
      case 6:
        Quantile(in.Bytes(), out);
        break;
      case 7:
        Attribute(in.Bytes(), &out->attributes);
        break;
      case 8:
        out->no_value = (in.Varint() & kNoRecordedValue) != 0;
        break;
      default:
        in.Skip();
    }
  }

  void Buckets(std::string_view bytes, OtlpBuckets* out) {
    WireReader in(bytes);
    while (!too_large_ && in.Next()) {
      if (in.field() == 1) {
        out->offset = static_cast<int32_t>(in.SInt64());
      } else if (in.field() == 2) {
        in.RepeatedVarint([&](uint64_t n) { AddNumber(&out->counts, n); });
      } else {
        in.Skip();
      }
    }
    Check(in);
  }

  void Quantile(std::string_view bytes, OtlpPoint* out) {
    std::pair<double, double> quantile;
    WireReader in(bytes);
    while (in.Next()) {
      if (in.field() == 1) {
        quantile.first = in.Double();
      } else if (in.field() == 2) {
        quantile.second = in.Double();
      } else {
        in.Skip();
      }
    }
    Check(in);
    AddNumber(&out->quantiles, quantile);
  }

  void Exemplar(std::string_view bytes, OtlpExemplar* out) {
    WireReader in(bytes);
    while (!too_large_ && in.Next()) {
      switch (in.field()) {
        case 2:
          out->time_ns = in.Fixed64();
          break;
        case 3:
          out->value = in.Double();
          break;
        case 4:
          out->span_id = HexText(Text(in.Bytes()));
          break;
        case 5:
          out->trace_id = HexText(Text(in.Bytes()));
          break;
        case 6:
          out->value = static_cast<double>(static_cast<int64_t>(in.Fixed64()));
          break;
        case 7:
          Attribute(in.Bytes(), &out->attributes);
          break;
        default:
          in.Skip();
      }
    }
    Check(in);
  }

  // A message with attributes in one field.
  void Attributes(std::string_view bytes, uint32_t field, OtlpAttributes* out) {
    WireReader in(bytes);
    while (!too_large_ && in.Next()) {
      if (in.field() == field) {
        Attribute(in.Bytes(), out);
      } else {
        in.Skip();
      }
    }
    Check(in);
  }

  void Attribute(std::string_view bytes, OtlpAttributes* out) {
    std::string key;
    OtlpValue value;
    KeyValue(bytes, 0, &key, &value);
    auto* added = Add(out);
    added->first = std::move(key);
    added->second = std::move(value.text);
  }

  void KeyValue(std::string_view bytes, int depth, std::string* key, OtlpValue* value) {
    WireReader in(bytes);
    while (!too_large_ && in.Next()) {
      if (in.field() == 1) {
        *key = Text(in.Bytes());
      } else if (in.field() == 2) {
        *value = Value(in.Bytes(), depth);
      } else {
        in.Skip();
      }
    }
    Check(in);
  }

  OtlpValue Value(std::string_view bytes, int depth) {
    OtlpValue value;
    if (depth == kMaxOtlpDepth) return value;
    WireReader in(bytes);
    while (!too_large_ && in.Next()) {
      switch (in.field()) {
        case 1:
          value = OtlpValue::String(Text(in.Bytes()));
          break;
        case 2:
          value = OtlpValue::Bool(in.Varint() != 0);
          break;
        case 3:
          value = OtlpValue::Int(in.Int64());
          break;
        case 4:
          value = OtlpValue::Double(in.Double());
          break;
        case 5:
          value = List(in.Bytes(), depth + 1);
          break;
        case 6:
          value = Map(in.Bytes(), depth + 1);
          break;
        case 7:
          value = OtlpValue::Bytes(Text(in.Bytes()));
          break;
        default:
          in.Skip();
      }
    }
    Check(in);
    return value;
  }

  OtlpValue List(std::string_view bytes, int depth) {
    std::vector<OtlpValue> values;
    WireReader in(bytes);
    while (!too_large_ && in.Next()) {
      if (in.field() == 1) {
        *Add(&values) = Value(in.Bytes(), depth);
      } else {
        in.Skip();
      }
    }
    Check(in);
    return OtlpValue::List(values);
  }

  OtlpValue Map(std::string_view bytes, int depth) {
    std::map<std::string, OtlpValue> values;
    WireReader in(bytes);
    while (!too_large_ && in.Next()) {
      if (in.field() == 1) {
        std::string key;
        OtlpValue value;
        KeyValue(in.Bytes(), depth, &key, &value);
        if (!allowance_.Take(sizeof(value))) too_large_ = true;
        values[std::move(key)] = std::move(value);
      } else {
        in.Skip();
      }
    }
    Check(in);
    return OtlpValue::Map(values);
  }

  OtlpAllowance allowance_;
  bool ok_ = true;
  bool too_large_ = false;
};

}  // namespace

Result<OtlpRequest> ParseOtlpProtobuf(std::string_view bytes) {
  OtlpRequest request;
  RETURN_IF_ERROR(Reader().Read(bytes, &request));
  return request;
}

}  // namespace deucalion::remote
