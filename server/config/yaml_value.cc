#include "server/config/yaml_value.h"

#include <algorithm>
#include <cstdint>

#include "model/labels.h"
#include "model/utf8.h"
#include "server/config/yaml_node.h"

namespace deucalion::config {
namespace {

// yaml.v2 folds long scalars at blanks beyond this column.
constexpr size_t kFoldColumn = 80;

// What libyaml's analysis of a scalar says about the styles it may take.
struct Analysis {
  bool plain = true;
  bool single_quoted = true;
  bool multiline = false;
};

bool IsBlank(char c) { return c == ' ' || c == '\t'; }

bool StartsSpecially(std::string_view text) {
  constexpr std::string_view kAlways = "#,[]{}&*!|>'\"%@`";
  const char first = text[0];
  if (kAlways.find(first) != std::string_view::npos) return true;
  const bool lone = text.size() == 1 || IsBlank(text[1]);
  return (first == '-' || first == '?' || first == ':') && lone;
}

// Indicators inside that would end a plain scalar of a block.
bool HasInnerIndicator(std::string_view text) {
  for (size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '#' && IsBlank(text[i - 1])) return true;
    if (text[i] == ':' && (i + 1 == text.size() || IsBlank(text[i + 1]))) return true;
  }
  return false;
}

bool HasFlowIndicator(std::string_view text) {
  return text.find_first_of(",?[]{}:") != std::string_view::npos;
}

bool HasUnprintable(std::string_view text) {
  while (!text.empty()) {
    const Utf8Rune rune = DecodeUtf8(text);
    const char32_t r = rune.rune;
    const bool printable =
        r == '\n' || (r >= 0x20 && r <= 0x7e) || r == 0x85 || (r >= 0xa0 && r <= 0xd7ff) ||
        (r >= 0xe000 && r <= 0xfffd && r != 0xfeff) || (r >= 0x10000 && r <= 0x10ffff);
    if (!rune.valid || !printable) return true;
    text.remove_prefix(rune.size);
  }
  return false;
}

Analysis Analyze(std::string_view text) {
  Analysis a;
  if (text.empty()) return {.plain = false};
  a.multiline = text.find('\n') != std::string_view::npos;
  if (text.starts_with("---") || text.starts_with("...")) a.plain = false;
  if (StartsSpecially(text) || HasInnerIndicator(text)) a.plain = false;
  if (text.front() == ' ' || text.back() == ' ' || a.multiline) a.plain = false;
  for (size_t i = 0; i + 1 < text.size(); ++i) {
    const bool blank = text[i] == ' ';
    const bool next_blank = text[i + 1] == ' ';
    if (blank && text[i + 1] == '\n') a.plain = a.single_quoted = false;
    if (text[i] == '\n' && next_blank) a.plain = a.single_quoted = false;
  }
  if (HasUnprintable(text)) a.plain = a.single_quoted = false;
  return a;
}

// 1:30 and the like are numbers to YAML 1.1 (base 60); yaml.v2 quotes them for other readers.
bool IsBase60(std::string_view text) {
  if (text.empty() || text.find(':') == std::string_view::npos) return false;
  const char first = text[0];
  if (first != '+' && first != '-' && (first < '0' || first > '9')) return false;
  size_t i = first == '+' || first == '-' ? 1 : 0;
  const auto digit = [&](size_t k) {
    return k < text.size() && ((text[k] >= '0' && text[k] <= '9') || text[k] == '_');
  };
  if (!digit(i) || text[i] == '_') return false;
  while (digit(i)) ++i;
  bool groups = false;
  while (i < text.size() && text[i] == ':') {
    ++i;
    if (!digit(i) || text[i] == '_') return false;
    const bool two = digit(i + 1) && text[i + 1] != '_';
    if (two && text[i] > '5') return false;
    i += two ? 2 : 1;
    groups = true;
  }
  if (i < text.size() && text[i] == '.') {
    ++i;
    while (digit(i)) ++i;
  }
  return groups && i == text.size();
}

class Writer {
 public:
  explicit Writer(Secrets secrets) : secrets_(secrets) {}

  std::string Write(const YamlValue& value) {
    if (IsEmptyCollection(value)) {
      out_ = value.kind == YamlValue::Kind::kMap ? "{}\n" : "[]\n";
    } else if (IsCollection(value)) {
      Collection(value, 0, false);
    } else {
      Scalar(value, 0, true);
      out_ += '\n';
    }
    return std::move(out_);
  }

