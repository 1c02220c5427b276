#include "promql/parser/token.h"

#include <algorithm>
#include <array>

#include "model/utf8.h"
#include "model/value.h"

namespace deucalion::promql {
namespace {

struct Keyword {
  std::string_view word;
  TokenKind kind;
};

using K = TokenKind;
constexpr std::array<Keyword, 39> kKeywords = {{
    {"anchored", K::kAnchored},
    {"and", K::kAnd},
    {"atan2", K::kAtan2},
    {"avg", K::kAvg},
    {"bool", K::kBool},
    {"bottomk", K::kBottomk},
    {"by", K::kBy},
    {"count", K::kCount},
    {"count_values", K::kCountValues},
    {"end", K::kEnd},
    {"fill", K::kFill},
    {"fill_left", K::kFillLeft},
    {"fill_right", K::kFillRight},
    {"group", K::kGroup},
    {"group_left", K::kGroupLeft},
    {"group_right", K::kGroupRight},
    {"ignoring", K::kIgnoring},
    {"inf", K::kNumber},
    {"limit_ratio", K::kLimitRatio},
    {"limitk", K::kLimitk},
    {"max", K::kMax},
    {"max_of", K::kMaxOf},
    {"min", K::kMin},
    {"min_of", K::kMinOf},
    {"nan", K::kNumber},
    {"offset", K::kOffset},
    {"on", K::kOn},
    {"or", K::kOr},
    {"quantile", K::kQuantile},
    {"range", K::kRange},
    {"smoothed", K::kSmoothed},
    {"start", K::kStart},
    {"stddev", K::kStddev},
    {"stdvar", K::kStdvar},
    {"step", K::kStep},
    {"sum", K::kSum},
    {"topk", K::kTopk},
    {"unless", K::kUnless},
    {"without", K::kWithout},
}};
constexpr size_t kKeywordCount = kKeywords.size();
constexpr size_t kLongestKeyword = 12;  // count_values

constexpr bool KeywordsAreSorted() {
  for (size_t i = 1; i < kKeywordCount; ++i) {
    if (!(kKeywords[i - 1].word < kKeywords[i].word)) return false;
  }
  return true;
}
static_assert(KeywordsAreSorted());

std::string_view KindName(TokenKind kind) {
  switch (kind) {
    case K::kIdentifier:
      return "identifier ";
    case K::kMetricIdentifier:
      return "metric identifier ";
    case K::kString:
      return "string ";
    case K::kNumber:
      return "number ";
    case K::kDuration:
      return "duration ";
    default:
      return "";
  }
}

// Quoted; beyond ten characters the first ten and an ellipsis.
std::string QuoteShort(std::string_view text) {
  if (text.size() <= 10) return GoQuote(text);
  size_t n = 0;
  for (int runes = 0; runes < 10 && n < text.size(); ++runes) n += DecodeUtf8(text.substr(n)).size;
  return GoQuote(text.substr(0, n)) + "...";
}

}  // namespace

TokenKind KeywordKind(std::string_view word) {
  if (word.size() > kLongestKeyword) return K::kIdentifier;
  char lower[kLongestKeyword];
  std::ranges::transform(
      word, lower, [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  const std::string_view key(lower, word.size());
  const auto end = kKeywords.begin() + kKeywordCount;
  const auto it = std::lower_bound(kKeywords.begin(), end, key,
                                   [](const Keyword& k, std::string_view w) { return k.word < w; });
  return it != end && it->word == key ? it->kind : K::kIdentifier;
}

std::vector<std::string_view> Keywords() {
  std::vector<std::string_view> words;
  for (const Keyword& k : kKeywords) {
    if (IsKeyword(k.kind)) words.push_back(k.word);
  }
  return words;
}

std::string DescribeToken(TokenKind kind, std::string_view text) {
  if (kind == K::kEof) return "end of input";
  if (IsKeyword(kind)) return "<" + std::string(text) + ">";
  if (IsOperator(kind)) return "<op:" + std::string(text) + ">";
  if (IsAggregation(kind)) return "<aggr:" + std::string(text) + ">";
  const bool whole = kind == K::kIdentifier || kind == K::kMetricIdentifier;
  return std::string(KindName(kind)) + (whole ? GoQuote(text) : QuoteShort(text));
}

}  // namespace deucalion::promql
