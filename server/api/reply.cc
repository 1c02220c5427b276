#include "server/api/reply.h"

#include "server/api/json.h"

namespace deucalion::api {
namespace {

struct ErrorForm {
  std::string_view name;
  int http_status;
};

ErrorForm FormOf(ErrorType type) {
  switch (type) {
    case ErrorType::kBadData:
      return {"bad_data", 400};
    case ErrorType::kExecution:
      return {"execution", 422};
    case ErrorType::kTimeout:
      return {"timeout", 503};
    case ErrorType::kCanceled:
      return {"canceled", 499};
    case ErrorType::kInternal:
      return {"internal", 500};
    case ErrorType::kNotFound:
      return {"not_found", 404};
    case ErrorType::kNotAcceptable:
      return {"not_acceptable", 406};
    case ErrorType::kUnavailable:
      return {"unavailable", 500};
  }
  return {"internal", 500};
}

ErrorType TypeOf(StatusCode code) {
  switch (code) {
    case StatusCode::kInvalidArgument:
      return ErrorType::kBadData;
    case StatusCode::kDeadlineExceeded:
      return ErrorType::kTimeout;
    case StatusCode::kCanceled:
      return ErrorType::kCanceled;
    case StatusCode::kExecution:
    case StatusCode::kResourceExhausted:
    case StatusCode::kUnimplemented:
      return ErrorType::kExecution;
    case StatusCode::kNotFound:
      return ErrorType::kNotFound;
    default:
      return ErrorType::kInternal;
  }
}

void AppendNotes(std::string* out, std::string_view key, const std::vector<std::string>& texts) {
  if (texts.empty()) return;
  out->push_back(',');
  AppendJsonString(out, key);
  out->push_back(':');
  JsonArray array(out);
  for (const std::string& text : texts) array.String(text);
  array.Close();
}

}  // namespace

void AppendEnvelopeBegin(std::string* out) { *out += R"({"status":"success","data":)"; }

void AppendEnvelopeEnd(std::string* out, const Notes& notes) {
  AppendNotes(out, "warnings", notes.warnings);
  AppendNotes(out, "infos", notes.infos);
  out->push_back('}');
}

void RespondData(std::string_view data_json, const Notes& notes, http::Response* response) {
  std::string body;
  body.reserve(data_json.size() + 64);
  AppendEnvelopeBegin(&body);
  body += data_json;
  AppendEnvelopeEnd(&body, notes);
  response->SetBody(std::move(body), "application/json");
}

void RespondError(ErrorType type, std::string_view message, http::Response* response) {
  const ErrorForm form = FormOf(type);
  std::string body;
  JsonObject o(&body);
  o.String("status", "error");
  o.String("errorType", form.name);
  o.String("error", message);
  o.Close();
  response->status = form.http_status;
  response->SetBody(std::move(body), "application/json");
}

void RespondInvalidParameter(std::string_view name, const Status& status,
                             http::Response* response) {
  RespondError(ErrorType::kBadData,
               "invalid parameter \"" + std::string(name) + "\": " + status.message(), response);
}

void RespondStatus(const Status& status, http::Response* response) {
  RespondError(TypeOf(status.code()), status.message(), response);
}

void RespondNothing(http::Response* response) {
  response->status = 204;
  response->body.clear();
}

}  // namespace deucalion::api
