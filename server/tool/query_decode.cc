// Reading the API's JSON. Whatever a server sends ends in a value or an error: every access below
// goes through the checked accessors of the JSON library, whose exceptions stop here.
#include <cmath>
#include <nlohmann/json.hpp>

#include "model/value.h"
#include "server/tool/query_result.h"

namespace deucalion::tool {
namespace {

using Json = nlohmann::json;

Status BadResponse(const std::string& what) { return InternalError("bad_response: " + what); }

Result<Json> ParseJson(std::string_view body) {
  try {
    return Json::parse(body);
  } catch (const Json::exception& e) {
    return BadResponse(e.what());
  }
}

// Only these come with a body that says more.
bool IsApiError(int http_status) { return http_status == 400 || http_status == 422; }

Status HttpError(int http_status, std::string_view body) {
  std::string detail(body.substr(0, 4096));
  while (!detail.empty() && std::isspace(static_cast<unsigned char>(detail.back()))) {
    detail.pop_back();
  }
  std::string text = "bad_response: bad response code " + std::to_string(http_status);
  if (http_status / 100 == 4) text = "client_error: client error: " + std::to_string(http_status);
  if (http_status / 100 == 5) text = "server_error: server error: " + std::to_string(http_status);
  if (!detail.empty()) text += " (detail: " + detail + ")";
  return UnavailableError(std::move(text));
}

// The number in a quoted or bare JSON value.
double NumberOf(const Json& json) {
  if (json.is_number()) return json.get<double>();
  const Result<double> number = ParseFloat(json.get_ref<const std::string&>());
  if (!number.ok()) throw std::runtime_error(number.status().message());
  return *number;
}

int64_t TimeOf(const Json& json) {
  const double ms = std::round(json.get<double>() * 1000);
  // Everything a double holds exactly is far beyond any time.
  if (!(std::abs(ms) <= 9e15)) throw std::runtime_error("time out of range");
  return static_cast<int64_t>(ms);
}

FloatPoint PointOf(const Json& json) {
  return {.time_ms = TimeOf(json.at(0)), .value = NumberOf(json.at(1))};
}

HistogramPoint HistogramOf(const Json& json) {
  const Json& from = json.at(1);
  HistogramPoint point{.time_ms = TimeOf(json.at(0)), .histogram = {}};
  point.histogram.count = NumberOf(from.at("count"));
  point.histogram.sum = NumberOf(from.at("sum"));
  const auto buckets = from.find("buckets");
  if (buckets == from.end() || buckets->is_null()) return point;
  for (const Json& bucket : *buckets) {
    point.histogram.buckets.push_back({.boundaries = bucket.at(0).get<int>(),
                                       .lower = NumberOf(bucket.at(1)),
                                       .upper = NumberOf(bucket.at(2)),
                                       .count = NumberOf(bucket.at(3))});
  }
  return point;
}

SeriesValue SampleOf(const Json& json) {
  SeriesValue series{.metric = json.at("metric").get<LabelSet>(), .values = {}, .histograms = {}};
  if (json.contains("histogram")) {
    series.histograms.push_back(HistogramOf(json.at("histogram")));
  } else {
    series.values.push_back(PointOf(json.at("value")));
  }
  return series;
}

SeriesValue StreamOf(const Json& json) {
  SeriesValue series{.metric = json.at("metric").get<LabelSet>(), .values = {}, .histograms = {}};
  if (json.contains("values")) {
    for (const Json& point : json.at("values")) series.values.push_back(PointOf(point));
  }
  if (json.contains("histograms")) {
    for (const Json& point : json.at("histograms")) series.histograms.push_back(HistogramOf(point));
  }
  return series;
}

QueryValue ValueOf(const Json& data) {
  const std::string& type = data.at("resultType").get_ref<const std::string&>();
  const Json& result = data.at("result");
  if (type == "scalar") return PointOf(result);
  if (type == "string") {
    return StringValue{.time_ms = TimeOf(result.at(0)), .text = result.at(1).get<std::string>()};
  }
  if (type == "vector") {
    VectorValue vector;
    for (const Json& sample : result) vector.series.push_back(SampleOf(sample));
    return vector;
  }
  if (type == "matrix") {
    MatrixValue matrix;
    for (const Json& stream : result) matrix.series.push_back(StreamOf(stream));
    return matrix;
  }
  throw std::runtime_error("unexpected value type \"" + type + "\"");
}

// The envelope around every answer; `read` takes out what is inside.
template <typename T, typename Read>
Result<Answer<T>> Decode(int http_status, std::string_view body, const Read& read) {
  if (http_status / 100 != 2 && !IsApiError(http_status)) return HttpError(http_status, body);
  ASSIGN_OR_RETURN(const Json json, ParseJson(body));
  try {
    const bool success = json.at("status") == "success";
    if (success == IsApiError(http_status)) {
      return BadResponse("inconsistent body for response code");
    }
    if (!success) {
      return InvalidArgumentError(json.at("errorType").get<std::string>() + ": " +
                                  json.at("error").get<std::string>());
    }
    Answer<T> answer;
    if (json.contains("warnings")) {
      answer.warnings = json.at("warnings").get<std::vector<std::string>>();
    }
    if (!json.at("data").is_null()) answer.data = read(json.at("data"));
    return answer;
  } catch (const std::exception& e) {
    return BadResponse(e.what());
  }
}

}  // namespace

Result<Answer<QueryValue>> DecodeQueryValue(int http_status, std::string_view body) {
  return Decode<QueryValue>(http_status, body, ValueOf);
}

Result<Answer<std::vector<LabelSet>>> DecodeSeries(int http_status, std::string_view body) {
  using Series = std::vector<LabelSet>;
  return Decode<Series>(http_status, body, [](const Json& data) { return data.get<Series>(); });
}

Result<Answer<std::vector<std::string>>> DecodeNames(int http_status, std::string_view body) {
  using Names = std::vector<std::string>;
  return Decode<Names>(http_status, body, [](const Json& data) { return data.get<Names>(); });
}

}  // namespace deucalion::tool
