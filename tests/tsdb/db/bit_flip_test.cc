// A data directory of every kind of file, and one of them damaged: a bit flipped, cut short, or
// gone. The server starts (or says why it does not), says what it found, and never answers with a
// wrong value. DEUCALION_FLIPS is the number of places tried per file.
#include <atomic>
#include <cstdlib>
#include <functional>

#include "tests/support/temp_dir.h"
#include "tests/tsdb/db/db_support.h"

namespace deucalion::tsdb {
namespace {

constexpr int64_t kMinute = 60'000;
constexpr int64_t kStart = 1'700'006'400'000;

size_t Flips() {
  const char* wanted = std::getenv("DEUCALION_FLIPS");
  return wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : 4;
}

Labels Series(int i) { return Labels{{"__name__", "m"}, {"i", std::to_string(i)}}; }

// Counts warnings and errors.
class Listener : public Logger {
 public:
  void Log(LogLevel level, std::string_view, std::initializer_list<LogField>) override {
    loud_ += level >= LogLevel::kWarn;
  }
  bool Enabled(LogLevel) const override { return true; }
  int loud() const { return loud_; }

 private:
  std::atomic<int> loud_{0};
};

class DamagedFileTest : public ::testing::Test {
 protected:
  static DbOptions Options() {
    DbOptions options;
    options.min_block_range_ms = 10 * kMinute;
    options.max_block_range_ms = 30 * kMinute;
    options.shards = 4;
    options.wal_streams = 1;
    options.wal_segment_bytes = 4'000;
    return options;
  }

  // Two checkpoints, a compacted block and plain ones, tombstones, WAL behind the checkpoint.
  void SetUp() override {
    auto db = OpenDb(dir_.Path("data"), Options());
    for (int n = 0; n < 120; n++) {
      auto appender = db->NewAppender({});
      for (int i = 0; i < 6; i++) {
        const double v = i == 0 ? 1 : i == 1 ? n : 1.0 / (n + i);
        const int64_t t = kStart + n * kMinute / 2;
        ASSERT_TRUE(appender->Append(Ref(appender.get(), Series(i)), t, v, 0).ok());
        sent_[Series(i)][t] = std::bit_cast<uint64_t>(v);
      }
      ASSERT_TRUE(appender->Commit().ok());
      appender.reset();
      if (n % 10 == 9) {
        ASSERT_TRUE(db->MaintainHead().ok());
      }
      if (n % 50 == 49) {
        ASSERT_TRUE(db->Checkpoint().ok());
      }
      if (n == 80) {
        for (bool more = true; more;) more = *db->MaintainBlocks(nullptr, {});
        ASSERT_TRUE(db->DeleteSeries(kStart, kStart + kMinute, {Matcher::Equal("i", "5")}).ok());
      }
    }
    ASSERT_EQ(ReadAll(db.get()).size(), 6u);
    (void)db->wal()->Close();
    db.reset();
    List(dir_.Path("data"), "");
  }

  void List(const std::string& dir, const std::string& below) {
    FileSystem* fs = FileSystem::Posix();
    const auto names = fs->List(dir);
    for (const std::string& name : *names) {
      const std::string path = below.empty() ? name : below + "/" + name;
      if (fs->Stat(JoinPath(dir, name))->is_directory) {
        List(JoinPath(dir, name), path);
      } else if (name != "lock" && name != "LOCK" && name != "IDENTITY") {
        files_[path] = *fs->ReadFile(JoinPath(dir, name));
      }
    }
  }

