// spdlog carries the lines (levels, sinks, locking); the layout of a line is ours, because users
// parse Prometheus's logfmt and JSON.
#include "base/log.h"

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <ctime>

namespace deucalion {
namespace {

std::string Now() {
  using namespace std::chrono;
  const auto now = system_clock::now();
  const auto ms = duration_cast<milliseconds>(now.time_since_epoch()).count();
  const std::time_t seconds = static_cast<std::time_t>(ms / 1000);
  std::tm tm{};
  gmtime_r(&seconds, &tm);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", tm.tm_year + 1900, tm.tm_mon + 1,
                     tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, ms % 1000);
}

std::string_view LevelText(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "DEBUG";
    case LogLevel::kInfo:
      return "INFO";
    case LogLevel::kWarn:
      return "WARN";
    case LogLevel::kError:
      return "ERROR";
  }
  return "INFO";
}

bool NeedsQuotes(std::string_view text) {
  if (text.empty()) return true;
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (u <= ' ' || c == '=' || c == '"' || u == 0x7f) return true;
  }
  return false;
}

void AppendQuoted(std::string* out, std::string_view text) {
  out->push_back('"');
  for (const char c : text) {
    switch (c) {
      case '"':
        *out += "\\\"";
        break;
      case '\\':
        *out += "\\\\";
        break;
      case '\n':
        *out += "\\n";
        break;
      case '\r':
        *out += "\\r";
        break;
      case '\t':
        *out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          *out += fmt::format("\\u{:04x}", static_cast<int>(c));
        } else {
          out->push_back(c);
        }
    }
  }
  out->push_back('"');
}

void AppendField(std::string* out, LogFormat format, std::string_view key, std::string_view value,
                 bool bare) {
  if (format == LogFormat::kJson) {
    if (out->size() > 1) out->push_back(',');
    AppendQuoted(out, key);
    out->push_back(':');
    if (bare) {
      *out += value;
    } else {
      AppendQuoted(out, value);
    }
    return;
  }
  if (!out->empty()) out->push_back(' ');
  *out += key;
  out->push_back('=');
  if (NeedsQuotes(value)) {
    AppendQuoted(out, value);
  } else {
    *out += value;
  }
}

class SpdLogger : public Logger {
 public:
  SpdLogger(std::shared_ptr<spdlog::logger> sink, LogLevel level, LogFormat format)
      : sink_(std::move(sink)), level_(level), format_(format) {
    sink_->set_pattern("%v");
    sink_->set_level(spdlog::level::trace);
    sink_->flush_on(spdlog::level::trace);
  }

  bool Enabled(LogLevel level) const override { return level >= level_; }

  void Log(LogLevel level, std::string_view message,
           std::initializer_list<LogField> fields) override {
    if (!Enabled(level)) return;
    std::string line;
    if (format_ == LogFormat::kJson) line.push_back('{');
    AppendField(&line, format_, "time", Now(), false);
    AppendField(&line, format_, "level", LevelText(level), false);
    AppendField(&line, format_, "msg", message, false);
    for (const LogField& f : fields) AppendField(&line, format_, f.key, f.value, f.bare);
    if (format_ == LogFormat::kJson) line.push_back('}');
    sink_->log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
  }

 private:
  const std::shared_ptr<spdlog::logger> sink_;
  const LogLevel level_;
  const LogFormat format_;
};

class NullLogger : public Logger {
 public:
  bool Enabled(LogLevel) const override { return false; }
  void Log(LogLevel, std::string_view, std::initializer_list<LogField>) override {}
};

}  // namespace

LogField::LogField(std::string_view k, double v)
    : key(k), value(fmt::format("{}", v)), bare(true) {}

std::unique_ptr<Logger> Logger::Stderr(LogLevel level, LogFormat format) {
  auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  return std::make_unique<SpdLogger>(std::make_shared<spdlog::logger>("stderr", sink), level,
                                     format);
}

Result<std::unique_ptr<Logger>> Logger::File(const std::string& path, LogFormat format) {
  try {
    auto sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(path);
    return std::unique_ptr<Logger>(std::make_unique<SpdLogger>(
        std::make_shared<spdlog::logger>(path, sink), LogLevel::kDebug, format));
  } catch (const spdlog::spdlog_ex& e) {
    return IoError("open log file " + path + ": " + e.what());
  }
}

Logger* Logger::Null() {
  static NullLogger logger;
  return &logger;
}

}  // namespace deucalion
