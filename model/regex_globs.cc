#include "model/regex_globs.h"

#include <algorithm>
#include <utility>

#include "model/regex_tree.h"

namespace deucalion {
namespace {

using Kind = RegexNode::Kind;

constexpr size_t kMaxGlobBytes = 1 << 20;  // of all literals of one union

Glob Gap(uint8_t least) {
  Glob glob;
  glob.pieces = {"", ""};
  glob.gaps = {least};
  return glob;
}

GlobUnion Unknown() { return {{Gap(0)}, false}; }

// Appends `b` to `a`. Two gaps in a row become one; false when that one says less than both did (it
// counts bytes, .+.+ counts runes).
bool Concatenate(Glob* a, const Glob& b) {
  bool exact = true;
  const bool gaps_meet =
      !a->gaps.empty() && a->pieces.back().empty() && !b.gaps.empty() && b.pieces.front().empty();
  size_t from = 0;  // gaps of b taken already
  if (gaps_meet) {
    const int least = a->gaps.back() + b.gaps.front();
    exact = least <= 1;
    a->gaps.back() = static_cast<uint8_t>(std::min(least, 255));
    a->pieces.back() = b.pieces[1];
    from = 1;
  } else {
    a->pieces.back() += b.pieces.front();
  }
  for (size_t i = from; i < b.gaps.size(); i++) {
    a->gaps.push_back(b.gaps[i]);
    a->pieces.push_back(b.pieces[i + 1]);
  }
  return exact;
}

size_t LiteralBytes(const std::vector<Glob>& globs) {
  size_t n = 0;
  for (const Glob& glob : globs) {
    for (const std::string& piece : glob.pieces) n += piece.size();
  }
  return n;
}

// Tree to globs. A node that would need more than `limit` of them counts as unknown.
class Expander {
 public:
  explicit Expander(size_t limit) : limit_(limit) {}

  GlobUnion Expand(const RegexNode& node) const {
    switch (node.kind) {
      case Kind::kLiteral: {
        GlobUnion out{{Glob{}}, true};
        out.globs[0].pieces[0] = node.text;
        return out;
      }
      case Kind::kConcat:
        return ExpandConcat(node);
      case Kind::kAlternate:
        return ExpandAlternate(node);
      case Kind::kAnyStar:
        return {{Gap(0)}, true};
      case Kind::kAnyPlus:
        return {{Gap(1)}, true};
      case Kind::kDot:
        return {{Gap(1)}, false};
      case Kind::kBegin:
      case Kind::kEnd:
      case Kind::kOpaque:
        break;
    }
    return Unknown();
  }

 private:
  GlobUnion ExpandConcat(const RegexNode& node) const {
    GlobUnion out{{Glob{}}, true};
    for (const RegexNode& child : node.children) {
      const GlobUnion next = Expand(child);
      if (out.globs.size() * next.globs.size() > limit_ || !Product(next, &out)) {
        Product(Unknown(), &out);
        out.exact = false;
      }
    }
    return out;
  }

  // False, and nothing changed, when the result would be too large.
  static bool Product(const GlobUnion& right, GlobUnion* out) {
    const size_t bytes = LiteralBytes(out->globs) * right.globs.size() +
                         LiteralBytes(right.globs) * out->globs.size();
    if (bytes > kMaxGlobBytes) return false;
    bool exact = out->exact && right.exact;
    if (right.globs.size() == 1) {
      for (Glob& glob : out->globs) exact &= Concatenate(&glob, right.globs[0]);
    } else {
      std::vector<Glob> product;
      product.reserve(out->globs.size() * right.globs.size());
      for (const Glob& a : out->globs) {
        for (const Glob& b : right.globs) {
          product.push_back(a);
          exact &= Concatenate(&product.back(), b);
        }
      }
      out->globs = std::move(product);
    }
    out->exact = exact;
    return true;
  }

  GlobUnion ExpandAlternate(const RegexNode& node) const {
    GlobUnion out{{}, true};
    size_t bytes = 0;
    for (const RegexNode& child : node.children) {
      GlobUnion branch = Expand(child);
      out.exact &= branch.exact;
      bytes += LiteralBytes(branch.globs);
      std::move(branch.globs.begin(), branch.globs.end(), std::back_inserter(out.globs));
      if (out.globs.size() > limit_ || bytes > kMaxGlobBytes) return Unknown();
    }
    return out;
  }

  size_t limit_;
};

// Every match spans the whole text, so ^ first and $ last in a branch of the outermost alternation
// say nothing. A branch cannot be nested deeper than the one alternation at the top.
void StripOuterAnchors(RegexNode* node) {
  if (node->kind == Kind::kAlternate) {
    for (RegexNode& branch : node->children) {
      if (branch.kind == Kind::kConcat) StripOuterAnchors(&branch);
    }
  } else if (node->kind == Kind::kConcat) {
    auto& children = node->children;
    while (!children.empty() && children.front().kind == Kind::kBegin) {
      children.erase(children.begin());
    }
    while (!children.empty() && children.back().kind == Kind::kEnd) children.pop_back();
  }
}

GlobUnion ExpandWithin(const RegexNode& tree, size_t limit) {
  GlobUnion out = Expander(limit).Expand(tree);
  std::sort(out.globs.begin(), out.globs.end());
  out.globs.erase(std::unique(out.globs.begin(), out.globs.end()), out.globs.end());
  return out;
}

}  // namespace

bool Glob::Matches(std::string_view text) const {
  const std::string& first = pieces.front();
  if (literal()) return text == first;
  const std::string& last = pieces.back();
  if (text.size() < first.size() + last.size()) return false;
  if (!text.starts_with(first) || !text.ends_with(last)) return false;
  // The leftmost place for each piece leaves the most room for the rest.
  size_t at = first.size();
  const size_t end = text.size() - last.size();
  for (size_t i = 1; i + 1 < pieces.size(); i++) {
    const size_t from = at + gaps[i - 1];
    if (from > end) return false;
    const size_t found = text.substr(0, end).find(pieces[i], from);
    if (found == std::string_view::npos) return false;
    at = found + pieces[i].size();
  }
  return at + gaps.back() <= end;
}

bool GlobUnion::Matches(std::string_view text) const {
  for (const Glob& glob : globs) {
    if (glob.Matches(text)) return true;
  }
  return false;
}

bool GlobUnion::AllLiteral() const {
  return std::all_of(globs.begin(), globs.end(), [](const Glob& g) { return g.literal(); });
}

std::string GlobUnion::CommonPrefix() const {
  std::string_view prefix = globs[0].pieces[0];
  for (const Glob& glob : globs) {
    const std::string_view piece = glob.pieces[0];
    size_t n = 0;
    while (n < prefix.size() && n < piece.size() && prefix[n] == piece[n]) n++;
    prefix = prefix.substr(0, n);
  }
  return std::string(prefix);
}

GlobUnion AnalyzeRegex(std::string_view pattern) {
  RegexNode tree = ParseRegexTree(pattern);
  StripOuterAnchors(&tree);
  GlobUnion out = ExpandWithin(tree, kMaxRegexLiterals);
  if (out.globs.size() <= kMaxRegexGlobs || (out.exact && out.AllLiteral())) return out;
  return ExpandWithin(tree, kMaxRegexGlobs);
}

}  // namespace deucalion
