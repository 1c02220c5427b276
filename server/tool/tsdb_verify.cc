// deutool tsdb verify: reads every file of a data directory, ours or Prometheus's, and looks at
// every checksum. One line per file or block; exit code 1 when something is damaged.
#include <fmt/core.h>

#include <cstdlib>
#include <functional>

#include "server/tool/tsdb.h"
#include "server/tool/tsdb_blocks.h"
#include "tsdb/catalog/catalog.h"
#include "tsdb/head/checkpoint.h"
#include "tsdb/head/verify_sealed_chunks.h"
#include "tsdb/interop/prometheus_head_chunks.h"
#include "tsdb/interop/prometheus_records.h"
#include "tsdb/interop/prometheus_wal.h"
#include "tsdb/wal/frame.h"
#include "tsdb/wal/segment.h"

namespace deucalion::tool {
namespace {

FileSystem* Fs() { return FileSystem::Posix(); }

// What was found in one file.
struct Finding {
  std::string what;    // "12 frames"
  std::string remark;  // nothing is lost, but: "ends within a record"
  std::vector<std::string> damage;
};

class Verifier {
 public:
  Verifier(const TsdbVerifyArgs& args, const Streams& io) : path_(args.path), io_(io) {}

  Status Run() {
    RETURN_IF_ERROR(CheckDbPath(path_));
    RETURN_IF_ERROR(ListOwn());
    RETURN_IF_ERROR(ListPrometheus());
    Progress progress(io_, "files", jobs_.size());
    for (const auto& [name, job] : jobs_) {
      Report(name, job());
      progress.Advance();
    }
    return OkStatus();
  }

  int Summary() const {
    io_.out << fmt::format(
        "{} files and blocks, {} bytes: {}\n", jobs_.size(), bytes_,
        damaged_ == 0 ? "all checksums match" : fmt::format("{} damaged", damaged_));
    return damaged_ == 0 ? kSuccess : kFailure;
  }

 private:
  using Job = std::function<Finding()>;
  void Add(const std::string& name, Job job) { jobs_.emplace_back(name, std::move(job)); }

  void Report(const std::string& name, const Finding& found) {
    const std::string path = JoinPath(path_, name);
    const auto info = Fs()->Stat(path);
    const auto size = info.ok() && info->is_directory ? Fs()->TreeSize(path) : uint64_t{0};
    bytes_ += !info.ok() ? 0 : info->is_directory ? (size.ok() ? *size : 0) : info->size_bytes;
    damaged_ += !found.damage.empty();
    io_.out << (found.damage.empty() ? "ok       " : "DAMAGED  ") << name;
    if (!found.what.empty()) io_.out << ": " << found.what;
    if (!found.remark.empty()) io_.out << "; " << found.remark;
    io_.out << "\n";
    for (const std::string& line : found.damage) io_.out << "           " << line << "\n";
  }

  // Calls look(bytes, &finding) with the mapped file.
  void AddFile(const std::string& name,
               std::function<void(const std::string&, std::string_view, Finding*)> look) {
    Add(name, [this, name, look] {
      Finding found;
      const auto map = Fs()->Map(JoinPath(path_, name));
      if (map.ok()) {
        look(name, (*map)->bytes(), &found);
      } else {
        found.damage.push_back(map.status().message());
      }
      return found;
    });
  }

  std::vector<std::string> NamesIn(const std::string& dir) const {
    const auto names = Fs()->List(JoinPath(path_, dir));
    return names.ok() ? *names : std::vector<std::string>();
  }

  void AddBlocks(const std::string& parent) {
    for (const std::string& ulid : NamesIn(parent)) {
      const std::string name = parent.empty() ? ulid : JoinPath(parent, ulid);
      if (!tsdb::IsUlid(ulid) || !Fs()->Exists(JoinPath(JoinPath(path_, name), "meta.json"))) {
        continue;
      }
      Add(name, [this, name] {
        Finding found;
        const auto block = OpenBlock(JoinPath(path_, name));
        const Status status = block.ok() ? (*block)->VerifyAll() : block.status();
        if (!status.ok()) found.damage.push_back(status.message());
        if (block.ok()) {
          const tsdb::BlockMeta& meta = (*block)->meta();
          found.what = fmt::format("{} block, {} series, {} samples",
                                   meta.ours() ? "own" : "Prometheus", meta.series, meta.samples);
        }
        return found;
      });
    }
  }

  // ---- ours ----

