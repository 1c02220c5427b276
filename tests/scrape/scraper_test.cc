// The whole scraper with real threads, sockets and files; only storage is a stand-in.
#include "scrape/scraper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

#include "tests/scrape/loop/fakes.h"
#include "tests/support/socket_server.h"

namespace deucalion::scrape {
namespace {

using ::testing::HasSubstr;

// One transaction at a time over the single-threaded fake.
class LockedStorage final : public Appendable {
 public:
  std::unique_ptr<Appender> NewAppender(const AppenderOptions& options) override {
    return std::make_unique<LockedAppender>(this, options);
  }
  bool WaitFor(const std::function<bool(const FakeStorage&)>& done) {
    std::unique_lock<std::mutex> lock(mu_);
    return changed_.wait_for(lock, std::chrono::seconds(30), [&] { return done(storage_); });
  }

 private:
  class LockedAppender final : public Appender {
   public:
    LockedAppender(LockedStorage* s, const AppenderOptions& options)
        : s_(s), lock_(s->mu_), inner_(s->storage_.NewAppender(options)) {}
    SeriesRef Find(LabelsView l, uint64_t h, SeriesRef hint) override {
      return inner_->Find(l, h, hint);
    }
    Result<SeriesRef> FindOrCreate(LabelsView l, uint64_t h, SeriesRef hint) override {
      return inner_->FindOrCreate(l, h, hint);
    }
    Status Append(SeriesRef r, int64_t t, double v, int64_t st) override {
      return inner_->Append(r, t, v, st);
    }
    size_t AppendBatch(std::span<const RefSample> samples,
                       std::vector<SampleError>* errors) override {
      return inner_->AppendBatch(samples, errors);
    }
    Status AppendHistogram(SeriesRef r, int64_t t, const IntHistogram& h, int64_t st) override {
      return inner_->AppendHistogram(r, t, h, st);
    }
    Status AppendFloatHistogram(SeriesRef r, int64_t t, const FloatHistogram& h,
                                int64_t st) override {
      return inner_->AppendFloatHistogram(r, t, h, st);
    }
    Status AppendExemplar(SeriesRef r, const Exemplar& e) override {
      return inner_->AppendExemplar(r, e);
    }
    Status UpdateMetadata(SeriesRef r, const Metadata& m) override {
      return inner_->UpdateMetadata(r, m);
    }
    Status Commit() override {
      Status s = inner_->Commit();
      s_->changed_.notify_all();
      return s;
    }
    Status Rollback() override { return inner_->Rollback(); }

   private:
    LockedStorage* s_;
    std::unique_lock<std::mutex> lock_;
    std::unique_ptr<Appender> inner_;
  };

  std::mutex mu_;
  std::condition_variable changed_;
  FakeStorage storage_;
};

ScrapeConfig FastJob(const std::string& name, std::vector<std::string> addresses) {
  return MakeJob(name, [&](ScrapeConfig* c) {
    c->scrape_interval_ms = 100;
    c->scrape_timeout_ms = 100;
    TargetGroup group;
    for (auto& a : addresses) group.targets.push_back({{"__address__", a}});
    c->discovery = {StaticConfig{{group}}};
  });
}

std::string Up(const std::string& address) { return "up{instance=\"" + address + "\", job=\"j\"}"; }

class ScraperTest : public ::testing::Test {
 protected:
  static void Answer(SocketServer::Connection& c) {
    for (std::string r = c.ReadRequest(); !r.empty(); r = c.ReadRequest()) {
      if (!c.Write(HttpReply("200 OK", "a 1\n", "Content-Type: text/plain\r\n"))) return;
    }
  }

  LockedStorage storage_;
  MetricRegistry registry_;
  SocketServer good_{Answer};
  SocketServer hanging_{[](SocketServer::Connection& c) {
    c.ReadRequest();
    c.WaitForClose(20'000);
  }};
  SocketServer binary_{[](SocketServer::Connection& c) {
    c.ReadRequest();
    c.Write(HttpReply("200 OK", std::string("\x01\xff\x00\x02junk", 8),
                      "Content-Type: text/plain\r\n"));
  }};
  Scraper scraper_{ScrapeOptions(),
                   {.storage = &storage_, .registry = &registry_, .log = Logger::Null()}};
};

TEST_F(ScraperTest, ScrapesGoodTargetsBesideBadOnes) {
  ASSERT_TRUE(scraper_
                  .ApplyConfig({FastJob("j", {good_.address(), hanging_.address(),
                                              binary_.address(), "127.0.0.1:1"})},
                               {})
                  .ok());
  const std::string series = "a{instance=\"" + good_.address() + "\", job=\"j\"}";
  EXPECT_TRUE(storage_.WaitFor([&](const FakeStorage& s) { return s.Of(series).size() >= 5; }));
  for (const std::string& address :
       {hanging_.address(), binary_.address(), std::string("127.0.0.1:1")}) {
    EXPECT_TRUE(storage_.WaitFor([&](const FakeStorage& s) { return s.Last(Up(address)) == "0"; }))
        << address;
  }
  EXPECT_THAT(registry_.TextExposition(),
              HasSubstr("prometheus_target_scrape_pool_targets{scrape_job=\"j\"} 4"));
}

TEST_F(ScraperTest, FollowsReloads) {
  ASSERT_TRUE(scraper_.ApplyConfig({FastJob("j", {good_.address()})}, {}).ok());
  EXPECT_TRUE(
      storage_.WaitFor([&](const FakeStorage& s) { return s.Last(Up(good_.address())) == "1"; }));
  ASSERT_TRUE(scraper_.ApplyConfig({FastJob("other", {good_.address()})}, {}).ok());
  EXPECT_TRUE(storage_.WaitFor(
      [&](const FakeStorage& s) { return s.Last(Up(good_.address())) == "stale"; }));
  EXPECT_TRUE(storage_.WaitFor([&](const FakeStorage& s) {
    return s.Last("up{instance=\"" + good_.address() + "\", job=\"other\"}") == "1";
  }));
}

TEST_F(ScraperTest, StopsWhileScrapesAreUnderWay) {
  ScrapeConfig job = FastJob("j", {good_.address(), hanging_.address()});
  job.scrape_interval_ms = job.scrape_timeout_ms = 20'000;
  ASSERT_TRUE(scraper_.ApplyConfig({job, FastJob("k", {hanging_.address()})}, {}).ok());
  EXPECT_TRUE(storage_.WaitFor([](const FakeStorage& s) { return !s.Names().empty(); }));
  scraper_.Stop();
}

}  // namespace
}  // namespace deucalion::scrape
