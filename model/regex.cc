#include "model/regex.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <utility>

#include "model/labels.h"
#include "model/regex_globs.h"
#include "model/regex_tree.h"
#include "model/utf8.h"

namespace deucalion {
namespace {

// RE2's own default: programs of some 80,000 instructions; automaton states are dropped and rebuilt
// beyond it.
constexpr int64_t kMaxRegexMemoryBytes = 8 << 20;

RE2::Options Re2Options() {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_dot_nl(true);
  options.set_max_mem(kMaxRegexMemoryBytes);
  return options;
}

re2::StringPiece Piece(std::string_view text) { return {text.data(), text.size()}; }

// Go's names for the same mistakes.
std::string_view GoErrorText(RE2::ErrorCode code) {
  switch (code) {
    case RE2::ErrorBadEscape:
      return "invalid escape sequence";
    case RE2::ErrorBadCharClass:
      return "invalid character class";
    case RE2::ErrorBadCharRange:
      return "invalid character class range";
    case RE2::ErrorMissingBracket:
      return "missing closing ]";
    case RE2::ErrorMissingParen:
      return "missing closing )";
    case RE2::ErrorUnexpectedParen:
      return "unexpected )";
    case RE2::ErrorTrailingBackslash:
      return "trailing backslash at end of expression";
    case RE2::ErrorRepeatArgument:
      return "missing argument to repetition operator";
    case RE2::ErrorRepeatSize:
      return "invalid repeat count";
    case RE2::ErrorRepeatOp:
      return "invalid nested repetition operator";
    case RE2::ErrorBadPerlOp:
      return "invalid or unsupported Perl syntax";
    case RE2::ErrorBadUTF8:
      return "invalid UTF-8";
    case RE2::ErrorBadNamedCapture:
      return "invalid named capture";
    case RE2::ErrorPatternTooLarge:
      return "expression too large";
    default:
      return "regexp/syntax: internal error";
  }
}

Status GoError(std::string_view text, std::string_view arg) {
  std::string message = "error parsing regexp: ";
  message.append(text).append(": `").append(arg).append("`");
  return InvalidArgumentError(std::move(message));
}

// From the first byte that is not UTF-8 on.
std::string_view InvalidTail(std::string_view text) {
  while (!text.empty()) {
    const Utf8Rune rune = DecodeUtf8(text);
    if (!rune.valid) break;
    text.remove_prefix(rune.size);
  }
  return text;
}

Status CompileError(const RE2& re, std::string_view pattern) {
  std::string arg = re.error_arg();
  switch (re.error_code()) {
    case RE2::ErrorPatternTooLarge:
      arg = pattern;
      break;
    case RE2::ErrorBadUTF8:
      arg = InvalidTail(pattern);
      break;
    case RE2::ErrorMissingParen:
    case RE2::ErrorUnexpectedParen:
      arg = pattern;
      break;
    case RE2::ErrorBadNamedCapture:
      // As it was written, see TranslateFromGo.
      if (pattern.find(arg) == std::string_view::npos) arg.erase(2, 1);
      break;
    default:
      break;
  }
  return GoError(GoErrorText(re.error_code()), arg);
}

// Go reads (?<name>x) like (?P<name>x) and does not know \C; this RE2 is the other way round.
// Fails for \C.
Result<std::string> TranslateFromGo(std::string_view pattern) {
  std::string out;
  out.reserve(pattern.size());
  while (!pattern.empty()) {
    size_t take = 1;
    if (pattern.starts_with("\\Q")) {
      const size_t end = pattern.find("\\E");
      take = end == std::string_view::npos ? pattern.size() : end + 2;
    } else if (pattern.starts_with("\\C")) {
      return GoError("invalid escape sequence", "\\C");
    } else if (pattern[0] == '\\') {
      take = std::min<size_t>(2, pattern.size());
    } else if (pattern[0] == '[') {
      take = CharClassBytes(pattern);
    } else if (pattern.starts_with("(?<")) {
      out.append("(?P<");
      pattern.remove_prefix(3);
      continue;
    }
    out.append(pattern.substr(0, take));
    pattern.remove_prefix(take);
  }
  return out;
}

// Literals and '|' only: nothing that RE2 could object to, as long as it is UTF-8.
bool IsPlainAlternation(std::string_view pattern) {
  return pattern.find_first_of("\\.+*?()[]{}^$") == std::string_view::npos;
}

}  // namespace

struct Regex::Impl {
  std::string pattern;
  std::string re2_pattern;
  std::string prefix;
  // Non-empty: the pattern is exactly these, sorted; `globs` is empty then.
  std::vector<std::string> literals;
  GlobUnion globs;
  bool matches_empty = false;
  bool matches_everything = false;
  bool matches_any_nonempty = false;
  bool whole_group = false;  // "(.*)": relabelling's default, $1 is the text
  bool has_groups = false;

