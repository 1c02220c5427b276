#include "server/tool/check_targets.h"

#include <algorithm>

#include "base/file_system.h"
#include "model/value.h"
#include "scrape/discovery/group_text.h"
#include "scrape/loop/target.h"
#include "server/config/glob.h"

namespace deucalion::tool {
namespace {

// ".json" of "a/b.json"; "" without a dot in the name.
std::string Extension(const std::string& path) {
  const std::string name = BaseName(path);
  const size_t dot = name.rfind('.');
  return dot == std::string::npos ? "" : name.substr(dot);
}

Result<std::vector<scrape::TargetGroup>> ReadTargetFile(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, FileSystem::Posix()->ReadFile(path));
  const std::string extension = Extension(path);
  std::string lower = extension;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (lower == ".json") return scrape::ParseGroupsJson(text);
  if (lower == ".yml" || lower == ".yaml") return scrape::ParseGroupsYaml(text);
  return InvalidArgumentError("invalid file extension: " + GoQuote(extension));
}

Status CheckTargetFiles(const scrape::FileSdConfig& sd, const TargetCheck& check,
                        std::ostream& out) {
  for (const std::string& pattern : sd.files) {
    const std::vector<std::string> paths = config::Glob(pattern);
    if (paths.empty()) {
      out << "  WARNING: file " << GoQuote(pattern) << " for file_sd in " << check.owner
          << " does not exist\n";
    }
    for (const std::string& path : paths) {
      const Result<std::vector<scrape::TargetGroup>> groups = ReadTargetFile(path);
      RETURN_IF_ERROR(groups.status().WithContext("checking SD file " + GoQuote(pattern)));
      for (const scrape::TargetGroup& group : *groups) RETURN_IF_ERROR(check.group(group));
    }
  }
  return OkStatus();
}

Status CheckAlertmanagerTarget(const config::AlertmanagerConfig& manager,
                               const scrape::LabelMap& target, const scrape::LabelMap& group) {
  LabelsBuilder labels;
  for (const auto& [name, value] : group) labels.Set(name, value);
  for (const auto& [name, value] : target) labels.Set(name, value);
  labels.Set("__scheme__", manager.scheme);
  labels.Set("__alerts_path__", JoinPath(JoinPath("/", manager.path_prefix), "api/v2/alerts"));
  if (!scrape::Relabel(manager.relabel_configs, &labels)) return OkStatus();
  return scrape::CheckTargetAddress(labels.Get("__address__"));
}

}  // namespace

Status CheckTargets(const scrape::DiscoveryConfig& sd, const TargetCheck& check,
                    std::ostream& out) {
  if (const auto* targets = std::get_if<scrape::StaticConfig>(&sd)) {
    for (const scrape::TargetGroup& group : targets->groups) RETURN_IF_ERROR(check.group(group));
  }
  if (const auto* files = std::get_if<scrape::FileSdConfig>(&sd); files && !check.syntax_only) {
    return CheckTargetFiles(*files, check, out);
  }
  return OkStatus();
}

Status CheckScrapeGroup(const scrape::ScrapeConfig& job, const scrape::TargetGroup& group) {
  scrape::GroupTargets targets;
  scrape::MakeTargets(job, group, &targets);
  return targets.failures.empty() ? OkStatus() : targets.failures.front();
}

Status CheckAlertmanagerGroup(const config::AlertmanagerConfig& manager,
                              const scrape::TargetGroup& group) {
  for (const scrape::LabelMap& target : group.targets) {
    RETURN_IF_ERROR(CheckAlertmanagerTarget(manager, target, group.labels));
  }
  return OkStatus();
}

}  // namespace deucalion::tool
