#include "server/http/compress.h"

#include <gtest/gtest.h>

namespace deucalion::http {
namespace {

std::string Json(size_t lines) {
  std::string out;
  for (size_t i = 0; i < lines; ++i)
    out += "{\"value\":[1700000000.1,\"" + std::to_string(i) + "\"]},";
  return out;
}

Result<std::string> Decode(Coding coding, std::string_view bytes, size_t max) {
  return DecodeContent(CodingName(coding), bytes, max);
}

constexpr Coding kCodings[] = {Coding::kGzip, Coding::kDeflate, Coding::kZstd};

TEST(CompressTest, RoundTripsWholeAndInPieces) {
  for (const Coding coding : kCodings) {
    for (const size_t lines : {0, 1, 100, 20'000}) {
      const std::string want = Json(lines);
      EXPECT_EQ(Decode(coding, Compress(coding, want), want.size()).value(), want);
      const auto encoder = Encoder::Make(coding);
      std::string out;
      for (size_t at = 0; at < want.size(); at += 1000) {
        encoder->Encode(std::string_view(want).substr(at, 1000), false, &out);
      }
      encoder->Encode("", true, &out);
      EXPECT_EQ(Decode(coding, out, want.size()).value(), want) << CodingName(coding);
    }
  }
}

TEST(CompressTest, StopsABombAtTheLimit) {
  for (const Coding coding : kCodings) {
    const std::string bomb = Compress(coding, std::string(50 << 20, 'a'));
    const auto result = Decode(coding, bomb, 1 << 20);
    EXPECT_EQ(result.status().code(), StatusCode::kResourceExhausted) << CodingName(coding);
  }
}

TEST(CompressTest, RefusesTruncatedAndDamagedInput) {
  for (const Coding coding : kCodings) {
    const std::string good = Compress(coding, Json(100));
    for (size_t size = 0; size < good.size(); size += 7) {
      EXPECT_FALSE(Decode(coding, good.substr(0, size), 1 << 20).ok())
          << CodingName(coding) << " cut to " << size;
    }
    EXPECT_EQ(Decode(coding, "no such format", 100).status().code(), StatusCode::kCorrupt);
  }
}

TEST(CompressTest, ReadsSeveralGzipMembersAndBareDeflate) {
  const std::string two = Compress(Coding::kGzip, "one ") + Compress(Coding::kGzip, "two");
  EXPECT_EQ(Gunzip(two, 100).value(), "one two");
  const std::string zlib = Compress(Coding::kDeflate, "text");
  EXPECT_EQ(Inflate(zlib.substr(2, zlib.size() - 6), 100).value(), "text");
}

TEST(CompressTest, KnowsIdentityAndRefusesOtherCodings) {
  EXPECT_EQ(DecodeContent("", "abc", 3).value(), "abc");
  EXPECT_EQ(DecodeContent("identity", "abc", 2).status().code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(DecodeContent("br", "abc", 3).status().code(), StatusCode::kInvalidArgument);
}

TEST(CompressTest, TakesTheFirstOfGzipAndDeflateAndZstdOnlyWithoutThem) {
  struct {
    std::string_view accept;
    Coding want;
  } const cases[] = {
      {"", Coding::kIdentity},
      {"gzip", Coding::kGzip},
      {"deflate, gzip", Coding::kDeflate},
      {"br, zstd, gzip", Coding::kGzip},
      {"br, zstd", Coding::kZstd},
      {"gzip;q=0, deflate", Coding::kDeflate},
      {"gzip;q=0.5", Coding::kGzip},
      {" GZIP ", Coding::kGzip},
      {"identity, *", Coding::kIdentity},
      {"gzip;q=0.000", Coding::kIdentity},
  };
  for (const auto& c : cases) EXPECT_EQ(ChooseCoding(c.accept), c.want) << c.accept;
}

}  // namespace
}  // namespace deucalion::http
