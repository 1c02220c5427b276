#include "server/tool/tsdb_blocks.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <iostream>
#include <set>
#include <tuple>

#include "model/duration.h"
#include "tsdb/block/block_reader.h"
#include "tsdb/interop/prometheus_block.h"

namespace deucalion::tool {
namespace {

using tsdb::Block;
using tsdb::BlockMeta;

std::string TimeText(int64_t time_ms, bool human_readable) {
  if (!human_readable) return std::to_string(time_ms);
  const std::time_t seconds = time_ms / 1000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[64];
  std::strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S +0000 UTC", &parts);
  return text;
}

// "7KiB506B": every unit that is not zero.
std::string SizeText(uint64_t bytes, bool human_readable) {
  if (!human_readable) return std::to_string(bytes);
  if (bytes == 0) return "0B";
  static constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  std::string text;
  for (const char* unit : kUnits) {
    if (bytes % 1024 != 0) text = std::to_string(bytes % 1024) + unit + text;
    bytes /= 1024;
  }
  return text;
}

}  // namespace

int Fail(const Status& status, const Streams& io) {
  io.err << status.message() << "\n";
  return kFailure;
}

Status CheckDbPath(const std::string& path) {
  if (FileSystem::Posix()->Stat(path).ok()) return OkStatus();
  return NotFoundError("opening the db dir: stat " + path + ": no such file or directory");
}

Result<std::shared_ptr<Block>> OpenBlock(const std::string& dir) {
  FileSystem* fs = FileSystem::Posix();
  ASSIGN_OR_RETURN(const BlockMeta meta, tsdb::ReadBlockMeta(fs, dir));
  if (!meta.ours()) return tsdb::OpenPrometheusBlock(fs, dir);
  ASSIGN_OR_RETURN(auto block, tsdb::BlockReader::Open(fs, dir));
  return std::shared_ptr<Block>(std::move(block));
}

Result<std::vector<std::shared_ptr<Block>>> OpenBlocks(const std::string& path) {
  RETURN_IF_ERROR(CheckDbPath(path));
  FileSystem* fs = FileSystem::Posix();
  std::vector<std::shared_ptr<Block>> blocks;
  std::set<std::string> replaced;
  for (const std::string& parent : {path, JoinPath(path, "deucalion/blocks")}) {
    if (!fs->Exists(parent)) continue;
    ASSIGN_OR_RETURN(const auto names, fs->List(parent));
    for (const std::string& name : names) {
      const std::string dir = JoinPath(parent, name);
      if (!tsdb::IsUlid(name) || !fs->Exists(JoinPath(dir, tsdb::kMetaFile))) continue;
      ASSIGN_OR_RETURN(auto block, OpenBlock(dir));
      for (const tsdb::BlockParent& p : block->meta().parents) {
        if (p.ulid != block->meta().ulid) replaced.insert(p.ulid);
      }
      blocks.push_back(std::move(block));
    }
  }
  std::erase_if(blocks, [&](const auto& b) { return replaced.contains(b->meta().ulid); });
  std::sort(blocks.begin(), blocks.end(), [](const auto& a, const auto& b) {
    return std::tie(a->meta().min_ms, a->meta().max_ms, a->meta().ulid) <
           std::tie(b->meta().min_ms, b->meta().max_ms, b->meta().ulid);
  });
  return blocks;
}

BlockRow RowOf(const Block& block) {
  const auto size = FileSystem::Posix()->TreeSize(block.dir());
  return {block.meta(), size.ok() ? *size : 0};
}

void PrintBlocks(const std::vector<BlockRow>& rows, bool header, bool human_readable,
                 std::ostream& out) {
  std::vector<std::vector<std::string>> cells;
  if (header) {
    cells.push_back({"BLOCK ULID", "MIN TIME", "MAX TIME", "DURATION", "NUM SAMPLES", "NUM CHUNKS",
                     "NUM SERIES", "SIZE"});
  }
  for (const BlockRow& row : rows) {
    const BlockMeta& m = row.meta;
    cells.push_back({m.ulid, TimeText(m.min_ms, human_readable), TimeText(m.max_ms, human_readable),
                     FormatGoDuration((m.max_ms - m.min_ms) * 1'000'000), std::to_string(m.samples),
                     std::to_string(m.chunks), std::to_string(m.series),
                     SizeText(row.size_bytes, human_readable)});
  }
  // As Go's text/tabwriter: at least 13 wide, two spaces between, the last column as it is.
  std::vector<size_t> widths(8, 13);
  for (const auto& row : cells) {
    for (size_t i = 0; i < row.size(); i++) widths[i] = std::max(widths[i], row[i].size() + 2);
  }
  for (const auto& row : cells) {
    for (size_t i = 0; i + 1 < row.size(); i++) {
      out << row[i] << std::string(widths[i] - row[i].size(), ' ');
    }
    out << row.back() << "\n";
  }
}

Progress::Progress(const Streams& io, std::string what, uint64_t total)
    : io_(io),
      what_(std::move(what)),
      total_(total),
      shown_at_all_(&io.err == &std::cerr && ::isatty(STDERR_FILENO) == 1) {}

void Progress::Advance(uint64_t by) {
  done_ += by;
  if (!shown_at_all_) return;
  const auto now = std::chrono::steady_clock::now();
  if (now - shown_ < std::chrono::milliseconds(100)) return;
  shown_ = now;
  const std::string line = fmt::format("{}: {} of {}", what_, done_, total_);
  io_.err << "\r" << line << std::string(width_ > line.size() ? width_ - line.size() : 0, ' ')
          << std::flush;
  width_ = line.size();
}

Progress::~Progress() {
  if (width_ > 0) io_.err << "\r" << std::string(width_, ' ') << "\r" << std::flush;
}

}  // namespace deucalion::tool
