// Between text and the members of Flags: setting one from the command line and printing it back.
#include <charconv>
#include <cmath>

#include "model/duration.h"
#include "model/value.h"
#include "server/config/flags.h"
#include "server/config/units.h"

namespace deucalion::config {
namespace {

constexpr std::string_view kWriteV1 = "prometheus.WriteRequest";
constexpr std::string_view kWriteV2 = "io.prometheus.write.v2.Request";

Status SyntaxError(std::string_view function, std::string_view text, std::string_view what) {
  return InvalidArgumentError("strconv." + std::string(function) + ": parsing " + GoQuote(text) +
                              ": " + std::string(what));
}

// kingpin reads its integers as floating-point numbers, so "5e7" is one.
Result<int64_t> ParseIntFlag(std::string_view text) {
  ASSIGN_OR_RETURN(const double value, ParseFloat(text));
  if (!(std::abs(value) < 9223372036854775808.0)) {
    return SyntaxError("ParseFloat", text, "value out of range");
  }
  return static_cast<int64_t>(value);
}

Result<int64_t> ParseInt64Flag(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range) {
    return SyntaxError("ParseInt", text, "value out of range");
  }
  if (error != std::errc() || end != text.data() + text.size()) {
    return SyntaxError("ParseInt", text, "invalid syntax");
  }
  return value;
}

bool IsChoice(std::string_view text, std::string_view choices) {
  while (!choices.empty()) {
    const size_t comma = std::min(choices.find(','), choices.size());
    if (choices.substr(0, comma) == text) return true;
    choices.remove_prefix(std::min(comma + 1, choices.size()));
  }
  return false;
}

Status SetLogLevel(std::string_view text, std::string* out) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (!IsChoice(lower, "debug,info,warn,error")) {
    return InvalidArgumentError("unrecognized log level " + std::string(text));
  }
  *out = lower;
  return OkStatus();
}

Status AddProtobufMessage(std::string_view text, std::vector<std::string>* out) {
  if (text != kWriteV1 && text != kWriteV2) {
    return InvalidArgumentError("unknown type for remote write protobuf message " +
                                std::string(text) + ", supported: " + std::string(kWriteV1) + ", " +
                                std::string(kWriteV2));
  }
  for (const std::string& have : *out) {
    if (have != text) continue;
    std::string all;
    for (const std::string& one : *out) all += (all.empty() ? "" : " ") + one;
    return InvalidArgumentError("duplicated " + std::string(text) + " flag value, got [" + all +
                                "] already");
  }
  out->emplace_back(text);
  return OkStatus();
}

std::string Join(const std::vector<std::string>& texts) {
  std::string out;
  for (size_t i = 0; i < texts.size(); ++i) out += (i == 0 ? "" : ",") + texts[i];
  return out;
}

}  // namespace

Status SetFlag(const FlagSpec& spec, std::string_view text, Flags* flags) {
  switch (spec.kind) {
    case FlagKind::kBool:
      flags->*spec.member.boolean = text == "true";
      return OkStatus();
    case FlagKind::kString:
      flags->*spec.member.text = text;
      return OkStatus();
    case FlagKind::kStrings:
      (flags->*spec.member.texts).emplace_back(text);
      return OkStatus();
    case FlagKind::kInt: {
      ASSIGN_OR_RETURN(flags->*spec.member.integer, ParseIntFlag(text));
      return OkStatus();
    }
    case FlagKind::kInt64: {
      ASSIGN_OR_RETURN(flags->*spec.member.integer, ParseInt64Flag(text));
      return OkStatus();
    }
    case FlagKind::kFloat: {
      ASSIGN_OR_RETURN(flags->*spec.member.real, ParseFloat(text));
      return OkStatus();
    }
    case FlagKind::kDuration: {
      ASSIGN_OR_RETURN(flags->*spec.member.integer, ParseDuration(text));
      return OkStatus();
    }
    case FlagKind::kGoDuration: {
      ASSIGN_OR_RETURN(flags->*spec.member.integer, ParseGoDuration(text));
      return OkStatus();
    }
    case FlagKind::kBytes: {
      ASSIGN_OR_RETURN(flags->*spec.member.integer, ParseBytes(text));
      return OkStatus();
    }
    case FlagKind::kEnum:
      if (!IsChoice(text, spec.choices)) {
        return InvalidArgumentError("enum value must be one of " + std::string(spec.choices) +
                                    ", got '" + std::string(text) + "'");
      }
      flags->*spec.member.text = text;
      return OkStatus();
    case FlagKind::kLogLevel:
      return SetLogLevel(text, &(flags->*spec.member.text));
    case FlagKind::kLogFormat:
      if (!IsChoice(text, "logfmt,json")) {
        return InvalidArgumentError("unrecognized log format " + std::string(text));
      }
      flags->*spec.member.text = text;
      return OkStatus();
    case FlagKind::kProtobufMessages:
      return AddProtobufMessage(text, &(flags->*spec.member.texts));
  }
  return InternalError("flag kind");
}

