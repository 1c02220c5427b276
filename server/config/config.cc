// The top level: reading in upstream's order of checks, then everything that looks at several
// sections at once, and finally the files that the main one refers to.
#include "server/config/config.h"

#include <stdlib.h>

#include <algorithm>

#include "model/labels.h"
#include "server/config/config_sections.h"
#include "server/config/glob.h"
#include "server/config/sd_schema.h"

namespace deucalion::config {
namespace {

using scrape::ScrapeConfig;

constexpr ListWords kScrapeConfigs{"[]*config.ScrapeConfig", "empty or null scrape config section"};
constexpr ListWords kRemoteWrites{"[]*config.RemoteWriteConfig",
                                  "empty or null remote write config section"};
constexpr ListWords kRemoteReads{"[]*config.RemoteReadConfig",
                                 "empty or null remote read config section"};

const Section<RuntimeConfig>& RuntimeSection() {
  static const Section<RuntimeConfig> section{"config.RuntimeConfig",
                                              {Key<Int, &RuntimeConfig::gogc>("gogc")}};
  return section;
}

// A global section that is there starts from nothing, not from the defaults; one that is empty does
// not count.
struct Global {
  using Value = GlobalConfig;
  static Status Read(Decoder& d, const YamlNode& node, Value* out) {
    if (IsNull(node)) return OkStatus();
    const scrape::GlobalScrapeConfig defaults = out->scrape;
    out->scrape.scrape_interval_ms = 0;
    out->scrape.scrape_timeout_ms = 0;
    out->scrape.metric_name_escaping_scheme.clear();
    out->evaluation_interval_ms = 0;
    return ReadSection(d, node, GlobalSection(), out);
  }
  static bool Empty(const Value&) { return false; }
  static YamlValue Print(const Value& v) { return PrintSection(GlobalSection(), v); }
};

struct Runtime {
  using Value = RuntimeConfig;
  static Status Read(Decoder& d, const YamlNode& node, Value* out) {
    RETURN_IF_ERROR(ReadSection(d, node, RuntimeSection(), out));
    if (out->gogc == 0) *out = RuntimeConfig();
    return OkStatus();
  }
  static bool Empty(const Value&) { return false; }
  static YamlValue Print(const Value& v) { return PrintSection(RuntimeSection(), v); }
};

// Tracing is off when the section is missing, and then not shown.
struct Tracing : Nested<TracingConfig, TracingSection> {
  static bool Empty(const Value& v) { return v.endpoint.empty(); }
};

struct Otlp : Nested<OtlpConfig, OtlpSection> {
  static bool Empty(const Value&) { return false; }
};

const Section<Config>& ConfigSection() {
  using C = Config;
  static const Section<C> section{
      "config.plain",
      {
          Key<Global, &C::global>("global"),
          Key<Runtime, &C::runtime>("runtime"),
          Key<Nested<AlertingConfig, AlertingSection>, &C::alerting>("alerting"),
          Key<Texts, &C::rule_files>("rule_files"),
          Key<Texts, &C::scrape_config_files>("scrape_config_files"),
          Key<List<ScrapeConfig, ScrapeSection, kScrapeConfigs>, &C::scrape_configs>(
              "scrape_configs"),
          Key<Nested<StorageConfig, StorageSection>, &C::storage>("storage"),
          Key<Tracing, &C::tracing>("tracing"),
          Key<List<RemoteWriteConfig, RemoteWriteSection, kRemoteWrites>, &C::remote_write>(
              "remote_write"),
          Key<List<RemoteReadConfig, RemoteReadSection, kRemoteReads>, &C::remote_read>(
              "remote_read"),
          Key<Otlp, &C::otlp>("otlp"),
      }};
  return section;
}

// The file that scrape_config_files names.
struct ScrapeFile {
  std::vector<ScrapeConfig> scrape_configs;
};

const Section<ScrapeFile>& ScrapeFileSection() {
  static const Section<ScrapeFile> section{
      "config.ScrapeConfigs",
      {Key<List<ScrapeConfig, ScrapeSection, kScrapeConfigs>, &ScrapeFile::scrape_configs>(
          "scrape_configs")}};
  return section;
}

// ^[^*]*(\*[^/]*)?$: a star in the last part of the path only.
bool IsFilePattern(std::string_view path) {
  const size_t star = path.find('*');
  return star == std::string_view::npos || path.find('/', star) == std::string_view::npos;
}

// The value below `key` of the root, and below its index-th element; the root when there is none.
const YamlNode& At(const YamlNode& root, std::string_view key, size_t index,
                   std::string_view inner = {}) {
  if (root.kind != YamlKind::kMap) return root;
  const auto find = [](const YamlNode& map, std::string_view name) -> const YamlNode* {
    if (map.kind != YamlKind::kMap) return nullptr;
    for (const YamlPair& pair : MapPairs(map)) {
      if (pair.key->value == name) return pair.value;
    }
    return nullptr;
  };
  const YamlNode* list = find(root, key);
  if (list == nullptr) return root;
  if (index >= list->items.size() || list->kind != YamlKind::kSequence) return *list;
  const YamlNode* item = list->items[index];
  const YamlNode* value = inner.empty() ? nullptr : find(*item, inner);
  return value == nullptr ? *item : *value;
}

Status CheckPatterns(Decoder& d, const YamlNode& root, const Config& config) {
  for (size_t i = 0; i < config.rule_files.size(); ++i) {
    if (!IsFilePattern(config.rule_files[i])) {
      return d.Refuse(At(root, "rule_files", i),
                      "invalid rule file path " + GoQuote(config.rule_files[i]));
    }
  }
  for (size_t i = 0; i < config.scrape_config_files.size(); ++i) {
    if (!IsFilePattern(config.scrape_config_files[i])) {
      return d.Refuse(At(root, "scrape_config_files", i),
                      "invalid scrape config file path " + GoQuote(config.scrape_config_files[i]));
    }
  }
  return OkStatus();
}

Status ValidateRules(std::vector<scrape::RelabelConfig>* rules, scrape::NameValidation scheme) {
  for (scrape::RelabelConfig& rule : *rules) RETURN_IF_ERROR(rule.Validate(scheme));
  return OkStatus();
}

Status CheckJobs(Decoder& d, const YamlNode& root, Config* config) {
  std::set<std::string> names;
  for (size_t i = 0; i < config->scrape_configs.size(); ++i) {
    ScrapeConfig& job = config->scrape_configs[i];
    RETURN_IF_ERROR(
        d.Refuse(At(root, "scrape_configs", i), job.ApplyGlobals(config->global.scrape)));
    if (!names.insert(job.job_name).second) {
      return d.Refuse(At(root, "scrape_configs", i, "job_name"),
                      "found multiple scrape configs with job name " + GoQuote(job.job_name));
    }
  }
  return OkStatus();
}

Status CheckAlerting(Decoder& d, const YamlNode& root, Config* config) {
  const scrape::NameValidation scheme = config->global.scrape.metric_name_validation_scheme;
  const YamlNode& node = At(root, "alerting", 0);
  RETURN_IF_ERROR(d.Refuse(node, ValidateRules(&config->alerting.alert_relabel_configs, scheme)));
  for (AlertmanagerConfig& manager : config->alerting.alertmanagers) {
    RETURN_IF_ERROR(d.Refuse(node, ValidateRules(&manager.alert_relabel_configs, scheme)));
    RETURN_IF_ERROR(d.Refuse(node, ValidateRules(&manager.relabel_configs, scheme)));
  }
  return OkStatus();
}

Status CheckRemotes(Decoder& d, const YamlNode& root, Config* config) {
  const scrape::NameValidation scheme = config->global.scrape.metric_name_validation_scheme;
  std::set<std::string> names;
  for (size_t i = 0; i < config->remote_write.size(); ++i) {
    RemoteWriteConfig& remote = config->remote_write[i];
    if (!remote.name.empty() && !names.insert(remote.name).second) {
      return d.Refuse(At(root, "remote_write", i, "name"),
                      "found multiple remote write configs with job name " + GoQuote(remote.name));
    }
    RETURN_IF_ERROR(d.Refuse(At(root, "remote_write", i),
                             ValidateRules(&remote.write_relabel_configs, scheme)));
  }
  names.clear();
  for (size_t i = 0; i < config->remote_read.size(); ++i) {
    const std::string& name = config->remote_read[i].name;
    if (!name.empty() && !names.insert(name).second) {
      return d.Refuse(At(root, "remote_read", i, "name"),
                      "found multiple remote read configs with job name " + GoQuote(name));
    }
  }
  return OkStatus();
}

Status CheckTranslation(Decoder& d, const YamlNode& root, const Config& config) {
  const std::string& strategy = config.otlp.translation_strategy;
  if (strategy.empty() || strategy == "UnderscoreEscapingWithSuffixes" ||
      strategy == "UnderscoreEscapingWithoutSuffixes") {
    return OkStatus();
  }
  const YamlNode& node = At(root, "otlp", 0);
  if (strategy != "NoTranslation" && strategy != "NoUTF8EscapingWithSuffixes") {
    return d.Refuse(node, "unsupported OTLP translation strategy " + GoQuote(strategy));
  }
  if (config.global.scrape.metric_name_validation_scheme == scrape::NameValidation::kLegacy) {
    return d.Refuse(node, "OTLP translation strategy " + GoQuote(strategy) +
                              " is not allowed when UTF8 is disabled");
  }
  return OkStatus();
}

bool IsNameChar(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// Go's os.Expand with $$ for a dollar: ${name}, $name, and $ followed by anything else is dropped.
std::string Expand(std::string_view text,
                   const std::function<std::string(const std::string&)>& lookup) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char next = text[i + 1];
    if (next == '{') {
      const size_t close = text.find('}', i + 2);
      if (close == std::string_view::npos || close == i + 2) {
        i += close == std::string_view::npos ? 1 : 2;  // bad syntax is eaten
        continue;
      }
      const std::string name(text.substr(i + 2, close - i - 2));
      out += name == "$" ? "$" : lookup(name);
      i = close;
      continue;
    }
    size_t end = i + 1;
    while (end < text.size() && IsNameChar(text[end])) ++end;
    if (std::isdigit(static_cast<unsigned char>(next))) end = i + 2;
    if (end == i + 1) {
      constexpr std::string_view kSpecial = "*#$@!?-";
      if (kSpecial.find(next) == std::string_view::npos) {
        out += '$';
        continue;
      }
      out += next == '$' ? "$" : lookup(std::string(1, next));
      ++i;
      continue;
    }
    out += lookup(std::string(text.substr(i + 1, end - i - 1)));
    i = end - 1;
  }
  return out;
}

void ExpandExternalLabels(const LoadOptions& options, Config* config) {
  const auto lookup = [&](const std::string& name) {
    std::string value;
    if (options.environment) {
      value = options.environment(name);
    } else if (const char* text = getenv(name.c_str())) {  // NOLINT: nobody changes it
      value = text;
    }
    if (value.empty()) config->notes.push_back("Empty environment variable: " + name);
    return value;
  };
  LabelsBuilder builder;
  for (const Label& label : config->global.scrape.external_labels.view()) {
    builder.Set(label.name, Expand(label.value, lookup));
  }
  config->global.scrape.external_labels = builder.Build();
}

void ResolveJob(const std::string& dir, ScrapeConfig* job) {
  job->SetDirectory(dir);
  for (scrape::DiscoveryConfig& sd : job->discovery) SetSdDirectory(dir, &sd);
}

void ResolvePaths(const std::string& dir, Config* config) {
  using scrape::JoinConfigDir;
  GlobalConfig& global = config->global;
  global.query_log_file = JoinConfigDir(dir, global.query_log_file);
  global.scrape.scrape_failure_log_file = JoinConfigDir(dir, global.scrape.scrape_failure_log_file);
  for (AlertmanagerConfig& manager : config->alerting.alertmanagers) {
    manager.http.SetDirectory(dir);
    for (scrape::DiscoveryConfig& sd : manager.discovery) {
      scrape::SetDirectory(dir, &sd);
      SetSdDirectory(dir, &sd);
    }
  }
  config->tracing.tls_config.SetDirectory(dir);
  for (std::string& pattern : config->rule_files) pattern = JoinConfigDir(dir, pattern);
  for (std::string& pattern : config->scrape_config_files) pattern = JoinConfigDir(dir, pattern);
  for (ScrapeConfig& job : config->scrape_configs) ResolveJob(dir, &job);
  for (RemoteWriteConfig& remote : config->remote_write) remote.http.SetDirectory(dir);
  for (RemoteReadConfig& remote : config->remote_read) remote.http.SetDirectory(dir);
}

Status CheckAgent(const Config& config) {
  const auto refuse = [](std::string_view field) {
    return InvalidArgumentError("field " + std::string(field) + " is not allowed in agent mode");
  };
  if (!(config.alerting == AlertingConfig())) return refuse("alerting");
  if (!config.rule_files.empty()) return refuse("rule_files");
  if (!config.remote_read.empty()) return refuse("remote_read");
  return OkStatus();
}

Result<std::string> ReadBounded(FileSystem* fs, const std::string& path) {
  const auto info = fs->Stat(path);
  if (info.ok() && info->size_bytes > YamlDocument::kMaxBytes) {
    return ResourceExhaustedError(path + ": file of " + std::to_string(info->size_bytes) +
                                  " bytes is larger than the limit of " +
                                  std::to_string(YamlDocument::kMaxBytes));
  }
  return fs->ReadFile(path);
}

Result<std::vector<ScrapeConfig>> LoadScrapeFile(const std::string& path,
                                                 const scrape::GlobalScrapeConfig& global,
                                                 FileSystem* fs) {
  ASSIGN_OR_RETURN(const std::string text, ReadBounded(fs, path));
  YamlPosition at;
  Result<YamlDocument> document = YamlDocument::Parse(text, &at);
  if (!document.ok()) {
    return Status(document.status().code(),
                  FilePosition(path, at) + ": " + std::string(document.status().message()));
  }
  Decoder d;
  ScrapeFile file;
  const YamlNode& root = document->root();
  Status status = ReadSection(d, root, ScrapeFileSection(), &file);
  if (status.ok() && d.mismatches() == 0) {
    for (size_t i = 0; i < file.scrape_configs.size() && status.ok(); ++i) {
      status = d.Refuse(At(root, "scrape_configs", i), file.scrape_configs[i].ApplyGlobals(global));
    }
  }
  RETURN_IF_ERROR(d.FinishPlain(path, status));
  for (ScrapeConfig& job : file.scrape_configs) ResolveJob(DirName(path), &job);
  return std::move(file.scrape_configs);
}

Status LoadScrapeFiles(const LoadOptions& options, Config* config) {
  std::map<std::string, std::string> first_seen;
  for (const ScrapeConfig& job : config->scrape_configs) {
    first_seen[job.job_name] = "main config file";
  }
  for (const std::string& pattern : config->scrape_config_files) {
    for (const std::string& path : Glob(pattern)) {
      ASSIGN_OR_RETURN(std::vector<ScrapeConfig> jobs,
                       LoadScrapeFile(path, config->global.scrape, options.file_system));
      for (ScrapeConfig& job : jobs) {
        const auto [it, fresh] = first_seen.emplace(job.job_name, GoQuote(path));
        if (!fresh) {
          return InvalidArgumentError(path + ": found multiple scrape configs with job name " +
                                      GoQuote(job.job_name) + ", first found in " + it->second);
        }
        config->file_scrape_configs.push_back(std::move(job));
      }
    }
  }
  return OkStatus();
}

Status LoadRuleFiles(const LoadOptions& options, Config* config) {
  const RuleChecks checks{.names = config->global.scrape.metric_name_validation_scheme,
                          .expression = options.check_expression,
                          .text_template = options.check_template};
  std::set<std::string> seen;
  for (const std::string& pattern : config->rule_files) {
    for (const std::string& path : Glob(pattern)) {
      if (!seen.insert(path).second) continue;
      ASSIGN_OR_RETURN(const std::string text, ReadBounded(options.file_system, path));
      ASSIGN_OR_RETURN(RuleFile file, ParseRuleFile(path, text, checks));
      config->rules.push_back(std::move(file));
    }
  }
  return OkStatus();
}

Status ReadConfig(Decoder& d, const YamlNode& root, Config* config) {
  RETURN_IF_ERROR(ReadSection(d, root, ConfigSection(), config));
  if (d.mismatches() != 0) return OkStatus();
  RETURN_IF_ERROR(CheckPatterns(d, root, *config));
  RETURN_IF_ERROR(CheckJobs(d, root, config));
  RETURN_IF_ERROR(CheckAlerting(d, root, config));
  RETURN_IF_ERROR(CheckRemotes(d, root, config));
  return CheckTranslation(d, root, *config);
}

Config DefaultsFor(const FeatureSet& features) {
  Config config;
  if (features.created_timestamp_zero_ingestion) {
    config.global.scrape.scrape_protocols = scrape::DefaultProtoFirstScrapeProtocols();
  }
  config.global.scrape.extra_scrape_metrics = features.extra_scrape_metrics;
  return config;
}

}  // namespace