  Status ListOwn() {
    AddBlocks("deucalion/blocks");
    if (!Fs()->Exists(JoinPath(path_, "deucalion/format"))) return OkStatus();
    ASSIGN_OR_RETURN(const std::string format, Fs()->ReadFile(JoinPath(path_, "deucalion/format")));
    if (std::sscanf(format.c_str(), "version %*d\nshards %u\nwal_streams %u", &shards_,
                    &streams_) != 2) {
      return CorruptError("deucalion/format does not say shards and wal_streams");
    }
    for (uint32_t stream = 0; stream < streams_; stream++) {
      ASSIGN_OR_RETURN(const auto segments,
                       tsdb::wal::ListSegments(Fs(), JoinPath(path_, "deucalion/wal"), stream));
      for (const uint32_t segment : segments) {
        const bool last = segment == segments.back();
        AddFile("deucalion/wal/" + tsdb::wal::SegmentName(stream, segment),
                [=, this](const std::string& file, std::string_view bytes, Finding* f) {
                  WalSegment(file, bytes, stream, segment, last, f);
                });
      }
    }
    for (const std::string& name : NamesIn("deucalion/head_chunks")) {
      AddFile("deucalion/head_chunks/" + name,
              [](const std::string&, std::string_view bytes, Finding* f) {
                uint64_t chunks = 0;
                const Status status = tsdb::VerifySealedChunks(bytes, &chunks);
                if (!status.ok()) f->damage.push_back(status.message());
                f->what = fmt::format("{} chunks", chunks);
              });
    }
    for (const std::string& name : NamesIn("deucalion")) {
      uint64_t number;
      if (!tsdb::ParseCheckpointName(name, &number)) continue;
      Add("deucalion/" + name, [this, name] { return Checkpoint("deucalion/" + name); });
    }
    if (Fs()->Exists(JoinPath(path_, "deucalion/catalog"))) {
      Add("deucalion/catalog", [this] { return Catalog("deucalion/catalog"); });
    }
    return OkStatus();
  }

  class Ignore : public tsdb::wal::SeriesIntroducer {
   public:
    uint32_t Introduce(uint64_t, std::string_view) override { return 1; }
  };

  // As replay reads it, but for entries of series that an earlier segment introduced.
  void WalSegment(const std::string& name, std::string_view bytes, uint32_t stream,
                  uint32_t segment, bool last, Finding* found) const {
    using tsdb::wal::SegmentReader;
    const tsdb::wal::StreamShape shape{.stream = stream, .streams = streams_};
    auto reader = SegmentReader::Open(name, bytes, shape, segment);
    if (!reader.ok()) {
      found->damage.push_back(reader.status().message());
      return;
    }
    tsdb::wal::IdTable ids;
    Ignore introducer;
    tsdb::wal::DecodedFrame frame;
    uint64_t frames = 0;
    for (;;) {
      std::string_view payload;
      const auto outcome = reader->Next(&payload);
      if (outcome == SegmentReader::Outcome::kEnd) break;
      if (outcome == SegmentReader::Outcome::kTorn) {
        // Only the end of a stream may be unfinished.
        if (last) found->remark = reader->problem();
        if (!last) found->damage.push_back(reader->problem());
        break;
      }
      if (outcome == SegmentReader::Outcome::kDamaged) {
        found->damage.push_back(reader->problem());
        continue;
      }
      const Status status = tsdb::wal::DecodeFrame(payload, shape, 1, &ids, &introducer, &frame);
      if (!status.ok()) found->damage.push_back(status.message());
      frames++;
    }
    found->what = fmt::format("{} frames", frames);
  }

  // A place for what can only be looked at by opening it.
  static std::string Scratch() {
    const char* base = std::getenv("TMPDIR");
    std::string pattern = JoinPath(base != nullptr ? base : "/tmp", "deutool-verify-XXXXXX");
    return ::mkdtemp(pattern.data()) == nullptr ? "" : pattern;
  }

  Finding Checkpoint(const std::string& name) const {
    Finding found;
    const std::string scratch = Scratch();
    const Status status = [&]() -> Status {
      ASSIGN_OR_RETURN(const auto reader,
                       tsdb::CheckpointReader::Open(Fs(), JoinPath(path_, name)));
      ASSIGN_OR_RETURN(
          const auto head,
          tsdb::Head::Open(
              {.fs = Fs(), .chunks_dir = scratch, .shards = shards_, .streams = streams_}));
      std::vector<tsdb::wal::IdTable> ids;
      uint64_t damaged = 0;
      RETURN_IF_ERROR(reader.Load(head.get(), &ids, &damaged));
      found.what = fmt::format("{} series", head->num_series());
      return damaged == 0 ? OkStatus() : CorruptError(fmt::format("{} parts", damaged));
    }();
    (void)Fs()->RemoveAll(scratch);
    if (!status.ok()) found.damage.push_back(status.message());
    return found;
  }

