// What a plain scalar means in YAML 1.1, by the rules (and with the quirks) of Go's yaml.v2.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "server/config/yaml_node.h"

namespace deucalion::config {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

template <size_t N>
bool OneOf(std::string_view text, const std::array<std::string_view, N>& words) {
  return std::ranges::find(words, text) != words.end();
}

bool ParseMagnitude(std::string_view digits, uint64_t* out) {
  int base = 10;
  if (digits.starts_with("0x") || digits.starts_with("0X")) {
    base = 16;
    digits.remove_prefix(2);
  } else if (digits.starts_with("0b") || digits.starts_with("0B")) {
    base = 2;
    digits.remove_prefix(2);
  } else if (digits.starts_with("0o") || digits.starts_with("0O")) {
    base = 8;
    digits.remove_prefix(2);
  } else if (digits.size() > 1 && digits[0] == '0') {
    base = 8;
    digits.remove_prefix(1);
  }
  if (digits.empty()) return false;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), *out, base);
  return error == std::errc() && end == digits.data() + digits.size();
}

// ^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$
bool LooksLikeFloat(std::string_view s) {
  size_t i = 0;
  const auto digits = [&] {
    const size_t begin = i;
    while (i < s.size() && IsDigit(s[i])) ++i;
    return i - begin;
  };
  if (i < s.size() && (s[i] == '-' || s[i] == '+')) ++i;
  const size_t whole = digits();
  if (i < s.size() && s[i] == '.') {
    ++i;
    if (digits() == 0 && whole == 0) return false;
  } else if (whole == 0) {
    return false;
  }
  if (i < s.size() && (s[i] == 'e' || s[i] == 'E')) {
    ++i;
    if (i < s.size() && (s[i] == '-' || s[i] == '+')) ++i;
    if (digits() == 0) return false;
  }
  return i == s.size();
}

// yyyy-m-d, alone or followed by a time.
bool LooksLikeTimestamp(std::string_view s) {
  size_t i = 0;
  const auto number = [&](size_t least, size_t most) {
    const size_t begin = i;
    while (i < s.size() && IsDigit(s[i]) && i - begin < most) ++i;
    return i - begin >= least;
  };
  const auto is = [&](std::string_view any) {
    if (i >= s.size() || any.find(s[i]) == std::string_view::npos) return false;
    ++i;
    return true;
  };
  if (!number(4, 4) || !is("-") || !number(1, 2) || !is("-") || !number(1, 2)) return false;
  if (i == s.size()) return true;
  const bool zoned = s[i] != ' ';
  if (!is("Tt ") || !number(1, 2) || !is(":") || !number(1, 2) || !is(":") || !number(1, 2)) {
    return false;
  }
  if (is(".") && !number(1, 9)) return false;
  if (!zoned) return i == s.size();
  if (is("Z")) return i == s.size();
  return is("+-") && number(2, 2) && is(":") && number(2, 2) && i == s.size();
}

bool ResolveWord(std::string_view text, YamlScalar* out) {
  static constexpr std::array<std::string_view, 5> kNull = {"", "~", "null", "Null", "NULL"};
  static constexpr std::array<std::string_view, 11> kTrue = {
      "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"};
  static constexpr std::array<std::string_view, 11> kFalse = {
      "n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"};
  static constexpr std::array<std::string_view, 3> kNan = {".nan", ".NaN", ".NAN"};
  static constexpr std::array<std::string_view, 3> kInf = {".inf", ".Inf", ".INF"};
  if (OneOf(text, kNull)) {
    out->type = YamlType::kNull;
  } else if (OneOf(text, kTrue) || OneOf(text, kFalse)) {
    out->type = YamlType::kBool;
    out->boolean = OneOf(text, kTrue);
  } else if (text == "<<") {
    out->type = YamlType::kMerge;
  } else if (OneOf(text, kNan)) {
    out->type = YamlType::kFloat;
    out->real = std::numeric_limits<double>::quiet_NaN();
  } else if (OneOf(text, kInf) || (text.starts_with('+') && OneOf(text.substr(1), kInf))) {
    out->type = YamlType::kFloat;
    out->real = std::numeric_limits<double>::infinity();
  } else if (text.starts_with('-') && OneOf(text.substr(1), kInf)) {
    out->type = YamlType::kFloat;
    out->real = -std::numeric_limits<double>::infinity();
  } else {
    return false;
  }
  return true;
}

bool ResolveNumber(std::string_view text, YamlScalar* out) {
  std::string plain(text);
  std::erase(plain, '_');
  std::string_view digits = plain;
  const bool negative = digits.starts_with('-');
  if (negative || digits.starts_with('+')) digits.remove_prefix(1);
  uint64_t magnitude = 0;
  if (ParseMagnitude(digits, &magnitude) && (!negative || magnitude <= uint64_t{1} << 63)) {
    out->type = YamlType::kInt;
    out->negative = negative && magnitude != 0;
    out->magnitude = magnitude;
    out->real = negative ? -static_cast<double>(magnitude) : static_cast<double>(magnitude);
    return true;
  }
  if (!LooksLikeFloat(plain)) return false;
  double value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc()) return false;
  out->type = YamlType::kFloat;
  out->real = negative ? -value : value;
  return true;
}

}  // namespace

YamlScalar ResolvePlain(std::string_view text) {
  YamlScalar scalar;
  if (ResolveWord(text, &scalar)) return scalar;
  const char first = text[0];
  if (!IsDigit(first) && first != '-' && first != '+' && first != '.') return scalar;
  if (IsDigit(first) && LooksLikeTimestamp(text)) {
    scalar.type = YamlType::kTimestamp;
    return scalar;
  }
  ResolveNumber(text, &scalar);
  return scalar;
}

YamlScalar ResolveNode(const YamlNode& node) {
  if (node.kind == YamlKind::kNull) return {.type = YamlType::kNull};
  if (node.quoted || node.tag == "tag:yaml.org,2002:str") return {};
  return ResolvePlain(node.value);
}

}  // namespace deucalion::config
