// /admin/tsdb/*: behind --web.enable-admin-api.
#include "model/value.h"
#include "promql/parser/parser.h"
#include "server/api/api.h"
#include "server/api/json.h"
#include "server/api/params.h"
#include "server/api/reply.h"

namespace deucalion::api {
namespace {

constexpr std::string_view kDisabled = "admin APIs disabled";

// strconv.ParseBool.
Result<bool> ParseBool(std::string_view text) {
  for (const char* yes : {"1", "t", "T", "TRUE", "true", "True"}) {
    if (text == yes) return true;
  }
  for (const char* no : {"0", "f", "F", "FALSE", "false", "False"}) {
    if (text == no) return false;
  }
  return InvalidArgumentError("unable to parse boolean: strconv.ParseBool: parsing " +
                              GoQuote(text) + ": invalid syntax");
}

}  // namespace

void Api::Snapshot(http::Request& request, http::Response* response) {
  if (!options_.enable_admin) return RespondError(ErrorType::kUnavailable, kDisabled, response);
  const auto form = request.Form();
  if (!form.ok()) return RespondError(ErrorType::kBadData, form.status().message(), response);
  bool skip_head = false;
  if (const std::string_view text = form->Get("skip_head"); !text.empty()) {
    const auto parsed = ParseBool(text);
    if (!parsed.ok()) return RespondInvalidParameter("skip_head", parsed.status(), response);
    skip_head = *parsed;
  }
  const auto name = options_.storage()->admin()->Snapshot(skip_head);
  if (!name.ok()) {
    return RespondError(ErrorType::kInternal, "create snapshot: " + name.status().message(),
                        response);
  }
  std::string json;
  JsonObject o(&json);
  o.String("name", *name);
  o.Close();
  RespondData(json, {}, response);
}

void Api::DeleteSeries(http::Request& request, http::Response* response) {
  if (!options_.enable_admin) return RespondError(ErrorType::kUnavailable, kDisabled, response);
  const auto form = request.Form();
  if (!form.ok()) {
    return RespondError(ErrorType::kBadData,
                        "error parsing form values: " + form.status().message(), response);
  }
  if (!form->Has("match[]")) {
    return RespondError(ErrorType::kBadData, "no match[] parameter provided", response);
  }
  const auto start = TimeParam(*form, "start", kMinApiTimeMs);
  if (!start.ok()) return RespondInvalidParameter("start", start.status(), response);
  const auto end = TimeParam(*form, "end", kMaxApiTimeMs);
  if (!end.ok()) return RespondInvalidParameter("end", end.status(), response);
  // All are parsed before anything is deleted.
  std::vector<std::vector<Matcher>> sets;
  for (const std::string& text : form->All("match[]")) {
    auto matchers = promql::ParseMetricSelector(text);
    if (!matchers.ok()) return RespondInvalidParameter("match[]", matchers.status(), response);
    sets.push_back(std::move(*matchers));
  }
  for (const auto& matchers : sets) {
    const Status deleted = options_.storage()->admin()->DeleteSeries(*start, *end, matchers);
    if (!deleted.ok()) return RespondError(ErrorType::kInternal, deleted.message(), response);
  }
  RespondNothing(response);
}

void Api::CleanTombstones(http::Request&, http::Response* response) {
  if (!options_.enable_admin) return RespondError(ErrorType::kUnavailable, kDisabled, response);
  const Status cleaned = options_.storage()->admin()->CleanTombstones();
  if (!cleaned.ok()) return RespondError(ErrorType::kInternal, cleaned.message(), response);
  RespondNothing(response);
}

}  // namespace deucalion::api