  // A copy is opened: opening RocksDB writes.
  Finding Catalog(const std::string& name) const {
    Finding found;
    const std::string scratch = Scratch();
    uint64_t entries = 0;
    const Status status = [&]() -> Status {
      for (const std::string& file : NamesIn(name)) {
        ASSIGN_OR_RETURN(const std::string bytes,
                         Fs()->ReadFile(JoinPath(JoinPath(path_, name), file)));
        RETURN_IF_ERROR(Fs()->WriteFileAtomically(JoinPath(scratch, file), bytes));
      }
      ASSIGN_OR_RETURN(const auto catalog, tsdb::Catalog::Open(Fs(), scratch, Logger::Null()));
      for (int space = 1; space <= static_cast<int>(tsdb::Keyspace::kFormat); space++) {
        RETURN_IF_ERROR(catalog->Scan(static_cast<tsdb::Keyspace>(space), "",
                                      [&](std::string_view, std::string_view) {
                                        entries++;
                                        return true;
                                      }));
      }
      return OkStatus();
    }();
    (void)Fs()->RemoveAll(scratch);
    found.what = fmt::format("{} entries", entries);
    if (!status.ok()) found.damage.push_back(status.message());
    return found;
  }

  // ---- Prometheus's ----

  Status ListPrometheus() {
    AddBlocks("");
    std::vector<std::string> logs{"wal", "wbl"};
    ASSIGN_OR_RETURN(const auto checkpoint,
                     tsdb::FindPrometheusCheckpoint(Fs(), JoinPath(path_, "wal")));
    if (checkpoint) logs.push_back("wal/" + BaseName(checkpoint->dir));
    for (const std::string& log : logs) {
      ASSIGN_OR_RETURN(const auto segments,
                       tsdb::ListPrometheusSegments(Fs(), JoinPath(path_, log)));
      for (const auto& s : segments) AddFile(log + "/" + BaseName(s.path), PrometheusSegment);
    }
    ASSIGN_OR_RETURN(const auto chunks,
                     tsdb::ListPrometheusSegments(Fs(), JoinPath(path_, "chunks_head")));
    for (const auto& file : chunks) AddFile("chunks_head/" + BaseName(file.path), HeadChunks);
    return OkStatus();
  }

  static void PrometheusSegment(const std::string&, std::string_view bytes, Finding* found) {
    using Outcome = tsdb::PrometheusSegmentReader::Outcome;
    tsdb::PrometheusSegmentReader reader(bytes);
    tsdb::PrometheusRecord record;
    uint64_t records = 0;
    for (Outcome o; (o = reader.Next()) != Outcome::kEnd;) {
      const std::string where = fmt::format("at {}: ", reader.offset());
      if (o == Outcome::kDamaged) found->damage.push_back(where + reader.problem());
      if (o == Outcome::kTorn) {
        found->remark = "ends within a record";
        break;
      }
      if (o != Outcome::kRecord) continue;
      records++;
      const auto content = reader.Record();
      Status status = content.status();
      if (content.ok()) status = tsdb::DecodePrometheusRecord(*content, &record);
      if (!status.ok() && status.code() != StatusCode::kUnimplemented) {
        found->damage.push_back(where + status.message());
      }
    }
    found->what = fmt::format("{} records", records);
  }

  static void HeadChunks(const std::string&, std::string_view bytes, Finding* found) {
    uint64_t chunks = 0;
    auto reader = tsdb::PrometheusHeadChunkReader::Open(bytes);
    Status status = reader.status();
    if (reader.ok()) {
      tsdb::PrometheusHeadChunk chunk;
      while (reader->Next(&chunk)) chunks++;
      status = reader->status();
    }
    if (!status.ok() && !bytes.empty()) found->damage.push_back(status.message());
    found->what = fmt::format("{} chunks", chunks);
  }

  const std::string path_;
  const Streams& io_;
  uint32_t shards_ = 1, streams_ = 1;
  std::vector<std::pair<std::string, Job>> jobs_;
  uint64_t bytes_ = 0;
  uint64_t damaged_ = 0;
};

}  // namespace

int TsdbVerify(const TsdbVerifyArgs& args, const Streams& io) {
  Verifier verifier(args, io);
  const Status status = verifier.Run();
  return status.ok() ? verifier.Summary() : Fail(status, io);
}

}  // namespace deucalion::tool