  // RE2 is built on first need: most patterns never need it for matching, and it is large.
  mutable std::once_flag re2_once;
  mutable std::unique_ptr<RE2> re2;

  const RE2& Automaton() const {
    std::call_once(re2_once, [this] {
      if (!re2) re2 = std::make_unique<RE2>(Piece(re2_pattern), Re2Options());
    });
    return *re2;
  }

  bool Matches(std::string_view text) const {
    if (!literals.empty()) return InLiterals(text);
    if (!globs.Matches(text)) return false;
    return globs.exact || RE2::FullMatch(Piece(text), Automaton());
  }

  bool InLiterals(std::string_view text) const {
    return std::binary_search(literals.begin(), literals.end(), text, std::less<>());
  }
};

namespace {

bool IsSingleGap(const GlobUnion& globs, int least) {
  if (!globs.exact || globs.globs.size() != 1) return false;
  const Glob& glob = globs.globs[0];
  return glob.gaps.size() == 1 && glob.gaps[0] == least && glob.pieces[0].empty() &&
         glob.pieces[1].empty();
}

void Digest(GlobUnion globs, Regex::Impl* impl) {
  impl->prefix = globs.CommonPrefix();
  impl->matches_everything = IsSingleGap(globs, 0);
  impl->matches_any_nonempty = IsSingleGap(globs, 1);
  impl->whole_group = impl->pattern == "(.*)";
  impl->has_groups = impl->pattern.find('(') != std::string::npos;
  if (globs.exact && globs.AllLiteral()) {
    for (Glob& glob : globs.globs) impl->literals.push_back(std::move(glob.pieces[0]));
  } else {
    impl->globs = std::move(globs);
  }
}

// However many there are: they take no more memory than the pattern.
void SplitPlainAlternation(Regex::Impl* impl) {
  std::string_view rest = impl->pattern;
  for (size_t bar; (bar = rest.find('|')) != std::string_view::npos; rest.remove_prefix(bar + 1)) {
    impl->literals.emplace_back(rest.substr(0, bar));
  }
  impl->literals.emplace_back(rest);
  std::sort(impl->literals.begin(), impl->literals.end());
  impl->literals.erase(std::unique(impl->literals.begin(), impl->literals.end()),
                       impl->literals.end());
  // Sorted: what the first and the last have in common, all have.
  const std::string& first = impl->literals.front();
  const std::string& last = impl->literals.back();
  const auto end = std::mismatch(first.begin(), first.end(), last.begin(), last.end()).first;
  impl->prefix.assign(first.begin(), end);
}

}  // namespace

Result<Regex> Regex::Compile(std::string_view pattern) {
  auto impl = std::make_shared<Impl>();
  impl->pattern = pattern;
  if (IsPlainAlternation(pattern) && IsValidUtf8(pattern)) {
    SplitPlainAlternation(impl.get());
  } else {
    ASSIGN_OR_RETURN(impl->re2_pattern, TranslateFromGo(pattern));
    impl->re2 = std::make_unique<RE2>(Piece(impl->re2_pattern), Re2Options());
    if (!impl->re2->ok()) return CompileError(*impl->re2, pattern);
    Digest(AnalyzeRegex(impl->re2_pattern), impl.get());
    if (!impl->literals.empty() || impl->globs.exact) impl->re2.reset();
  }
  impl->matches_empty = impl->Matches("");
  Regex regex;
  regex.impl_ = std::move(impl);
  return regex;
}

const std::string& Regex::pattern() const { return impl_->pattern; }
bool Regex::Matches(std::string_view text) const { return impl_->Matches(text); }
const std::vector<std::string>& Regex::set_matches() const {
  static const std::vector<std::string> none;
  return impl_->literals.size() <= kMaxRegexLiterals ? impl_->literals : none;
}
std::string_view Regex::prefix() const { return impl_->prefix; }
bool Regex::matches_empty() const { return impl_->matches_empty; }
bool Regex::matches_everything() const { return impl_->matches_everything; }
bool Regex::matches_any_nonempty() const { return impl_->matches_any_nonempty; }

namespace {

bool IsNameRune(std::string_view rune) {
  const char c = rune[0];
  if (static_cast<uint8_t>(c) < 0x80) {
    return c == '_' || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
  }
  static const RE2 letter_or_digit("[\\pL\\p{Nd}]");
  return RE2::FullMatch(Piece(rune), letter_or_digit);
}

// A reference at the front of a template, behind its '$'.
struct Reference {
  size_t size = 0;  // 0: not a reference, the '$' stands for itself
  std::string_view name;
};

Reference ReadReference(std::string_view text) {
  const bool brace = text.starts_with("{");
  size_t i = brace ? 1 : 0;
  const size_t begin = i;
  while (i < text.size()) {
    const size_t size = DecodeUtf8(text.substr(i)).size;
    if (!IsNameRune(text.substr(i, size))) break;
    i += size;
  }
  const std::string_view name = text.substr(begin, i - begin);
  if (name.empty()) return {};
  if (!brace) return {i, name};
  if (i >= text.size() || text[i] != '}') return {};
  return {i + 1, name};
}

// The group number `name` stands for, -1 when it is not a number. Leading zeros make a name of it.
int GroupNumber(std::string_view name) {
  if (name[0] == '0' && name.size() > 1) return -1;
  int number = 0;
  for (const char c : name) {
    if (c < '0' || c > '9' || number >= 100000000) return -1;
    number = number * 10 + (c - '0');
  }
  return number;
}

// Groups of one match, [0] the whole text. Borrows both.
struct Groups {
  const re2::StringPiece* pieces;
  int count;
  const RE2* re;

