#include "server/tool/edit_promql.h"

#include <functional>
#include <vector>

#include "model/value.h"
#include "promql/printer.h"
#include "promql/selectors.h"

namespace deucalion::tool {
namespace {

using Edit = std::function<void(std::vector<Matcher>*)>;

Status PrintEdited(const std::string& query, const promql::ParserOptions& options, const Edit& edit,
                   std::ostream& out) {
  ASSIGN_OR_RETURN(const promql::ParsedExpr parsed, promql::Parse(query, options));
  for (const promql::VectorSelector* selector : promql::FindSelectors(*parsed.root)) {
    // The tree was made for us a line ago and nobody else holds it.
    edit(&const_cast<promql::VectorSelector*>(selector)->matchers);
  }
  out << promql::Prettify(*parsed.root) << "\n";
  return OkStatus();
}

int Finish(const Status& status, const Streams& io) {
  if (status.ok()) return kSuccess;
  io.err << status.message() << "\n";
  return kFailure;
}

Result<MatchType> ParseMatchType(const std::string& text) {
  for (const MatchType type :
       {MatchType::kEqual, MatchType::kNotEqual, MatchType::kRegexp, MatchType::kNotRegexp}) {
    if (text == MatchTypeText(type)) return type;
  }
  return InvalidArgumentError("invalid label match type: " + text);
}

Result<Matcher> MakeMatcher(const SetMatcherArgs& args) {
  ASSIGN_OR_RETURN(const MatchType type, ParseMatchType(args.type));
  return Matcher::Make(type, args.name, args.value);
}

}  // namespace

int FormatPromql(const FormatPromqlArgs& args, const Streams& io) {
  const Edit nothing = [](std::vector<Matcher>*) {};
  return Finish(PrintEdited(args.query, args.promql, nothing, io.out), io);
}

int SetMatcher(const SetMatcherArgs& args, const Streams& io) {
  const Result<Matcher> wanted = MakeMatcher(args);
  if (!wanted.ok()) return Finish(wanted.status(), io);
  const Edit set = [&](std::vector<Matcher>* matchers) {
    bool found = false;
    for (Matcher& matcher : *matchers) {
      if (matcher.name() != args.name) continue;
      matcher = *wanted;
      found = true;
    }
    if (!found) matchers->push_back(*wanted);
  };
  return Finish(PrintEdited(args.query, args.promql, set, io.out), io);
}

int DeleteMatcher(const DeleteMatcherArgs& args, const Streams& io) {
  const Edit remove = [&](std::vector<Matcher>* matchers) {
    std::erase_if(*matchers, [&](const Matcher& matcher) { return matcher.name() == args.name; });
  };
  return Finish(PrintEdited(args.query, args.promql, remove, io.out), io);
}

}  // namespace deucalion::tool
