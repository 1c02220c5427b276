// deutool tsdb list
#include "server/tool/tsdb.h"
#include "server/tool/tsdb_blocks.h"

namespace deucalion::tool {

int TsdbList(const TsdbListArgs& args, const Streams& io) {
  const auto blocks = OpenBlocks(args.path);
  if (!blocks.ok()) return Fail(blocks.status(), io);
  std::vector<BlockRow> rows;
  for (const auto& block : *blocks) rows.push_back(RowOf(*block));
  PrintBlocks(rows, true, args.human_readable, io.out);
  return kSuccess;
}

}  // namespace deucalion::tool
