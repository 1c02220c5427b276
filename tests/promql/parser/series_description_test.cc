#include "promql/parser/series_description.h"

#include <gtest/gtest.h>

#include <string>

#include "model/value.h"

namespace deucalion::promql {
namespace {

std::string TextOrError(std::string_view text) {
  Result<SeriesDescription> got = ParseSeriesDescription(text);
  if (!got.ok()) return got.status().message();
  std::string out = got->labels.ToString();
  for (const SequenceValue& v : got->values) {
    out += ' ';
    if (v.omitted) {
      out += '_';
    } else if (v.histogram != nullptr) {
      out += v.histogram->TestExpression() + (v.reset_hint_set ? "!" : "");
    } else {
      out += IsStaleNan(v.value) ? "stale" : FormatFloatG(v.value);
    }
  }
  return out;
}

TEST(SeriesDescriptionTest, ReadsLabelsAndFloats) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"up", "up"},
      {"up ", "up"},
      {"{} 1", "{} 1"},
      {"sum{by=\"x\"} 1", "sum{by=\"x\"} 1"},
      {"a:b{c='d',} -1.5 +2 .5 1e3 1_000", "a:b{c=\"d\"} -1.5 2 0.5 1000 1000"},
      {"{\"my metric\", \"l l\"=\"x\"} 1", "{\"my metric\", \"l l\"=\"x\"} 1"},
      {"up _ _x2 1", "up _ _ _ 1"},
      {"up 1x2 0+10x2 5-2.5x1 -1+1x1 1e-3x1", "up 1 1 1 0 10 20 5 2.5 -1 0 0.001 0.001"},
      {"up stale Inf -Inf +inf NaN", "up stale +Inf -Inf +Inf NaN"},
      {"up 010 1x0", "up 8 1"},
      {"stale 1", "stale 1"},
  };
  for (const auto& [text, want] : cases) EXPECT_EQ(TextOrError(text), want) << text;
}

TEST(SeriesDescriptionTest, ReadsHistograms) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"h {{}} {{ }}", "h {{}} {{}}"},
      {"h {{schema:1 sum:-0.3 count:3.1 z_bucket:7.1 z_bucket_w:0.05 buckets:[5.1 10 7] "
       "offset:-3 n_buckets:[4.1 5] n_offset:-5 counter_reset_hint:gauge}}",
       "h {{schema:1 count:3.1 sum:-0.3 z_bucket:7.1 z_bucket_w:0.05 counter_reset_hint:gauge "
       "offset:-3 buckets:[5.1 10 7] n_offset:-5 n_buckets:[4.1 5]}}!"},
      {"h {{schema:-53 count:3 sum:5 custom_values:[5 10] buckets:[1 2]}}",
       "h {{schema:-53 count:3 sum:5 custom_values:[5 10] buckets:[1 2]}}"},
      {"h {{count:1 buckets:[1]}}x1 1", "h {{count:1 buckets:[1]}} {{count:1 buckets:[1]}} 1"},
      {"h {{count:1 buckets:[1]}}+{{count:2 buckets:[2]}}x1",
       "h {{count:1 buckets:[1]}} {{count:3 buckets:[3]}}"},
      {"h {{sum:NaN count:Inf}}", "h {{count:+Inf sum:NaN}}"},
  };
  for (const auto& [text, want] : cases) EXPECT_EQ(TextOrError(text), want) << text;
}

TEST(SeriesDescriptionTest, RefusesWhatItCannotRead) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"up 1+2", "1:7: parse error: unexpected end of input in series values"},
      {"up foo",
       "1:4: parse error: unexpected identifier \"foo\" in series values, expected number or "
       "\"stale\""},
      {"up 1x", "1:6: parse error: invalid repetition in series values: \"\""},
      {"up 1x99999999999", "1:17: parse error: more than 10000000 values in one series"},
      {"up 0x1f", "1:7: parse error: unexpected \"f\" in series values"},
      {"up 1 # why", "1:6: parse error: unexpected \"#\" in series values"},
      {"up{a='b' 1", "1:10: parse error: unexpected character inside braces: '1'"},
      {"h {{schema:1 schema:2}}", "1:21: parse error: duplicate key \"schema\" in histogram"},
      {"h {{foo:1}}", "1:5: parse error: bad histogram descriptor found: \"foo\""},
      {"h {{sum:1",
       "1:10: parse error: unexpected character in histogram description, expected "
       "histogram description key, e.g. buckets:[5 10 7]"},
      {"h {{schema:2}}+{{schema:1}}x1",
       "1:30: parse error: error combining histograms: cannot merge from schema 1 to 2"},
      {"h {{offset:99999999999}}", "1:23: parse error: integer out of range"},
  };
  for (const auto& [text, want] : cases) EXPECT_EQ(TextOrError(text), want) << text;
}

}  // namespace
}  // namespace deucalion::promql