 private:
  static bool IsCollection(const YamlValue& v) {
    return v.kind == YamlValue::Kind::kMap || v.kind == YamlValue::Kind::kSequence;
  }
  static bool IsEmptyCollection(const YamlValue& v) {
    return IsCollection(v) && v.items.empty() && v.entries.empty();
  }

  // `inline_first`: the first line continues the current one (after "- ").
  void Collection(const YamlValue& value, size_t indent, bool inline_first) {
    if (value.kind == YamlValue::Kind::kMap) {
      for (const auto& [key, child] : value.entries) {
        if (!inline_first) out_.append(indent, ' ');
        inline_first = false;
        YamlValue name = YamlValue::Text(key);
        Scalar(name, indent, false);
        out_ += ':';
        Child(child, indent, child.kind == YamlValue::Kind::kSequence ? indent : indent + 2);
      }
      return;
    }
    for (const YamlValue& child : value.items) {
      if (!inline_first) out_.append(indent, ' ');
      inline_first = false;
      out_ += '-';
      if (IsCollection(child) && !IsEmptyCollection(child)) {
        out_ += ' ';
        Collection(child, indent + 2, true);
      } else {
        Child(child, indent, indent + 2);
      }
    }
  }

  // What follows "key:" or "-".
  void Child(const YamlValue& child, size_t indent, size_t child_indent) {
    if (IsEmptyCollection(child)) {
      out_ += child.kind == YamlValue::Kind::kMap ? " {}\n" : " []\n";
    } else if (child.flow) {
      Flow(child, indent);
    } else if (IsCollection(child)) {
      out_ += '\n';
      Collection(child, child_indent, false);
    } else {
      out_ += ' ';
      Scalar(child, indent, true);
      out_ += '\n';
    }
  }

  void Flow(const YamlValue& list, size_t indent) {
    out_ += " [";
    for (size_t i = 0; i < list.items.size(); ++i) {
      if (i > 0) out_ += ',';
      if (Column() > kFoldColumn) {
        out_ += '\n';
        out_.append(indent + 2, ' ');
      } else if (i > 0) {
        out_ += ' ';
      }
      in_flow_ = true;
      Scalar(list.items[i], indent + 2, false);
      in_flow_ = false;
    }
    out_ += "]\n";
  }

  size_t Column() const {
    const size_t newline = out_.rfind('\n');
    const size_t begin = newline == std::string::npos ? 0 : newline + 1;
    return static_cast<size_t>(std::count_if(out_.begin() + static_cast<std::ptrdiff_t>(begin),
                                             out_.end(),
                                             [](char c) { return (c & 0xc0) != 0x80; }));
  }

  void Scalar(const YamlValue& value, size_t indent, bool may_fold) {
    if (value.kind == YamlValue::Kind::kBare) {
      out_ += value.text;
      return;
    }
    const bool hide = value.secret && secrets_ == Secrets::kHidden && !value.text.empty();
    const std::string_view instead =
        value.shown_instead.empty() ? kHiddenSecret : std::string_view(value.shown_instead);
    const std::string_view text = hide ? instead : std::string_view(value.text);
    if (!IsValidUtf8(text)) return DoubleQuoted(text, indent, false);
    const Analysis analysis = Analyze(text);
    if (analysis.multiline && may_fold && !HasTrailingSpaceLine(text) && !HasUnprintable(text)) {
      return Literal(text, indent);
    }
    const YamlType type = ResolvePlain(text).type;
    // yaml.v2 writes << plain too, though it would read it as a merge.
    const bool is_string =
        (type == YamlType::kString || type == YamlType::kMerge) && !IsBase60(text);
    if (!is_string || analysis.multiline) return DoubleQuoted(text, indent, may_fold);
    const bool plain = analysis.plain && !(in_flow_ && HasFlowIndicator(text));
    if (plain) return Folded(text, indent, may_fold, false);
    if (analysis.single_quoted) return Folded(text, indent, may_fold, true);
    DoubleQuoted(text, indent, may_fold);
  }

  // Block scalars cannot keep blanks before a line break.
  static bool HasTrailingSpaceLine(std::string_view text) {
    return text.find(" \n") != std::string_view::npos || text.back() == ' ';
  }

