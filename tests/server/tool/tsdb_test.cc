// The tsdb commands of deutool, over data directories of ours and of Prometheus, beside promtool
// where it is installed.
#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "tests/server/tool/run_tool.h"
#include "tests/support/temp_dir.h"
#include "tests/tsdb/db/db_support.h"
#include "tests/tsdb/interop/prometheus_log_samples.h"
#include "tsdb/block/block_meta.h"

namespace deucalion::tool {
namespace {

using tsdb::LogSegment;

constexpr int64_t kT0 = 1'700'006'400'000;
constexpr int64_t kHour = 3'600'000;

bool HavePromtool() { return std::system("promtool --version >/dev/null 2>&1") == 0; }

std::string Promtool(const std::string& args) {
  std::string output;
  FILE* pipe = popen(("promtool tsdb " + args + " 2>&1").c_str(), "r");
  char buffer[4096];
  for (size_t n; (n = fread(buffer, 1, sizeof(buffer), pipe)) > 0;) output.append(buffer, n);
  EXPECT_EQ(pclose(pipe), 0) << args << "\n" << output.substr(0, 2000);
  return output;
}

std::string Tsdb(std::vector<std::string> args) {
  args.insert(args.begin(), "tsdb");
  const ToolRun run = Deutool(args);
  EXPECT_EQ(run.exit_code, 0) << args[1] << "\n" << run.out << run.err;
  EXPECT_EQ(run.err, "");
  return run.out;
}

std::vector<std::string> SortedLines(const std::string& text) {
  std::vector<std::string> lines;
  size_t begin = 0;
  for (size_t end; (end = text.find('\n', begin)) != text.npos; begin = end + 1) {
    lines.push_back(text.substr(begin, end - begin));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

// Of the sandbox nothing is left, whatever happened.
void ExpectNoSandbox(const std::string& dir) {
  const auto names = FileSystem::Posix()->List(dir);
  ASSERT_TRUE(names.ok());
  for (const std::string& name : *names) {
    EXPECT_EQ(name.find("sandbox"), name.npos) << name;
  }
}

// Samples every 15 s from `begin` on: 20 series of two metrics.
std::string OpenMetricsText(int samples) {
  std::string text = "# TYPE requests counter\n# TYPE level gauge\n";
  for (int n = 0; n < samples; n++) {
    const std::string at = std::to_string(kT0 / 1000 + n * 15);
    for (int i = 0; i < 10; i++) {
      const std::string host = "{host=\"h" + std::to_string(i) + "\"} ";
      text += "requests_total" + host + std::to_string(n * (i + 1)) + " " + at + "\n";
      text += "level" + host + std::to_string((n * 7 + i) % 13) + ".5 " + at + "\n";
    }
  }
  return text + "# EOF\n";
}

// A directory of Prometheus's blocks, made from the text.
void CreateBlocks(const TempDir& dir, int samples) {
  WriteFile(dir.Path("in.om"), OpenMetricsText(samples));
  Tsdb({"create-blocks-from", "-q", "openmetrics", dir.Path("in.om"), dir.Path("data")});
  ASSERT_TRUE(FileSystem::Posix()->CreateDirs(dir.Path("data/wal")).ok());
}

// A directory of ours: head, out-of-order samples, a block, a deletion.
tsdb::SampleMap FillOwn(const std::string& path) {
  tsdb::DbOptions options;
  options.settings.out_of_order_window_ms = 2 * kHour;
  auto db = tsdb::OpenDb(path, options);
  for (int n = 0; n < 1000; n++) {
    auto appender = db->NewAppender({});
    for (int i = 0; i < 3; i++) {
      const Labels series{{"__name__", "own"}, {"i", std::to_string(i)}};
      EXPECT_TRUE(
          appender->Append(tsdb::Ref(appender.get(), series), kT0 + n * 15'000, n + i, 0).ok());
    }
    EXPECT_TRUE(appender->Commit().ok());
  }
  EXPECT_TRUE(db->MaintainHead().ok());
  EXPECT_TRUE(
      tsdb::AppendOne(db.get(), Labels{{"__name__", "own"}, {"i", "0"}}, kT0 + 990 * 15'000 - 1, 7)
          .ok());
  EXPECT_TRUE(db->DeleteSeries(kT0, kT0 + 60'000, {Matcher::Equal("i", "1")}).ok());
  EXPECT_FALSE(db->blocks()->List()->empty());
  return tsdb::ReadAll(db.get());
}

std::string DumpOf(const tsdb::SampleMap& samples) {
  std::string text;
  for (const auto& [labels, s] : samples) {
    for (const auto& [t, bits] : s) {
      text += labels.view().ToBraceString() + " " + FormatFloatG(std::bit_cast<double>(bits)) +
              " " + std::to_string(t) + "\n";
    }
  }
  return text;
}

TEST(TsdbToolTest, CreatesTheBlocksThatPromtoolCreates) {
  TempDir dir;
  WriteFile(dir.Path("in.om"), OpenMetricsText(1500));
  const std::string table =
      Tsdb({"create-blocks-from", "openmetrics", dir.Path("in.om"), dir.Path("out")});
  EXPECT_EQ(SortedLines(table).size(), 5u);  // a header and four blocks
  EXPECT_EQ(
      table.find("BLOCK ULID                  MIN TIME       MAX TIME       DURATION      NUM "
                 "SAMPLES  NUM CHUNKS   NUM SERIES   SIZE\n"),
      0u)
      << table;
  if (!HavePromtool()) GTEST_SKIP() << "no promtool";
  const std::string theirs =
      Promtool("create-blocks-from openmetrics " + dir.Path("in.om") + " " + dir.Path("theirs"));
  // All but the ULIDs and sizes.
  const auto shape = [](const std::string& text) {
    std::vector<std::string> lines;
    for (const std::string& line : SortedLines(text)) {
      lines.push_back(line.substr(26, line.find_last_of(' ') - 26));
    }
    return lines;
  };
  EXPECT_EQ(shape(table), shape(theirs));
  ASSERT_TRUE(FileSystem::Posix()->CreateDirs(dir.Path("out/wal")).ok());
  ASSERT_TRUE(FileSystem::Posix()->CreateDirs(dir.Path("theirs/wal")).ok());
  EXPECT_EQ(SortedLines(Promtool("dump " + dir.Path("out"))),
            SortedLines(Promtool("dump " + dir.Path("theirs"))));
}

TEST(TsdbToolTest, LongerBlocksAndLabelsForEverySeries) {
  TempDir dir;
  WriteFile(dir.Path("in.om"), OpenMetricsText(1500));
  Tsdb({"create-blocks-from", "--max-block-duration=24h", "openmetrics", "--label=site=here",
        dir.Path("in.om"), dir.Path("out")});
  EXPECT_LE(SortedLines(Tsdb({"list", dir.Path("out")})).size(), 3u);
  EXPECT_NE(Tsdb({"dump", "--format=seriesjson", dir.Path("out")})
                .find(R"({"__name__":"level","host":"h0","site":"here"})"),
            std::string::npos);
}

TEST(TsdbToolTest, CreatingSaysWhatIsWrongWithTheInput) {
  TempDir dir;
  const auto fails = [&](const std::string& text, const std::string& message) {
    WriteFile(dir.Path("in.om"), text);
    const ToolRun run =
        Deutool({"tsdb", "create-blocks-from", "openmetrics", dir.Path("in.om"), dir.Path("out")});
    EXPECT_EQ(run.exit_code, 1);
    EXPECT_NE(run.err.find(message), std::string::npos) << run.err;
  };
  fails("a 1\n# EOF\n", "getting min and max timestamp: expected timestamp for series got none");
  fails("a 1 1700000000\n", "getting min and max timestamp: next: ");
  fails("a 1 1700000060\na 1 1700000000\n# EOF\n",
        "block creation: process blocks: add sample: out of order sample");
  fails("a 1 1700000060\na 2 1700000060\n# EOF\n", "duplicate sample for timestamp");
  const ToolRun rules = Deutool({"tsdb", "create-blocks-from", "rules", "--start=1", "x.yml"});
  EXPECT_EQ(rules.exit_code, 1);
  EXPECT_EQ(rules.err, "deutool: error: create-blocks-from rules: not supported yet\n");
}

TEST(TsdbToolTest, ListsAsPromtoolDoes) {
  TempDir dir;
  CreateBlocks(dir, 1000);
  EXPECT_EQ(SortedLines(Tsdb({"list", dir.Path("data")})).size(), 4u);
  EXPECT_NE(Tsdb({"list", "-r", dir.Path("data")}).find("2023-11-15 00:00:00 +0000 UTC"),
            std::string::npos);
  EXPECT_EQ(Deutool({"tsdb", "list", dir.Path("nowhere")}).err,
            "opening the db dir: stat " + dir.Path("nowhere") + ": no such file or directory\n");
  if (!HavePromtool()) GTEST_SKIP() << "no promtool";
  EXPECT_EQ(Tsdb({"list", dir.Path("data")}), Promtool("list " + dir.Path("data")));
  EXPECT_EQ(Tsdb({"list", "-r", dir.Path("data")}), Promtool("list -r " + dir.Path("data")));
}

TEST(TsdbToolTest, AnalyzesAsPromtoolDoes) {
  TempDir dir;
  CreateBlocks(dir, 700);
  const std::string ours = Tsdb({"analyze", "--limit=5", dir.Path("data")});
  EXPECT_NE(ours.find("Total Series: 20\nLabel names: 2\nPostings (unique label pairs): 12\n"
                      "Postings entries (total label pairs): 40\n"),
            std::string::npos)
      << ours;
  EXPECT_NE(ours.find("\nMost common label pairs:\n10 __name__=level\n10 __name__=requests_total\n"
                      "2 host=h0\n"),
            std::string::npos)
      << ours;
  EXPECT_NE(Tsdb({"analyze", "--match=level", dir.Path("data")}).find("Matched series: 10\n"),
            std::string::npos);
  EXPECT_EQ(Deutool({"tsdb", "analyze", dir.Path("data"), "01ARZ3NDEKTSV4RRFFQ69G5FAV"}).err,
            "invalid block ID 01ARZ3NDEKTSV4RRFFQ69G5FAV\n");
  const std::string extended = Tsdb({"analyze", "--extended", dir.Path("data")});
  EXPECT_NE(extended.find("\nCompaction analysis:\n\nsamples per float chunk (min/avg/max): "),
            std::string::npos);
  EXPECT_NE(extended.find("samples per histogram chunk: N/A\n"), std::string::npos);
  if (!HavePromtool()) GTEST_SKIP() << "no promtool";
  // 2.x says "Series:"; equal numbers come in any order there.
  std::string theirs = Promtool("analyze --limit=100 " + dir.Path("data"));
  theirs.replace(theirs.find("\nSeries: "), 9, "\nTotal Series: ");
  EXPECT_EQ(SortedLines(Tsdb({"analyze", "--limit=100", dir.Path("data")})), SortedLines(theirs));
}

TEST(TsdbToolTest, DumpsBlocksAndWalOfPrometheus) {
  TempDir dir;
  CreateBlocks(dir, 600);
  LogSegment wal;
  wal.Add(tsdb::SeriesRecordBytes({{1, Labels{{"__name__", "tail"}, {"x", "a\"b"}}}}));
  const int64_t t = kT0 + 5 * kHour;
  wal.Add(tsdb::SamplesRecordBytes({{1, t, 0, 1e6}, {1, t + 1, 0, StaleNan()}, {1, t + 2, 0, 0.1}}),
          tsdb::LogCompression::kSnappy);
  wal.WriteTo(dir.Path("data/wal"), 0);
  const std::string all = Tsdb({"dump", dir.Path("data")});
  EXPECT_EQ(SortedLines(all).size(), 600u * 20 + 3);
  EXPECT_NE(all.find("{__name__=\"tail\", x=\"a\\\"b\"} 1e+06 " + std::to_string(t) + "\n"),
            all.npos);
  EXPECT_EQ(Tsdb({"dump", "--min-time=" + std::to_string(t + 2), dir.Path("data")}),
            "{__name__=\"tail\", x=\"a\\\"b\"} 0.1 " + std::to_string(t + 2) + "\n");
  EXPECT_EQ(
      Tsdb({"dump-openmetrics", "--match=tail", dir.Path("data")}),
      "tail{x=\"a\\\"b\"} 1e+06 1700024400.000\ntail{x=\"a\\\"b\"} 0.1 1700024400.002\n# EOF\n");
  const std::string some =
      Tsdb({"dump", "--match={__name__='tail'}", "--match={host='h1'}", dir.Path("data")});
  EXPECT_EQ(SortedLines(some).size(), 600u * 2 + 3);
  EXPECT_EQ(Deutool({"tsdb", "dump", "--match={", dir.Path("data")}).exit_code, 1);
  ExpectNoSandbox(dir.Path("data"));
  EXPECT_FALSE(FileSystem::Posix()->Exists(dir.Path("data/deucalion")));
  if (!HavePromtool()) GTEST_SKIP() << "no promtool";
  EXPECT_EQ(SortedLines(all), SortedLines(Promtool("dump " + dir.Path("data"))));
}

TEST(TsdbToolTest, DumpsAndExportsWhatWeStore) {
  TempDir dir;
  const tsdb::SampleMap samples = FillOwn(dir.Path("own"));
  ASSERT_TRUE(FileSystem::Posix()->CreateDirs(dir.Path("sandboxes")).ok());
  const std::string want = DumpOf(samples);
  EXPECT_EQ(Tsdb({"dump", dir.Path("own")}), want);
  EXPECT_EQ(Tsdb({"dump", "--sandbox-dir-root", dir.Path("sandboxes"), dir.Path("own")}), want);
  EXPECT_TRUE(FileSystem::Posix()->List(dir.Path("sandboxes"))->empty());
  {
    // In use: the same, and its owner notices nothing.
    auto db = tsdb::Db::Open(dir.Path("own"), {});
    ASSERT_TRUE(db.ok());
    EXPECT_EQ(Tsdb({"dump", dir.Path("own")}), want);
    tsdb::ExpectModel(db->get(), samples, "the owner");
  }
  Tsdb({"export-prometheus", dir.Path("own"), dir.Path("exported")});
  EXPECT_EQ(Tsdb({"dump", dir.Path("exported")}), want);
  EXPECT_EQ(Tsdb({"verify", dir.Path("exported")}).find("DAMAGED"), std::string::npos);
  ExpectNoSandbox(dir.Path("own"));
  if (!HavePromtool()) GTEST_SKIP() << "no promtool";
  EXPECT_EQ(SortedLines(Promtool("dump " + dir.Path("exported"))), SortedLines(want));
  EXPECT_EQ(Promtool("list " + dir.Path("exported")), Tsdb({"list", dir.Path("exported")}));
  EXPECT_NE(Promtool("analyze " + dir.Path("exported")).find("__name__=own"), std::string::npos);
}

TEST(TsdbToolTest, VerifyFindsAFlippedBitInEveryFile) {
  TempDir dir;
  FillOwn(dir.Path("own"));
  CreateBlocks(dir, 300);
  LogSegment wal;
  wal.Add(tsdb::SeriesRecordBytes({{1, Labels{{"__name__", "tail"}}}}));
  wal.WriteTo(dir.Path("data/wal"), 0);
  tsdb::HeadChunkFile chunks;
  chunks.Add(1, 0, 1, 1, "abc");
  chunks.WriteTo(dir.Path("data/chunks_head"), 1);
  for (const std::string root : {dir.Path("own"), dir.Path("data")}) {
    const std::string report = Tsdb({"verify", root});
    EXPECT_NE(report.find(": all checksums match\n"), report.npos) << report;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
      const std::string path = entry.path(), name = entry.path().filename();
      if (!entry.is_regular_file() || entry.file_size() == 0) continue;
      // Nothing in these is under a checksum of ours.
      if (name == "lock" || name == "format" || path.find("/catalog/") != path.npos ||
          name == "meta.json") {
        continue;
      }
      const std::string bytes = *FileSystem::Posix()->ReadFile(path);
      std::string broken = bytes;
      // Behind the magic number and in front of what is allocated ahead or fills up; in our logs
      // not where a length is nor in the last frame, which would look like an unfinished end.
      const bool log = path.find("/deucalion/wal/") != path.npos || name.starts_with("checkpoint");
      broken[log ? bytes.size() / 4 : std::min<size_t>(bytes.size() - 1, 21)] ^= 4;
      WriteFile(path, broken);
      const ToolRun run = Deutool({"tsdb", "verify", root});
      EXPECT_EQ(run.exit_code, 1) << path << "\n" << run.out;
      EXPECT_NE(run.out.find("DAMAGED  "), run.out.npos) << path;
      EXPECT_NE(run.out.find(" bytes: 1 damaged\n"), run.out.npos) << path << "\n" << run.out;
      WriteFile(path, bytes);
    }
  }
}

}  // namespace
}  // namespace deucalion::tool
