#include "model/value.h"

#include <gtest/gtest.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <random>

namespace deucalion {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

TEST(FloatFormatTest, EqualsGoForEveryFormat) {
  const struct {
    double v;
    std::string f, g, e, json;
  } cases[] = {
      {0, "0", "0", "0e+00", "0"},
      {-0.0, "-0", "-0", "-0e+00", "-0"},
      {1, "1", "1", "1e+00", "1"},
      {1.5, "1.5", "1.5", "1.5e+00", "1.5"},
      {-12.125, "-12.125", "-12.125", "-1.2125e+01", "-12.125"},
      {0.1, "0.1", "0.1", "1e-01", "0.1"},
      {0.001, "0.001", "0.001", "1e-03", "0.001"},
      {0.0001, "0.0001", "0.0001", "1e-04", "0.0001"},
      {0.00001, "0.00001", "1e-05", "1e-05", "0.00001"},
      {0.000001, "0.000001", "1e-06", "1e-06", "0.000001"},
      {1e-7, "0.0000001", "1e-07", "1e-07", "1e-07"},
      {123456, "123456", "123456", "1.23456e+05", "123456"},
      {1e6, "1000000", "1e+06", "1e+06", "1000000"},
      {1234567.5, "1234567.5", "1.2345675e+06", "1.2345675e+06", "1234567.5"},
      {1e20, "100000000000000000000", "1e+20", "1e+20", "100000000000000000000"},
      {1e21, "1000000000000000000000", "1e+21", "1e+21", "1e+21"},
      {1e23, "100000000000000000000000", "1e+23", "1e+23", "1e+23"},
      {9007199254740993.0, "9007199254740992", "9.007199254740992e+15", "9.007199254740992e+15",
       "9007199254740992"},
      {0.30000000000000004, "0.30000000000000004", "0.30000000000000004", "3.0000000000000004e-01",
       "0.30000000000000004"},
      {1e100, "1" + std::string(100, '0'), "1e+100", "1e+100", "1e+100"},
      {5e-324, "0." + std::string(323, '0') + "5", "5e-324", "5e-324", "5e-324"},
      {NormalNan(), "NaN", "NaN", "NaN", "NaN"},
      {kInf, "+Inf", "+Inf", "+Inf", "+Inf"},
      {-kInf, "-Inf", "-Inf", "-Inf", "-Inf"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(FormatFloatF(c.v), c.f);
    EXPECT_EQ(FormatFloatG(c.v), c.g);
    EXPECT_EQ(FormatFloatE(c.v), c.e);
    std::string json;
    AppendFloatJson(&json, c.v);
    EXPECT_EQ(json, c.json);
  }
}

// The plain way: shortest scientific digits, laid out by hand.
std::string ObviousFixed(double v) {
  char buf[64];
  const auto end =
      std::to_chars(buf, buf + sizeof(buf), std::fabs(v), std::chars_format::scientific);
  const std::string text(buf, end.ptr);
  const size_t e = text.find('e');
  std::string digits = text.substr(0, e);
  std::erase(digits, '.');
  const int point = std::stoi(text.substr(e + 1)) + 1;
  std::string out = std::signbit(v) ? "-" : "";
  if (point <= 0) {
    return out + "0." + std::string(static_cast<size_t>(-point), '0') + digits;
  }
  const auto p = static_cast<size_t>(point);
  if (digits.size() <= p) return out + digits + std::string(p - digits.size(), '0');
  return out + digits.substr(0, p) + "." + digits.substr(p);
}

double RandomValue(std::mt19937_64& random) {
  switch (random() % 6) {
    case 0:
      return std::bit_cast<double>(random());
    case 1:
      return static_cast<double>(static_cast<int64_t>(random()) >> (random() % 64));
    case 2:
      return static_cast<double>(static_cast<int64_t>(random()) >> (20 + random() % 44)) / 1000;
    case 3:
      return static_cast<double>(random() % 10000000000) / 100;
    case 4:
      return std::ldexp(1.0, static_cast<int>(random() % 200) - 60);
    default:
      return std::nextafter(static_cast<double>(random() % 1000000) / 1000, 1e9);
  }
}

TEST(FloatFormatTest, FastPathsAgreeWithThePlainWay) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 300000; i++) {
    const double v = RandomValue(random);
    if (!std::isfinite(v) || v == 0) continue;
    ASSERT_EQ(FormatFloatF(v), ObviousFixed(v)) << std::bit_cast<uint64_t>(v);
  }
}

