#include "promql/query_log.h"

#include <cstdio>
#include <utility>

#include "model/duration.h"
#include "model/value.h"
#include "promql/query_journal.h"

namespace deucalion::promql {
namespace {

// RFC 3339 with exactly three decimals.
std::string DateText(int64_t ms) {
  std::string text = FormatTimeRfc3339(ms);
  const size_t dot = text.find('.');
  char millis[8];
  snprintf(millis, sizeof(millis), ".%03dZ", static_cast<int>(((ms % 1000) + 1000) % 1000));
  return text.substr(0, dot == std::string::npos ? text.size() - 1 : dot) + millis;
}

void AppendNumber(std::string* out, const char* name, double v) {
  *out += '"';
  *out += name;
  *out += "\":";
  AppendFloatJson(out, v);
}

std::string StatsJson(const QueryStats& stats) {
  const QueryTimings& t = stats.timings;
  std::string out = "{\"timings\":{";
  AppendNumber(&out, "evalTotalTime", t.eval_total);
  AppendNumber(&(out += ','), "resultSortTime", t.result_sort);
  AppendNumber(&(out += ','), "queryPreparationTime", t.preparation);
  AppendNumber(&(out += ','), "innerEvalTime", t.inner_eval);
  AppendNumber(&(out += ','), "execQueueTime", t.queue);
  AppendNumber(&(out += ','), "execTotalTime", t.exec_total);
  out +=
      "},\"samples\":{\"totalQueryableSamples\":" + std::to_string(stats.total_queryable_samples) +
      ",\"samplesRead\":" + std::to_string(stats.samples_read) +
      ",\"peakSamples\":" + std::to_string(stats.peak_samples) + "}}";
  return out;
}

std::string Line(const LoggedQuery& q) {
  std::string out = "{\"time\":\"" + DateText(q.now_ms) +
                    "\",\"level\":\"INFO\",\"msg\":\"promql query logged\",\"params\":{\"end\":\"" +
                    DateText(q.end_ms) + "\",\"query\":" + JsonString(q.text) + ",\"start\":\"" +
                    DateText(q.start_ms) + "\",\"step\":" + std::to_string(q.step_ms / 1000) + "}";
  if (!q.status->ok()) out += ",\"error\":" + JsonString(q.status->message());
  out += ",\"stats\":" + StatsJson(*q.stats);
  if (!q.options->origin_name.empty()) {
    out += "," + JsonString(q.options->origin_name) + ":{";
    for (const auto& [name, value] : q.options->origin) {
      if (out.back() != '{') out += ',';
      out += JsonString(name) + ":" + JsonString(value);
    }
    out += '}';
  }
  return out + "}\n";
}

}  // namespace

Status QueryLog::SetPath(const std::string& path) {
  std::unique_ptr<AppendFile> file;
  if (!path.empty()) {
    ASSIGN_OR_RETURN(file, fs_->OpenAppend(path));
  }
  MutexLock lock(mu_);
  file_.swap(file);
  enabled_.store(file_ != nullptr, std::memory_order_relaxed);
  return file == nullptr ? OkStatus() : file->Close();
}

Status QueryLog::Write(const LoggedQuery& query) {
  if (!enabled()) return OkStatus();
  const std::string line = Line(query);
  MutexLock lock(mu_);
  return file_ == nullptr ? OkStatus() : file_->Append(line);
}

}  // namespace deucalion::promql
