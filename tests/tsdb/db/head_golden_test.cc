// Pins the disk formats of the head: format file, WAL segment, checkpoint, file of sealed chunks;
// and that of tombstones. tests/golden/head is a data directory after kill -9, written by the first
// version of them: it must always read as tests/golden/head.txt says, from the checkpoint and from
// the WAL alone. DEUCALION_WRITE_GOLDEN=1 writes them anew: only together with new format versions.
#include <cstdlib>

#include "tests/support/source_dir.h"
#include "tests/support/temp_dir.h"
#include "tests/tsdb/db/db_support.h"
#include "tsdb/block/tombstones.h"

namespace deucalion::tsdb {
namespace {

constexpr int64_t kStart = 1'700'006'400'000;

std::string GoldenPath(const std::string& name) {
  return JoinPath(JoinPath(SourceDir(), "tests/golden"), name);
}

DbOptions Options(Clock* clock) {
  DbOptions options;
  options.clock = clock;
  options.shards = 4;
  options.wal_streams = 1;
  options.settings.out_of_order_window_ms = 3'600'000;
  options.memory_catalog = true;
  return options;
}

std::unique_ptr<Db> Open(const std::string& path, Clock* clock) {
  DbOptions options = Options(clock);
  options.durability = wal::Durability::kOs;
  options.chunk_file_bytes = 8192;
  options.background = false;
  auto db = Db::Open(path, options);
  EXPECT_TRUE(db.ok()) << db.status().ToString();
  return db.ok() ? std::move(*db) : nullptr;
}

Labels Series(const std::string& name, int i) {
  return Labels{{"__name__", name}, {"instance", "host-" + std::to_string(i)}, {"job", "node"}};
}

void AppendRounds(Db* db, int begin, int end) {
  for (int n = begin; n < end; n++) {
    const int64_t t = kStart + n * 15'000 + (n % 20 == 7 ? 3 : 0);
    auto appender = db->NewAppender({});
    for (int i = 0; i < 3; i++) {
      const auto append = [&](const char* name, double v, int64_t st_ms) {
        ASSERT_TRUE(appender->Append(Ref(appender.get(), Series(name, i)), t, v, st_ms).ok());
      };
      append("up", 1, 0);
      append("requests_total", n * (i + 3), n < 50 ? kStart - 1000 : kStart + 40'000);
      append("load", n % 17 * 0.25 + i, 0);
      append("ratio", 1.0 / (n + i + 1), 0);
      append("flaky", n % 30 == 29 ? StaleNan() : n % 5, 0);
      const IntHistogram h = Histogram(n);
      const SeriesRef ref = Ref(appender.get(), Series("latency", i));
      const Status status = n % 40 < 30 ? appender->AppendHistogram(ref, t, h, kStart)
                                        : appender->AppendFloatHistogram(ref, t, h.ToFloat(), 0);
      ASSERT_TRUE(status.ok());
    }
    ASSERT_TRUE(appender->Commit().ok());
  }
}

void AppendTheRest(Db* db, int n) {
  auto appender = db->NewAppender({});
  const int64_t t = kStart + n * 15'000;
  const SeriesRef load = Ref(appender.get(), Series("load", 0));
  const SeriesRef latency = Ref(appender.get(), Series("latency", 1));
  ASSERT_TRUE(appender->Append(load, t - 200'001, -5, 77).ok());
  ASSERT_TRUE(appender->AppendHistogram(latency, t - 200'001, Histogram(-6), 78).ok());
  ASSERT_TRUE(
      appender
          ->AppendExemplar(
              load,
              {.labels = Labels{{"trace_id", "abc"}}, .value = 0.5, .time_ms = t, .has_time = true})
          .ok());
  ASSERT_TRUE(
      appender
          ->UpdateMetadata(
              load, {.kind = MetricKind::kGauge, .unit = "procs", .help = "Runnable processes."})
          .ok());
  ASSERT_TRUE(appender->Commit().ok());
  appender.reset();
  ASSERT_TRUE(
      db->DeleteSeries(kStart + 90'000, kStart + 300'000, {Matcher::Equal("__name__", "up")}).ok());
}

void WriteGolden(const std::string& dir) {
  ManualClock clock(kStart);
  auto db = Open(dir, &clock);
  AppendRounds(db.get(), 0, 260);
  AppendTheRest(db.get(), 260);
  ASSERT_TRUE(db->Checkpoint().ok());
  AppendRounds(db.get(), 261, 275);
  AppendTheRest(db.get(), 275);
  (void)db->wal()->Close();
}

Status CopyTree(const std::string& from, const std::string& to) {
  FileSystem* fs = FileSystem::Posix();
  RETURN_IF_ERROR(fs->CreateDirs(to));
  ASSIGN_OR_RETURN(const auto names, fs->List(from));
  for (const std::string& name : names) {
    ASSIGN_OR_RETURN(const FileInfo info, fs->Stat(JoinPath(from, name)));
    if (info.is_directory) {
      RETURN_IF_ERROR(CopyTree(JoinPath(from, name), JoinPath(to, name)));
      continue;
    }
    ASSIGN_OR_RETURN(const std::string bytes, fs->ReadFile(JoinPath(from, name)));
    RETURN_IF_ERROR(fs->WriteFileAtomically(JoinPath(to, name), bytes));
  }
  return OkStatus();
}

std::string DumpAll(Db* db) {
  std::string out = DumpKinds(db);
  const auto exemplars = db->exemplars()->Select(kMinTimeMs, kMaxTimeMs, {{}});
  EXPECT_TRUE(exemplars.ok());
  for (const auto& series : *exemplars) {
    for (const Exemplar& e : series.exemplars) {
      out += series.series.ToString() + " " + e.labels.ToString() + " " + FormatFloatG(e.value) +
             "@" + std::to_string(e.time_ms) + "\n";
    }
  }
  return out;
}

TEST(HeadGoldenTest, TheFirstHeadEverWrittenStillReads) {
  FileSystem* fs = FileSystem::Posix();
  const std::string golden = GoldenPath("head");
  ManualClock clock(kStart);
  if (std::getenv("DEUCALION_WRITE_GOLDEN") != nullptr) {
    ASSERT_TRUE(fs->RemoveAll(golden).ok());
    WriteGolden(golden);
    ASSERT_TRUE(fs->Remove(JoinPath(golden, "lock")).ok());
    TempDir dir;
    ASSERT_TRUE(CopyTree(golden, dir.Path("copy")).ok());
    const std::string text = DumpAll(Open(dir.Path("copy"), &clock).get());
    ASSERT_TRUE(fs->WriteFileAtomically(GoldenPath("head.txt"), text).ok());
  }
  const std::string want = *fs->ReadFile(GoldenPath("head.txt"));
  EXPECT_GT(want.size(), 1000u);
  for (const bool checkpoint : {true, false}) {
    TempDir dir;
    const std::string copy = dir.Path("copy");
    ASSERT_TRUE(CopyTree(golden, copy).ok());
    if (!checkpoint) {
      ASSERT_TRUE(fs->Remove(JoinPath(copy, "deucalion/checkpoint-00000001")).ok());
      ASSERT_TRUE(fs->RemoveAll(JoinPath(copy, "deucalion/head_chunks")).ok());
    }
    auto db = Open(copy, &clock);
    ASSERT_NE(db, nullptr);
    EXPECT_EQ(DumpAll(db.get()), want) << (checkpoint ? "checkpoint" : "WAL alone");
    EXPECT_EQ(db->replay_stats().damaged, 0u);
    EXPECT_EQ(db->damaged_checkpoints(), 0u);
    EXPECT_EQ(db->replay_stats().unknown_ids, 0u);
    EXPECT_GT(db->head()->sealed().size_bytes(), 0u);
  }
}

TEST(HeadGoldenTest, TodaysHeadIsTheOneOfThen) {
  TempDir dir;
  WriteGolden(dir.Path("new"));
  ManualClock clock(kStart);
  EXPECT_EQ(DumpAll(Open(dir.Path("new"), &clock).get()),
            *FileSystem::Posix()->ReadFile(GoldenPath("head.txt")));
  EXPECT_EQ(*FileSystem::Posix()->ReadFile(dir.Path("new/deucalion/format")),
            *FileSystem::Posix()->ReadFile(GoldenPath("head/deucalion/format")));
}

TEST(HeadGoldenTest, TombstonesAreWrittenAndReadAsEver) {
  Tombstones tombstones;
  tombstones.Add(3, {kStart, kStart + 60'000});
  tombstones.Add(3, {kStart + 120'000, kStart + 120'000});
  tombstones.Add(4, {kMinTimeMs, kMaxTimeMs});
  tombstones.Add(70'000, {-5, 5});
  const std::string path = GoldenPath("tombstones");
  if (std::getenv("DEUCALION_WRITE_GOLDEN") != nullptr) {
    ASSERT_TRUE(FileSystem::Posix()->WriteFileAtomically(path, tombstones.Encode()).ok());
  }
  const std::string golden = *FileSystem::Posix()->ReadFile(path);
  EXPECT_EQ(tombstones.Encode(), golden);
  const auto read = Tombstones::Decode(golden);
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ(read->size(), 4u);
  EXPECT_EQ(read->Encode(), golden);
}

}  // namespace
}  // namespace deucalion::tsdb