TEST(FloatFormatTest, EveryFormatReadsBackAsTheSameBits) {
  std::mt19937_64 random(8);
  for (int i = 0; i < 100000; i++) {
    const double v = RandomValue(random);
    if (std::isnan(v)) continue;
    for (const std::string& text : {FormatFloatF(v), FormatFloatG(v), FormatFloatE(v)}) {
      double back = 0;
      ASSERT_TRUE(ParseFloatFast(text, &back)) << text;
      ASSERT_EQ(std::bit_cast<uint64_t>(back), std::bit_cast<uint64_t>(v)) << text;
    }
  }
}

// Go's shortest form without anything of ours or of to_chars: the fewest digits that read back,
// found by printf and strtod one digit at a time. Of several such numbers the one nearest to `v`.
struct DecimalForm {
  std::string digits;
  int exponent = 0;  // value = D.IGITS * 10^exponent
};
DecimalForm FewestDigits(double magnitude) {
  for (int count = 1; count <= 17; count++) {
    char printed[48];
    snprintf(printed, sizeof(printed), "%.*e", count - 1, magnitude);
    DecimalForm form;
    const std::string text(printed);
    const size_t e = text.find('e');
    for (const char c : text.substr(0, e)) {
      if (c != '.') form.digits += c;
    }
    form.exponent = atoi(text.c_str() + e + 1);
    // Beside a power of two the interval is lopsided: the neighbour may read back where the nearest
    // does not.
    const long long nearest = atoll(form.digits.c_str());
    for (const long long digits : {nearest, nearest + 1, nearest - 1}) {
      DecimalForm candidate = form;
      candidate.digits = std::to_string(digits);
      if (static_cast<int>(candidate.digits.size()) != count) continue;
      const std::string whole =
          candidate.digits + "e" + std::to_string(candidate.exponent - (count - 1));
      if (strtod(whole.c_str(), nullptr) == magnitude) return candidate;
    }
  }
  ADD_FAILURE() << magnitude;
  return {};
}
// 'f' or, outside of 1e-6 .. 1e21, 'e' with two digits of exponent at least: what the API prints.
std::string ObviousJson(double v) {
  if (std::isnan(v)) return "NaN";
  if (std::isinf(v)) return v > 0 ? "+Inf" : "-Inf";
  std::string out = std::signbit(v) ? "-" : "";
  const double magnitude = std::fabs(v);
  if (magnitude == 0) return out + "0";
  const DecimalForm form = FewestDigits(magnitude);
  const int count = static_cast<int>(form.digits.size());
  if (magnitude < 1e-6 || magnitude >= 1e21) {
    out += form.digits.substr(0, 1);
    if (count > 1) out += "." + form.digits.substr(1);
    const int exponent = std::abs(form.exponent);
    return out + (form.exponent < 0 ? "e-" : "e+") + (exponent < 10 ? "0" : "") +
           std::to_string(exponent);
  }
  if (form.exponent < 0) return out + "0." + std::string(-form.exponent - 1, '0') + form.digits;
  if (count <= form.exponent + 1)
    return out + form.digits + std::string(form.exponent + 1 - count, '0');
  return out + form.digits.substr(0, form.exponent + 1) + "." +
         form.digits.substr(form.exponent + 1);
}

TEST(FloatFormatTest, PrintsWhatAnIndependentShortestSearchFinds) {
  std::mt19937_64 random(20261129);
  const auto check = [](double v) {
    std::string got;
    AppendFloatJson(&got, v);
    ASSERT_EQ(got, ObviousJson(v)) << std::hexfloat << v;
  };
  for (int i = 0; i < 20'000; i++) {
    const uint64_t bits = random();
    const auto integer = static_cast<double>(static_cast<int64_t>(bits) >> (bits % 63));
    check(std::bit_cast<double>(bits));  // any pattern
    check(integer);                      // counters
    check(integer / 1000);               // seconds
    check(std::ldexp(1 + static_cast<double>(bits % 4) / 4, static_cast<int>(bits % 2000) - 1000));
    check(static_cast<double>(bits % 100'000'000) * 1e-7);  // decimals
    check(static_cast<double>(bits) * 1e3);                 // large
  }
  for (int exponent = -1074; exponent < 1024; exponent++) {
    const double power = std::ldexp(1.0, exponent);
    for (const double v : {power, -power, std::nextafter(power, 0), std::nextafter(power, 1e308)}) {
      check(v);
    }
  }
}

TEST(TimestampTest, HasThreeDecimalsOrNone) {
  const std::pair<int64_t, std::string> cases[] = {{0, "0"},
                                                   {1, "0.001"},
                                                   {10, "0.010"},
                                                   {100, "0.100"},
                                                   {1000, "1"},
                                                   {1500, "1.500"},
                                                   {-1, "-0.001"},
                                                   {-2500, "-2.500"},
                                                   {1700000000123, "1700000000.123"},
                                                   {kMinTimeMs, "-9223372036854775.808"}};
  for (const auto& [ms, want] : cases) {
    std::string got;
    AppendTimestampSeconds(&got, ms);
    EXPECT_EQ(got, want);
  }
}