  // Opens a copy in which `path` has other bytes (or is gone) and reads everything.
  void Try(const std::string& path, const std::string* bytes, const std::string& what) {
    FileSystem* fs = FileSystem::Posix();
    TempDir dir;
    for (const auto& [name, content] : files_) {
      const std::string to = dir.Path(name);
      ASSERT_TRUE(fs->CreateDirs(DirName(to)).ok());
      if (name == path && bytes == nullptr) continue;
      auto file = fs->Create(to);
      ASSERT_TRUE(file.ok());
      ASSERT_TRUE((*file)->Append(name == path ? *bytes : content).ok());
      ASSERT_TRUE((*file)->Close().ok());
    }
    Listener logger;
    DbOptions options = Options();
    options.logger = &logger;
    options.durability = wal::Durability::kOs;
    options.background = false;
    auto db = Db::Open(dir.path(), options);
    if (!db.ok()) {
      EXPECT_NE(db.status().message().find(BaseName(path)), std::string::npos)
          << what << " does not start and does not name the file: " << db.status().ToString();
      refused_++;
      return;
    }
    Read(db->get(), what);
    (*db)->VerifyHead();
    loud_ += logger.loud() > 0;
    tried_++;
  }

  void Read(Db* db, const std::string& what) {
    auto querier = db->NewQuerier(kMinTimeMs, kMaxTimeMs);
    ASSERT_TRUE(querier.ok()) << what;
    auto set = (*querier)->Select(true, {.min_ms = kMinTimeMs, .max_ms = kMaxTimeMs}, {}, nullptr);
    // Damage may be answered with an error...
    if (!set.ok()) return;
    Labels labels;
    for (size_t i = 0; i < (*set)->size(); i++) {
      SampleColumns c;
      (*set)->LabelsOf(i, &labels);
      if (!(*set)->Read(i, kMinTimeMs, kMaxTimeMs, &c).ok()) continue;
      // ...never with a wrong value.
      const auto known = sent_.find(labels);
      ASSERT_NE(known, sent_.end()) << what << " made up " << labels.ToString();
      for (size_t k = 0; k < c.times.size(); k++) {
        const auto sample = known->second.find(c.times[k]);
        ASSERT_NE(sample, known->second.end()) << what << " made up a sample";
        ASSERT_EQ(sample->second, std::bit_cast<uint64_t>(c.values[k])) << what;
      }
    }
  }

  void ForEachFile(const std::function<void(const std::string&, const std::string&)>& visit) {
    int kinds[6] = {};
    const auto all = files_;
    for (const auto& [path, bytes] : all) {
      const char* const parts[] = {"/wal/",    "checkpoint-", "/head_chunks/",
                                   "/blocks/", "format",      "/catalog/"};
      for (size_t i = 0; i < std::size(parts); i++) {
        kinds[i] += path.find(parts[i]) != std::string::npos;
      }
      visit(path, bytes);
      if (HasFatalFailure()) return;
    }
    for (const int files : kinds) EXPECT_GT(files, 0);
  }

  TempDir dir_;
  SampleMap sent_;
  std::map<std::string, std::string> files_;
  int refused_ = 0, tried_ = 0, loud_ = 0;
};

TEST_F(DamagedFileTest, AFlippedBitIsNeverAWrongValue) {
  ForEachFile([&](const std::string& path, const std::string& bytes) {
    for (size_t k = 0; k < Flips() && k < bytes.size(); k++) {
      const size_t at = (bytes.size() * k / Flips() + k * 13) % bytes.size();
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << (k % 8)));
      Try(path, &damaged, path + " at " + std::to_string(at));
    }
  });
  EXPECT_GT(loud_, 0);
  EXPECT_GT(tried_, refused_);
}

TEST_F(DamagedFileTest, AFileCutShortIsNeverACrash) {
  ForEachFile([&](const std::string& path, const std::string& bytes) {
    for (const size_t size : {size_t{0}, bytes.size() / 2, bytes.size() - 1}) {
      if (size >= bytes.size()) continue;
      const std::string damaged = bytes.substr(0, size);
      Try(path, &damaged, path + " cut to " + std::to_string(size));
    }
  });
}

TEST_F(DamagedFileTest, AMissingFileIsNeverACrash) {
  ForEachFile(
      [&](const std::string& path, const std::string&) { Try(path, nullptr, path + " gone"); });
}

}  // namespace
}  // namespace deucalion::tsdb
