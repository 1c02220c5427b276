#include "tsdb/chunk/xor.h"

#include <bit>
#include <cmath>
#include <random>

#include "model/value.h"

namespace deucalion::tsdb {
namespace {

struct Sample {
  int64_t time_ms;
  double value;
};

std::string Encode(const std::vector<Sample>& samples) {
  XorWriter w;
  for (const Sample& s : samples) w.Append(s.time_ms, s.value);
  return std::string(w.Finish());
}

std::string Hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    char buf[3];
    std::snprintf(buf, sizeof(buf), "%02x", static_cast<uint8_t>(c));
    out += buf;
  }
  return out;
}

void ExpectRoundTrip(const std::vector<Sample>& samples, const std::string& what) {
  const std::string chunk = Encode(samples);
  std::vector<int64_t> times;
  std::vector<double> values;
  const Status status = XorDecode(chunk, &times, &values);
  ASSERT_TRUE(status.ok()) << what << ": " << status.ToString();
  ASSERT_EQ(times.size(), samples.size()) << what;
  for (size_t i = 0; i < samples.size(); i++) {
    ASSERT_EQ(times[i], samples[i].time_ms) << what << " at " << i;
    ASSERT_EQ(std::bit_cast<uint64_t>(values[i]), std::bit_cast<uint64_t>(samples[i].value))
        << what << " at " << i;
  }
}

// Bytes worked out by hand from the layout in the header comment.
TEST(XorChunkTest, WritesTheBitsOfPrometheus) {
  const struct {
    std::vector<Sample> samples;
    const char* want;
  } kCases[] = {
      {{}, "0000"},
      {{{1000, 1.0}}, "0001d00f3ff0000000000000"},
      // varint 1000, 1.0, uvarint 15000, "0"
      {{{1000, 1.0}, {16000, 1.0}}, "0002d00f3ff0000000000000987500"},
      // 1.0 -> 2.0 flips bits 52 to 62: 11, 00001 leading, 001011 wide, eleven ones
      {{{0, 1.0}, {1, 2.0}}, "0002003ff000000000000001c25fff"},
  };
  for (const auto& c : kCases) EXPECT_EQ(Hex(Encode(c.samples)), c.want);
}

TEST(XorChunkTest, ReturnsTheSameBitsForEveryShapeOfSeries) {
  std::mt19937_64 rng(7);
  for (int round = 0; round < 400; round++) {
    std::vector<Sample> samples;
    int64_t t = round % 5 == 0 ? -static_cast<int64_t>(rng() % 100000) : 1'700'000'000'000;
    double v = static_cast<double>(rng() % 1000);
    const size_t n = rng() % 300;
    for (size_t i = 0; i < n; i++) {
      switch (round % 7) {
        case 0:
          v = std::bit_cast<double>(rng());
          break;
        case 1:
          v += static_cast<double>(rng() % 10);
          break;
        case 2:
          break;
        case 3:
          v = static_cast<double>(rng() % 1000) / 10;
          break;
        case 4:
          v = rng() % 9 == 0 ? StaleNan() : v;
          break;
        case 5:
          v = rng() % 2 ? -0.0 : std::numeric_limits<double>::infinity();
          break;
        default:
          v = std::sin(static_cast<double>(i));
      }
      samples.push_back({t, v});
      switch (rng() % (round % 3 == 0 ? 1 : 8)) {
        case 1:
          t += static_cast<int64_t>(rng() % 20000) + 1;
          break;
        case 2:
          t += static_cast<int64_t>(rng() % 200000) + 1;
          break;
        case 3:
          t += static_cast<int64_t>(rng() % 2000000) + 1;
          break;
        case 4:
          t += static_cast<int64_t>(rng() % 20000000000) + 1;
          break;
        default:
          t += 15000;
      }
    }
    ExpectRoundTrip(samples, "round " + std::to_string(round));
  }
}

TEST(XorChunkTest, TakesTheEdgesOfEveryDeltaClass) {
  for (const int64_t edge : {8191, 8192, 8193, 65535, 65536, 65537, 524287, 524288, 524289}) {
    for (const int64_t dod : {edge, -edge}) {
      const int64_t first = 10'000'000;
      ExpectRoundTrip({{0, 1}, {first, 2}, {2 * first + dod, 3}, {3 * first + dod, 3}},
                      "delta of delta " + std::to_string(dod));
    }
  }
}

TEST(XorChunkTest, ResumesWhereAChunkStopped) {
  std::mt19937_64 rng(3);
  XorWriter whole;
  for (int i = 0; i < 200; i++) {
    const std::string so_far(whole.Finish());
    const Result<XorState> state = XorResume(so_far);
    ASSERT_TRUE(state.ok());
    EXPECT_EQ(state->bit_pos, whole.state().bit_pos) << i;
    EXPECT_EQ(state->last_ms, whole.state().last_ms);
    EXPECT_EQ(state->last_bits, whole.state().last_bits);
    EXPECT_EQ(state->last_delta, whole.state().last_delta);
    EXPECT_EQ(state->leading, whole.state().leading);
    EXPECT_EQ(state->trailing, whole.state().trailing);
    whole.Append(i * 1000 + static_cast<int64_t>(rng() % 3), static_cast<double>(rng() % 50) / 4);
  }
}

TEST(XorChunkTest, RefusesBytesThatEndEarlyAndNeverReadsBehindThem) {
  std::vector<Sample> samples;
  for (int i = 0; i < 100; i++) samples.push_back({i * 15000, i * 1.1});
  const std::string chunk = Encode(samples);
  for (size_t cut = 0; cut < chunk.size(); cut++) {
    // A buffer of its own, so that the sanitizer sees its end.
    const std::vector<char> copy(chunk.begin(), chunk.begin() + static_cast<long>(cut));
    std::vector<int64_t> times;
    std::vector<double> values;
    const Status status =
        XorDecode(std::string_view(copy.data(), copy.size()), 100, &times, &values);
    EXPECT_EQ(status.code(), StatusCode::kCorrupt) << cut;
    EXPECT_TRUE(times.empty());
  }
}

TEST(XorChunkTest, SurvivesRandomBytes) {
  std::mt19937_64 rng(11);
  for (int round = 0; round < 20000; round++) {
    std::vector<char> bytes(rng() % 120);
    for (char& c : bytes) c = static_cast<char>(rng() % (round % 2 ? 256 : 4) * 85);
    std::vector<int64_t> times;
    std::vector<double> values;
    (void)XorDecode(std::string_view(bytes.data(), bytes.size()), &times, &values);
    ASSERT_EQ(times.size(), values.size());
  }
}

}  // namespace
}  // namespace deucalion::tsdb