std::string FlagText(const FlagSpec& spec, const Flags& flags) {
  switch (spec.kind) {
    case FlagKind::kBool:
      return flags.*spec.member.boolean ? "true" : "false";
    case FlagKind::kString:
    case FlagKind::kEnum:
    case FlagKind::kLogLevel:
    case FlagKind::kLogFormat:
      return flags.*spec.member.text;
    case FlagKind::kStrings:
    case FlagKind::kProtobufMessages:
      return Join(flags.*spec.member.texts);
    case FlagKind::kInt:
    case FlagKind::kInt64:
      return std::to_string(flags.*spec.member.integer);
    case FlagKind::kFloat:
      return FormatFloatG(flags.*spec.member.real);
    case FlagKind::kDuration:
      return FormatDuration(flags.*spec.member.integer);
    case FlagKind::kGoDuration:
      return FormatGoDuration(flags.*spec.member.integer);
    case FlagKind::kBytes:
      return FormatBytes(flags.*spec.member.integer);
  }
  return "";
}

std::map<std::string, std::string> FlagValues(const Flags& flags) {
  std::map<std::string, std::string> values;
  for (const FlagSpec& spec : FlagTable()) values.emplace(spec.name, FlagText(spec, flags));
  return values;
}

void SettleFlags(std::string_view external_url_path, int64_t config_retention_time_ms,
                 int64_t config_retention_size, Flags* flags) {
  constexpr int64_t kDayMs = 86'400'000;
  constexpr int64_t kDefaultRetentionMs = 15 * kDayMs;
  constexpr int64_t kLongestBlockMs = 31 * kDayMs;

  std::string_view prefix = flags->web_route_prefix;
  if (prefix.empty()) prefix = external_url_path;
  while (prefix.starts_with('/')) prefix.remove_prefix(1);
  while (prefix.ends_with('/')) prefix.remove_suffix(1);
  flags->web_route_prefix = "/" + std::string(prefix);

  if (config_retention_time_ms > 0) flags->tsdb_retention_time_ms = config_retention_time_ms;
  if (config_retention_size > 0) flags->tsdb_retention_size = config_retention_size;
  if (flags->tsdb_retention_time_ms == 0 && flags->tsdb_retention_size == 0) {
    flags->tsdb_retention_time_ms = kDefaultRetentionMs;
  }
  if (flags->tsdb_max_block_duration_ms == 0) {
    flags->tsdb_max_block_duration_ms = kLongestBlockMs;
    const int64_t tenth = flags->tsdb_retention_time_ms / 10;
    if (flags->tsdb_retention_time_ms != 0 && tenth < kLongestBlockMs) {
      flags->tsdb_max_block_duration_ms = tenth;
    }
  }
  flags->tsdb_block_reload_interval_ms =
      std::max<int64_t>(flags->tsdb_block_reload_interval_ms, 1000);
  if (flags->config_auto_reload && flags->config_auto_reload_interval_ms > 0) {
    flags->config_auto_reload_interval_ms =
        std::max<int64_t>(flags->config_auto_reload_interval_ms, 1000);
  }
}

}  // namespace deucalion::config
