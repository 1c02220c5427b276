// /targets, /targets/*, /scrape_pools, /metadata: what is scraped and how it goes.
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "model/duration.h"
#include "model/value.h"
#include "promql/parser/parser.h"
#include "server/api/api.h"
#include "server/api/global_url.h"
#include "server/api/json.h"
#include "server/api/params.h"
#include "server/api/relabel_json.h"
#include "server/api/reply.h"

namespace deucalion::api {
namespace {

using scrape::PoolTargets;
using scrape::ScrapeLoop;

void AppendActive(std::string* out, const ApiOptions& options, const std::string& job,
                  const ScrapeLoop& loop) {
  const scrape::Target& target = *loop.target();
  const scrape::TargetState state = target.state();
  JsonObject o(out);
  o.LabelSet("discoveredLabels", target.discovered());
  o.LabelSet("labels", target.public_labels());
  o.String("scrapePool", job);
  o.String("scrapeUrl", target.url());
  o.String("globalUrl", GlobalUrl(target.url(), options.external_scheme, options.external_host,
                                  options.listen_port));
  o.String("lastError", state.last_error);
  o.Key("lastScrape");
  if (state.last_scrape_ms == 0) {
    *out += "\"0001-01-01T00:00:00Z\"";
  } else {
    AppendJsonTime(out, state.last_scrape_ms);
  }
  o.Number("lastScrapeDuration", state.last_duration_seconds);
  o.String("health", scrape::TargetHealthText(state.health));
  o.String("scrapeInterval", FormatDuration(target.interval_ms()));
  o.String("scrapeTimeout", FormatDuration(target.timeout_ms()));
  o.Close();
}

// The number of things to answer with: -1 for all. False: the answer has been written.
bool ReadCount(const http::Params& params, std::string_view name, int64_t* out,
               http::Response* response) {
  *out = -1;
  const std::string_view text = params.Get(name);
  if (text.empty()) return true;
  const auto count = ParseInt(text, 64);
  if (count.ok()) return *out = *count, true;
  RespondError(ErrorType::kBadData, std::string(name) + " must be a number", response);
  return false;
}

void AppendMetadata(JsonObject& o, const Metadata& m) {
  o.String("type", MetricKindText(m.kind));
  o.String("help", m.help);
  o.String("unit", m.unit);
}

// What one target knows of `metric`, or of all its metrics.
std::vector<scrape::FamilyMetadata> MetadataOf(const ScrapeLoop& loop, const std::string& metric) {
  if (metric.empty()) return loop.cache().ListMetadata();
  Metadata found;
  if (!loop.cache().GetMetadata(metric, &found)) return {};
  return {{metric, found}};
}

}  // namespace

void Api::Targets(http::Request& request, http::Response* response) {
  const http::Params params = request.Query();
  std::string state(params.Get("state"));
  for (char& c : state) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const bool any = state.empty() || state == "any";
  const auto pools = options_.scrape->Targets(std::string(params.Get("scrapePool")));
  std::string json;
  JsonObject o(&json);
  o.Key("activeTargets");
  JsonArray active(&json);
  for (const PoolTargets& pool : pools) {
    if (!any && state != "active") break;
    for (const auto& loop : pool.active) {
      active.Next();
      AppendActive(&json, options_, pool.job, *loop);
    }
  }
  active.Close();
  o.Key("droppedTargets");
  JsonArray dropped(&json);
  for (const PoolTargets& pool : pools) {
    if (!any && state != "dropped") break;
    for (const Labels& discovered : pool.dropped) {
      dropped.Next();
      JsonObject target(&json);
      target.LabelSet("discoveredLabels", discovered);
      target.String("scrapePool", pool.job);
      target.Close();
    }
  }
  dropped.Close();
  o.Key("droppedTargetCounts");
  if (any || state == "dropped") {
    JsonObject counts(&json);
    // Of all pools, whatever scrapePool says.
    for (const PoolTargets& pool : options_.scrape->Targets("")) {
      counts.Uint(pool.job, pool.dropped_count);
    }
    counts.Close();
  } else {
    json += "null";
  }
  o.Close();
  RespondData(json, {}, response);
}

void Api::TargetMetadata(http::Request& request, http::Response* response) {
  const http::Params params = request.Query();
  int64_t limit;
  if (!ReadCount(params, "limit", &limit, response)) return;
  std::vector<Matcher> matchers;
  if (const std::string_view text = params.Get("match_target"); !text.empty()) {
    auto parsed = promql::ParseMetricSelector(text);
    if (!parsed.ok()) return RespondInvalidParameter("match_target", parsed.status(), response);
    matchers = std::move(*parsed);
  }
  const std::string metric(params.Get("metric"));
  std::string json;
  JsonArray list(&json);
  int64_t count = 0;
  for (const PoolTargets& pool : options_.scrape->Targets()) {
    for (const auto& loop : pool.active) {
      const Labels& labels = loop->target()->public_labels();
      if (limit >= 0 && count >= limit) break;
      if (!MatchesAll(matchers, labels)) continue;
      for (const scrape::FamilyMetadata& family : MetadataOf(*loop, metric)) {
        list.Next();
        JsonObject o(&json);
        o.LabelSet("target", labels);
        if (metric.empty()) o.String("metric", family.family);
        AppendMetadata(o, family.metadata);
        o.Close();
        count++;
      }
    }
  }
  list.Close();
  RespondData(json, {}, response);
}

void Api::MetricMetadata(http::Request& request, http::Response* response) {
  const http::Params params = request.Query();
  int64_t limit, per_metric;
  if (!ReadCount(params, "limit", &limit, response)) return;
  if (!ReadCount(params, "limit_per_metric", &per_metric, response)) return;
  const std::string metric(params.Get("metric"));
  using Texts = std::tuple<std::string, std::string, std::string>;
  std::map<std::string, std::set<Texts>> by_name;
  for (const PoolTargets& pool : options_.scrape->Targets()) {
    for (const auto& loop : pool.active) {
      for (const scrape::FamilyMetadata& family : MetadataOf(*loop, metric)) {
        auto& texts = by_name[family.family];
        if (per_metric > 0 && static_cast<int64_t>(texts.size()) >= per_metric) continue;
        texts.emplace(MetricKindText(family.metadata.kind), family.metadata.unit,
                      family.metadata.help);
      }
    }
  }
  std::string json;
  JsonObject o(&json);
  int64_t count = 0;
  for (const auto& [name, texts] : by_name) {
    if (limit >= 0 && count++ >= limit) break;
    o.Key(name);
    JsonArray list(&json);
    for (const auto& [type, unit, help] : texts) {
      list.Next();
      JsonObject m(&json);
      m.String("type", type);
      m.String("unit", unit);
      m.String("help", help);
      m.Close();
    }
    list.Close();
  }
  o.Close();
  RespondData(json, {}, response);
}

void Api::RelabelSteps(http::Request& request, http::Response* response) {
  const http::Params params = request.Query();
  const std::string pool(params.Get("scrapePool"));
  if (pool.empty()) {
    return RespondError(ErrorType::kBadData, "no scrapePool parameter provided", response);
  }
  const std::string text(params.Get("labels"));
  if (text.empty()) {
    return RespondError(ErrorType::kBadData, "no labels parameter provided", response);
  }
  const auto parsed = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object() && !parsed.is_null()) {
    return RespondError(ErrorType::kBadData,
                        parsed.is_discarded() ? "error parsing labels: invalid JSON"
                                              : "error parsing labels: not a JSON object",
                        response);
  }
  LabelsBuilder builder;
  for (const auto& [name, value] : parsed.items()) {
    if (!value.is_string()) {
      return RespondError(
          ErrorType::kBadData,
          "error parsing labels: the value of " + GoQuote(name) + " is not a string", response);
    }
    builder.Set(name, value.get<std::string>());
  }
  const auto steps = options_.scrape->RelabelSteps(pool, builder.Build());
  if (!steps.ok()) {
    return RespondError(ErrorType::kBadData,
                        "error retrieving scrape config: " + steps.status().message(), response);
  }
  std::string json;
  JsonObject o(&json);
  o.Key("steps");
  JsonArray list(&json);
  for (const scrape::RelabelStep& step : *steps) {
    list.Next();
    JsonObject s(&json);
    s.Key("rule");
    AppendRelabelRule(&json, step.rule);
    s.LabelSet("output", step.output);
    s.Bool("keep", step.keep);
    s.Close();
  }
  list.Close();
  o.Close();
  RespondData(json, {}, response);
}

void Api::ScrapePools(http::Request&, http::Response* response) {
  std::string json;
  JsonObject o(&json);
  o.Key("scrapePools");
  JsonArray list(&json);
  for (const std::string& name : options_.scrape->PoolNames()) list.String(name);
  list.Close();
  o.Close();
  RespondData(json, {}, response);
}

void Api::ScrapePoolConfig(http::Request& request, http::Response* response) {
  const std::string pool(request.Query().Get("scrapePool"));
  if (pool.empty()) {
    return RespondError(ErrorType::kBadData, "no scrapePool parameter provided", response);
  }
  const auto yaml = options_.scrape_config_yaml(pool);
  if (!yaml.ok()) return RespondError(ErrorType::kNotFound, yaml.status().message(), response);
  std::string json;
  JsonObject o(&json);
  o.String("yaml", *yaml);
  o.Close();
  RespondData(json, {}, response);
}

}  // namespace deucalion::api
