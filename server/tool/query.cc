#include "server/tool/query.h"

#include <algorithm>
#include <cmath>

#include "base/clock.h"
#include "model/duration.h"
#include "model/value.h"
#include "server/tool/query_result.h"
#include "server/tool/text.h"

namespace deucalion::tool {
namespace {

constexpr int64_t kTimeoutMs = 120'000;
constexpr int64_t kDefaultRangeMs = 300'000;
// "All of time" for series and labels, either side of now.
constexpr int64_t kFarAwayMs = int64_t{9999} * 3'600'000;

// The time that `flag` says, or the default. `what` names it in errors.
Result<int64_t> TimeFlag(const std::string& flag, int64_t default_ms, const std::string& what) {
  if (flag.empty()) return default_ms;
  Result<int64_t> time = ParseTime(flag);
  if (time.ok()) return time;
  return time.status().WithContext("error parsing " + what + " time");
}

std::string SecondsText(int64_t ms) { return FormatFloatF(static_cast<double>(ms) / 1000); }

// What failed on this side of the API stands alone; what the API answered is a query error.
int Fail(const Status& status, const Streams& io) {
  io.err << status.message() << "\n";
  return kFailure;
}
int FailQuery(const Status& status, const Streams& io) {
  io.err << "query error: " << status.message() << "\n";
  return kFailure;
}

enum class Method { kGet, kPost };

struct Question {
  Method method = Method::kPost;
  std::string path;
  FormParams params;
};

// Asks, decodes and prints.
template <typename Decode, typename Print>
int Ask(const ServerArgs& server, const Question& question, const Decode& decode,
        const Print& print, const Streams& io) {
  const Result<std::unique_ptr<ApiClient>> api = ApiClient::Make(server);
  if (!api.ok()) return Fail(api.status().WithContext("error creating API client"), io);
  const Result<scrape::HttpResponse> response =
      question.method == Method::kGet ? (*api)->Get(question.path, question.params, kTimeoutMs)
                                      : (*api)->Post(question.path, question.params, kTimeoutMs);
  if (!response.ok()) return FailQuery(response.status(), io);
  const auto answer = decode(response->status, response->body);
  if (!answer.ok()) return FailQuery(answer.status(), io);
  print(*answer);
  return kSuccess;
}

int AskValue(const ServerArgs& server, const Question& question, QueryFormat format,
             const Streams& io) {
  return Ask(
      server, question, DecodeQueryValue,
      [&](const Answer<QueryValue>& answer) {
        io.out << (format == QueryFormat::kJson ? JsonOf(answer.data) : TextOf(answer.data))
               << "\n";
      },
      io);
}

// start, end and match[] of series and labels.
Result<FormParams> SelectionParams(const std::vector<std::string>& matchers,
                                   const std::string& start, const std::string& end) {
  const int64_t now_ms = Clock::Real()->NowMs();
  ASSIGN_OR_RETURN(const int64_t start_ms, TimeFlag(start, now_ms - kFarAwayMs, "start"));
  ASSIGN_OR_RETURN(const int64_t end_ms, TimeFlag(end, now_ms + kFarAwayMs, "end"));
  FormParams params = {{"end", SecondsText(end_ms)}};
  for (const std::string& matcher : matchers) params.emplace_back("match[]", matcher);
  params.emplace_back("start", SecondsText(start_ms));
  return params;
}

struct Range {
  int64_t start_ms = 0;
  int64_t end_ms = 0;
  double step_seconds = 0;
};

Result<Range> RangeOf(const QueryRangeArgs& args) {
  Range range;
  ASSIGN_OR_RETURN(range.end_ms, TimeFlag(args.end, Clock::Real()->NowMs(), "end"));
  ASSIGN_OR_RETURN(range.start_ms, TimeFlag(args.start, range.end_ms - kDefaultRangeMs, "start"));
  if (range.start_ms >= range.end_ms) {
    return InvalidArgumentError("start time is not before end time");
  }
  const double seconds = static_cast<double>(range.end_ms - range.start_ms) / 1000;
  range.step_seconds = args.step_ns == 0 ? std::max(std::floor(seconds / 250), 1.0)
                                         : static_cast<double>(args.step_ns) / 1e9;
  return range;
}

}  // namespace

int QueryInstant(const QueryInstantArgs& args, const Streams& io) {
  const Result<int64_t> time = TimeFlag(args.time, Clock::Real()->NowMs(), "evaluation");
  if (!time.ok()) return Fail(time.status(), io);
  const Question question{.path = "/api/v1/query",
                          .params = {{"query", args.expr}, {"time", SecondsText(*time)}}};
  return AskValue(args.server, question, args.format, io);
}

int QueryRange(const QueryRangeArgs& args, const Streams& io) {
  const Result<Range> range = RangeOf(args);
  if (!range.ok()) return Fail(range.status(), io);
  const Question question{.path = "/api/v1/query_range",
                          .params = {{"end", SecondsText(range->end_ms)},
                                     {"query", args.expr},
                                     {"start", SecondsText(range->start_ms)},
                                     {"step", FormatFloatF(range->step_seconds)}}};
  return AskValue(args.server, question, args.format, io);
}

int QuerySeries(const QuerySeriesArgs& args, const Streams& io) {
  const Result<FormParams> params = SelectionParams(args.matchers, args.start, args.end);
  if (!params.ok()) return Fail(params.status(), io);
  const auto print = [&](const Answer<std::vector<LabelSet>>& answer) {
    if (args.format == QueryFormat::kJson) {
      io.out << JsonOf(answer.data) << "\n";
      return;
    }
    for (const LabelSet& labels : answer.data) io.out << TextOf(labels) << "\n";
  };
  return Ask(args.server, {.path = "/api/v1/series", .params = *params}, DecodeSeries, print, io);
}

int QueryLabels(const QueryLabelsArgs& args, const Streams& io) {
  const Result<FormParams> params = SelectionParams(args.matchers, args.start, args.end);
  if (!params.ok()) return Fail(params.status(), io);
  const auto print = [&](const Answer<std::vector<std::string>>& answer) {
    for (const std::string& warning : answer.warnings) {
      io.err << "query warning: " << warning << "\n";
    }
    if (args.format == QueryFormat::kJson) {
      io.out << JsonOf(answer.data) << "\n";
      return;
    }
    for (const std::string& name : answer.data) io.out << name << "\n";
  };
  const Question question{.method = Method::kGet,
                          .path = "/api/v1/label/" + EscapeName(args.name) + "/values",
                          .params = *params};
  return Ask(args.server, question, DecodeNames, print, io);
}

}  // namespace deucalion::tool