TEST(FloatParseTest, AcceptsWhatGoAccepts) {
  const std::pair<std::string, double> cases[] = {
      {"0", 0},
      {"1", 1},
      {"+1", 1},
      {"-1.5", -1.5},
      {".5", .5},
      {"5.", 5},
      {"00012.50", 12.5},
      {"1e3", 1000},
      {"1E+3", 1000},
      {"1.e-2", .01},
      {"123456789012345678901234567890", 123456789012345678901234567890.0},
      {"0.1234567890123456789", 0.1234567890123456789},
      {"9007199254740993", 9007199254740992.0},
      {"1e-400", 0},
      {"4e-324", 5e-324},
      {"1.7976931348623157e308", 1.7976931348623157e308},
      {"inf", kInf},
      {"+Inf", kInf},
      {"-INF", -kInf},
      {"Infinity", kInf},
      {"-infinity", -kInf},
  };
  for (const auto& [text, want] : cases) {
    double got = 99;
    EXPECT_TRUE(ParseFloatFast(text, &got)) << text;
    EXPECT_EQ(got, want) << text;
  }
  double got = 0;
  EXPECT_TRUE(ParseFloatFast("-0", &got));
  EXPECT_TRUE(std::signbit(got));
  for (const char* text : {"nan", "NaN", "NAN"}) {
    EXPECT_TRUE(ParseFloatFast(text, &got));
    EXPECT_EQ(std::bit_cast<uint64_t>(got), kNormalNanBits);
  }
}

TEST(FloatParseTest, RefusesTheRestInGosWords) {
  for (const char* text :
       {"",   "+",   "-",   ".",  "e5",   "1e",   "1e+",  "+-1",   "--1", "1 ",       " 1",
        "1x", "0x1", "1_0", "in", "infi", "+nan", "nan1", "1.2.3", "+.",  "Infinityx"}) {
    const Result<double> got = ParseFloat(text);
    ASSERT_FALSE(got.ok()) << text;
    EXPECT_EQ(got.status().message(),
              "strconv.ParseFloat: parsing " + GoQuote(text) + ": invalid syntax");
  }
  EXPECT_EQ(ParseFloat("1e309").status().message(),
            "strconv.ParseFloat: parsing \"1e309\": value out of range");
  EXPECT_FALSE(ParseFloat("-1e999").ok());
}

TEST(FloatParseTest, ShortPathAgreesWithStrtod) {
  std::mt19937_64 random(9);
  for (int i = 0; i < 200000; i++) {
    std::string text = std::to_string(random() >> (random() % 60));
    if (random() % 2) text.insert(random() % (text.size() + 1), ".");
    if (random() % 4 == 0) text += "e" + std::to_string(static_cast<int>(random() % 60) - 30);
    if (text == "." || text.find(".e") == 0) continue;
    double got = 0;
    ASSERT_TRUE(ParseFloatFast(text, &got)) << text;
    ASSERT_EQ(got, std::strtod(text.c_str(), nullptr)) << text;
  }
}

TEST(StaleNanTest, IsToldFromAnOrdinaryNan) {
  EXPECT_TRUE(IsStaleNan(StaleNan()));
  EXPECT_FALSE(IsStaleNan(NormalNan()));
  EXPECT_FALSE(IsStaleNan(1));
  EXPECT_TRUE(std::isnan(StaleNan()));
}

TEST(GoQuoteTest, EscapesAsStrconvQuote) {
  const std::pair<std::string, std::string> cases[] = {
      {"", R"("")"},
      {"a\"b\\c", R"("a\"b\\c")"},
      {"\n\t\r\a\b\f\v", R"("\n\t\r\a\b\f\v")"},
      {std::string("\0\x1f\x7f", 3), R"("\x00\x1f\x7f")"},
      {"\xff\xc3", R"("\xff\xc3")"},
      {"h\xc3\xa9\xf0\x9f\x98\x80", "\"h\xc3\xa9\xf0\x9f\x98\x80\""},
      {"\xc2\xa0\xe2\x80\x8b", R"("\u00a0\u200b")"},
      {"\xf3\xa0\x80\x81", R"("\U000e0001")"},
      {"\xef\xbf\xbd", "\"\xef\xbf\xbd\""},
      {"a\xc5z", R"("a\xc5z")"},
  };
  for (const auto& [text, want] : cases) EXPECT_EQ(GoQuote(text), want);
}

}  // namespace
}  // namespace deucalion
