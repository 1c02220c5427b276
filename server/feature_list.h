// Fills the feature registry from what is built in and switched on.
#ifndef DEUCALION_SERVER_FEATURE_LIST_H_
#define DEUCALION_SERVER_FEATURE_LIST_H_

#include "server/api/features.h"
#include "server/config/flags.h"

namespace deucalion {

void RegisterFeatures(const config::Flags& flags, const config::FeatureSet& features,
                      api::FeatureRegistry* registry);

}  // namespace deucalion

#endif  // DEUCALION_SERVER_FEATURE_LIST_H_
