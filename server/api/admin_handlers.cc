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

}  // namespace

void Api::Snapshot(http::Request& request, http::Response* response) {
  if (!options_.enable_admin) return RespondError(ErrorType::kUnavailable, kDisabled, response);
  const http::Params form = request.FormValues();
  bool skip_head = false;
  if (const std::string_view text = form.Get("skip_head"); !text.empty()) {
    const auto parsed = ParseBool(text);
    if (!parsed.ok()) {
      return RespondInvalidParameter(
          "skip_head",
          InvalidArgumentError("unable to parse boolean: " + parsed.status().message()), response);
    }
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
    // {} selects nothing in Prometheus, and must not delete everything here.
    if (!matchers->empty()) sets.push_back(std::move(*matchers));
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
