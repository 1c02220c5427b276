#include "server/api/federate.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "model/value.h"
#include "promql/parser/parser.h"

namespace deucalion::api {
namespace {

struct Row {
  int64_t time_ms = 0;
  double value = 0;
};
// Sorted by labels, so that one metric's series stand together: __name__ sorts before every
// lower-case name; a second, stable sort by name settles the rest.
using Rows = std::map<Labels, Row>;

Status Collect(Querier& querier, const SelectHints& hints, const std::vector<Matcher>& matchers,
               const CancelToken& cancel, Rows* rows) {
  ASSIGN_OR_RETURN(auto set, querier.Select(false, hints, matchers, &cancel));
  SampleColumns columns;
  Labels labels;
  for (size_t i = 0; i < set->size(); i++) {
    RETURN_IF_ERROR(cancel.Check());
    columns.Clear();
    RETURN_IF_ERROR(set->Read(i, hints.min_ms, hints.max_ms, &columns));
    if (columns.times.empty() || IsStaleNan(columns.values.back())) continue;
    // A native histogram that is newer hides the float; text cannot carry it.
    if (!columns.histograms.empty() && columns.histograms.back().time_ms > columns.times.back()) {
      continue;
    }
    set->LabelsOf(i, &labels);
    (*rows)[labels] = {columns.times.back(), columns.values.back()};
  }
  return OkStatus();
}

void AppendLabelValue(std::string* out, std::string_view value) {
  for (const char c : value) {
    if (c == '\\') {
      *out += "\\\\";
    } else if (c == '\n') {
      *out += "\\n";
    } else if (c == '"') {
      *out += "\\\"";
    } else {
      out->push_back(c);
    }
  }
}

void AppendRow(std::string* out, std::string_view name, LabelsView labels, LabelsView external,
               const Row& row) {
  LabelsBuilder all(external);
  for (const Label& l : labels) all.Set(l.name, l.value);
  const bool legacy = IsLegacyMetricName(name);
  if (legacy) *out += name;
  out->push_back('{');
  bool first = true;
  if (!legacy) {
    *out += GoQuote(name);
    first = false;
  }
  // A target without an instance of its own must not get ours.
  if (!labels.Has("instance")) {
    if (!first) out->push_back(',');
    *out += "instance=\"\"";
    first = false;
  }
  for (const auto& [label_name, value] : all.pairs()) {
    if (label_name == kMetricName) continue;
    if (label_name == "instance" && !labels.Has("instance")) continue;
    if (!first) out->push_back(',');
    first = false;
    *out += IsLegacyLabelName(label_name) ? label_name : GoQuote(label_name);
    *out += "=\"";
    AppendLabelValue(out, value);
    out->push_back('"');
  }
  *out += "} ";
  AppendFloatG(out, row.value);
  *out += " " + std::to_string(row.time_ms) + "\n";
}

std::string Render(const Rows& rows, LabelsView external, Counter* warnings) {
  std::vector<const Rows::value_type*> order;
  order.reserve(rows.size());
  for (const auto& row : rows) order.push_back(&row);
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return a->first.Get(kMetricName) < b->first.Get(kMetricName);
  });
  std::string out;
  std::string_view last_name;
  for (const auto* row : order) {
    const std::string_view name = row->first.Get(kMetricName);
    if (name.empty()) {
      warnings->Increment();
      continue;
    }
    if (name != last_name) {
      last_name = name;
      out += "# TYPE ";
      out += IsLegacyMetricName(name) ? std::string(name) : GoQuote(name);
      out += " untyped\n";
    }
    AppendRow(&out, name, row->first, external, row->second);
  }
  return out;
}

}  // namespace

void RegisterFederate(FederateOptions options, http::Router* router) {
  Counter* errors = options.metrics->AddCounter(
      "prometheus_web_federation_errors_total",
      "Total number of errors that occurred while sending federation responses.");
  Counter* warnings = options.metrics->AddCounter(
      "prometheus_web_federation_warnings_total",
      "Total number of warnings that occurred while sending federation responses.");
  const auto serve = [options, errors, warnings](http::Request& request, http::Response* response) {
    Storage* storage = options.storage();
    if (storage == nullptr || options.stopping()) {
      response->headers.Set("X-Prometheus-Stopping", options.stopping() ? "true" : "false");
      return response->Error(503, "Service Unavailable");
    }
    const auto form = request.Form();
    if (!form.ok()) {
      return response->Error(400, "error parsing form values: " + form.status().message());
    }
    std::vector<std::vector<Matcher>> sets;
    for (const std::string& text : form->All("match[]")) {
      auto matchers = promql::ParseMetricSelector(text);
      if (!matchers.ok()) return response->Error(400, matchers.status().message());
      sets.push_back(std::move(*matchers));
    }
    const int64_t now_ms = options.clock->NowMs();
    const SelectHints hints{.min_ms = now_ms - options.lookback_ms + 1, .max_ms = now_ms};
    auto querier = storage->NewQuerier(hints.min_ms, hints.max_ms);
    Rows rows;
    Status status = querier.ok() ? OkStatus() : querier.status();
    for (size_t i = 0; status.ok() && i < sets.size(); i++) {
      status = Collect(**querier, hints, sets[i], request.cancel, &rows);
    }
    if (!status.ok()) {
      errors->Increment();
      return response->Error(500, status.message());
    }
    response->SetBody(Render(rows, options.external_labels(), warnings),
                      "text/plain; version=0.0.4; charset=utf-8; escaping=allow-utf-8");
  };
  router->Get("/federate", serve, {.pool = http::PoolClass::kQuery});
}

}  // namespace deucalion::api
