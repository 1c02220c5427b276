// /query, /query_range, /query_exemplars, /format_query, /parse_query.
#include <variant>

#include "model/value.h"
#include "promql/ast_json.h"
#include "promql/printer.h"
#include "promql/selectors.h"
#include "server/api/api.h"
#include "server/api/json.h"
#include "server/api/params.h"
#include "server/api/query_json.h"
#include "server/api/reply.h"

namespace deucalion::api {
namespace {

// Every series of a range result may have this many points and one more.
constexpr int64_t kMaxSteps = 11000;
constexpr std::string_view kTruncated = "results truncated due to limit";

// What both kinds of query take beside their times.
struct CommonParams {
  size_t limit = 0;
  StatsMode stats = StatsMode::kNone;
  promql::QueryOptions options;
  Notes notes;
  bool timed_out = false;  // the timeout had run out when the request came
};

// Who asked, for the query log.
void ReadOrigin(const http::Request& request, promql::QueryOptions* options) {
  options->origin_name = "httpRequest";
  const std::string& addr = request.remote_addr;
  options->origin.emplace_back("clientIP", addr.substr(0, addr.rfind(':')));
  options->origin.emplace_back("method", request.method);
  options->origin.emplace_back("path", request.path);
  for (const std::string_view header : {"X-Dashboard-Uid", "X-Panel-Id", "X-Rule-Uid"}) {
    const std::string_view value = request.headers.Get(header);
    if (!value.empty()) options->origin.emplace_back(header, value);
  }
}

// False: the answer has been written.
bool ReadCommon(const http::Params& params, const http::Request& request, bool logged,
                CommonParams* out, http::Response* response) {
  if (const std::string_view text = params.Get("timeout"); !text.empty()) {
    const auto timeout = DurationValue(text);
    if (!timeout.ok()) {
      RespondInvalidParameter("timeout", timeout.status(), response);
      return false;
    }
    out->timed_out = *timeout <= 0;
    out->options.timeout_ms = *timeout;
  }
  if (const std::string_view text = params.Get("lookback_delta"); !text.empty()) {
    const auto lookback = DurationValue(text);
    if (!lookback.ok()) {
      RespondError(ErrorType::kBadData,
                   "error parsing lookback delta duration: " + lookback.status().message(),
                   response);
      return false;
    }
    out->options.lookback_delta_ms = *lookback;
  }
  if (const std::string_view stats = params.Get("stats"); !stats.empty()) {
    out->stats = stats == "all" ? StatsMode::kAll : StatsMode::kBasic;
    out->options.per_step_stats = stats == "all";
    out->options.per_node_stats = stats == "nodes";
    if (stats != "all" && stats != "true" && stats != "nodes") {
      out->notes.warnings.push_back(
          "value " + GoQuote(stats) +
          " for parameter \"stats\" is deprecated and will be rejected in "
          "the next major release, use \"true\" or \"all\"");
    }
  }
  out->options.no_cache = params.Get("nocache") == "1";
  out->options.parenthesised_strings = false;
  out->options.cancel = &request.cancel;
  if (logged) ReadOrigin(request, &out->options);
  return true;
}

// True: there is nothing to evaluate, the answer has been written.
bool RespondTimedOut(const CommonParams& common, std::string_view query,
                     const promql::ParserOptions& parser, http::Response* response) {
  if (!common.timed_out) return false;
  const auto parsed = promql::Parse(query, parser);
  if (parsed.ok()) {
    RespondError(ErrorType::kTimeout, "query timed out in query execution", response);
  } else {
    RespondInvalidParameter("query", parsed.status(), response);
  }
  return true;
}

// Cuts the result to `limit` series; true when something was cut.
bool Truncate(promql::Value* value, size_t limit) {
  if (limit == 0) return false;
  const auto cut = [limit](auto* list) {
    if (list == nullptr || list->size() <= limit) return false;
    list->resize(limit);
    return true;
  };
  return cut(std::get_if<promql::Vector>(value)) || cut(std::get_if<promql::Matrix>(value));
}

void Finish(promql::QueryResult result, CommonParams common, std::string_view query,
            http::Response* response) {
  if (!result.status.ok()) {
    if (result.status.code() == StatusCode::kInvalidArgument) {
      RespondInvalidParameter("query", result.status, response);
    } else {
      RespondStatus(result.status, response);
    }
    return;
  }
  auto texts = result.annotations.Render(query);
  texts.warnings.insert(texts.warnings.end(), common.notes.warnings.begin(),
                        common.notes.warnings.end());
  common.notes = {.warnings = std::move(texts.warnings), .infos = std::move(texts.infos)};
  if (Truncate(&result.value, common.limit)) common.notes.warnings.emplace_back(kTruncated);
  RespondQuery(std::move(result), std::move(common.notes), common.stats, response);
}

}  // namespace

void Api::Query(http::Request& request, http::Response* response) {
  const http::Params form = request.FormValues();
  CommonParams common;
  const auto limit = LimitParam(form);
  if (!limit.ok()) return RespondInvalidParameter("limit", limit.status(), response);
  common.limit = *limit;
  const auto time = TimeParam(form, "time", options_.clock->NowMs());
  if (!time.ok()) return RespondInvalidParameter("time", time.status(), response);
  if (!ReadCommon(form, request, options_.engine->logs_queries(), &common, response)) return;
  const std::string_view query = form.Get("query");
  if (RespondTimedOut(common, query, options_.parser, response)) return;
  auto result = options_.engine->Instant(*options_.queryable(), query, *time, common.options);
  Finish(std::move(result), std::move(common), query, response);
}

void Api::QueryRange(http::Request& request, http::Response* response) {
  const http::Params form = request.FormValues();
  CommonParams common;
  const auto limit = LimitParam(form);
  if (!limit.ok()) return RespondInvalidParameter("limit", limit.status(), response);
  common.limit = *limit;
  const auto start = RequiredTimeParam(form, "start");
  if (!start.ok()) return RespondInvalidParameter("start", start.status(), response);
  const auto end = RequiredTimeParam(form, "end");
  if (!end.ok()) return RespondInvalidParameter("end", end.status(), response);
  if (*end < *start) {
    return RespondInvalidParameter(
        "end", InvalidArgumentError("end timestamp must not be before start time"), response);
  }
  const auto step = DurationValue(form.Get("step"));
  if (!step.ok()) return RespondInvalidParameter("step", step.status(), response);
  if (*step <= 0) {
    return RespondInvalidParameter(
        "step",
        InvalidArgumentError("zero or negative query resolution step widths are not accepted. Try "
                             "a positive integer"),
        response);
  }
  if (static_cast<uint64_t>(*end) - static_cast<uint64_t>(*start) >
      static_cast<uint64_t>(*step) * kMaxSteps + (*step - 1)) {
    return RespondError(ErrorType::kBadData,
                        "exceeded maximum resolution of 11,000 points per timeseries. Try "
                        "decreasing the query resolution (?step=XX)",
                        response);
  }
  if (!ReadCommon(form, request, options_.engine->logs_queries(), &common, response)) return;
  const std::string_view query = form.Get("query");
  if (RespondTimedOut(common, query, options_.parser, response)) return;
  auto result =
      options_.engine->Range(*options_.queryable(), query, *start, *end, *step, common.options);
  Finish(std::move(result), std::move(common), query, response);
}

void Api::QueryExemplars(http::Request& request, http::Response* response) {
  const http::Params form = request.FormValues();
  const auto start = TimeParam(form, "start", kMinApiTimeMs);
  if (!start.ok()) return RespondInvalidParameter("start", start.status(), response);
  const auto end = TimeParam(form, "end", kMaxApiTimeMs);
  if (!end.ok()) return RespondInvalidParameter("end", end.status(), response);
  if (*end < *start) {
    return RespondError(ErrorType::kBadData, "end timestamp must not be before start timestamp",
                        response);
  }
  const auto expr = promql::Parse(form.Get("query"), options_.parser);
  if (!expr.ok()) return RespondError(ErrorType::kBadData, expr.status().message(), response);
  const auto selectors = promql::ExtractSelectors(*expr->root);
  if (selectors.empty()) return RespondNothing(response);
  const auto found = options_.storage()->exemplars()->Select(*start, *end, selectors);
  if (!found.ok()) {
    return RespondError(ErrorType::kExecution, found.status().message(), response);
  }
  std::string json;
  JsonArray series(&json);
  for (const SeriesExemplars& s : *found) {
    series.Next();
    JsonObject o(&json);
    o.LabelSet("seriesLabels", s.series);
    o.Key("exemplars");
    JsonArray list(&json);
    for (const Exemplar& e : s.exemplars) {
      list.Next();
      JsonObject exemplar(&json);
      exemplar.LabelSet("labels", e.labels);
      exemplar.String("value", FormatFloatF(e.value));
      exemplar.Key("timestamp");
      AppendTimestampSeconds(&json, e.time_ms);
      exemplar.Close();
    }
    list.Close();
    o.Close();
  }
  series.Close();
  RespondData(json, {}, response);
}

void Api::FormatQuery(http::Request& request, http::Response* response) {
  const http::Params form = request.FormValues();
  const auto expr = promql::Parse(form.Get("query"), options_.parser);
  if (!expr.ok()) return RespondInvalidParameter("query", expr.status(), response);
  std::string json;
  AppendJsonString(&json, promql::Prettify(*expr->root));
  RespondData(json, {}, response);
}

void Api::ParseQuery(http::Request& request, http::Response* response) {
  const http::Params form = request.FormValues();
  const auto expr = promql::Parse(form.Get("query"), options_.parser);
  if (!expr.ok()) return RespondInvalidParameter("query", expr.status(), response);
  RespondData(promql::AstJson(*expr->root), {}, response);
}

}  // namespace deucalion::api
