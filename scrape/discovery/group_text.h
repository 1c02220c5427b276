// Target groups as files and HTTP endpoints write them: a list of {targets: […], labels: {…}}, in
// JSON or YAML. Pure; bounded by the size of the text.
#ifndef DEUCALION_SCRAPE_DISCOVERY_GROUP_TEXT_H_
#define DEUCALION_SCRAPE_DISCOVERY_GROUP_TEXT_H_

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "scrape/discovery/config.h"

namespace deucalion::scrape {

// Unknown fields are ignored, as in Prometheus.
Result<std::vector<TargetGroup>> ParseGroupsJson(std::string_view text);
// Unknown fields are errors.
Result<std::vector<TargetGroup>> ParseGroupsYaml(std::string_view text);

}  // namespace deucalion::scrape

#endif  // DEUCALION_SCRAPE_DISCOVERY_GROUP_TEXT_H_
