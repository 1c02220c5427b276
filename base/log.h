// Logger: one line per event, in logfmt or JSON as Prometheus writes them:
//   time=2026-01-02T03:04:05.678Z level=INFO source=main.cc:12 msg="Server is ready" component=web
// Thread-safe; must outlive everything that logs through it.
#ifndef DEUCALION_BASE_LOG_H_
#define DEUCALION_BASE_LOG_H_

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/status.h"

namespace deucalion {

enum class LogLevel { kDebug, kInfo, kWarn, kError };
enum class LogFormat { kLogfmt, kJson };

// A key and a value already turned to text; numbers and bools keep their form in JSON.
struct LogField {
  LogField(std::string_view k, std::string_view v) : key(k), value(v) {}
  LogField(std::string_view k, const char* v) : key(k), value(v) {}
  LogField(std::string_view k, const std::string& v) : key(k), value(v) {}
  LogField(std::string_view k, const Status& v) : key(k), value(v.message()) {}
  LogField(std::string_view k, bool v) : key(k), value(v ? "true" : "false"), bare(true) {}
  LogField(std::string_view k, double v);
  template <typename T>
  requires(std::is_integral_v<T> && !std::is_same_v<T, bool>) LogField(std::string_view k, T v)
      : key(k), value(std::to_string(v)), bare(true) {}

  std::string_view key;
  std::string value;
  bool bare = false;
};

class Logger {
 public:
  virtual ~Logger() = default;
  virtual void Log(LogLevel level, std::string_view message,
                   std::initializer_list<LogField> fields) = 0;
  virtual bool Enabled(LogLevel level) const = 0;

  void Debug(std::string_view m, std::initializer_list<LogField> f = {}) {
    Log(LogLevel::kDebug, m, f);
  }
  void Info(std::string_view m, std::initializer_list<LogField> f = {}) {
    Log(LogLevel::kInfo, m, f);
  }
  void Warn(std::string_view m, std::initializer_list<LogField> f = {}) {
    Log(LogLevel::kWarn, m, f);
  }
  void Error(std::string_view m, std::initializer_list<LogField> f = {}) {
    Log(LogLevel::kError, m, f);
  }

  // Writes to stderr, asynchronously enough never to block on a slow reader for long.
  static std::unique_ptr<Logger> Stderr(LogLevel level, LogFormat format);
  // Appends lines to a file (query log, scrape failure log). Reopen after rotation by making a new
  // one.
  static Result<std::unique_ptr<Logger>> File(const std::string& path, LogFormat format);
  // Discards everything. Lives for the whole process.
  static Logger* Null();
};

}  // namespace deucalion

#endif  // DEUCALION_BASE_LOG_H_
