#include "tsdb/interop/prometheus_block.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "tests/support/temp_dir.h"
#include "tests/tsdb/block/block_fixture.h"
#include "tsdb/block/block_reader.h"
#include "tsdb/interop/prometheus_chunks.h"
#include "tsdb/interop/prometheus_writer.h"

namespace deucalion::tsdb {
namespace {

constexpr int64_t kHour = 3'600'000;
constexpr int64_t kMin = 1'700'006'400'000;
constexpr char kUlid[] = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

bool HavePromtool() { return std::system("promtool --version >/dev/null 2>&1") == 0; }

std::string RunShell(const std::string& command) {
  std::string output;
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  char buffer[4096];
  for (size_t n; (n = fread(buffer, 1, sizeof(buffer), pipe)) > 0;) output.append(buffer, n);
  const int code = pclose(pipe);
  EXPECT_EQ(code, 0) << command << "\n" << output.substr(0, 2000);
  return output;
}

// Writes `series` as one of our blocks, exports it, returns the exported directory.
std::string Export(const TempDir& dir, const SeriesMap& series, int64_t max_ms) {
  FileSystem* fs = FileSystem::Posix();
  const std::string own = dir.Path(kUlid);
  EXPECT_TRUE(WriteBlock(fs, own, series, kMin, max_ms).ok());
  auto block = BlockReader::Open(fs, own);
  EXPECT_TRUE(block.ok());
  EXPECT_TRUE(fs->CreateDirs(dir.Path("export")).ok());
  const auto meta = ExportPrometheusBlock(fs, *block, dir.Path("export"));
  EXPECT_TRUE(meta.ok()) << meta.status().ToString();
  return dir.Path("export/" + std::string(kUlid));
}

void ExpectSeries(const Block& block, const SeriesMap& series) {
  const auto all = block.Select({}, INT64_MIN, INT64_MAX, nullptr);
  ASSERT_TRUE(all.ok());
  ASSERT_EQ(all->size(), series.size());
  size_t i = 0;
  for (const auto& [labels, samples] : series) {
    const SeriesNumber n = all->view()[i++];
    Labels got;
    SampleColumns out;
    ASSERT_TRUE(block.LabelsOf(n, &got).ok());
    ASSERT_EQ(got, labels);
    const Status status = block.Read(n, INT64_MIN, INT64_MAX, &out);
    ASSERT_TRUE(status.ok()) << status.ToString();
    // Readers of chunks learn hints that the writer's samples did not have.
    for (HistogramPoint& p : out.histograms) p.histogram.reset_hint = ResetHint::kUnknown;
    ASSERT_TRUE(SameSamples(out, samples)) << labels.ToString();
  }
}

TEST(PrometheusBlockTest, AnExportedBlockReadsBackTheSame) {
  TempDir dir;
  const SeriesMap series = RandomSeries(1, 200, kMin, kMin + 2 * kHour);
  const std::string path = Export(dir, series, kMin + 2 * kHour);
  const auto block = OpenPrometheusBlock(FileSystem::Posix(), path);
  ASSERT_TRUE(block.ok()) << block.status().ToString();
  ExpectSeries(**block, series);
  EXPECT_TRUE((*block)->VerifyAll().ok());
}

TEST(PrometheusBlockTest, SelectionEqualsMatchingEverySeries) {
  TempDir dir;
  const SeriesMap series = RandomSeries(2, 300, kMin, kMin + 600'000);
  const auto block =
      OpenPrometheusBlock(FileSystem::Posix(), Export(dir, series, kMin + 2 * kHour));
  ASSERT_TRUE(block.ok());
  const std::vector<std::vector<Matcher>> selections = {
      {Matcher::Equal("__name__", "metric_7")},
      {*Matcher::Make(MatchType::kRegexp, "instance", "host-1.*"), Matcher::NotEqual("mode", "")},
      {*Matcher::Make(MatchType::kNotRegexp, "mode", "1|2|3"), Matcher::Equal("job", "app")},
      {Matcher::Equal("mode", "")},
      {Matcher::Equal("instance", "zzz")},
      {Matcher::Equal("instance", "")},
  };
  for (const auto& matchers : selections) {
    size_t want = 0;
    for (const auto& [labels, samples] : series) want += MatchesAll(matchers, labels);
    const auto got = (*block)->Select(matchers, kMin, kMin + 2 * kHour, nullptr);
    ASSERT_TRUE(got.ok());
    ASSERT_EQ(got->size(), want);
    for (const SeriesNumber n : got->view()) {
      Labels labels;
      ASSERT_TRUE((*block)->LabelsOf(n, &labels).ok());
      EXPECT_TRUE(MatchesAll(matchers, labels));
    }
  }
}

TEST(PrometheusBlockTest, PromtoolOpensWhatWeExport) {
  if (!HavePromtool()) GTEST_SKIP() << "no promtool";
  TempDir dir;
  SeriesMap series = RandomSeries(3, 100, kMin, kMin + 2 * kHour);
  // Debian's promtool dumps float series only.
  std::erase_if(series, [](const auto& s) { return !s.second.histograms.empty(); });
  Export(dir, series, kMin + 2 * kHour);
  const std::string data = dir.Path("export");
  EXPECT_NE(RunShell("promtool tsdb list " + data).find(kUlid), std::string::npos);
  const std::string analysis = RunShell("promtool tsdb analyze " + data);
  EXPECT_NE(analysis.find("Series: " + std::to_string(series.size()) + "\n"), std::string::npos)
      << analysis.substr(0, 500);
  // It refuses a directory without a WAL.
  ASSERT_TRUE(FileSystem::Posix()->CreateDirs(data + "/wal").ok());
  const std::string dump = RunShell("promtool tsdb dump " + data);
  size_t lines = 0, samples = 0;
  for (const char c : dump) lines += c == '\n';
  for (const auto& [labels, s] : series) samples += s.times.size();
  EXPECT_EQ(lines, samples);
}

TEST(PrometheusBlockTest, ReadsWhatPromtoolWrites) {
  if (!HavePromtool()) GTEST_SKIP() << "no promtool";
  TempDir dir;
  std::string text = "# TYPE a gauge\n";
  SeriesMap series;
  std::mt19937_64 rng(4);
  for (int i = 0; i < 500; ++i) {
    const int64_t t = kMin / 1000 + i * 15;
    for (const char* host : {"x", "y"}) {
      const double v = static_cast<double>(rng() % 1000) / 10;
      text += "a{host=\"" + std::string(host) + "\"} " + FormatFloatF(v) + " " + std::to_string(t) +
              "\n";
      SampleColumns& s = series[Labels{{"__name__", "a"}, {"host", host}}];
      s.times.push_back(t * 1000);
      s.values.push_back(v);
    }
  }
  text += "# EOF\n";
  auto file = FileSystem::Posix()->Create(dir.Path("in.om"));
  ASSERT_TRUE((*file)->Append(text).ok() && (*file)->Close().ok());
  RunShell("promtool tsdb create-blocks-from openmetrics " + dir.Path("in.om") + " " +
           dir.Path("out"));
  SeriesMap got;
  const auto names = FileSystem::Posix()->List(dir.Path("out"));
  ASSERT_TRUE(names.ok());
  for (const std::string& name : *names) {
    if (!IsUlid(name)) continue;
    const auto block = OpenPrometheusBlock(FileSystem::Posix(), dir.Path("out/" + name));
    ASSERT_TRUE(block.ok()) << block.status().ToString();
    const auto all = (*block)->Select({}, INT64_MIN, INT64_MAX, nullptr);
    ASSERT_TRUE(all.ok());
    for (const SeriesNumber n : all->view()) {
      Labels labels;
      ASSERT_TRUE((*block)->LabelsOf(n, &labels).ok());
      ASSERT_TRUE((*block)->Read(n, INT64_MIN, INT64_MAX, &got[labels]).ok());
    }
  }
  ASSERT_EQ(got.size(), series.size());
  for (const auto& [labels, samples] : series) EXPECT_TRUE(SameSamples(got[labels], samples));
}

TEST(PrometheusBlockTest, AFlippedBitIsAnErrorNeverAWrongAnswer) {
  TempDir dir;
  const SeriesMap series = RandomSeries(5, 40, kMin, kMin + kHour);
  const std::string path = Export(dir, series, kMin + 2 * kHour);
  FileSystem* fs = FileSystem::Posix();
  std::mt19937_64 rng(6);
  for (const std::string name : {"index", "chunks/000001"}) {
    const std::string file_path = JoinPath(path, name);
    const std::string good = *fs->ReadFile(file_path);
    for (int round = 0; round < 200; ++round) {
      std::string bad = good;
      if (round % 4 == 0) bad.resize(rng() % bad.size());
      if (!bad.empty()) bad[rng() % bad.size()] ^= static_cast<char>(1 << (rng() % 8));
      auto file = fs->Create(file_path);
      ASSERT_TRUE((*file)->Append(bad).ok() && (*file)->Close().ok());
      const auto block = OpenPrometheusBlock(fs, path);
      if (!block.ok()) continue;
      const auto all = (*block)->Select({}, INT64_MIN, INT64_MAX, nullptr);
      if (!all.ok()) continue;
      for (const SeriesNumber n : all->view()) {
        Labels labels;
        SampleColumns out;
        if (!(*block)->LabelsOf(n, &labels).ok() ||
            !(*block)->Read(n, INT64_MIN, INT64_MAX, &out).ok())
          continue;
        const auto want = series.find(labels);
        ASSERT_NE(want, series.end());
        for (HistogramPoint& p : out.histograms) p.histogram.reset_hint = ResetHint::kUnknown;
        EXPECT_TRUE(SameSamples(out, want->second));
      }
    }
    auto file = fs->Create(file_path);
    ASSERT_TRUE((*file)->Append(good).ok() && (*file)->Close().ok());
  }
}

}  // namespace
}  // namespace deucalion::tsdb
