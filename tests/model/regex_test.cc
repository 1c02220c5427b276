#include "model/regex.h"

#include <gtest/gtest.h>
#include <re2/re2.h>

#include <random>
#include <thread>

#include "model/labels.h"
#include "model/regex_globs.h"

namespace deucalion {
namespace {

using testing::PrintToString;
using Strings = std::vector<std::string>;

Regex MustCompile(std::string_view pattern) {
  Result<Regex> regex = Regex::Compile(pattern);
  EXPECT_TRUE(regex.ok()) << pattern << ": " << regex.status().message();
  return *regex;
}

TEST(RegexTest, FindsTheLiteralsAPatternConsistsOf) {
  const std::pair<std::string, Strings> cases[] = {
      {"", {""}},
      {"foo", {"foo"}},
      {"foo|bar", {"bar", "foo"}},
      {"foo|bar|foo", {"bar", "foo"}},
      {"foo|", {"", "foo"}},
      {"^foo|bar$", {"bar", "foo"}},
      {"^(?:foo|ba[rz])$", {"bar", "baz", "foo"}},
      {"a\\.b|c\\-d", {"a.b", "c-d"}},
      {"(a|b)(c|d)?", {"a", "ac", "ad", "b", "bc", "bd"}},
      {"prod-(eu|us)-[1-3]",
       {"prod-eu-1", "prod-eu-2", "prod-eu-3", "prod-us-1", "prod-us-2", "prod-us-3"}},
      {"\\Qa.b|\\E", {"a.b|"}},
      {"\\x41\\x{e9}\\101",
       {"A\xc3\xa9"
        "A"}},
      {"[]a]", {"]", "a"}},
      {"[a-]", {"-", "a"}},
      {"(?P<n>a)(?:b)", {"ab"}},
      {"(?<n>a)", {"a"}},
      {"(?i)1_2", {"1_2"}},
      {"x{", {"x{"}},
      {"x{a}", {"x{a}"}},
      {"x{01}", {"x{01}"}},
      {"\xc3\xa9|\xf0\x9f\x98\x80?", {"", "\xc3\xa9", "\xf0\x9f\x98\x80"}},
      {"(?i)foo", {}},
      {"foo.*", {}},
      {"fo+", {}},
      {"a(?i)*", {}},
      {"ab(?i)?", {}},
      {"[^a]", {}},
      {"\\d", {}},
      {"a{2}", {}},
      {"a^b", {}},
      {"[a-z]{2}", {}},
      {"[[:alpha:]]", {}},
  };
  for (const auto& [pattern, want] : cases) {
    EXPECT_EQ(MustCompile(pattern).set_matches(), want) << pattern;
  }
}

TEST(RegexTest, FindsThePrefixOfEveryMatch) {
  const std::pair<std::string, std::string> cases[] = {
      {"foo.*", "foo"},
      {"foo.+bar", "foo"},
      {"(foo|foobar).*", "foo"},
      {"fo+", "fo"},
      {"fo*", "f"},
      {"(foo)+bar", "foo"},
      {".*foo", ""},
      {"^abc\\d+", "abc"},
      {"ab(?i)c", "ab"},
      {"a|ab", "a"},
      {"(?i:a)b", ""},
      {"a\\.b[^c]", "a.b"},
      {"\\Qa.b\\E.*", "a.b"},
      {"(foo|bar)x.*", ""},
      {"foo|foo\\d", "foo"},
      {"\xc3\xa9+", "\xc3\xa9"},
      {"ab(?i)*", ""},
      {"web-(a|b|c)-.*", "web-"},
  };
  for (const auto& [pattern, want] : cases) {
    EXPECT_EQ(MustCompile(pattern).prefix(), want) << pattern;
  }
}

TEST(RegexTest, KnowsThePatternsThatMatchEverything) {
  for (const char* pattern : {".*", "(.*)", "^.*$", "(?s).*", ".*.*", "(?:.*)", "(?s:.*)", ".*?"}) {
    EXPECT_TRUE(MustCompile(pattern).matches_everything()) << pattern;
    EXPECT_TRUE(MustCompile(pattern).matches_empty()) << pattern;
    EXPECT_TRUE(MustCompile(pattern).Matches("a\nb\xff")) << pattern;
  }
  for (const char* pattern : {".+", "(.+)", "^.+$", ".*.+"}) {
    EXPECT_TRUE(MustCompile(pattern).matches_any_nonempty()) << pattern;
    EXPECT_FALSE(MustCompile(pattern).matches_empty()) << pattern;
  }
  for (const char* pattern : {"", ".", ".?", "(?-s).*", "a*", ".+.+", "[^a]*", ".*a|.*"}) {
    EXPECT_FALSE(MustCompile(pattern).matches_everything()) << pattern;
    EXPECT_FALSE(MustCompile(pattern).matches_any_nonempty()) << pattern;
  }
}

TEST(RegexTest, IsAnchoredAtBothEndsAndDotMatchesNewline) {
  const struct {
    const char* pattern;
    const char* text;
    bool want;
  } cases[] = {
      {"foo", "foo", true},        {"foo", "foobar", false},
      {"foo", "xfoo", false},      {"foo.*", "foo\nbar", true},
      {"a|b", "ab", false},        {"(?i)FOO", "foo", true},
      {"fo{2}", "foo", true},      {".+", "", false},
      {".+x.+", "xxx", true},      {".+x.+", "xx", false},
      {"a.*a", "a", false},        {"a.*a", "aa", true},
      {"ab.*ba", "aba", false},    {".*a.*b.*", "xbxaxb", true},
      {".*a.*b.*", "xbxa", false}, {"a)|(b", "a", false},
  };
  for (const auto& c : cases) {
    Result<Regex> regex = Regex::Compile(c.pattern);
    if (!regex.ok()) continue;
    EXPECT_EQ(regex->Matches(c.text), c.want) << c.pattern << " on " << c.text;
  }
}

TEST(RegexTest, MistakesAreNamedAsGoNamesThem) {
  const std::pair<std::string, std::string> cases[] = {
      {"(", "missing closing ): `(`"},
      {"a(b", "missing closing ): `a(b`"},
      {"a)", "unexpected ): `a)`"},
      {"[a", "missing closing ]: `[a`"},
      {"a**", "invalid nested repetition operator: `**`"},
      {"*", "missing argument to repetition operator: `*`"},
      {"?a", "missing argument to repetition operator: `?`"},
      {"a{1001}", "invalid repeat count: `{1001}`"},
      {"(?=a)", "invalid or unsupported Perl syntax: `(?=`"},
      {"(?<=a)b", "invalid named capture: `(?<=a)b`"},
      {"(?P<a-b>x)", "invalid named capture: `(?P<a-b>`"},
      {"\\", "trailing backslash at end of expression: ``"},
      {"\\8", "invalid escape sequence: `\\8`"},
      {"a\\C", "invalid escape sequence: `\\C`"},
      {"[b-a]", "invalid character class range: `b-a`"},
      {"\\pX", "invalid character class range: `\\pX`"},
      {"ab\xff"
       "c",
       "invalid UTF-8: `\xff"
       "c`"},
      {"((a{100}){100}){100}", "invalid repeat count: `{100}`"},
  };
  for (const auto& [pattern, want] : cases) {
    const Result<Regex> regex = Regex::Compile(pattern);
    ASSERT_FALSE(regex.ok()) << pattern;
    EXPECT_EQ(regex.status().message(), "error parsing regexp: " + want);
  }
}

TEST(RegexTest, RefusesProgramsBeyondTheMemoryBudget) {
  const Result<Regex> regex = Regex::Compile("(\\pL{500}){2}(\\pN{500}){2}x*");
  ASSERT_FALSE(regex.ok());
  EXPECT_EQ(regex.status().message(),
            "error parsing regexp: expression too large: `(\\pL{500}){2}(\\pN{500}){2}x*`");
}

TEST(RegexTest, LargeAlternationsOfLiteralsNeedNoAutomaton) {
  std::string pattern;
  for (int i = 0; i < 50000; i++) pattern += "instance-" + std::to_string(i) + "|";
  pattern += "last";
  const Regex regex = MustCompile(pattern);
  EXPECT_TRUE(regex.set_matches().empty());
  EXPECT_TRUE(regex.Matches("instance-49999"));
  EXPECT_TRUE(regex.Matches("last"));
  EXPECT_FALSE(regex.Matches("instance-50000"));
}

TEST(RegexTest, DeepNestingIsAnErrorOrWorksButNeverOverflows) {
  for (const size_t depth : {50u, 150u, 900u, 5000u, 100000u}) {
    const std::string pattern = std::string(depth, '(') + "a" + std::string(depth, ')');
    const Result<Regex> regex = Regex::Compile(pattern);
    if (regex.ok()) {
      EXPECT_TRUE(regex->Matches("a"));
      EXPECT_FALSE(regex->Matches("b"));
    }
  }
}

TEST(RegexExpandTest, FollowsGosTemplates) {
  const struct {
    const char* pattern;
    const char* text;
    const char* replacement;
    const char* want;  // null: no match
  } cases[] = {
      {"(.*)", "abc", "$1", "abc"},
      {"(.*)", "abc", "x-${1}-y", "x-abc-y"},
      {"(.*)", "abc", "$1x", ""},
      {"(.*)", "abc", "$2", ""},
      {"(.*)", "abc", "$0$$", "abc$"},
      {"(.*):(\\d+)", "host:80", "$2 $1", "80 host"},
      {"(.*):(\\d+)", "host", "$2", nullptr},
      {"(?P<h>.*):(?<p>\\d+)", "host:80", "${p}.$h", "80.host"},
      {"(?P<h>.*):(?<p>\\d+)", "host:80", "$hx-$nope-", "--"},
      {"(a)|(b)", "b", "[$1][$2]", "[][b]"},
      {"a|b", "a", "got $0$1", "got a"},
      {"(a|b)", "a", "got $1", "got a"},
      {"foo.*", "foobar", "$0", "foobar"},
      {"foo(.*)", "foobar", "$1 ${1 $", "bar ${1 $"},
      {"foo(.*)", "foobar", "$ $- ${} $", "$ $- ${} $"},
      {"foo(.*)", "foobar", "$01-${001}", "-"},
      {"foo(.*)", "foobar", "$1\xe2\x86\x92$1\xc3\xa9", "bar\xe2\x86\x92"},
      {"foo(.*)", "bar", "constant", nullptr},
      {"foo(.*)", "foo", "constant", "constant"},
      {"()()()()()()()()()()()()()()()()()(x)", "x", "$18", "x"},
  };
  for (const auto& c : cases) {
    std::string out = "old";
    const bool matched = MustCompile(c.pattern).Expand(c.text, c.replacement, &out);
    EXPECT_EQ(matched, c.want != nullptr) << c.pattern;
    EXPECT_EQ(out, c.want ? c.want : "old") << c.pattern << " " << c.replacement;
  }
}

TEST(RegexExpandTest, ManyThreadsMayBuildTheAutomatonAtOnce) {
  const Regex regex = MustCompile("(a|b)x");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; i++) {
    threads.emplace_back([&regex] {
      std::string out;
      EXPECT_TRUE(regex.Expand("ax", "$1", &out));
      EXPECT_EQ(out, "a");
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// Random patterns from a grammar that mixes everything the analysis looks at.
class PatternMaker {
 public:
  explicit PatternMaker(uint32_t seed) : random_(seed) {}
  std::string Pattern() { return Alternate(0); }
  std::string Text() {
    std::string text;
    for (size_t n = random_() % 7; n > 0; n--) text += Pick(kRunes);
    return text;
  }

 private:
  static constexpr const char* kRunes[] = {
      "a", "b", "c", "A", "k", "-", "1", ".", "\n", "\xc3\xa9", "\xe2\x84\xaa", "\xf0\x9f\x98\x80",
      "]", "{"};
  static constexpr const char* kAtoms[] = {
      "a",        "b",      "c",       "ab",   "k",           "-",
      "1",        "\\.",    ".",       ".*",   ".+",          ".*?",
      "[ab]",     "[^a]",   "[a-c1]",  "[]a]", "[\\]a-]",     "\\d",
      "\\w",      "\\x61",  "\\x{e9}", "\\n",  "\xc3\xa9",    "\xf0\x9f\x98\x80",
      "\\Qa.\\E", "\\Q\\E", "{",       "a{2}", "b{0,1}",      "\\b",
      "^",        "$",      "\\A",     "\\z",  "(?i)",        "(?-i)",
      "(?-s)",    "(?s)",   "(?m)",    "(?U)", "[[:digit:]]", "\\pL",
      "\\p{Lu}",  "\\101",  "[a\\-c]", "\\]"};

  template <size_t N>
  const char* Pick(const char* const (&list)[N]) {
    return list[random_() % N];
  }

  std::string Alternate(int depth) {
    std::string out = Concat(depth);
    while (random_() % 4 == 0) out += "|" + Concat(depth);
    return out;
  }
  std::string Concat(int depth) {
    std::string out;
    for (size_t n = random_() % 5; n > 0; n--) {
      if (depth < 3 && random_() % 5 == 0) {
        static constexpr const char* kOpen[] = {"(", "(?:", "(?i:", "(?P<n>", "(?-s:"};
        out += Pick(kOpen) + Alternate(depth + 1) + ")";
      } else {
        out += Pick(kAtoms);
      }
      static constexpr const char* kRepeat[] = {"*", "+", "?", "{2}", "{1,}", "*?", "??"};
      if (random_() % 6 == 0) out += Pick(kRepeat);
    }
    return out;
  }

  std::mt19937 random_;
};

TEST(RegexTest, AgreesWithPlainRe2OnRandomPatterns) {
  PatternMaker maker(20240607);
  RE2::Options options;
  options.set_log_errors(false);
  int compiled = 0, exact = 0;
  for (int i = 0; i < 10000; i++) {
    const std::string pattern = maker.Pattern();
    const RE2 plain(pattern, options);  // validity, before the wrapping can close what it left open
    const RE2 wrapped("^(?s:" + pattern + ")$", options);
    const Result<Regex> regex = Regex::Compile(pattern);
    ASSERT_EQ(regex.ok(), plain.ok()) << PrintToString(pattern);
    if (!regex.ok() || !wrapped.ok()) continue;
    compiled++;
    exact += AnalyzeRegex(pattern).exact;
    for (const std::string& literal : regex->set_matches()) {
      ASSERT_TRUE(RE2::FullMatch(literal, wrapped)) << PrintToString(pattern);
    }
    for (int k = 0; k < 20; k++) {
      const std::string text = maker.Text();
      const bool want = RE2::FullMatch(text, wrapped);
      ASSERT_EQ(regex->Matches(text), want)
          << PrintToString(pattern) << " on " << PrintToString(text);
      if (want) {
        ASSERT_TRUE(text.starts_with(regex->prefix())) << PrintToString(pattern);
      }
    }
    ASSERT_EQ(regex->matches_empty(), RE2::FullMatch("", wrapped)) << PrintToString(pattern);
  }
  EXPECT_GT(compiled, 3000);
  EXPECT_GT(exact, 300);
}

TEST(RegexTest, AnyBytesAreRefusedOrCompiledButNeverCrash) {
  std::mt19937 random(5);
  constexpr std::string_view kBytes = "ab()[]{}|*+?\\.^$-:<>P?iQEx0127\xff\xc3\xa9";
  for (int i = 0; i < 50000; i++) {
    std::string pattern(random() % 12, 'a');
    for (char& c : pattern) c = kBytes[random() % kBytes.size()];
    const Result<Regex> regex = Regex::Compile(pattern);
    if (!regex.ok()) continue;
    std::string out;
    regex->Matches("ab\xff\xc3");
    regex->Expand("ab\xff\xc3", "$1${n}\xff$", &out);
  }
}

}  // namespace
}  // namespace deucalion