  std::string_view Find(std::string_view name) const {
    const int number = GroupNumber(name);
    if (number >= 0) return number < count ? View(number) : std::string_view();
    if (re == nullptr) return {};
    for (const auto& [index, group_name] : re->CapturingGroupNames()) {
      if (group_name == name && index < count && pieces[index].data() != nullptr) {
        return View(index);
      }
    }
    return {};
  }
  std::string_view View(int i) const { return {pieces[i].data(), pieces[i].size()}; }
};

void ExpandTemplate(std::string_view replacement, const Groups& groups, std::string* out) {
  for (;;) {
    const size_t dollar = replacement.find('$');
    out->append(replacement.substr(0, dollar));
    if (dollar == std::string_view::npos) return;
    replacement.remove_prefix(dollar + 1);
    if (replacement.starts_with("$")) {
      out->push_back('$');
      replacement.remove_prefix(1);
      continue;
    }
    const Reference reference = ReadReference(replacement);
    if (reference.size == 0) {
      out->push_back('$');
      continue;
    }
    out->append(groups.Find(reference.name));
    replacement.remove_prefix(reference.size);
  }
}

}  // namespace

namespace {

// Room for the groups of one match; patterns seldom have more than a handful.
class GroupPieces {
 public:
  explicit GroupPieces(int count) : count_(count) {
    if (static_cast<size_t>(count) > inline_.size()) many_.resize(static_cast<size_t>(count));
  }
  re2::StringPiece* data() { return many_.empty() ? inline_.data() : many_.data(); }
  int count() const { return count_; }

 private:
  int count_;
  std::array<re2::StringPiece, 16> inline_;
  std::vector<re2::StringPiece> many_;
};

}  // namespace

bool Regex::Expand(std::string_view text, std::string_view replacement, std::string* out) const {
  const bool constant = replacement.find('$') == std::string_view::npos;
  if (constant || impl_->whole_group || !impl_->has_groups) {
    if (!Matches(text)) return false;
    const std::array<re2::StringPiece, 2> pieces = {Piece(text), Piece(text)};
    out->clear();
    ExpandTemplate(replacement, {pieces.data(), impl_->whole_group ? 2 : 1, nullptr}, out);
    return true;
  }
  if (impl_->literals.empty() ? !impl_->globs.Matches(text) : !impl_->InLiterals(text))
    return false;
  const RE2& re = impl_->Automaton();
  GroupPieces pieces(re.NumberOfCapturingGroups() + 1);
  if (!re.Match(Piece(text), 0, text.size(), RE2::ANCHOR_BOTH, pieces.data(), pieces.count())) {
    return false;
  }
  out->clear();
  ExpandTemplate(replacement, {pieces.data(), pieces.count(), &re}, out);
  return true;
}

}  // namespace deucalion
