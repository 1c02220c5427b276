// The receiver remembers senders: series whose labels come as the same bytes again are not parsed,
// and never taken for others.
#include "server/remote/write_handler.h"

#include <gtest/gtest.h>

#include <map>

#include "server/remote/snappy_block.h"
#include "tests/server/remote/fake_storage.h"
#include "tests/support/wire_writer.h"

namespace deucalion::remote {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

// Keeps what is committed as "labels value@time" lines, and counts look-ups by labels.
class RecordingStorage : public FakeStorage {
 public:
  std::unique_ptr<Appender> NewAppender(const AppenderOptions&) override;

  std::map<std::string, SeriesRef> refs;
  SeriesRef next = 1;
  int lookups = 0;
  std::vector<std::string> committed;

  // As a head that has dropped the series: refs of before are unknown.
  void Forget() { refs.clear(); }
};

class RecordingAppender : public Appender {
 public:
  explicit RecordingAppender(RecordingStorage* storage) : storage_(storage) {}
  SeriesRef Find(LabelsView, uint64_t, SeriesRef) override { return 0; }
  Result<SeriesRef> FindOrCreate(LabelsView labels, uint64_t, SeriesRef) override {
    storage_->lookups++;
    SeriesRef& ref = storage_->refs[labels.ToString()];
    if (ref == 0) ref = storage_->next++;
    return ref;
  }
  Status Append(SeriesRef ref, int64_t time_ms, double value, int64_t) override {
    for (const auto& [labels, known] : storage_->refs) {
      if (known != ref) continue;
      staged_.push_back(labels + " " + std::to_string(static_cast<int>(value)) + "@" +
                        std::to_string(time_ms));
      return OkStatus();
    }
    return NotFoundError("unknown series reference");
  }
  size_t AppendBatch(std::span<const RefSample> samples,
                     std::vector<SampleError>* errors) override {
    size_t taken = 0;
    for (size_t i = 0; i < samples.size(); i++) {
      Status status = Append(samples[i].ref, samples[i].time_ms, samples[i].value, 0);
      status.ok() ? static_cast<void>(taken++)
                  : errors->push_back({.index = i, .status = std::move(status)});
    }
    return taken;
  }
  Status AppendHistogram(SeriesRef, int64_t, const IntHistogram&, int64_t) override {
    return OkStatus();
  }
  Status AppendFloatHistogram(SeriesRef, int64_t, const FloatHistogram&, int64_t) override {
    return OkStatus();
  }
  Status AppendExemplar(SeriesRef, const Exemplar&) override { return OkStatus(); }
  Status UpdateMetadata(SeriesRef, const Metadata&) override { return OkStatus(); }
  Status Commit() override {
    storage_->committed.insert(storage_->committed.end(), staged_.begin(), staged_.end());
    staged_.clear();
    return OkStatus();
  }
  Status Rollback() override {
    staged_.clear();
    return OkStatus();
  }

 private:
  RecordingStorage* const storage_;
  std::vector<std::string> staged_;
};

std::unique_ptr<Appender> RecordingStorage::NewAppender(const AppenderOptions&) {
  return std::make_unique<RecordingAppender>(this);
}

class WriteHandlerTest : public ::testing::Test {
 protected:
  // The status of a 1.0 request with these series.
  int Send(const std::vector<std::string>& series) {
    WireWriter message;
    for (const std::string& s : series) message.Bytes(1, s);
    http::Request request;
    request.headers.Set("Content-Type", "application/x-protobuf");
    request.headers.Set("Content-Encoding", "snappy");
    request.body = *SnappyEncode(message.str());
    http::Response response;
    storage_.committed.clear();
    storage_.lookups = 0;
    handler_.Serve(request, &response);
    return response.status;
  }
  static std::string Pod(const std::string& pod, int64_t time_ms, double value) {
    return SeriesV1({{"__name__", "up"}, {"pod", pod}}, time_ms, value);
  }

