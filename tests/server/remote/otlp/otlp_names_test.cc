#include "server/remote/otlp/otlp_names.h"

#include <gtest/gtest.h>

namespace deucalion::remote {
namespace {

OtlpMetric Metric(std::string name, std::string unit, OtlpKind kind, bool monotonic = false) {
  return {.name = std::move(name),
          .description = "",
          .unit = std::move(unit),
          .kind = kind,
          .monotonic = monotonic};
}

std::string Name(const char* strategy, const OtlpMetric& metric) {
  config::OtlpConfig config;
  config.translation_strategy = strategy;
  const auto name = OtlpNamer(config).MetricName(metric);
  return name.ok() ? *name : "error: " + name.status().message();
}

TEST(OtlpNamesTest, NamesByStrategy) {
  constexpr auto kGauge = OtlpKind::kGauge, kSum = OtlpKind::kSum;
  const struct {
    OtlpMetric metric;
    const char *escaped_with, *escaped_without, *utf8_with, *as_it_is;
  } cases[] = {
      {Metric("system.io", "By", kSum, true), "system_io_bytes_total", "system_io",
       "system.io_bytes_total", "system.io"},
      {Metric("network.received_bytes", "By", kGauge), "network_received_bytes",
       "network_received_bytes", "network.received_bytes", "network.received_bytes"},
      {Metric("http.duration", "s", OtlpKind::kHistogram), "http_duration_seconds", "http_duration",
       "http.duration_seconds", "http.duration"},
      {Metric("speed", "m/s", kGauge), "speed_meters_per_second", "speed",
       "speed_meters_per_second", "speed"},
      {Metric("a.total", "1", kSum, true), "a_total", "a_total", "a_total", "a.total"},
      {Metric("used", "1", kGauge), "used_ratio", "used", "used_ratio", "used"},
      {Metric("count", "{packets}/s", kGauge), "count_per_second", "count", "count_per_second",
       "count"},
      {Metric("odd", "{x}", kSum, false), "odd", "odd", "odd", "odd"},
      {Metric("1st.rate", "", kGauge), "_1st_rate", "_1st_rate", "1st.rate", "1st.rate"},
      {Metric("a__b", "", kGauge), "a_b", "a__b", "a__b", "a__b"},
      {Metric("temperature", "°F", kGauge), "temperature_F", "temperature", "temperature_°F",
       "temperature"},
      {Metric("foo.x", "foo/bar", kGauge), "foo_x_per_bar", "foo_x", "foo.x_foo_per_bar", "foo.x"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(Name("UnderscoreEscapingWithSuffixes", c.metric), c.escaped_with);
    EXPECT_EQ(Name("UnderscoreEscapingWithoutSuffixes", c.metric), c.escaped_without);
    EXPECT_EQ(Name("NoUTF8EscapingWithSuffixes", c.metric), c.utf8_with);
    EXPECT_EQ(Name("NoTranslation", c.metric), c.as_it_is);
  }
  EXPECT_EQ(Name("UnderscoreEscapingWithSuffixes", Metric("", "", kGauge)),
            "error: normalization for metric \"\" resulted in empty name");
  EXPECT_EQ(Name("UnderscoreEscapingWithSuffixes", Metric("...", "", kGauge)),
            "error: normalization for metric \"...\" resulted in empty name");
}

TEST(OtlpNamesTest, LabelsOfAttributes) {
  config::OtlpConfig config;
  const auto name = [&](std::string_view attribute) {
    const auto got = OtlpNamer(config).LabelName(attribute);
    return got.ok() ? *got : "error: " + got.status().message();
  };
  EXPECT_EQ(name("http.method"), "http_method");
  EXPECT_EQ(name("a..b"), "a__b");
  EXPECT_EQ(name("1a"), "key_1a");
  EXPECT_EQ(name("_a"), "key_a");
  EXPECT_EQ(name("__a"), "__a");
  EXPECT_EQ(name("é"), "key_");
  EXPECT_EQ(name(""), "error: normalization for label name \"\" resulted in empty name");
  config.label_name_underscore_sanitization = false;
  config.label_name_preserve_multiple_underscores = false;
  EXPECT_EQ(name("_a"), "_a");
  EXPECT_EQ(name("a..__b"), "a_b");
  EXPECT_EQ(name("__a..b__"), "__a_b__");
  EXPECT_EQ(name("é"), "error: normalization for label name \"é\" resulted in invalid name \"_\"");
  config.translation_strategy = "NoTranslation";
  EXPECT_EQ(name("http.méthod"), "http.méthod");
}

TEST(OtlpNamesTest, Units) {
  const OtlpNamer namer{config::OtlpConfig()};
  EXPECT_EQ(namer.Unit("By/s"), "bytes_per_second");
  EXPECT_EQ(namer.Unit("ms"), "milliseconds");
  EXPECT_EQ(namer.Unit("1"), "");
  EXPECT_EQ(namer.Unit("{requests}"), "");
  EXPECT_EQ(namer.Unit(" requests / h "), "requests_per_hour");
}

}  // namespace
}  // namespace deucalion::remote
