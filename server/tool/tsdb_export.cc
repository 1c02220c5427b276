// deutool tsdb export-prometheus: all samples of a data directory, head included, as blocks that
// Prometheus, Thanos and Mimir read. Where blocks overlap, or overlap the head, one block is made.
#include <algorithm>

#include "server/tool/tsdb.h"
#include "server/tool/tsdb_blocks.h"
#include "server/tool/tsdb_copy.h"
#include "tsdb/interop/prometheus_writer.h"

namespace deucalion::tool {
namespace {

// A stretch of time that becomes one block.
struct Part {
  int64_t begin_ms = 0;
  int64_t end_ms = 0;
  int level = 1;
  std::string ulid;  // of the one block it consists of, "" = of several sources
};

std::vector<Part> SourcesOf(tsdb::Db* db) {
  std::vector<Part> parts;
  for (const auto& block : *db->blocks()->List()) {
    const tsdb::BlockMeta& m = block->meta();
    parts.push_back({m.min_ms, m.max_ms, m.level, m.ulid});
  }
  tsdb::Head* head = db->head();
  if (head->max_ms() == kMinTimeMs) return parts;
  const int64_t range = db->options().min_block_range_ms;
  const auto floor_to = [range](int64_t ms) { return ms - (ms % range + range) % range; };
  for (const int64_t start : head->LateRanges(range, head->max_ms())) {
    // Not beyond what is there: Prometheus takes no samples before the end of its newest block.
    parts.push_back({start, std::min(start + range, head->max_ms() + 1), 1, ""});
  }
  const int64_t oldest = std::max(head->min_ms(), head->floor_ms());
  for (int64_t start = floor_to(oldest); start <= head->max_ms(); start += range) {
    parts.push_back({std::max(start, oldest), std::min(start + range, head->max_ms() + 1), 1, ""});
  }
  return parts;
}

// Parts that overlap become one.
std::vector<Part> Disjoint(std::vector<Part> parts) {
  std::sort(parts.begin(), parts.end(),
            [](const Part& a, const Part& b) { return a.begin_ms < b.begin_ms; });
  std::vector<Part> out;
  for (Part& p : parts) {
    if (out.empty() || p.begin_ms >= out.back().end_ms) {
      out.push_back(std::move(p));
      continue;
    }
    Part& last = out.back();
    last.end_ms = std::max(last.end_ms, p.end_ms);
    last.level = std::max(last.level, p.level);
    last.ulid.clear();
  }
  return out;
}

Status Export(const TsdbExportArgs& args, const Streams& io) {
  FileSystem* fs = FileSystem::Posix();
  ASSIGN_OR_RETURN(const auto copy, DirectoryCopy::Open(args.path, args.sandbox_root));
  // promtool refuses a directory without one.
  RETURN_IF_ERROR(fs->CreateDirs(JoinPath(args.output, "wal")));
  const std::vector<Part> parts = Disjoint(SourcesOf(copy->db()));
  std::vector<BlockRow> rows;
  {
    Progress progress(io, "blocks", parts.size());
    for (const Part& part : parts) {
      tsdb::BlockMeta meta{.ulid = part.ulid, .min_ms = part.begin_ms, .max_ms = part.end_ms};
      if (meta.ulid.empty()) meta.ulid = tsdb::NewUlid(Clock::Real()->NowMs());
      meta.sources = {meta.ulid};
      meta.level = part.level;
      const SelectHints hints{.min_ms = part.begin_ms, .max_ms = part.end_ms - 1};
      ASSIGN_OR_RETURN(const auto querier, copy->db()->NewQuerier(hints.min_ms, hints.max_ms));
      ASSIGN_OR_RETURN(const auto set, querier->Select(true, hints, {}, nullptr));
      const std::string dir = JoinPath(args.output, meta.ulid);
      if (fs->Exists(dir)) {
        return Status(StatusCode::kAlreadyExists, "exporting block: " + dir + " exists");
      }
      ASSIGN_OR_RETURN(meta, tsdb::WritePrometheusBlock(fs, dir, *set, meta));
      progress.Advance();
      if (meta.series == 0) continue;
      const auto size = fs->TreeSize(dir);
      rows.push_back({std::move(meta), size.ok() ? *size : 0});
    }
  }
  if (!args.quiet) PrintBlocks(rows, true, args.human_readable, io.out);
  return OkStatus();
}

}  // namespace

int TsdbExportPrometheus(const TsdbExportArgs& args, const Streams& io) {
  const Status status = Export(args, io);
  return status.ok() ? kSuccess : Fail(status, io);
}

}  // namespace deucalion::tool
