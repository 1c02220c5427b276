#include "model/metadata.h"

#include <gtest/gtest.h>

namespace deucalion {
namespace {

TEST(MetricKindTest, EveryKindReadsBackFromItsText) {
  for (int i = 0; i <= static_cast<int>(MetricKind::kStateset); i++) {
    const auto kind = static_cast<MetricKind>(i);
    EXPECT_EQ(ParseMetricKind(MetricKindText(kind)), kind);
  }
  EXPECT_EQ(MetricKindText(MetricKind::kGaugeHistogram), "gaugehistogram");
}

TEST(MetricKindTest, AnythingElseIsUnknown) {
  for (const char* text : {"", "untyped", "Counter", "x"}) {
    EXPECT_EQ(ParseMetricKind(text), MetricKind::kUnknown);
  }
}

}  // namespace
}  // namespace deucalion
