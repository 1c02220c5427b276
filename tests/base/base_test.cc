// The small parts: status, bytes, hash, cancel, worker pool, log.
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>

#include "base/bytes.h"
#include "base/cancel.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/status.h"
#include "base/worker_pool.h"
#include "tests/support/temp_dir.h"

namespace deucalion {
namespace {

TEST(StatusTest, ContextGoesBeforeTheMessageAndKeepsTheCode) {
  const Status s = CorruptError("bad crc").WithContext("segment 7");
  EXPECT_EQ(s.code(), StatusCode::kCorrupt);
  EXPECT_EQ(s.message(), "segment 7: bad crc");
  EXPECT_TRUE(OkStatus().WithContext("x").ok());
}

TEST(StatusTest, AFullDiskHasACodeOfItsOwn) {
  EXPECT_EQ(ErrnoError("write", ENOSPC).code(), StatusCode::kNoSpace);
  EXPECT_EQ(ErrnoError("open", ENOENT).code(), StatusCode::kNotFound);
}

TEST(ByteReaderTest, ReadsBackWhatWasPut) {
  std::string s;
  PutVarint(&s, 300);
  PutSignedVarint(&s, -5);
  PutBigEndian32(&s, 0x01020304);
  PutDouble(&s, -0.0);
  PutLengthPrefixed(&s, "abc");
  ByteReader in(s);
  EXPECT_EQ(in.Varint(), 300u);
  EXPECT_EQ(in.SignedVarint(), -5);
  EXPECT_EQ(in.BigEndian32(), 0x01020304u);
  EXPECT_TRUE(std::signbit(in.Double()));
  EXPECT_EQ(in.LengthPrefixed(), "abc");
  EXPECT_TRUE(in.ok() && in.done());
}

TEST(ByteReaderTest, FailsForGoodPastTheEnd) {
  ByteReader in(
      std::string_view("\x05"
                       "ab",
                       3));
  EXPECT_EQ(in.LengthPrefixed(), "");
  EXPECT_FALSE(in.ok());
  EXPECT_EQ(in.U8(), 0);
}

TEST(ByteReaderTest, RefusesVarintsOfMoreThan64Bits) {
  const std::string eleven(10, '\xff');
  ByteReader in(eleven);
  in.Varint();
  EXPECT_FALSE(in.ok());
}

TEST(HashTest, Crc32cMatchesTheStandardVector) {
  EXPECT_EQ(Crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(Crc32c("456789", Crc32c("123")), 0xe3069283u);
}

TEST(HashTest, XxHash64MatchesTheReference) {
  EXPECT_EQ(XxHash64(""), 0xef46db3751d8e999ull);
  EXPECT_EQ(XxHash64("a"), 0xd24ec4f1a98c6e5bull);
}

TEST(CancelTokenTest, ADeadlineExpiresWithTheClock) {
  ManualClock clock;
  CancelToken token(&clock, 5'000'000);
  EXPECT_TRUE(token.Check().ok());
  clock.AdvanceMs(5);
  EXPECT_EQ(token.Check().code(), StatusCode::kDeadlineExceeded);
  CancelToken copy = token;
  copy.Cancel();
  EXPECT_EQ(token.Check().code(), StatusCode::kCanceled);
}

TEST(WorkerPoolTest, ParallelForRunsEveryIndexOnceEvenFromInsideATask) {
  WorkerPool pool("test", 2);
  std::vector<std::atomic<int>> seen(1000);
  std::atomic<bool> done{false};
  ASSERT_TRUE(pool.Submit([&] {
    pool.ParallelFor(seen.size(), [&](size_t i) { seen[i]++; });
    done = true;
    done.notify_all();
  }));
  done.wait(false);
  for (const auto& n : seen) EXPECT_EQ(n, 1);
}

TEST(WorkerPoolTest, AFullQueueRefuses) {
  WorkerPool pool("test", 1, 1);
  std::atomic<int> stage{0};
  ASSERT_TRUE(pool.Submit([&] {
    stage = 1;
    stage.notify_all();
    stage.wait(1);
  }));
  stage.wait(0);
  EXPECT_TRUE(pool.Submit([] {}));
  EXPECT_FALSE(pool.Submit([] {}));
  stage = 2;
  stage.notify_all();
}

TEST(LoggerTest, WritesLogfmtAndJsonAsPrometheusDoes) {
  TempDir dir;
  {
    auto text = Logger::File(dir.Path("text"), LogFormat::kLogfmt);
    ASSERT_TRUE(text.ok());
    (*text)->Warn("it broke", {{"file", "a b"}, {"count", 3}, {"ok", false}});
    auto json = Logger::File(dir.Path("json"), LogFormat::kJson);
    ASSERT_TRUE(json.ok());
    (*json)->Info("q\"", {{"n", 1.5}, {"s", "x"}});
  }
  const std::string text = *FileSystem::Posix()->ReadFile(dir.Path("text"));
  EXPECT_NE(text.find(" level=WARN msg=\"it broke\" file=\"a b\" count=3 ok=false\n"),
            std::string::npos)
      << text;
  const std::string json = *FileSystem::Posix()->ReadFile(dir.Path("json"));
  EXPECT_NE(json.find(R"(,"level":"INFO","msg":"q\"","n":1.5,"s":"x"})"), std::string::npos)
      << json;
  EXPECT_TRUE(json.starts_with(R"({"time":")"));
}

}  // namespace
}  // namespace deucalion
