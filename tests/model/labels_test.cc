#include "model/labels.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace deucalion {
namespace {

TEST(LabelsTest, SortsByNameDropsEmptyValuesAndLetsLaterPairsWin) {
  const Labels labels{{"b", "2"}, {"a", "1"}, {"c", ""}, {"b", "3"}};
  EXPECT_EQ(labels.size(), 2u);
  EXPECT_EQ(labels.Get("a"), "1");
  EXPECT_EQ(labels.Get("b"), "3");
  EXPECT_EQ(labels.Get("c"), "");
  EXPECT_FALSE(labels.Has("c"));
  EXPECT_FALSE(labels.Has(""));
  EXPECT_EQ(labels, (Labels{{"a", "1"}, {"b", "3"}}));
}

TEST(LabelsTest, BytesAreLengthPrefixedNamesAndValues) {
  const Labels labels{{"a", "bc"}};
  EXPECT_EQ(labels.bytes(), std::string("\1a\2bc"));
  const std::string long_value(300, 'x');
  const Labels long_labels{{"a", long_value}};
  EXPECT_EQ(long_labels.bytes(), std::string("\1a\xff\x2c\x01\x00", 6) + long_value);
  EXPECT_EQ(long_labels.Get("a"), long_value);
  for (const size_t n : {254u, 255u, 256u, 65535u, 65536u}) {
    const Labels l{{"v", std::string(n, 'y')}, {"w", "z"}};
    EXPECT_EQ(l.Get("v").size(), n);
    EXPECT_EQ(l.Get("w"), "z");
    EXPECT_TRUE(CheckEncodedLabels(l.bytes()));
  }
}

TEST(LabelsTest, PrintsTheMetricNameBeforeTheBraces) {
  const struct {
    Labels labels;
    std::string want;
    std::string want_brace;
  } cases[] = {
      {{}, "{}", "{}"},
      {{{"__name__", "up"}}, "up", "{__name__=\"up\"}"},
      {{{"__name__", "up"}, {"a", "b"}}, "up{a=\"b\"}", "{__name__=\"up\", a=\"b\"}"},
      {{{"a", "b"}, {"c", "d\n\""}}, "{a=\"b\", c=\"d\\n\\\"\"}", "{a=\"b\", c=\"d\\n\\\"\"}"},
      {{{"__name__", "my.up"}, {"x.y", "b"}},
       "{\"my.up\", \"x.y\"=\"b\"}",
       "{__name__=\"my.up\", \"x.y\"=\"b\"}"},
      {{{"__name__", "my.up"}}, "{\"my.up\"}", "{__name__=\"my.up\"}"},
      {{{"a:b", "c"}}, "{\"a:b\"=\"c\"}", "{\"a:b\"=\"c\"}"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(c.labels.ToString(), c.want);
    EXPECT_EQ(c.labels.view().ToBraceString(), c.want_brace);
  }
}

TEST(LabelsTest, CheckEncodedLabelsRefusesWhatCannotBeWalked) {
  const struct {
    std::string bytes;
    bool want;
  } cases[] = {
      {"", true},
      {std::string("\1a\1b"), true},
      {std::string("\1a\1b\1c\1d"), true},
      {std::string("\1a"), false},
      {std::string("\1a\2b"), false},
      {std::string("\0", 1), false},
      {std::string("\1a\0", 3), false},
      {std::string("\0\1a", 3), false},
      {std::string("\1b\1x\1a\1x"), false},
      {std::string("\1a\1x\1a\1y"), false},
      {std::string("\xff"), false},
      {std::string("\xff\xff\xff\xff"), false},
      {std::string("\1a\xff\1\0\0b", 7), false},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(CheckEncodedLabels(c.bytes), c.want) << testing::PrintToString(c.bytes);
  }
}

std::vector<std::pair<std::string, std::string>> Pairs(LabelsView view) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const Label& l : view) pairs.emplace_back(l.name, l.value);
  return pairs;
}

