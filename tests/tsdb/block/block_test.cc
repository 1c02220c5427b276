#include <gtest/gtest.h>

#include <random>
#include <set>

#include "base/fault_file_system.h"
#include "tests/support/temp_dir.h"
#include "tests/tsdb/block/block_fixture.h"
#include "tsdb/block/block_reader.h"
#include "tsdb/block/summaries.h"
#include "tsdb/index/matcher_select.h"

namespace deucalion::tsdb {
namespace {

constexpr int64_t kHour = 3'600'000;
constexpr int64_t kMin = 1'700'006'400'000;  // a multiple of two hours
constexpr int64_t kMax = kMin + 2 * kHour;

class BlockTest : public ::testing::Test {
 protected:
  std::string Dir() const { return JoinPath(dir_.path(), "01ARZ3NDEKTSV4RRFFQ69G5FAV"); }
  std::shared_ptr<BlockReader> Write(const SeriesMap& series, int64_t max_ms = kMax,
                                     bool summaries = false) {
    const auto meta = WriteBlock(FileSystem::Posix(), Dir(), series, kMin, max_ms, summaries);
    EXPECT_TRUE(meta.ok()) << meta.status().ToString();
    auto block = BlockReader::Open(FileSystem::Posix(), Dir());
    EXPECT_TRUE(block.ok()) << block.status().ToString();
    return *block;
  }
  TempDir dir_;
};

TEST_F(BlockTest, EverySeriesComesBackInLabelOrder) {
  const SeriesMap series = RandomSeries(1, 700, kMin, kMax);
  const auto block = Write(series);
  ASSERT_EQ(block->index().NumSeries(), series.size());
  EXPECT_TRUE(block->VerifyAll().ok());
  const auto cursor = block->NewCursor();
  SeriesNumber n = 0;
  for (const auto& [labels, samples] : series) {
    ASSERT_TRUE(cursor->Seek(n)) << cursor->status().ToString();
    Labels got;
    cursor->LabelsOf(&got);
    ASSERT_EQ(got.ToString(), labels.ToString());
    SampleColumns out;
    ASSERT_TRUE(block->Read(n, kMin, kMax, &out).ok());
    ASSERT_TRUE(SameSamples(out, samples)) << labels.ToString();
    ++n;
  }
  EXPECT_FALSE(cursor->Seek(n));
}

TEST_F(BlockTest, ReadsEqualCutsOfTheWhole) {
  const SeriesMap series = RandomSeries(2, 60, kMin, kMin + 8 * kHour, 5'000);
  const auto block = Write(series, kMin + 8 * kHour);
  std::mt19937_64 rng(3);
  SeriesNumber n = 0;
  for (const auto& [labels, samples] : series) {
    for (int round = 0; round < 20; ++round) {
      const int64_t a = kMin + static_cast<int64_t>(rng() % (8 * kHour));
      const int64_t b = a + static_cast<int64_t>(rng() % (2 * kHour));
      SampleColumns out;
      ASSERT_TRUE(block->Read(n, a, b, &out).ok());
      ASSERT_TRUE(SameSamples(out, Within(samples, a, b))) << labels.ToString();
    }
    ++n;
  }
}

TEST_F(BlockTest, SelectionEqualsMatchingEverySeries) {
  const SeriesMap series = RandomSeries(4, 500, kMin, kMin + 600'000);
  const auto block = Write(series);
  const auto make = [](MatchType type, const char* name, const char* value) {
    return *Matcher::Make(type, name, value);
  };
  const std::vector<std::vector<Matcher>> selections = {
      {},
      {make(MatchType::kEqual, "__name__", "metric_7")},
      {make(MatchType::kEqual, "__name__", "metric_7"), make(MatchType::kEqual, "job", "node")},
      {make(MatchType::kRegexp, "instance", "host-1.*"), make(MatchType::kNotEqual, "mode", "")},
      {make(MatchType::kNotEqual, "job", "node")},
      {make(MatchType::kNotRegexp, "mode", "1|2|3"), make(MatchType::kEqual, "job", "app")},
      {make(MatchType::kEqual, "mode", "")},
      {make(MatchType::kEqual, "nonsense", "x")},
      {make(MatchType::kRegexp, "__name__", "metric_(1|2|3)"),
       make(MatchType::kRegexp, "mode", ".+")},
  };
  for (const auto& matchers : selections) {
    std::vector<SeriesNumber> want;
    SeriesNumber n = 0;
    for (const auto& [labels, samples] : series) {
      if (MatchesAll(matchers, labels)) want.push_back(n);
      ++n;
    }
    const auto got = block->Select(matchers, kMin, kMax, nullptr);
    ASSERT_TRUE(got.ok());
    EXPECT_TRUE(std::ranges::equal(got->view(), want)) << matchers.size();
  }
}

TEST_F(BlockTest, LabelNamesAndValuesAreThoseOfTheSeries) {
  const SeriesMap series = RandomSeries(5, 300, kMin, kMin + 600'000);
  const auto block = Write(series);
  std::set<std::string> names, instances;
  for (const auto& [labels, samples] : series) {
    for (const Label& l : labels) names.emplace(l.name);
    instances.emplace(labels.Get("instance"));
  }
  const auto got_names = block->LabelNames();
  ASSERT_TRUE(got_names.ok());
  EXPECT_TRUE(std::ranges::equal(*got_names, names));
  bool truncated = false;
  const auto values = SelectLabelValues(block->index(), "instance", {}, 0, &truncated, nullptr);
  ASSERT_TRUE(values.ok());
  EXPECT_TRUE(std::ranges::equal(values->values, instances));
}

TEST_F(BlockTest, ScatteredSeeksEqualOrderedOnes) {
  const SeriesMap series = RandomSeries(6, 200, kMin, kMin + 60'000);
  const auto block = Write(series);
  std::vector<Labels> in_order;
  for (const auto& [labels, samples] : series) in_order.push_back(labels);
  std::mt19937_64 rng(1);
  const auto cursor = block->NewCursor();
  Labels got;
  for (int i = 0; i < 2000; ++i) {
    const SeriesNumber n = static_cast<SeriesNumber>(rng() % in_order.size());
    ASSERT_TRUE(cursor->Seek(n));
    cursor->LabelsOf(&got);
    ASSERT_EQ(got, in_order[n]);
  }
}

TEST_F(BlockTest, TombstonesHideSamples) {
  const SeriesMap series = RandomSeries(7, 20, kMin, kMax);
  const auto block = Write(series);
  Tombstones deleted;
  deleted.Add(3, {kMin + 100'000, kMin + 200'000});
  deleted.Add(3, {kMin + 150'000, kMin + 400'000});
  block->SetTombstones(deleted);
  const SampleColumns& all = std::next(series.begin(), 3)->second;
  SampleColumns out, want = Within(all, kMin, kMin + 99'999);
  const SampleColumns after = Within(all, kMin + 400'001, kMax);
  want.times.insert(want.times.end(), after.times.begin(), after.times.end());
  want.values.insert(want.values.end(), after.values.begin(), after.values.end());
  want.histograms.insert(want.histograms.end(), after.histograms.begin(), after.histograms.end());
  ASSERT_TRUE(block->Read(3, kMin, kMax, &out).ok());
  EXPECT_TRUE(SameSamples(out, want));
}

// What summaries say, folded with edges, equals a full decode.
class Folder : public SummarySink {
 public:
  void OnSlice(const SliceSummary& s) override {
    Take(s);
    ++slices;
  }
  void OnSamples(std::span<const int64_t> times, std::span<const double> values) override {
    for (size_t i = 0; i < times.size(); ++i) {
      if (!IsStaleNan(values[i])) Take(Summarise(times.subspan(i, 1), values.subspan(i, 1)));
    }
  }
  void Take(const SliceSummary& s) {
    if (s.count == 0) return;
    if (total.count == 0) {
      total = s;
      return;
    }
    ASSERT_GT(s.first_ms, total.last_ms);
    total.resets += s.resets + (s.first < total.last);
    total.changes += s.changes + (s.first != total.last);
    total.count += s.count;
    total.min = std::min(total.min, s.min);
    total.max = std::max(total.max, s.max);
    total.integral = total.integral && s.integral;
    total.sum += s.sum;
    total.last = s.last;
    total.last_ms = s.last_ms;
  }
  SliceSummary total;
  int slices = 0;
};

TEST_F(BlockTest, SummariesEqualFullDecode) {
  const int64_t end = kMin + 24 * kHour;
  const SeriesMap series = RandomSeries(8, 60, kMin, end, 30'000);
  const auto block = Write(series, end, true);
  std::mt19937_64 rng(9);
  int slices = 0, refused = 0;
  SeriesNumber n = 0;
  for (const auto& [labels, samples] : series) {
    for (int round = 0; round < 10; ++round) {
      const int64_t a = kMin + static_cast<int64_t>(rng() % (12 * kHour));
      const int64_t b = round == 0 ? end : a + static_cast<int64_t>(rng() % (12 * kHour));
      Folder folder;
      Status status;
      if (!block->ReadSummaries(n, a, b, &folder, &status)) {
        EXPECT_FALSE(samples.histograms.empty());
        ++refused;
        continue;
      }
      ASSERT_TRUE(status.ok()) << status.ToString();
      slices += folder.slices;
      const SampleColumns cut = Within(samples, a, b);
      const SliceSummary want = Summarise(cut.times, cut.values);
      ASSERT_EQ(folder.total.count, want.count);
      if (want.count == 0) continue;
      EXPECT_EQ(folder.total.first_ms, want.first_ms);
      EXPECT_EQ(folder.total.last_ms, want.last_ms);
      EXPECT_EQ(folder.total.first, want.first);
      EXPECT_EQ(folder.total.last, want.last);
      EXPECT_EQ(folder.total.min, want.min);
      EXPECT_EQ(folder.total.max, want.max);
      EXPECT_EQ(folder.total.resets, want.resets);
      EXPECT_EQ(folder.total.changes, want.changes);
      EXPECT_EQ(folder.total.integral, want.integral);
      if (want.integral) {
        EXPECT_EQ(folder.total.sum, want.sum);
      }
    }
    ++n;
  }
  EXPECT_GT(slices, 100);
  EXPECT_GT(refused, 0);
}

// Every answer of the block, as far as it gives any.
bool AnswersRight(const Block& block, const SeriesMap& series) {
  const auto cursor = block.NewCursor();
  SeriesNumber n = 0;
  bool complete = true;
  for (const auto& [labels, samples] : series) {
    Labels got;
    SampleColumns out;
    const bool found = cursor->Seek(n);
    if (found) cursor->LabelsOf(&got);
    const Status status = block.Read(n++, kMin, kMax, &out);
    if (!found || !status.ok() || !block.Health().ok()) {
      complete = false;
      continue;
    }
    EXPECT_EQ(got, labels);
    EXPECT_TRUE(SameSamples(out, samples)) << labels.ToString();
  }
  return complete;
}

TEST_F(BlockTest, AFlippedBitIsAnErrorNeverAWrongAnswer) {
  const SeriesMap series = RandomSeries(10, 120, kMin, kMax);
  Write(series);
  FileSystem* fs = FileSystem::Posix();
  std::mt19937_64 rng(11);
  for (const std::string name : {"index", "chunks/000001"}) {
    const std::string path = JoinPath(Dir(), name);
    const std::string good = *fs->ReadFile(path);
    for (int round = 0; round < 150; ++round) {
      std::string bad = good;
      bad[rng() % bad.size()] ^= static_cast<char>(1 << (rng() % 8));
      auto file = fs->Create(path);
      ASSERT_TRUE((*file)->Append(bad).ok() && (*file)->Close().ok());
      const auto block = BlockReader::Open(fs, Dir());
      if (!block.ok()) continue;
      EXPECT_FALSE((*block)->VerifyAll().ok()) << name;
      AnswersRight(**block, series);
    }
    auto file = fs->Create(path);
    ASSERT_TRUE((*file)->Append(good).ok() && (*file)->Close().ok());
  }
  const auto block = BlockReader::Open(fs, Dir());
  ASSERT_TRUE(block.ok());
  EXPECT_TRUE(AnswersRight(**block, series));
}

TEST_F(BlockTest, ATruncatedFileIsAnErrorBeforeItIsMapped) {
  Write(RandomSeries(12, 50, kMin, kMax));
  for (const std::string name : {"index", "chunks/000001"}) {
    const std::string path = JoinPath(Dir(), name);
    const std::string good = *FileSystem::Posix()->ReadFile(path);
    ASSERT_TRUE(FileSystem::Posix()->Truncate(path, good.size() - 1).ok());
    EXPECT_FALSE(BlockReader::Open(FileSystem::Posix(), Dir()).ok()) << name;
    auto file = FileSystem::Posix()->Create(path);
    ASSERT_TRUE((*file)->Append(good).ok() && (*file)->Close().ok());
  }
  ASSERT_TRUE(FileSystem::Posix()->Remove(JoinPath(Dir(), "index")).ok());
  EXPECT_FALSE(BlockReader::Open(FileSystem::Posix(), Dir()).ok());
}

TEST_F(BlockTest, EveryFailedStepOfWritingIsReported) {
  const SeriesMap series = RandomSeries(13, 40, kMin, kMin + 600'000);
  FaultFileSystem fs(FileSystem::Posix());
  ASSERT_TRUE(WriteBlock(&fs, Dir(), series, kMin, kMax).ok());
  const uint64_t steps = fs.steps();
  ASSERT_GT(steps, 10u);
  for (uint64_t step = 1; step <= steps; ++step) {
    ASSERT_TRUE(FileSystem::Posix()->RemoveAll(Dir()).ok());
    fs.SetPlan({.fail_at = step, .error_number = ENOSPC, .tear = step % 2 == 0});
    const auto meta = WriteBlock(&fs, Dir(), series, kMin, kMax);
    EXPECT_FALSE(meta.ok()) << "step " << step;
    EXPECT_EQ(meta.status().code(), StatusCode::kNoSpace);
  }
}

TEST_F(BlockTest, IndexAndSamplesAreAsSmallAsPromised) {
  SeriesMap series;
  std::mt19937_64 rng(14);
  for (int host = 0; host < 100; ++host) {
    for (int metric = 0; metric < 100; ++metric) {
      LabelsBuilder b;
      b.Set("__name__", "node_something_total_" + std::to_string(metric));
      b.Set("cluster", "eu-west-1").Set("datacenter", "dc" + std::to_string(host % 3));
      b.Set("env", "production").Set("instance", "host-" + std::to_string(host) + ":9100");
      b.Set("job", "node").Set("rack", "r" + std::to_string(host % 17)).Set("team", "infra");
      b.Set("device", "dev" + std::to_string(metric % 7))
          .Set("mode", "m" + std::to_string(metric % 5));
      b.Set("os", "linux").Set("region", "eu");
      SampleColumns& s = series[b.Build()];
      double x = 0;
      for (int64_t t = kMin + host * 7; t < kMin + kHour; t += 15'000) {
        s.times.push_back(t);
        s.values.push_back(metric % 3 ? 1 : x += static_cast<double>(rng() % 100));
      }
    }
  }
  const auto block = Write(series);
  const double index = static_cast<double>(block->meta().files.back().size_bytes);
  EXPECT_LE(index / static_cast<double>(series.size()), 45.0);
  printf("index %.1f B/series, block %.3f B/sample\n", index / static_cast<double>(series.size()),
         static_cast<double>(block->SizeBytes()) / static_cast<double>(block->meta().samples));
}

}  // namespace
}  // namespace deucalion::tsdb