  RecordingStorage storage_;
  MetricRegistry metrics_;
  WriteHandler handler_{{.storage = [this] { return &storage_; },
                         .clock = Clock::Real(),
                         .logger = Logger::Null(),
                         .metrics = &metrics_}};
};

using Lines = std::vector<std::string>;

TEST_F(WriteHandlerTest, TheSameBytesAgainNeedNoLookUp) {
  ASSERT_EQ(Send({Pod("a", 1, 10), Pod("b", 1, 20)}), 204);
  EXPECT_EQ(storage_.lookups, 2);
  ASSERT_EQ(Send({Pod("a", 2, 11), Pod("b", 2, 21)}), 204);
  EXPECT_EQ(storage_.lookups, 0);
  EXPECT_EQ(storage_.committed, (Lines{"up{pod=\"a\"} 11@2", "up{pod=\"b\"} 21@2"}));
}

TEST_F(WriteHandlerTest, OtherSeriesInTheSamePlaceAreOtherSeries) {
  ASSERT_EQ(Send({Pod("a", 1, 10), Pod("b", 1, 20), Pod("c", 1, 30)}), 204);
  ASSERT_EQ(Send({Pod("a", 2, 11), Pod("c", 2, 31), Pod("d", 2, 41)}), 204);
  EXPECT_EQ(storage_.committed,
            (Lines{"up{pod=\"a\"} 11@2", "up{pod=\"c\"} 31@2", "up{pod=\"d\"} 41@2"}));
  ASSERT_EQ(Send({Pod("a", 3, 12), Pod("c", 3, 32), Pod("d", 3, 42)}), 204);
  EXPECT_EQ(storage_.lookups, 0);
  // A shorter and a longer request.
  ASSERT_EQ(Send({Pod("a", 4, 13)}), 204);
  EXPECT_EQ(storage_.committed, Lines{"up{pod=\"a\"} 13@4"});
  ASSERT_EQ(Send({Pod("a", 5, 14), Pod("b", 5, 24)}), 204);
  EXPECT_EQ(storage_.committed, (Lines{"up{pod=\"a\"} 14@5", "up{pod=\"b\"} 24@5"}));
}

TEST_F(WriteHandlerTest, SeriesThatStorageHasForgottenAreMadeAnew) {
  ASSERT_EQ(Send({Pod("a", 1, 10), Pod("b", 1, 20)}), 204);
  storage_.Forget();
  ASSERT_EQ(Send({Pod("a", 2, 11), Pod("b", 2, 21)}), 204);
  EXPECT_EQ(storage_.committed, (Lines{"up{pod=\"a\"} 11@2", "up{pod=\"b\"} 21@2"}));
  ASSERT_EQ(Send({Pod("a", 3, 12), Pod("b", 3, 22)}), 204);
  EXPECT_EQ(storage_.lookups, 0);
}

TEST_F(WriteHandlerTest, BadLabelsAreRefusedEveryTime) {
  const std::string bad = SeriesV1({{"pod", "without a name"}}, 1, 1);
  for (int round = 0; round < 3; round++) {
    ASSERT_EQ(Send({Pod("a", round, 1), bad}), 204) << round;
    EXPECT_EQ(storage_.committed.size(), 1u) << round;
  }
  const std::string broken = WireWriter().Bytes(1, "\x0a\x7f").str();
  for (int round = 0; round < 2; round++) {
    EXPECT_EQ(Send({Pod("a", 10 + round, 1), broken}), 400) << round;
    EXPECT_TRUE(storage_.committed.empty()) << round;
  }
}

TEST_F(WriteHandlerTest, LabelsBehindSamplesAreReadAsWell) {
  WireWriter series;
  series.Bytes(1, WireWriter().Bytes(1, "__name__").Bytes(2, "up").str());
  series.Bytes(2, WireWriter().Double(1, 5).Varint(2, 7).str());
  series.Bytes(1, WireWriter().Bytes(1, "pod").Bytes(2, "x").str());
  for (int round = 0; round < 2; round++) {
    ASSERT_EQ(Send({series.str(), Pod("a", 1, 1)}), 204);
    EXPECT_EQ(storage_.committed, (Lines{"up{pod=\"x\"} 5@7", "up{pod=\"a\"} 1@1"}));
  }
}

}  // namespace
}  // namespace deucalion::remote