  void Literal(std::string_view text, size_t indent) {
    out_ += '|';
    if (text.front() == ' ' || text.front() == '\n') out_ += '2';
    if (text.back() != '\n') {
      out_ += '-';
    } else if (text.size() == 1 || text[text.size() - 2] == '\n') {
      out_ += '+';
    }
    std::string_view rest = text;
    if (rest.back() == '\n') rest.remove_suffix(1);
    while (true) {
      const size_t end = std::min(rest.find('\n'), rest.size());
      out_ += '\n';
      if (end > 0) out_.append(indent + 2, ' ');
      out_.append(rest.substr(0, end));
      if (end == rest.size()) break;
      rest.remove_prefix(end + 1);
    }
  }

  // Plain and single-quoted text, broken at single blanks beyond the fold column.
  void Folded(std::string_view text, size_t indent, bool may_fold, bool quoted) {
    size_t column = Column() + (quoted ? 1 : 0);
    if (quoted) out_ += '\'';
    for (size_t i = 0; i < text.size(); ++i) {
      const bool inner = i > 0 && i + 1 < text.size();
      if (text[i] == ' ' && may_fold && inner && column > kFoldColumn && text[i - 1] != ' ' &&
          text[i + 1] != ' ') {
        Break(indent, &column);
        continue;
      }
      if (quoted && text[i] == '\'') {
        out_ += '\'';
        ++column;
      }
      out_ += text[i];
      if ((text[i] & 0xc0) != 0x80) ++column;
    }
    if (quoted) out_ += '\'';
  }

  void Break(size_t indent, size_t* column) {
    out_ += '\n';
    out_.append(indent + 2, ' ');
    *column = indent + 2;
  }

  void DoubleQuoted(std::string_view text, size_t indent, bool may_fold) {
    out_ += '"';
    size_t column = Column();
    bool after_space = false;
    for (size_t i = 0; i < text.size();) {
      const Utf8Rune rune = DecodeUtf8(text.substr(i));
      const size_t size = std::max<size_t>(rune.size, 1);
      if (text[i] == ' ' && may_fold && !after_space && column > kFoldColumn && i > 0 &&
          i + 1 < text.size()) {
        Break(indent, &column);
        if (text[i + 1] == ' ') out_ += '\\';
        after_space = true;
        ++i;
        continue;
      }
      after_space = text[i] == ' ';
      const size_t before = out_.size();
      Escaped(text.substr(i, size), rune);
      column += out_.size() - before;
      i += size;
    }
    out_ += '"';
  }

  void Escaped(std::string_view bytes, const Utf8Rune& rune) {
    static constexpr std::string_view kFrom("\0\a\b\t\n\v\f\r\x1b\"\\", 11);
    static constexpr std::string_view kTo("0abtnvfre\"\\", 11);
    if (bytes.size() == 1) {
      const size_t at = kFrom.find(bytes[0]);
      if (at != std::string_view::npos) {
        out_ += {'\\', kTo[at]};
        return;
      }
    }
    if (rune.valid && !HasUnprintable(bytes)) {
      out_ += bytes;
      return;
    }
    const uint32_t code = rune.valid ? rune.rune : static_cast<uint8_t>(bytes[0]);
    const int digits = code <= 0xff ? 2 : code <= 0xffff ? 4 : 8;
    out_ += {'\\', digits == 2 ? 'x' : digits == 4 ? 'u' : 'U'};
    for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) {
      out_ += "0123456789ABCDEF"[code >> shift & 0xf];
    }
  }

  const Secrets secrets_;
  bool in_flow_ = false;
  std::string out_;
};

}  // namespace

YamlValue YamlValue::Text(std::string_view text) { return {.text = std::string(text)}; }
YamlValue YamlValue::Secret(std::string_view text) {
  return {.secret = true, .text = std::string(text)};
}
YamlValue YamlValue::SecretInside(std::string_view text, std::string_view hidden) {
  return {.secret = true, .text = std::string(text), .shown_instead = std::string(hidden)};
}
YamlValue YamlValue::Bare(std::string_view text) {
  return {.kind = Kind::kBare, .text = std::string(text)};
}
YamlValue YamlValue::Bool(bool value) { return Bare(value ? "true" : "false"); }
YamlValue YamlValue::Sequence() { return {.kind = Kind::kSequence}; }
YamlValue YamlValue::Map() { return {.kind = Kind::kMap}; }

void YamlValue::Add(std::string_view key, YamlValue value) {
  entries.push_back({std::string(key), std::move(value)});
}

const YamlValue* YamlValue::Find(std::string_view key) const {
  for (const auto& [name, value] : entries) {
    if (name == key) return &value;
  }
  return nullptr;
}

std::string WriteYaml(const YamlValue& value, Secrets secrets) {
  return Writer(secrets).Write(value);
}

}  // namespace deucalion::config
