// /rules, /alerts, /alertmanagers: full in form, empty until this server evaluates rules.
#include <string>

#include "model/value.h"
#include "server/api/api.h"
#include "server/api/json.h"
#include "server/api/params.h"
#include "server/api/reply.h"

namespace deucalion::api {
namespace {

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  return out;
}

}  // namespace

void Api::Rules(http::Request& request, http::Response* response) {
  const auto form = request.Form();
  if (!form.ok()) {
    return RespondError(ErrorType::kBadData,
                        "error parsing form values: " + form.status().message(), response);
  }
  const auto matchers = MatchParams(*form);
  if (!matchers.ok()) {
    return RespondError(ErrorType::kBadData, matchers.status().message(), response);
  }
  const http::Params params = request.Query();
  const std::string type = Lower(params.Get("type"));
  if (!type.empty() && type != "alert" && type != "record") {
    return RespondInvalidParameter(
        "type", InvalidArgumentError("not supported value " + GoQuote(type)), response);
  }
  if (const std::string flag = Lower(params.Get("exclude_alerts")); !flag.empty()) {
    const auto parsed = ParseBool(flag);
    if (!parsed.ok()) {
      return RespondInvalidParameter(
          "exclude_alerts",
          InvalidArgumentError("error converting exclude_alerts: " + parsed.status().message()),
          response);
    }
  }
  const std::string_view token = params.Get("group_next_token"), limit = params.Get("group_limit");
  if (!token.empty() && limit.empty()) {
    return RespondInvalidParameter(
        "group_next_token",
        InvalidArgumentError(
            "group_limit needs to be present in order to paginate over the groups"),
        response);
  }
  if (!limit.empty()) {
    const auto parsed = ParseInt(limit, 32);
    const Status wrong =
        !parsed.ok()   ? InvalidArgumentError("group_limit needs to be a valid number: " +
                                              parsed.status().message())
        : *parsed <= 0 ? InvalidArgumentError("group_limit needs to be greater than 0")
                       : OkStatus();
    if (!wrong.ok()) return RespondInvalidParameter("group_limit", wrong, response);
  }
  if (!token.empty()) {
    // No groups, so none with this token.
    return RespondInvalidParameter(
        "group_next_token",
        InvalidArgumentError("invalid group_next_token '" + std::string(token) +
                             "'. were rule groups changed?"),
        response);
  }
  std::string json;
  JsonObject o(&json);
  o.Key("groups");
  JsonArray groups(&json);
  groups.Close();
  o.Close();
  RespondData(json, {}, response);
}

void Api::Alerts(http::Request&, http::Response* response) {
  RespondData(R"({"alerts":[]})", {}, response);
}

void Api::Alertmanagers(http::Request&, http::Response* response) {
  RespondData(R"({"activeAlertmanagers":[],"droppedAlertmanagers":[]})", {}, response);
}

}  // namespace deucalion::api
