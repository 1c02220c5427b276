// deutool tsdb: looks into data directories, ours and Prometheus's. Nothing is changed in them.
#ifndef DEUCALION_SERVER_TOOL_TSDB_H_
#define DEUCALION_SERVER_TOOL_TSDB_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "server/tool/streams.h"

namespace deucalion::tool {

inline constexpr char kDefaultDbPath[] = "data/";

struct TsdbListArgs {
  std::string path = kDefaultDbPath;
  bool human_readable = false;
};
int TsdbList(const TsdbListArgs& args, const Streams& io);

struct TsdbAnalyzeArgs {
  std::string path = kDefaultDbPath;
  std::string block;  // "": the last one
  int limit = 20;
  bool extended = false;
  std::string match;
};
int TsdbAnalyze(const TsdbAnalyzeArgs& args, const Streams& io);

struct TsdbDumpArgs {
  std::string path = kDefaultDbPath;
  std::string sandbox_root;  // "": the path itself
  int64_t min_ms = INT64_MIN;
  int64_t max_ms = INT64_MAX;
  std::vector<std::string> matchers;  // none: everything
  std::string format = "prom";        // or "seriesjson"
};
int TsdbDump(const TsdbDumpArgs& args, const Streams& io);
int TsdbDumpOpenMetrics(const TsdbDumpArgs& args, const Streams& io);

struct TsdbCreateArgs {
  std::string input;
  std::string output = kDefaultDbPath;
  bool human_readable = false;
  bool quiet = false;
  int64_t max_block_ms = 0;
  std::vector<std::pair<std::string, std::string>> labels;  // set on every series
};
int TsdbCreateFromOpenMetrics(const TsdbCreateArgs& args, const Streams& io);

struct TsdbVerifyArgs {
  std::string path = kDefaultDbPath;
};
int TsdbVerify(const TsdbVerifyArgs& args, const Streams& io);

struct TsdbExportArgs {
  std::string path;
  std::string output;
  std::string sandbox_root;
  bool human_readable = false;
  bool quiet = false;
};
int TsdbExportPrometheus(const TsdbExportArgs& args, const Streams& io);

}  // namespace deucalion::tool

#endif  // DEUCALION_SERVER_TOOL_TSDB_H_
