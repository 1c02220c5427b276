#include "server/remote/otlp/otlp_value.h"

#include <cmath>

#include "model/value.h"
#include "scrape/fetch/oauth2.h"

namespace deucalion::remote {
namespace {

// Go escapes what could end a script in a page, too.
std::string Quoted(std::string_view text) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || c == '<' || c == '>' || c == '&') {
      out += "\\u00";
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    } else {
      out += c;
    }
  }
  return out + '"';
}

OtlpValue Same(std::string text) { return {.text = text, .json = text}; }

}  // namespace

OtlpValue OtlpValue::String(std::string_view value) {
  return {.text = std::string(value), .json = Quoted(value)};
}

OtlpValue OtlpValue::Bool(bool value) { return Same(value ? "true" : "false"); }

OtlpValue OtlpValue::Int(int64_t value) { return Same(std::to_string(value)); }

OtlpValue OtlpValue::Double(double value) {
  std::string text;
  AppendFloatJson(&text, value);
  // JSON has no such numbers.
  return {.text = text, .json = std::isfinite(value) ? text : "null"};
}

OtlpValue OtlpValue::Bytes(std::string_view value) {
  const std::string text = scrape::Base64(value);
  return {.text = text, .json = Quoted(text)};
}

OtlpValue OtlpValue::List(const std::vector<OtlpValue>& values) {
  std::string json = "[";
  for (const OtlpValue& value : values) json += (json.size() > 1 ? "," : "") + value.json;
  return Same(json + "]");
}

OtlpValue OtlpValue::Map(const std::map<std::string, OtlpValue>& values) {
  std::string json = "{";
  for (const auto& [key, value] : values) {
    json += (json.size() > 1 ? "," : "") + Quoted(key) + ":" + value.json;
  }
  return Same(json + "}");
}

}  // namespace deucalion::remote