Result<Config> ParseConfig(std::string_view text, const std::string& name, const std::string& dir,
                           const LoadOptions& options) {
  YamlPosition at;
  Result<YamlDocument> document = YamlDocument::Parse(text, &at);
  if (!document.ok()) {
    return Status(document.status().code(), "parsing YAML file " + FilePosition(name, at) + ": " +
                                                std::string(document.status().message()));
  }
  Decoder d;
  Config config = DefaultsFor(options.features);
  RETURN_IF_ERROR(d.Finish(name, ReadConfig(d, document->root(), &config)));
  ExpandExternalLabels(options, &config);
  if (options.agent) RETURN_IF_ERROR(CheckAgent(config));
  ResolvePaths(dir, &config);
  if (options.read_scrape_files) RETURN_IF_ERROR(LoadScrapeFiles(options, &config));
  if (options.read_rule_files) RETURN_IF_ERROR(LoadRuleFiles(options, &config));
  return config;
}

Result<Config> LoadConfig(const std::string& path, const LoadOptions& options) {
  ASSIGN_OR_RETURN(const std::string text, ReadBounded(options.file_system, path));
  const std::string dir = DirName(path);
  return ParseConfig(text, path, dir == "." ? "" : dir, options);
}

std::vector<ScrapeConfig> Config::AllScrapeConfigs() const {
  std::vector<ScrapeConfig> all = scrape_configs;
  all.insert(all.end(), file_scrape_configs.begin(), file_scrape_configs.end());
  return all;
}

