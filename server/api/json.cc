#include "server/api/json.h"

#include <array>
#include <cmath>
#include <cstring>

#include "model/duration.h"
#include "model/value.h"

namespace deucalion::api {
namespace {

// Bytes that can be copied as they are: printable ASCII but for the quote and the backslash.
constexpr std::array<bool, 256> MakePlain() {
  std::array<bool, 256> plain{};
  for (int c = 0x20; c < 0x80; c++) plain[c] = c != '"' && c != '\\';
  return plain;
}
constexpr std::array<bool, 256> kPlain = MakePlain();

bool AllPlain(std::string_view text) {
  bool plain = true;
  for (const char c : text) plain &= kPlain[static_cast<unsigned char>(c)];
  return plain;
}

// Makes room for `n` more bytes; where they begin.
char* Extend(std::string* out, size_t n) {
  const size_t at = out->size();
  out->resize(at + n);
  return out->data() + at;
}

char* Write(char* to, std::string_view text) {
  std::memcpy(to, text.data(), text.size());
  return to + text.size();
}

// Length of the UTF-8 sequence at the start of `text`, 0 when it is not one.
size_t Utf8Length(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const size_t n = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  return n != 0 && n <= text.size() && IsValidUtf8(text.substr(0, n)) ? n : 0;
}

void AppendEscape(std::string* out, unsigned char c) {
  static constexpr char kHex[] = "0123456789abcdef";
  switch (c) {
    case '"':
      *out += "\\\"";
      return;
    case '\\':
      *out += "\\\\";
      return;
    case '\n':
      *out += "\\n";
      return;
    case '\r':
      *out += "\\r";
      return;
    case '\t':
      *out += "\\t";
      return;
    default:
      *out += "\\u00";
      out->push_back(kHex[c >> 4]);
      out->push_back(kHex[c & 15]);
  }
}

void AppendBucket(std::string* out, const HistogramBucket& bucket) {
  // 0 (lower, upper]   1 [lower, upper)   2 (lower, upper)   3 [lower, upper]
  const int rule =
      bucket.lower_inclusive ? (bucket.upper_inclusive ? 3 : 1) : (bucket.upper_inclusive ? 0 : 2);
  out->push_back('[');
  out->push_back(static_cast<char>('0' + rule));
  for (const double v : {bucket.lower, bucket.upper, bucket.count}) {
    *out += ",\"";
    AppendFloatJson(out, v);
    out->push_back('"');
  }
  out->push_back(']');
}

}  // namespace

void AppendJsonString(std::string* out, std::string_view text) {
  if (AllPlain(text)) {
    char* to = Extend(out, text.size() + 2);
    *to = '"';
    *Write(to + 1, text) = '"';
    return;
  }
  out->push_back('"');
  size_t begin = 0;
  for (size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (kPlain[c]) {
      i++;
      continue;
    }
    if (c >= 0x80) {
      const size_t n = Utf8Length(text.substr(i));
      if (n > 0) {
        i += n;
        continue;
      }
    }
    out->append(text, begin, i - begin);
    if (c >= 0x80) {
      *out += "\\ufffd";
    } else {
      AppendEscape(out, c);
    }
    begin = ++i;
  }
  out->append(text, begin, text.size() - begin);
  out->push_back('"');
}

void AppendJsonLabels(std::string* out, LabelsView labels) {
  char separator = '{';
  for (const Label& label : labels) {
    if (AllPlain(label.name) && AllPlain(label.value)) {
      constexpr std::string_view kBetween = "\":\"";
      char* to = Extend(out, label.name.size() + label.value.size() + kBetween.size() + 3);
      *to++ = separator;
      *to++ = '"';
      to = Write(Write(Write(to, label.name), kBetween), label.value);
      *to = '"';
    } else {
      out->push_back(separator);
      AppendJsonString(out, label.name);
      out->push_back(':');
      AppendJsonString(out, label.value);
    }
    separator = ',';
  }
  if (separator == '{') out->push_back('{');
  out->push_back('}');
}

void AppendJsonPoint(std::string* out, int64_t time_ms, double value) {
  out->push_back('[');
  AppendTimestampSeconds(out, time_ms);
  *out += ",\"";
  AppendFloatJson(out, value);
  *out += "\"]";
}

void AppendJsonHistogramPoint(std::string* out, int64_t time_ms, const FloatHistogram& histogram) {
  out->push_back('[');
  AppendTimestampSeconds(out, time_ms);
  *out += ",{\"count\":\"";
  AppendFloatJson(out, histogram.count);
  *out += "\",\"sum\":\"";
  AppendFloatJson(out, histogram.sum);
  out->push_back('"');
  char separator = '[';
  for (const HistogramBucket& bucket : histogram.AllBuckets()) {
    if (bucket.count == 0) continue;
    if (separator == '[') *out += ",\"buckets\":";
    out->push_back(separator);
    separator = ',';
    AppendBucket(out, bucket);
  }
  if (separator == ',') out->push_back(']');
  *out += "}]";
}

void AppendJsonNumber(std::string* out, double value) {
  if (!std::isfinite(value)) {
    *out += "null";
    return;
  }
  AppendFloatJson(out, value);
}

void AppendJsonTime(std::string* out, int64_t time_ms) {
  out->push_back('"');
  *out += FormatTimeRfc3339(time_ms);
  out->push_back('"');
}

void JsonObject::Key(std::string_view key) {
  if (!first_) out_->push_back(',');
  first_ = false;
  AppendJsonString(out_, key);
  out_->push_back(':');
}
void JsonObject::String(std::string_view key, std::string_view value) {
  Key(key);
  AppendJsonString(out_, value);
}
void JsonObject::Int(std::string_view key, int64_t value) {
  Key(key);
  *out_ += std::to_string(value);
}
void JsonObject::Uint(std::string_view key, uint64_t value) {
  Key(key);
  *out_ += std::to_string(value);
}
void JsonObject::Number(std::string_view key, double value) {
  Key(key);
  AppendJsonNumber(out_, value);
}
void JsonObject::Bool(std::string_view key, bool value) {
  Key(key);
  *out_ += value ? "true" : "false";
}
void JsonObject::Time(std::string_view key, int64_t time_ms) {
  Key(key);
  AppendJsonTime(out_, time_ms);
}
void JsonObject::LabelSet(std::string_view key, LabelsView labels) {
  Key(key);
  AppendJsonLabels(out_, labels);
}

}  // namespace deucalion::api
