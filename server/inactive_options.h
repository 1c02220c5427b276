// What the command line may ask for although this build has no machinery for it: accepted, so that
// a Prometheus's command line works unchanged, and named in the log once at start.
#ifndef DEUCALION_SERVER_INACTIVE_OPTIONS_H_
#define DEUCALION_SERVER_INACTIVE_OPTIONS_H_

#include <string>
#include <string_view>
#include <vector>

#include "server/config/flags.h"

namespace deucalion {

// Flags set to something other than their default, without effect here:
// "--rules.max-concurrent-evals". Call it before SettleFlags changes values. Flags that tune Go's
// runtime are not among them: they are accepted on purpose (docs/configuration.md).
std::vector<std::string> InactiveFlags(const config::Flags& flags);

// Whether --enable-feature=`name` has no effect here.
bool IsInactiveFeature(std::string_view name);

}  // namespace deucalion

#endif  // DEUCALION_SERVER_INACTIVE_OPTIONS_H_
