// check config and check web-config: whether configuration files would load, together with the
// files they name.
#ifndef DEUCALION_SERVER_TOOL_CHECK_CONFIG_H_
#define DEUCALION_SERVER_TOOL_CHECK_CONFIG_H_

#include <cstdint>
#include <string>
#include <vector>

#include "promql/parser/parser.h"
#include "server/tool/streams.h"

namespace deucalion::tool {

struct CheckConfigArgs {
  std::vector<std::string> files;
  bool agent = false;
  bool syntax_only = false;  // leaves the files it names alone
  std::string lint = "duplicate-rules";
  bool lint_fatal = false;
  bool ignore_unknown_fields = false;  // in rule files
  int64_t lookback_delta_ms = 300'000;
  promql::ParserOptions promql;
};

int CheckConfig(const CheckConfigArgs& args, const Streams& io);

struct CheckWebConfigArgs {
  std::vector<std::string> files;
};

int CheckWebConfig(const CheckWebConfigArgs& args, const Streams& io);

}  // namespace deucalion::tool

#endif  // DEUCALION_SERVER_TOOL_CHECK_CONFIG_H_
