// /rules, /alerts, /alertmanagers: full in form, empty until this server evaluates rules.
#include "model/value.h"
#include "server/api/api.h"
#include "server/api/json.h"
#include "server/api/params.h"
#include "server/api/reply.h"

namespace deucalion::api {

void Api::Rules(http::Request& request, http::Response* response) {
  const http::Params params = request.Query();
  const std::string_view type = params.Get("type");
  if (!type.empty() && type != "alert" && type != "record") {
    return RespondInvalidParameter(
        "type", InvalidArgumentError("not supported value " + GoQuote(type)), response);
  }
  const auto matchers = MatchParams(params);
  if (!matchers.ok()) return RespondInvalidParameter("match[]", matchers.status(), response);
  if (const std::string_view flag = params.Get("exclude_alerts");
      !flag.empty() && flag != "true" && flag != "false") {
    return RespondInvalidParameter(
        "exclude_alerts",
        InvalidArgumentError("error converting exclude_alerts: strconv.ParseBool: parsing " +
                             GoQuote(flag) + ": invalid syntax"),
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
