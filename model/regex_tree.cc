// Recursive descent over the pattern text. RE2 has checked the syntax before, so the only duty here
// is to delimit every construct exactly as RE2 does and to call whatever is not plainly a literal
// opaque.
#include "model/regex_tree.h"

#include <utility>

#include "model/utf8.h"

namespace deucalion {
namespace {

using Kind = RegexNode::Kind;

constexpr int kMaxDepth = 100;         // patterns with deeper groups are opaque as a whole
constexpr size_t kMaxClassRunes = 64;  // larger classes are opaque

RegexNode Literal(std::string text) { return {Kind::kLiteral, std::move(text), {}}; }
RegexNode Opaque() { return {}; }

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; }

int HexValue(char c) {
  if (IsDigit(c)) return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// Bytes of "{2}", "{2,}" or "{2,3}" at the front of `text`, else 0: then the brace is a literal.
size_t CountBytes(std::string_view text) {
  size_t i = 1;
  const auto digits = [&] {
    const size_t begin = i;
    while (i < text.size() && IsDigit(text[i])) i++;
    const bool leading_zero = i - begin > 1 && text[begin] == '0';
    return i > begin && !leading_zero;
  };
  if (text.empty() || text[0] != '{' || !digits()) return 0;
  if (i < text.size() && text[i] == ',') {
    i++;
    if (i < text.size() && text[i] != '}' && !digits()) return 0;
  }
  return i < text.size() && text[i] == '}' ? i + 1 : 0;
}

struct Escape {
  size_t size = 2;       // with the backslash
  bool is_rune = false;  // else a class or an assertion
  char32_t rune = 0;
};

Escape ReadHex(std::string_view text) {
  Escape e{text.size(), false, 0};
  if (text.size() > 2 && text[2] == '{') {
    const size_t close = text.find('}');
    if (close == std::string_view::npos || close > 11) return e;
    for (size_t i = 3; i < close; i++) e.rune = e.rune * 16 + HexValue(text[i]);
    e.size = close + 1;
  } else if (text.size() >= 4) {
    e.rune = HexValue(text[2]) * 16 + HexValue(text[3]);
    e.size = 4;
  }
  const bool surrogate = e.rune >= 0xd800 && e.rune <= 0xdfff;
  e.is_rune = e.rune <= 0x10ffff && !surrogate;
  return e;
}

Escape ReadOctal(std::string_view text) {
  Escape e{1, true, 0};
  while (e.size < 4 && e.size < text.size() && text[e.size] >= '0' && text[e.size] <= '7') {
    e.rune = e.rune * 8 + (text[e.size++] - '0');
  }
  return e;
}

// `text` starts with a backslash. \Q, \A and \z are the caller's.
Escape ReadEscape(std::string_view text) {
  if (text.size() < 2) return {text.size(), false, 0};
  const char c = text[1];
  switch (c) {
    case 'n':
      return {2, true, '\n'};
    case 't':
      return {2, true, '\t'};
    case 'r':
      return {2, true, '\r'};
    case 'f':
      return {2, true, '\f'};
    case 'v':
      return {2, true, '\v'};
    case 'a':
      return {2, true, '\a'};
    case 'x':
      return ReadHex(text);
    case 'p':
    case 'P': {
      if (text.size() < 3) return {text.size(), false, 0};
      if (text[2] != '{') return {2 + size_t{DecodeUtf8(text.substr(2)).size}, false, 0};
      const size_t close = text.find('}');
      return {close == std::string_view::npos ? text.size() : close + 1, false, 0};
    }
    default:
      break;
  }
  if (IsDigit(c)) return ReadOctal(text);
  if (IsLetter(c) || static_cast<uint8_t>(c) >= 0x80) return {2, false, 0};
  return {2, true, static_cast<char32_t>(c)};
}

class TreeParser {
 public:
  explicit TreeParser(std::string_view text) : rest_(text) {}
  RegexNode Parse() {
    RegexNode node = Alternate(0);
    return rest_.empty() && !too_deep_ ? std::move(node) : Opaque();
  }

 private:
  bool At(char c) const { return !rest_.empty() && rest_[0] == c; }
  bool Accept(std::string_view prefix) {
    if (rest_.substr(0, prefix.size()) != prefix) return false;
    rest_.remove_prefix(prefix.size());
    return true;
  }

  RegexNode Alternate(int depth) {
    RegexNode out{Kind::kAlternate, "", {}};
    do {
      out.children.push_back(Concat(depth));
    } while (Accept("|"));
    if (out.children.size() > 1) return out;
    RegexNode only = std::move(out.children[0]);
    return only;
  }

  RegexNode Concat(int depth) {
    RegexNode out{Kind::kConcat, "", {}};
    while (!rest_.empty() && !At('|') && !At(')')) {
      if (Accept("\\Q")) {
        Quoted(&out);
      } else if (At('(')) {
        Group(depth, &out);
      } else if (!Repetition(&out)) {
        Append(Atom(), &out);
      }
    }
    return out;
  }

  // Runs of literals become one node, which keeps trees of long patterns small; a repetition takes
  // only the last rune, so that one stays alone.
  void Append(RegexNode node, RegexNode* out) {
    std::vector<RegexNode>& children = out->children;
    const bool joins = node.kind == Kind::kLiteral && !children.empty() &&
                       children.back().kind == Kind::kLiteral && !AtRepetition();
    if (joins) {
      children.back().text += node.text;
    } else {
      children.push_back(std::move(node));
    }
  }

  void Quoted(RegexNode* out) {
    const size_t end = rest_.find("\\E");
    std::string_view text = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 2);
    while (!text.empty()) {
      const size_t size = DecodeUtf8(text).size;
      Append(LiteralRune(text.substr(0, size)), out);
      text.remove_prefix(size);
    }
  }

  RegexNode LiteralRune(std::string_view rune) {
    if (!fold_case_) return Literal(std::string(rune));
    const bool caseless = rune.size() == 1 && !IsLetter(rune[0]);
    return caseless ? Literal(std::string(rune)) : Opaque();
  }

  RegexNode Atom() {
    switch (rest_[0]) {
      case '[':
        return CharClass();
      case '\\':
        return EscapeAtom();
      case '.':
        rest_.remove_prefix(1);
        return {dot_newline_ ? Kind::kDot : Kind::kOpaque, "", {}};
      case '^':
        rest_.remove_prefix(1);
        return {Kind::kBegin, "", {}};
      case '$':
        rest_.remove_prefix(1);
        return {Kind::kEnd, "", {}};
      default:
        break;
    }
    const size_t size = DecodeUtf8(rest_).size;
    RegexNode node = LiteralRune(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return node;
  }

  RegexNode EscapeAtom() {
    if (Accept("\\A")) return {Kind::kBegin, "", {}};
    if (Accept("\\z")) return {Kind::kEnd, "", {}};
    const Escape escape = ReadEscape(rest_);
    rest_.remove_prefix(escape.size);
    if (!escape.is_rune) return Opaque();
    std::string text;
    AppendUtf8(&text, escape.rune);
    return LiteralRune(text);
  }

  // Appends the group at the front, or, when it is only flags, changes those of what follows.
  void Group(int depth, RegexNode* out) {
    const bool fold_case = fold_case_;
    const bool dot_newline = dot_newline_;
    if (Accept("(?P<")) {
      const size_t close = rest_.find('>');
      rest_.remove_prefix(close == std::string_view::npos ? rest_.size() : close + 1);
    } else if (Accept("(?")) {
      if (Flags() == ')') return;
    } else {
      rest_.remove_prefix(1);
    }
    if (depth >= kMaxDepth) {
      too_deep_ = true;
      rest_ = {};
      return;
    }
    RegexNode node = Alternate(depth + 1);
    Accept(")");
    fold_case_ = fold_case;
    dot_newline_ = dot_newline;
    out->children.push_back(std::move(node));
  }

  // Reads up to and with the ':' or ')' that ends the flags and returns it.
  char Flags() {
    bool on = true;
    while (!rest_.empty()) {
      const char c = rest_[0];
      rest_.remove_prefix(1);
      if (c == ':' || c == ')') return c;
      if (c == '-') on = false;
      if (c == 'i') fold_case_ = on;
      if (c == 's') dot_newline_ = on;
    }
    return ')';
  }

  RegexNode CharClass() {
    std::string_view body = rest_.substr(0, CharClassBytes(rest_));
    rest_.remove_prefix(body.size());
    if (fold_case_ || body.size() < 3 || body[1] == '^') return Opaque();
    body = body.substr(1, body.size() - 2);
    RegexNode out{Kind::kAlternate, "", {}};
    while (!body.empty()) {
      if (body.substr(0, 2) == "[:") return Opaque();
      char32_t low = 0;
      if (!ClassRune(&body, &low)) return Opaque();
      char32_t high = low;
      if (body.size() >= 2 && body[0] == '-') {
        body.remove_prefix(1);
        if (!ClassRune(&body, &high)) return Opaque();
      }
      const bool surrogates = low <= 0xdfff && high >= 0xd800;
      if (high < low || surrogates || high - low >= kMaxClassRunes) return Opaque();
      for (char32_t rune = low; rune <= high; rune++) {
        out.children.push_back(Literal(""));
        AppendUtf8(&out.children.back().text, rune);
      }
      if (out.children.size() > kMaxClassRunes) return Opaque();
    }
    return out;
  }

  static bool ClassRune(std::string_view* body, char32_t* rune) {
    if ((*body)[0] == '\\') {
      const Escape escape = ReadEscape(*body);
      body->remove_prefix(escape.size);
      *rune = escape.rune;
      return escape.is_rune;
    }
    const Utf8Rune decoded = DecodeUtf8(*body);
    body->remove_prefix(decoded.size);
    *rune = decoded.rune;
    return decoded.valid;
  }

  bool AtRepetition() const { return At('*') || At('+') || At('?') || CountBytes(rest_) > 0; }

  // Applies the repetition operator at the front, if there is one, to the last child. (A change of
  // flags may stand between the two, so the last child can be a run of literals.)
  bool Repetition(RegexNode* out) {
    if (!AtRepetition()) return false;
    const char op = rest_[0];
    rest_.remove_prefix(op == '{' ? CountBytes(rest_) : 1);
    Accept("?");  // which of several matches is preferred does not change whether there is one
    if (out->children.empty()) out->children.push_back(Opaque());
    RegexNode node = std::move(out->children.back());
    out->children.back() = Repeated(op, std::move(node));
    return true;
  }

  static RegexNode Repeated(char op, RegexNode node) {
    const bool several_runes =
        node.kind == Kind::kLiteral && node.text.size() != DecodeUtf8(node.text).size;
    if (op == '{' || several_runes) return Opaque();
    if (node.kind == Kind::kDot && op != '?') {
      return {op == '*' ? Kind::kAnyStar : Kind::kAnyPlus, "", {}};
    }
    if (op == '*') return Opaque();
    if (op == '+') return {Kind::kConcat, "", {std::move(node), Opaque()}};  // at least once
    RegexNode optional{Kind::kAlternate, "", {}};
    optional.children.push_back(std::move(node));
    optional.children.push_back(Literal(""));
    return optional;
  }

  std::string_view rest_;
  bool fold_case_ = false;
  bool dot_newline_ = true;
  bool too_deep_ = false;
};

}  // namespace

RegexNode ParseRegexTree(std::string_view pattern) { return TreeParser(pattern).Parse(); }

size_t CharClassBytes(std::string_view text) {
  size_t i = 1;
  if (i < text.size() && text[i] == '^') i++;
  if (i < text.size() && text[i] == ']') i++;  // first of all it stands for itself
  while (i < text.size() && text[i] != ']') {
    if (text[i] == '\\') {
      i += ReadEscape(text.substr(i)).size;
    } else if (text.substr(i, 2) == "[:") {
      const size_t close = text.find(":]", i + 2);
      i = close == std::string_view::npos ? i + 1 : close + 2;
    } else {
      i++;
    }
  }
  return i < text.size() ? i + 1 : text.size();
}

}  // namespace deucalion
