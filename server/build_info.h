// Version, revision and build date of this binary.
#ifndef DEUCALION_SERVER_BUILD_INFO_H_
#define DEUCALION_SERVER_BUILD_INFO_H_

#include "server/config/flags.h"

namespace deucalion {

config::BuildInfo CurrentBuild();

}  // namespace deucalion

#endif  // DEUCALION_SERVER_BUILD_INFO_H_
