// What tests of the WAL share: committing numbered samples to one stream, and reading them back.
#ifndef DEUCALION_TESTS_TSDB_WAL_WAL_SUPPORT_H_
#define DEUCALION_TESTS_TSDB_WAL_WAL_SUPPORT_H_

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "tsdb/wal/stream_writer.h"

namespace deucalion::tsdb::wal {

// Series `id` gets value `id * 1000 + n` at time n in commit n.
class Committer {
 public:
  explicit Committer(StreamWriter* writer) : writer_(writer) {}

  Status Commit(int n, uint64_t first_id, uint64_t last_id) {
    return writer_->Commit([&](CommitSink* sink) {
      for (uint64_t id = first_id; id <= last_id; id++) {
        ValueState& state = states_[id];
        if (!state.introduced) {
          const Labels labels{{"id", std::to_string(id)}};
          sink->encoder()->AddSeries(id, labels.bytes());
          state.introduced = true;
          sink->Introduced(&state);
        }
        sink->encoder()->AddSample(id, n, static_cast<double>(id * 1000) + n, &state);
      }
    });
  }

 private:
  StreamWriter* writer_;
  std::map<uint64_t, ValueState> states_;
};

struct ReadBack : public SeriesIntroducer {
  std::map<uint64_t, std::map<int64_t, double>> samples;
  uint64_t damaged = 0, torn = 0, unknown_values = 0, unknown_ids = 0;

  uint32_t Introduce(uint64_t id, std::string_view labels) override {
    EXPECT_EQ(LabelsView(labels).Get("id"), std::to_string(id));
    return 1;
  }

  // Every sample must be the one that was committed, whatever happened to the file.
  void Segment(std::string_view bytes, uint32_t segment, IdTable* ids, uint32_t* epoch) {
    ++*epoch;
    auto reader = SegmentReader::Open("test", bytes, {}, segment);
    if (!reader.ok()) {
      damaged++;
      return;
    }
    DecodedFrame frame;
    for (;;) {
      std::string_view payload;
      const auto outcome = reader->Next(&payload);
      if (outcome == SegmentReader::Outcome::kEnd) return;
      if (outcome == SegmentReader::Outcome::kTorn) {
        torn++;
        return;
      }
      if (outcome == SegmentReader::Outcome::kDamaged ||
          !DecodeFrame(payload, {}, *epoch, ids, this, &frame).ok()) {
        damaged++;
        ++*epoch;
        continue;
      }
      unknown_values += frame.unknown_values;
      unknown_ids += frame.unknown_ids;
      for (const DecodedSample& s : frame.samples) {
        ASSERT_EQ(s.value, static_cast<double>(s.id * 1000) + static_cast<double>(s.time_ms));
        samples[s.id][s.time_ms] = s.value;
      }
    }
  }

  void Directory(FileSystem* fs, const std::string& dir) {
    IdTable ids;
    uint32_t epoch = 0;
    auto segments = ListSegments(fs, dir, 0);
    ASSERT_TRUE(segments.ok());
    for (const uint32_t segment : *segments) {
      auto bytes = fs->ReadFile(JoinPath(dir, SegmentName(0, segment)));
      ASSERT_TRUE(bytes.ok());
      Segment(*bytes, segment, &ids, &epoch);
    }
  }
  size_t Count() const {
    size_t n = 0;
    for (const auto& entry : samples) n += entry.second.size();
    return n;
  }
};

}  // namespace deucalion::tsdb::wal

#endif  // DEUCALION_TESTS_TSDB_WAL_WAL_SUPPORT_H_
