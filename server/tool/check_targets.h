// Whether the targets that a configuration names, or that the files it names hold, could be used.
#ifndef DEUCALION_SERVER_TOOL_CHECK_TARGETS_H_
#define DEUCALION_SERVER_TOOL_CHECK_TARGETS_H_

#include <functional>
#include <ostream>
#include <string>

#include "base/status.h"
#include "scrape/discovery/config.h"
#include "server/config/config.h"

namespace deucalion::tool {

struct TargetCheck {
  std::function<Status(const scrape::TargetGroup&)> group;
  std::string owner;         // for warnings: scrape job "x"
  bool syntax_only = false;  // only what stands in the configuration itself
};

// Static targets and target files; other kinds of discovery cannot be checked here. Warns on `out`
// of target files that do not exist (yet).
Status CheckTargets(const scrape::DiscoveryConfig& sd, const TargetCheck& check, std::ostream& out);

Status CheckScrapeGroup(const scrape::ScrapeConfig& job, const scrape::TargetGroup& group);
Status CheckAlertmanagerGroup(const config::AlertmanagerConfig& manager,
                              const scrape::TargetGroup& group);

}  // namespace deucalion::tool

#endif  // DEUCALION_SERVER_TOOL_CHECK_TARGETS_H_
