#include "server/api/openapi.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "server/api/json.h"

namespace deucalion::api {
namespace {

struct Tag {
  std::string_view name, summary, text;
};
constexpr Tag kTags[] = {
    {"query", "Query", "Evaluate, format and parse PromQL."},
    {"metadata", "Metadata", "What metrics are."},
    {"labels", "Labels", "Names and values of labels."},
    {"series", "Series", "Series without their samples."},
    {"targets", "Targets", "What is scraped."},
    {"rules", "Rules", "Recording and alerting rules."},
    {"alerts", "Alerts", "Alerts and where they go."},
    {"status", "Status", "The server and its configuration."},
    {"admin", "Admin", "Deletion and snapshots; needs --web.enable-admin-api."},
    {"features", "Features", "What the server can do."},
    {"remote", "Remote storage", "Remote write and remote read."},
    {"otlp", "OpenTelemetry", "Metrics of OpenTelemetry."},
    {"notifications", "Notifications", "Messages for the person in front of the screen."},
};

struct Schema {
  std::string_view name, text;
};
constexpr Schema kSchemas[] = {
    {"Error",
     "{type: object, required: [status, errorType, error], properties: {status: {const: error}, "
     "errorType: {enum: [bad_data, execution, timeout, canceled, internal, not_found, "
     "not_acceptable, unavailable]}, error: {type: string}}}"},
    {"Labels", "{type: object, additionalProperties: {type: string}}"},
    {"Point",
     "{description: 'Unix time in seconds, and a value or a histogram.', type: array, minItems: 2, "
     "maxItems: 2, prefixItems: [{type: number}, {oneOf: [{type: string}, {$ref: "
     "'#/components/schemas/Histogram'}]}]}"},
    {"Histogram",
     "{type: object, required: [count, sum], properties: {count: {type: string}, sum: {type: "
     "string}, buckets: {type: array, items: {description: 'Boundary rule (0 upper inclusive, 1 "
     "lower inclusive, 2 none, 3 both), lower, upper, count.', type: array, minItems: 4, maxItems: "
     "4}}}}"},
    {"Series",
     "{type: object, required: [metric], properties: {metric: {$ref: "
     "'#/components/schemas/Labels'}, value: {$ref: '#/components/schemas/Point'}, histogram: "
     "{$ref: '#/components/schemas/Point'}, values: {type: array, items: {$ref: "
     "'#/components/schemas/Point'}}, histograms: {type: array, items: {$ref: "
     "'#/components/schemas/Point'}}}}"},
    {"QueryResult",
     "{type: object, required: [resultType, result], properties: {resultType: {enum: [vector, "
     "matrix, scalar, string]}, result: {oneOf: [{type: array, items: {$ref: "
     "'#/components/schemas/Series'}}, {$ref: '#/components/schemas/Point'}]}, stats: {type: "
     "object}}}"},
    {"Exemplars",
     "{type: array, items: {type: object, properties: {seriesLabels: {$ref: "
     "'#/components/schemas/Labels'}, exemplars: {type: array, items: {type: object, properties: "
     "{labels: {$ref: '#/components/schemas/Labels'}, value: {type: string}, timestamp: {type: "
     "number}}}}}}}"},
    {"Metadata",
     "{type: object, properties: {type: {enum: [counter, gauge, histogram, gaugehistogram, "
     "summary, info, stateset, unknown]}, help: {type: string}, unit: {type: string}}}"},
    {"Target",
     "{type: object, properties: {discoveredLabels: {$ref: '#/components/schemas/Labels'}, labels: "
     "{$ref: '#/components/schemas/Labels'}, scrapePool: {type: string}, scrapeUrl: {type: "
     "string}, globalUrl: {type: string}, lastError: {type: string}, lastScrape: {type: string, "
     "format: date-time}, lastScrapeDuration: {type: number}, health: {enum: [up, down, unknown]}, "
     "scrapeInterval: {type: string}, scrapeTimeout: {type: string}}}"},
    {"Targets",
     "{type: object, properties: {activeTargets: {type: array, items: {$ref: "
     "'#/components/schemas/Target'}}, droppedTargets: {type: array, items: {type: object, "
     "properties: {discoveredLabels: {$ref: '#/components/schemas/Labels'}, scrapePool: {type: "
     "string}}}}, droppedTargetCounts: {type: [object, 'null'], additionalProperties: {type: "
     "integer}}}}"},
    {"TargetMetadata",
     "{type: object, properties: {target: {$ref: '#/components/schemas/Labels'}, metric: {type: "
     "string}, type: {type: string}, help: {type: string}, unit: {type: string}}}"},
    {"RelabelSteps",
     "{type: object, properties: {steps: {type: array, items: {type: object, properties: {rule: "
     "{type: object}, output: {$ref: '#/components/schemas/Labels'}, keep: {type: boolean}}}}}}"},
    {"Cardinality",
     "{type: array, items: {type: object, properties: {name: {type: string}, value: {type: "
     "integer}}}}"},
    {"TsdbStatus",
     "{type: object, properties: {headStats: {type: object, additionalProperties: {type: "
     "integer}}, seriesCountByMetricName: {$ref: '#/components/schemas/Cardinality'}, "
     "labelValueCountByLabelName: {$ref: '#/components/schemas/Cardinality'}, "
     "memoryInBytesByLabelName: {$ref: '#/components/schemas/Cardinality'}, "
     "seriesCountByLabelValuePair: {$ref: '#/components/schemas/Cardinality'}}}"},
    {"Notification",
     "{type: object, properties: {text: {type: string}, date: {type: string, format: date-time}, "
     "active: {type: boolean}}}"},
};

constexpr std::string_view kTimeSchema =
    "{oneOf: [{type: string, format: date-time}, {type: number, format: unixtime}]}";
constexpr std::string_view kDurationSchema =
    "{oneOf: [{type: string, format: duration}, {type: number, format: float}]}";

std::string_view TypeSchema(ParamType type) {
  switch (type) {
    case ParamType::kTime:
      return kTimeSchema;
    case ParamType::kDuration:
      return kDurationSchema;
    case ParamType::kInteger:
      return "{type: integer, format: int64}";
    case ParamType::kNumber:
      return "{type: number}";
    case ParamType::kBoolean:
      return "{type: boolean}";
    case ParamType::kText:
      break;
  }
  return "{type: string}";
}

std::string SchemaOf(const ApiParam& param) {
  const std::string one(TypeSchema(param.type));
  return param.repeated ? "{type: array, items: " + one + "}" : one;
}

// A double-quoted YAML scalar is a JSON string.
std::string Quoted(std::string_view text) {
  std::string out;
  AppendJsonString(&out, text);
  return out;
}

std::vector<std::string_view> Words(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    words.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  return out;
}

// "/label/:name/values" -> "/label/{name}/values"; `name` gets "name".
std::string TemplatePath(std::string_view path, std::string_view* name) {
  const size_t colon = path.find(':');
  if (colon == std::string_view::npos) return std::string(path);
  const size_t end = std::min(path.find('/', colon), path.size());
  *name = path.substr(colon + 1, end - colon - 1);
  std::string out(path.substr(0, colon));
  return out.append("{").append(*name).append("}").append(path.substr(end));
}

// "/query_range", "POST" -> "query-range-post"; the first method goes without its name.
std::string OperationId(const ApiRoute& route, std::string_view method) {
  std::string id;
  for (const char c : route.path.substr(1)) {
    if (c == ':') continue;
    id.push_back(c == '/' || c == '_' || c == '.' ? '-' : c);
  }
  return Words(route.methods)[0] == method ? id : id + "-" + Lower(method);
}

void AppendParameters(const ApiRoute& route, std::string_view path_name, bool query,
                      std::string* out) {
  if (path_name.empty() && (!query || route.params.empty())) return;
  *out += "      parameters:\n";
  if (!path_name.empty()) {
    out->append("        - {name: ").append(path_name);
    *out += ", in: path, required: true, schema: {type: string}}\n";
  }
  if (!query) return;
  for (const ApiParam& p : route.params) {
    *out += "        - name: " + Quoted(p.name) +
            "\n          in: query\n          description: " + Quoted(p.text) +
            "\n          required: " + (p.required ? "true" : "false") +
            "\n          explode: " + (p.repeated ? "true" : "false") +
            "\n          schema: " + SchemaOf(p) + "\n";
  }
}

void AppendForm(const ApiRoute& route, std::string* out) {
  if (route.params.empty()) return;
  std::string required;
  for (const ApiParam& p : route.params) {
    if (p.required) required += (required.empty() ? "" : ", ") + Quoted(p.name);
  }
  *out +=
      "      requestBody:\n        content:\n          application/x-www-form-urlencoded:\n"
      "            schema:\n              type: object\n";
  if (!required.empty()) *out += "              required: [" + required + "]\n";
  *out += "              properties:\n";
  for (const ApiParam& p : route.params) {
    *out += "                " + Quoted(p.name) + ": " + SchemaOf(p) + "\n";
  }
}

constexpr std::string_view kContent = "          content:\n            ";

void AppendAnswer(const ApiRoute& route, std::string* out) {
  *out += "      responses:\n";
  if (route.answer == AnswerKind::kNothing) {
    *out += "        \"204\": {description: Done.}\n";
  } else {
    *out += "        \"200\":\n          description: Success.\n";
    out->append(kContent);
  }
  switch (route.answer) {
    case AnswerKind::kJson:
      *out +=
          "application/json:\n              schema: {type: object, required: [status, data], "
          "properties: {status: {const: success}, data: ";
      out->append(route.data);
      *out +=
          ", warnings: {type: array, items: {type: string}}, infos: {type: array, items: "
          "{type: string}}}}\n";
      break;
    case AnswerKind::kEvents:
      *out += "text/event-stream:\n              itemSchema: ";
      out->append(route.data).append("\n");
      break;
    case AnswerKind::kYaml:
      *out += "application/yaml: {}\n";
      break;
    case AnswerKind::kSnappy:
      *out += "application/x-protobuf: {}\n";
      break;
    case AnswerKind::kNothing:
      break;
  }
  *out += "        default:\n          description: An error.\n";
  out->append(kContent);
  *out += "application/json:\n              schema: {$ref: '#/components/schemas/Error'}\n";
}

void AppendPath(const ApiRoute& route, std::string* out) {
  std::string_view path_name;
  *out += "  " + TemplatePath(route.path, &path_name) + ":\n";
  for (const std::string_view method : Words(route.methods)) {
    const bool form = method == "POST" || method == "PUT";
    *out += "    " + Lower(method) + ":\n      tags: [";
    out->append(route.tag).append("]\n      summary: ").append(Quoted(route.summary));
    *out += "\n      operationId: " + OperationId(route, method) + "\n";
    AppendParameters(route, path_name, !form, out);
    if (form && (route.tag == "remote" || route.tag == "otlp")) {
      *out += "      requestBody: {content: {application/x-protobuf: {}}}\n";
    } else if (form) {
      AppendForm(route, out);
    }
    AppendAnswer(route, out);
  }
}

}  // namespace

std::string OpenApiDocument(std::span<const ApiRoute> routes, OpenApiVersion version,
                            const OpenApiOptions& options) {
  const bool v32 = version == OpenApiVersion::k32;
  std::string out = v32 ? "openapi: 3.2.0\n" : "openapi: 3.1.0\n";
  out +=
      "info:\n  title: Prometheus API\n  description: The HTTP API of Prometheus as Deucalion "
      "serves it.\n  version: " +
      Quoted(options.version) + "\nservers:\n  - url: " + Quoted(options.server_url) + "\ntags:\n";
  for (const Tag& tag : kTags) {
    out.append("  - name: ").append(tag.name);
    if (v32) out.append("\n    summary: ").append(tag.summary);
    out += "\n    description: " + Quoted(tag.text) + "\n";
  }
  out += "paths:\n";
  for (const ApiRoute& route : routes) {
    if (v32 || route.answer != AnswerKind::kEvents) AppendPath(route, &out);
  }
  out += "components:\n  schemas:\n";
  for (const Schema& schema : kSchemas) {
    out.append("    ").append(schema.name).append(": ").append(schema.text).append("\n");
  }
  return out;
}

}  // namespace deucalion::api
