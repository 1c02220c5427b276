// promql format and promql label-matchers: queries pretty-printed and edited.
#ifndef DEUCALION_SERVER_TOOL_EDIT_PROMQL_H_
#define DEUCALION_SERVER_TOOL_EDIT_PROMQL_H_

#include <string>

#include "promql/parser/parser.h"
#include "server/tool/streams.h"

namespace deucalion::tool {

struct FormatPromqlArgs {
  std::string query;
  promql::ParserOptions promql;
};
int FormatPromql(const FormatPromqlArgs& args, const Streams& io);

// Sets one matcher in every selector: in place of those of the same label, else behind the others.
struct SetMatcherArgs {
  std::string query;
  std::string name;
  std::string value;
  std::string type = "=";
  promql::ParserOptions promql;
};
int SetMatcher(const SetMatcherArgs& args, const Streams& io);

// Removes all matchers of a label from every selector.
struct DeleteMatcherArgs {
  std::string query;
  std::string name;
  promql::ParserOptions promql;
};
int DeleteMatcher(const DeleteMatcherArgs& args, const Streams& io);

}  // namespace deucalion::tool

#endif  // DEUCALION_SERVER_TOOL_EDIT_PROMQL_H_
