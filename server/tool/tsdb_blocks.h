// What the tsdb commands share: the blocks of a data directory, a table of them, progress.
#ifndef DEUCALION_SERVER_TOOL_TSDB_BLOCKS_H_
#define DEUCALION_SERVER_TOOL_TSDB_BLOCKS_H_

#include <chrono>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "base/status.h"
#include "server/tool/streams.h"
#include "tsdb/block/block.h"

namespace deucalion::tool {

// Fails with promtool's words when there is no such directory.
Status CheckDbPath(const std::string& path);
// All blocks in <path> and <path>/deucalion/blocks, by time; those that another one replaces are
// left out.
Result<std::vector<std::shared_ptr<tsdb::Block>>> OpenBlocks(const std::string& path);
// Of either format.
Result<std::shared_ptr<tsdb::Block>> OpenBlock(const std::string& dir);

// A row as promtool prints it. `header`: before the first one.
struct BlockRow {
  tsdb::BlockMeta meta;
  uint64_t size_bytes = 0;
};
void PrintBlocks(const std::vector<BlockRow>& rows, bool header, bool human_readable,
                 std::ostream& out);
BlockRow RowOf(const tsdb::Block& block);

// "<what>: 3 of 17", rewritten in place when the process's own stderr is a terminal, else nothing.
// Its line is wiped at the end.
class Progress {
 public:
  Progress(const Streams& io, std::string what, uint64_t total);
  ~Progress();
  void Advance(uint64_t by = 1);

 private:
  const Streams& io_;
  const std::string what_;
  const uint64_t total_;
  const bool shown_at_all_;
  uint64_t done_ = 0;
  size_t width_ = 0;
  std::chrono::steady_clock::time_point shown_{};
};

// Prints the message and returns kFailure, as promtool does.
int Fail(const Status& status, const Streams& io);

}  // namespace deucalion::tool

#endif  // DEUCALION_SERVER_TOOL_TSDB_BLOCKS_H_
