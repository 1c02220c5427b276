#include "scrape/loop/target.h"

#include <map>

#include "model/duration.h"
#include "model/value.h"
#include "scrape/fetch/http_client.h"

namespace deucalion::scrape {
namespace {

constexpr std::string_view kAddress = "__address__";
constexpr std::string_view kScheme = "__scheme__";
constexpr std::string_view kMetricsPath = "__metrics_path__";
constexpr std::string_view kInterval = "__scrape_interval__";
constexpr std::string_view kTimeout = "__scrape_timeout__";
constexpr std::string_view kParamPrefix = "__param_";
constexpr std::string_view kMetaPrefix = "__meta_";
constexpr std::string_view kReservedPrefix = "__";

Labels WithoutReserved(const Labels& labels) {
  Labels out;
  for (const Label& l : labels) {
    if (!l.name.starts_with(kReservedPrefix)) {
      AppendEncodedLabel(out.mutable_bytes(), l.name, l.value);
    }
  }
  return out;
}

// As url.URL.EscapedPath: what may stand in a path stays.
std::string EscapePath(std::string_view path) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  static constexpr std::string_view kAllowed = "-_.~$&+,/:;=@!'()*%";
  std::string out;
  for (const char ch : path) {
    const auto c = static_cast<unsigned char>(ch);
    if (std::isalnum(c) || kAllowed.find(ch) != std::string_view::npos) {
      out.push_back(ch);
    } else {
      out.push_back('%');
      out.push_back(kHex[c >> 4]);
      out.push_back(kHex[c & 15]);
    }
  }
  return out;
}

std::string BuildUrl(const Labels& labels, const ScrapeConfig& config) {
  std::map<std::string, std::vector<std::string>> params = config.params;
  for (const Label& l : labels) {
    if (!l.name.starts_with(kParamPrefix)) continue;
    std::vector<std::string>& values = params[std::string(l.name.substr(kParamPrefix.size()))];
    if (values.empty()) values.emplace_back();
    values[0] = l.value;
  }
  std::string url(labels.Get(kScheme));
  url.append("://").append(labels.Get(kAddress));
  const std::string_view path = labels.Get(kMetricsPath);
  if (!path.empty() && path.front() != '/') url.push_back('/');
  url += EscapePath(path);
  char separator = '?';
  for (const auto& [name, values] : params) {
    for (const std::string& value : values) {
      url.push_back(separator);
      url += QueryEscape(name) + "=" + QueryEscape(value);
      separator = '&';
    }
  }
  return url;
}

Result<int64_t> DurationLabel(const LabelsBuilder& labels, std::string_view label,
                              const std::string& what) {
  Result<int64_t> ms = ParseDuration(labels.Get(label));
  if (!ms.ok()) return InvalidArgumentError("error parsing " + what + ": " + ms.status().message());
  if (*ms == 0) return InvalidArgumentError(what + " cannot be 0");
  return ms;
}

}  // namespace

std::string_view TargetHealthText(TargetHealth health) {
  switch (health) {
    case TargetHealth::kUnknown:
      return "unknown";
    case TargetHealth::kUp:
      return "up";
    case TargetHealth::kDown:
      return "down";
  }
  return "unknown";
}

Target::Target(Labels labels, Labels discovered, const ScrapeConfig& config)
    : labels_(std::move(labels)),
      public_labels_(WithoutReserved(labels_)),
      url_(BuildUrl(labels_, config)),
      hash_(Hash64(labels_.bytes() + '\xff' + url_)),
      interval_ms_(ParseDuration(labels_.Get(kInterval)).value_or(0)),
      timeout_ms_(ParseDuration(labels_.Get(kTimeout)).value_or(0)),
      discovered_(std::move(discovered)) {
  if (interval_ms_ <= 0) interval_ms_ = config.scrape_interval_ms;
  if (timeout_ms_ <= 0) timeout_ms_ = config.scrape_timeout_ms;
}