std::string Config::ToYaml() const {
  return WriteYaml(PrintSection(ConfigSection(), *this), Secrets::kHidden);
}

std::string RemoteWriteYaml(const RemoteWriteConfig& entry) {
  return WriteYaml(PrintSection(RemoteWriteSection(), entry), Secrets::kHidden);
}

std::string RemoteReadYaml(const RemoteReadConfig& entry) {
  return WriteYaml(PrintSection(RemoteReadSection(), entry), Secrets::kHidden);
}

std::vector<std::string> Config::Inactive(const std::set<std::string, std::less<>>& active) const {
  std::vector<std::string> lines;
  const auto part = [&](bool configured, std::string_view name) {
    if (configured && !active.contains(name)) lines.emplace_back(name);
  };
  part(!(alerting == AlertingConfig()), kAlertingPart);
  part(!rule_files.empty(), kRulesPart);
  part(!remote_write.empty(), kRemoteWritePart);
  part(!remote_read.empty(), kRemoteReadPart);
  part(!tracing.endpoint.empty(), kTracingPart);
  part(storage.exemplars.has_value(), kExemplarsPart);
  part(!(otlp == OtlpConfig()), kOtlpPart);
  std::set<std::string> kinds;
  const auto collect = [&kinds](const std::vector<scrape::DiscoveryConfig>& configs) {
    for (const scrape::DiscoveryConfig& sd : configs) {
      const std::string kind = scrape::DiscoveryName(sd);
      if (kind != "static") kinds.insert(kind + "_sd_configs");
    }
  };
  for (const ScrapeConfig& job : AllScrapeConfigs()) collect(job.discovery);
  for (const AlertmanagerConfig& manager : alerting.alertmanagers) collect(manager.discovery);
  for (const std::string& kind : kinds) part(true, kind);
  return lines;
}

}  // namespace deucalion::config
