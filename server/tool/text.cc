#include "server/tool/text.h"

#include <algorithm>
#include <cstdio>
#include <iterator>

#include "model/labels.h"
#include "model/utf8.h"

namespace deucalion::tool {

std::vector<std::string_view> SplitCommas(std::string_view text) {
  std::vector<std::string_view> parts;
  for (size_t begin = 0;;) {
    const size_t comma = text.find(',', begin);
    parts.push_back(text.substr(begin, comma - begin));
    if (comma == std::string_view::npos) return parts;
    begin = comma + 1;
  }
}

std::string ReadAll(std::istream& in) {
  return std::string(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
}

std::string EscapeName(std::string_view name) {
  if (name.empty() || IsLegacyMetricName(name)) return std::string(name);
  std::string out = "U__";
  while (!name.empty()) {
    const Utf8Rune next = DecodeUtf8(name);
    const char c = name[0];
    name.remove_prefix(next.size);
    if (!next.valid) {
      out += "_FFFD_";
    } else if (c == '_') {
      out += "__";
    } else if (next.size == 1 && (std::isalnum(static_cast<unsigned char>(c)) || c == ':')) {
      out += c;
    } else {
      char hex[16];
      std::snprintf(hex, sizeof(hex), "_%x_", static_cast<unsigned>(next.rune));
      out += hex;
    }
  }
  return out;
}

void TabTable::Print(std::ostream& out) const {
  // A column is as wide as its widest cell and four more, spaces to fill.
  constexpr size_t kPadding = 4;
  std::vector<size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) {
      out << row[i] << std::string(widths[i] + kPadding - row[i].size(), ' ');
    }
    out << "\n";
  }
}

}  // namespace deucalion::tool
