#include "server/remote/auth/renewed.h"

#include <gtest/gtest.h>

#include <string>

namespace deucalion::remote {
namespace {

class RenewedTest : public ::testing::Test {
 protected:
  using Text = Renewed<std::string>;

  std::string Get() {
    std::string got = "nothing yet";
    text_->Get([&](const Result<std::string>& value) {
      got = value.ok() ? *value : "error: " + value.status().message();
    });
    return got;
  }

  ManualClock clock_{1000};
  int fetches_ = 0;
  std::function<void(Result<Fresh<std::string>>)> answer_;  // of a fetch that is not answered
  std::function<Result<Fresh<std::string>>()> now_;         // else null
  std::shared_ptr<Text> text_ = std::make_shared<Text>(
      [this](auto done) {
        ++fetches_;
        if (now_) {
          done(now_());
        } else {
          answer_ = std::move(done);
        }
      },
      &clock_);
};

TEST_F(RenewedTest, IsFetchedOnceForAllWhoWait) {
  std::string first, second;
  text_->Get([&](const Result<std::string>& value) { first = *value; });
  text_->Get([&](const Result<std::string>& value) { second = *value; });
  EXPECT_EQ(fetches_, 1);
  answer_(Fresh<std::string>{.value = "a"});
  EXPECT_EQ(first + second, "aa");
  EXPECT_EQ(Get(), "a");
  EXPECT_EQ(fetches_, 1);
}

TEST_F(RenewedTest, IsRenewedBeforeItExpires) {
  now_ = [&] {
    return Fresh<std::string>{.value = std::to_string(fetches_),
                              .renew_ms = clock_.NowMs() + 50,
                              .expires_ms = clock_.NowMs() + 100};
  };
  EXPECT_EQ(Get(), "1");
  clock_.AdvanceMs(49);
  EXPECT_EQ(Get(), "1");
  clock_.AdvanceMs(1);
  EXPECT_EQ(Get(), "2");
}

TEST_F(RenewedTest, OutlivesAFetchThatFailsAsLongAsItIsValid) {
  now_ = [&]() -> Result<Fresh<std::string>> {
    if (fetches_ > 1) return UnavailableError("no route");
    return Fresh<std::string>{.value = "a", .renew_ms = 2000, .expires_ms = 20'000};
  };
  EXPECT_EQ(Get(), "a");
  clock_.SetWallMs(2000);
  EXPECT_EQ(Get(), "a");
  EXPECT_EQ(Get(), "a");
  EXPECT_EQ(fetches_, 2);  // not for every one who asks
  clock_.SetWallMs(12'000);
  EXPECT_EQ(Get(), "a");
  EXPECT_EQ(fetches_, 3);
  clock_.SetWallMs(20'000);
  EXPECT_EQ(Get(), "error: no route");
}

TEST_F(RenewedTest, AnAnswerMayComeAfterItsOwnerHasGone) {
  std::string got;
  text_->Get([&](const Result<std::string>& value) { got = *value; });
  text_ = nullptr;
  answer_(Fresh<std::string>{.value = "late"});
  EXPECT_EQ(got, "late");
}

}  // namespace
}  // namespace deucalion::remote