Labels RandomLabels(std::mt19937& random) {
  LabelsBuilder builder;
  const int n = static_cast<int>(random() % 5);
  const auto piece = [&] {
    const size_t size = random() % 20 == 0 ? 253 + random() % 6 : 1 + random() % 3;
    std::string s(size, 'a');
    for (char& c : s) c = random() % 3 == 0 ? '\xf0' : static_cast<char>('a' + random() % 2);
    return s;
  };
  for (int i = 0; i < n; i++) builder.Set(piece(), piece());
  return builder.Build();
}

TEST(LabelsTest, CompareAgreesWithComparingPairsInTurn) {
  std::mt19937 random(1);
  for (int i = 0; i < 20000; i++) {
    const Labels a = RandomLabels(random);
    const Labels b = random() % 4 == 0 ? a : RandomLabels(random);
    const auto want = Pairs(a) <=> Pairs(b);
    EXPECT_EQ((a <=> b) < 0, want < 0) << a.ToString() << " vs " << b.ToString();
    EXPECT_EQ((a <=> b) > 0, want > 0) << a.ToString() << " vs " << b.ToString();
    EXPECT_EQ(a == b, want == 0);
  }
}

TEST(LabelsTest, KeepAndDropAgreeWithTheBuilder) {
  std::mt19937 random(2);
  Labels got;
  for (int i = 0; i < 5000; i++) {
    const Labels labels = RandomLabels(random);
    std::vector<std::string> names;
    for (const Label& l : labels) {
      if (random() % 2) names.emplace_back(l.name);
    }
    if (random() % 2) names.push_back("absent");
    if (random() % 2) names.push_back("\xff\xff");
    std::sort(names.begin(), names.end());
    KeepLabels(labels, names, &got);
    EXPECT_EQ(got, LabelsBuilder(labels).Keep(names).Build());
    DropLabels(labels, names, &got);
    LabelsBuilder dropped(labels);
    for (const std::string& name : names) dropped.Delete(name);
    EXPECT_EQ(got, dropped.Build());
  }
}

TEST(LabelsTest, GetFindsEveryNameAndNoOther) {
  std::mt19937 random(3);
  for (int i = 0; i < 5000; i++) {
    const Labels labels = RandomLabels(random);
    std::map<std::string, std::string> want;
    for (const auto& [name, value] : Pairs(labels)) want[name] = value;
    for (const auto& [name, value] : want) EXPECT_EQ(labels.Get(name), value);
    for (const char* name : {"a", "b", "aa", "ab", "\xf0", "z", ""}) {
      EXPECT_EQ(labels.Get(name), want.count(name) ? want[name] : "");
    }
    EXPECT_EQ(labels.size(), want.size());
  }
}

TEST(LabelsBuilderTest, SettingAnEmptyValueDeletes) {
  LabelsBuilder builder(Labels{{"a", "1"}, {"b", "2"}});
  builder.Set("a", "").Set("c", "3").Delete("zz");
  EXPECT_EQ(builder.Get("a"), "");
  EXPECT_EQ(builder.Get("c"), "3");
  EXPECT_EQ(builder.Build(), (Labels{{"b", "2"}, {"c", "3"}}));
  builder.Reset();
  EXPECT_TRUE(builder.Build().empty());
}

TEST(LabelNamesTest, LegacyAndUtf8RulesDiffer) {
  EXPECT_TRUE(IsLegacyMetricName("a:b_1"));
  EXPECT_FALSE(IsLegacyLabelName("a:b_1"));
  EXPECT_TRUE(IsLegacyLabelName("_a1"));
  for (const char* bad : {"", "1a", "a-b", "a.b", "\xc3\xa9"}) {
    EXPECT_FALSE(IsLegacyMetricName(bad)) << bad;
  }
  EXPECT_TRUE(IsValidLabelName("a.b \xc3\xa9 \xf0\x9f\x98\x80"));
  EXPECT_FALSE(IsValidLabelName(""));
  for (const char* bad : {"\xff", "a\xc3", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80",
                          "\xf4\x90\x80\x80", "\xf0\x80\x80\x80", "a\xc5z"}) {
    EXPECT_FALSE(IsValidUtf8(bad)) << testing::PrintToString(bad);
  }
}

}  // namespace
}  // namespace deucalion