bool Target::Switch(std::string_view name, bool configured) const {
  const std::string_view text = labels_.Get(name);
  return text == "true" ? true : text == "false" ? false : configured;
}

Labels Target::discovered() const {
  MutexLock lock(mu_);
  return discovered_;
}

void Target::set_discovered(Labels discovered) {
  MutexLock lock(mu_);
  discovered_ = std::move(discovered);
}

TargetState Target::state() const {
  MutexLock lock(mu_);
  return state_;
}

void Target::Report(TargetState state) {
  MutexLock lock(mu_);
  state_ = std::move(state);
}

int64_t Target::OffsetNs(int64_t now_unix_ns, int64_t interval_ns, uint64_t seed) const {
  const int64_t base = interval_ns - now_unix_ns % interval_ns;
  const auto offset = static_cast<int64_t>((hash_ ^ seed) % static_cast<uint64_t>(interval_ns));
  const int64_t next = base + offset;
  return next > interval_ns ? next - interval_ns : next;
}

Labels DiscoveredLabels(const ScrapeConfig& config, const LabelMap& target, const LabelMap& group) {
  LabelsBuilder labels;
  for (const auto& [name, value] : group) labels.Set(name, value);
  for (const auto& [name, value] : target) labels.Set(name, value);
  const auto set_default = [&labels](std::string_view name, std::string_view value) {
    if (labels.Get(name).empty()) labels.Set(name, value);
  };
  set_default("job", config.job_name);
  set_default(kInterval, FormatDuration(config.scrape_interval_ms));
  set_default(kTimeout, FormatDuration(config.scrape_timeout_ms));
  set_default(kMetricsPath, config.metrics_path);
  set_default(kScheme, config.scheme);
  for (const auto& [name, values] : config.params) {
    if (!values.empty()) set_default(std::string(kParamPrefix) + name, values[0]);
  }
  return labels.Build();
}

Result<Labels> TargetLabels(const ScrapeConfig& config, const Labels& discovered) {
  LabelsBuilder labels(discovered);
  if (!Relabel(config.relabel_configs, &labels)) return Labels();
  const std::string address(labels.Get(kAddress));
  if (address.empty()) return InvalidArgumentError("no address");
  RETURN_IF_ERROR(CheckTargetAddress(address));
  ASSIGN_OR_RETURN(const int64_t interval_ms, DurationLabel(labels, kInterval, "scrape interval"));
  ASSIGN_OR_RETURN(const int64_t timeout_ms, DurationLabel(labels, kTimeout, "scrape timeout"));
  if (timeout_ms > interval_ms) {
    return InvalidArgumentError("scrape timeout cannot be greater than scrape interval (" +
                                GoQuote(labels.Get(kTimeout)) + " > " +
                                GoQuote(labels.Get(kInterval)) + ")");
  }
  const std::vector<std::pair<std::string, std::string>> pairs = labels.pairs();
  for (const auto& [name, value] : pairs) {
    if (name.starts_with(kMetaPrefix)) labels.Delete(name);
  }
  if (labels.Get("instance").empty()) labels.Set("instance", address);
  for (const auto& [name, value] : labels.pairs()) {
    if (!IsValidUtf8(value)) {
      return InvalidArgumentError("invalid label value for " + GoQuote(name) + ": " +
                                  GoQuote(value));
    }
  }
  return labels.Build();
}

void MakeTargets(const ScrapeConfig& config, const TargetGroup& group, GroupTargets* out) {
  for (size_t i = 0; i < group.targets.size(); ++i) {
    Labels discovered = DiscoveredLabels(config, group.targets[i], group.labels);
    Result<Labels> labels = TargetLabels(config, discovered);
    if (!labels.ok()) {
      out->failures.push_back(labels.status().WithContext("instance " + std::to_string(i) +
                                                          " in group " + group.source));
    } else if (labels->empty()) {
      out->dropped.push_back(std::move(discovered));
    } else {
      out->active.push_back(
          std::make_shared<Target>(*std::move(labels), std::move(discovered), config));
    }
  }
}

}  // namespace deucalion::scrape
