// /status/*, /features, /notifications: what the server is and how it is.
#include <unistd.h>

#include <thread>

#include "model/value.h"
#include "server/api/api.h"
#include "server/api/json.h"
#include "server/api/params.h"
#include "server/api/reply.h"
#include "server/api/self_metrics.h"

namespace deucalion::api {
namespace {

void AppendCardinality(std::string* out, JsonObject& parent, std::string_view key,
                       const Cardinality& list) {
  parent.Key(key);
  JsonArray array(out);
  for (const auto& [name, value] : list) {
    array.Next();
    JsonObject o(out);
    o.String("name", name);
    o.Uint("value", value);
    o.Close();
  }
  array.Close();
}

std::string HostName() {
  char name[256] = {};
  return ::gethostname(name, sizeof(name) - 1) == 0 ? name : "";
}

std::string WorkingDirectory() {
  char buf[4096];
  return ::getcwd(buf, sizeof(buf)) != nullptr ? buf
                                               : "<error retrieving current working directory>";
}

}  // namespace

void Api::StatusConfig(http::Request&, http::Response* response) {
  std::string json;
  JsonObject o(&json);
  o.String("yaml", options_.config_yaml());
  o.Close();
  RespondData(json, {}, response);
}

void Api::StatusFlags(http::Request&, http::Response* response) {
  std::string json;
  JsonObject o(&json);
  for (const auto& [name, value] : options_.flags) o.String(name, value);
  o.Close();
  RespondData(json, {}, response);
}

void Api::StatusRuntime(http::Request&, http::Response* response) {
  const RuntimeInfo info = options_.runtime();
  const unsigned cores = std::thread::hardware_concurrency();
  std::string json;
  JsonObject o(&json);
  o.Time("startTime", info.start_ms);
  o.String("CWD", WorkingDirectory());
  o.String("hostname", HostName());
  o.Time("serverTime", options_.clock->NowMs());
  o.Bool("reloadConfigSuccess", info.reload_config_success);
  o.Time("lastConfigTime", info.last_config_ms / 1000 * 1000);  // whole seconds, as upstream
  o.Int("corruptionCount", info.corruption_count);
  // Go's runtime is not here: threads stand for goroutines, and the knobs are empty.
  o.Int("goroutineCount", info.threads);
  o.Int("GOMAXPROCS", cores);
  o.Int("GOMEMLIMIT", INT64_MAX);
  o.String("GOGC", "");
  o.String("GODEBUG", "");
  o.String("storageRetention", info.storage_retention);
  o.Close();
  RespondData(json, {}, response);
}

std::string Api::BuildInfoJson() const {
  std::string json;
  JsonObject o(&json);
  o.String("version", options_.build.version);
  o.String("revision", options_.build.revision);
  o.String("branch", options_.build.branch);
  o.String("buildUser", options_.build.build_user);
  o.String("buildDate", options_.build.build_date);
  o.String("goVersion", options_.build.go_version);
  o.Close();
  return json;
}

void Api::StatusBuild(http::Request&, http::Response* response) {
  RespondData(BuildInfoJson(), {}, response);
}

void Api::StatusTsdb(http::Request& request, http::Response* response) {
  constexpr int64_t kMaxLimit = 10000;
  size_t limit = 10;
  const http::Params params = request.Query();
  if (const std::string_view text = params.Get("limit"); !text.empty()) {
    const auto wanted = ParseInt(text, 64);
    if (!wanted.ok() || *wanted < 1) {
      return RespondError(ErrorType::kBadData, "limit must be a positive number", response);
    }
    if (*wanted > kMaxLimit) {
      return RespondError(ErrorType::kBadData, "limit must not exceed 10000", response);
    }
    limit = static_cast<size_t>(*wanted);
  }
  const auto stats = options_.storage()->admin()->Stats(limit);
  if (!stats.ok()) return RespondError(ErrorType::kInternal, stats.status().message(), response);
  std::string json;
  JsonObject o(&json);
  o.Key("headStats");
  JsonObject head(&json);
  head.Uint("numSeries", stats->head.series);
  head.Uint("numLabelPairs", stats->head.label_pairs);
  head.Uint("chunkCount", stats->head.chunks);
  head.Int("minTime", stats->head.min_ms);
  head.Int("maxTime", stats->head.max_ms);
  head.Close();
  AppendCardinality(&json, o, "seriesCountByMetricName", stats->series_by_metric);
  AppendCardinality(&json, o, "labelValueCountByLabelName", stats->values_by_label);
  AppendCardinality(&json, o, "memoryInBytesByLabelName", stats->bytes_by_label);
  AppendCardinality(&json, o, "seriesCountByLabelValuePair", stats->series_by_pair);
  o.Close();
  RespondData(json, {}, response);
}

void Api::StatusBlocks(http::Request&, http::Response* response) {
  std::string json;
  JsonObject o(&json);
  o.Key("blocks");
  JsonArray blocks(&json);
  for (const BlockInfo& b : options_.storage()->admin()->Blocks()) {
    blocks.Next();
    JsonObject block(&json);
    block.String("ulid", b.id);
    block.Int("minTime", b.min_ms);
    block.Int("maxTime", b.max_ms);
    block.Key("stats");
    JsonObject stats(&json);
    const std::pair<std::string_view, uint64_t> counts[] = {
        {"numSamples", b.samples},
        {"numFloatSamples", b.float_samples},
        {"numHistogramSamples", b.histogram_samples},
        {"numSeries", b.series},
        {"numChunks", b.chunks},
        {"numTombstones", b.tombstones}};
    for (const auto& [name, count] : counts) {
      if (count > 0) stats.Uint(name, count);
    }
    stats.Close();
    block.Key("compaction");
    JsonObject compaction(&json);
    compaction.Int("level", b.level);
    const auto texts = [&](std::string_view name, const std::vector<std::string>& list) {
      if (list.empty()) return;
      compaction.Key(name);
      JsonArray array(&json);
      for (const std::string& text : list) array.String(text);
      array.Close();
    };
    texts("sources", b.sources);
    if (!b.parents.empty()) {
      compaction.Key("parents");
      JsonArray parents(&json);
      for (const BlockInfo::Parent& p : b.parents) {
        parents.Next();
        JsonObject parent(&json);
        parent.String("ulid", p.id);
        parent.Int("minTime", p.min_ms);
        parent.Int("maxTime", p.max_ms);
        parent.Close();
      }
      parents.Close();
    }
    if (b.failed) compaction.Bool("failed", true);
    texts("hints", b.hints);
    compaction.Close();
    block.Int("version", 1);
    block.Close();
  }
  blocks.Close();
  o.Close();
  RespondData(json, {}, response);
}

void Api::StatusReplay(http::Request&, http::Response* response) {
  const ReplayProgress p = options_.replay();
  std::string json;
  JsonObject o(&json);
  o.Int("min", p.min);
  o.Int("max", p.max);
  o.Int("current", p.current);
  o.Close();
  RespondData(json, {}, response);
}

void Api::StatusSelfMetrics(http::Request& request, http::Response* response) {
  const std::string pattern(request.Query().Get("metric_name_pattern"));
  auto json = SelfMetricsJson(*options_.metrics, pattern);
  if (!json.ok()) return RespondInvalidParameter("metric_name_pattern", json.status(), response);
  RespondData(*json, {}, response);
}

void Api::Features(http::Request&, http::Response* response) {
  std::string json;
  JsonObject categories(&json);
  for (const auto& [category, features] : options_.features->features()) {
    categories.Key(category);
    JsonObject o(&json);
    for (const auto& [feature, on] : features) o.Bool(feature, on);
    o.Close();
  }
  categories.Close();
  RespondData(json, {}, response);
}

void Api::NotificationList(http::Request&, http::Response* response) {
  std::string json;
  JsonArray array(&json);
  for (const Notification& n : options_.notifications->Active()) {
    array.Next();
    Notifications::AppendJson(&json, n);
  }
  array.Close();
  RespondData(json, {}, response);
}

void Api::NotificationsLive(http::Request&, http::Response* response) {
  auto stream = options_.notifications->Subscribe();
  if (stream == nullptr) {
    response->status = 204;
    return;
  }
  response->headers.Set("Content-Type", "text/event-stream");
  response->headers.Set("Cache-Control", "no-cache");
  response->headers.Set("Connection", "keep-alive");
  response->push = std::move(stream);
}

}  // namespace deucalion::api
