#include "server/api/self_metrics.h"

#include <string_view>
#include <vector>

#include "model/labels.h"
#include "model/regex.h"
#include "promql/parser/parser.h"
#include "server/api/json.h"

namespace deucalion::api {
namespace {

struct SampleLine {
  std::string name;
  Labels labels;
  std::string value;
};

struct Family {
  std::string name, help, type;
  std::vector<SampleLine> samples;
};

std::string Unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); i++) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out.push_back(text[i]);
    } else {
      i++;
      out.push_back(text[i] == 'n' ? '\n' : text[i]);
    }
  }
  return out;
}

// The registry's own exposition, read back: the one place where its families become text.
std::vector<Family> Families(std::string_view text) {
  std::vector<Family> out;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.starts_with("# HELP ")) {
      const std::string_view rest = line.substr(7);
      const size_t space = rest.find(' ');
      out.push_back({std::string(rest.substr(0, space)), Unescape(rest.substr(space + 1)), "", {}});
    } else if (line.starts_with("# TYPE ")) {
      out.back().type = line.substr(line.rfind(' ') + 1);
    } else if (!line.empty() && !out.empty()) {
      const size_t space = line.rfind(' ');
      const auto labels = promql::ParseMetric(line.substr(0, space));
      if (!labels.ok()) continue;
      out.back().samples.push_back(
          {std::string(labels->Get(kMetricName)), *labels, std::string(line.substr(space + 1))});
    }
  }
  return out;
}

void AppendLabelPairs(std::string* out, JsonObject& metric, LabelsView labels,
                      std::string_view without) {
  metric.Key("label");
  JsonArray pairs(out);
  for (const Label& label : labels) {
    if (label.name == kMetricName || label.name == without) continue;
    pairs.Next();
    JsonObject o(out);
    o.String("name", label.name);
    o.String("value", label.value);
    o.Close();
  }
  pairs.Close();
}

// ProtoJSON: finite doubles are numbers, the others strings.
void AppendProtoNumber(std::string* out, std::string_view value) {
  if (value == "NaN") {
    *out += "\"NaN\"";
  } else if (value == "+Inf") {
    *out += "\"Infinity\"";
  } else if (value == "-Inf") {
    *out += "\"-Infinity\"";
  } else {
    *out += value;
  }
}

void AppendSimple(std::string* out, JsonArray& metrics, const Family& family,
                  std::string_view kind) {
  for (const SampleLine& s : family.samples) {
    metrics.Next();
    JsonObject metric(out);
    AppendLabelPairs(out, metric, s.labels, "");
    metric.Key(kind);
    JsonObject value(out);
    value.Key("value");
    AppendProtoNumber(out, s.value);
    value.Close();
    metric.Close();
  }
}

// Histograms and summaries: parts, then _sum, then _count, child after child.
void AppendComposite(std::string* out, JsonArray& metrics, const Family& family, bool histogram) {
  const std::string part_label = histogram ? "le" : "quantile";
  for (size_t i = 0; i < family.samples.size();) {
    const size_t begin = i;
    while (i < family.samples.size() && !family.samples[i].name.ends_with("_sum")) i++;
    if (i + 1 >= family.samples.size()) return;
    metrics.Next();
    JsonObject metric(out);
    AppendLabelPairs(out, metric, family.samples[i].labels, "");
    metric.Key(histogram ? "histogram" : "summary");
    JsonObject value(out);
    value.String("sampleCount", family.samples[i + 1].value);
    value.Key("sampleSum");
    AppendProtoNumber(out, family.samples[i].value);
    value.Key(histogram ? "bucket" : "quantile");
    JsonArray parts(out);
    for (size_t p = begin; p < i; p++) {
      const std::string_view bound = family.samples[p].labels.Get(part_label);
      if (bound == "+Inf") continue;
      parts.Next();
      JsonObject part(out);
      if (histogram) part.String("cumulativeCount", family.samples[p].value);
      part.Key(histogram ? "upperBound" : "quantile");
      AppendProtoNumber(out, bound);
      if (!histogram) {
        part.Key("value");
        AppendProtoNumber(out, family.samples[p].value);
      }
      part.Close();
    }
    parts.Close();
    value.Close();
    metric.Close();
    i += 2;
  }
}

}  // namespace

Result<std::string> SelfMetricsJson(const MetricRegistry& metrics, const std::string& pattern) {
  ASSIGN_OR_RETURN(const Regex regex, Regex::Compile(pattern.empty() ? ".*" : pattern));
  std::string out;
  JsonArray families(&out);
  for (const Family& family : Families(metrics.TextExposition())) {
    if (!regex.Matches(family.name)) continue;
    families.Next();
    JsonObject o(&out);
    o.String("name", family.name);
    o.String("help", family.help);
    std::string type = family.type;
    for (char& c : type) c = static_cast<char>(c - 'a' + 'A');
    o.String("type", type);
    o.Key("metric");
    JsonArray list(&out);
    if (family.type == "histogram" || family.type == "summary") {
      AppendComposite(&out, list, family, family.type == "histogram");
    } else {
      AppendSimple(&out, list, family, family.type);
    }
    list.Close();
    o.Close();
  }
  families.Close();
  return out;
}

}  // namespace deucalion::api
