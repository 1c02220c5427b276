// QueryLog: query_log_file, one JSON line per query as Prometheus writes it. Thread-safe.
#ifndef DEUCALION_PROMQL_QUERY_LOG_H_
#define DEUCALION_PROMQL_QUERY_LOG_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/file_system.h"
#include "base/status.h"
#include "base/thread_annotations.h"
#include "promql/engine.h"

namespace deucalion::promql {

struct LoggedQuery {
  std::string_view text;
  int64_t start_ms = 0, end_ms = 0, step_ms = 0;
  int64_t now_ms = 0;
  const Status* status = nullptr;
  const QueryStats* stats = nullptr;
  const QueryOptions* options = nullptr;
};

class QueryLog {
 public:
  explicit QueryLog(FileSystem* fs) : fs_(fs) {}
  // Empty = off. When the file cannot be opened the old one stays in use.
  Status SetPath(const std::string& path) EXCLUDES(mu_);
  bool enabled() const { return enabled_.load(std::memory_order_relaxed); }
  Status Write(const LoggedQuery& query) EXCLUDES(mu_);

 private:
  FileSystem* const fs_;
  std::atomic<bool> enabled_{false};  // there is a file
  Mutex mu_;
  std::unique_ptr<AppendFile> file_ GUARDED_BY(mu_);
};

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_QUERY_LOG_H_
