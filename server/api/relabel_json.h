// A relabelling rule as the API shows it.
#ifndef DEUCALION_SERVER_API_RELABEL_JSON_H_
#define DEUCALION_SERVER_API_RELABEL_JSON_H_

#include <string>

#include "scrape/relabel.h"

namespace deucalion::api {

// Only what differs from the defaults, but always the action and the regular expression.
void AppendRelabelRule(std::string* out, const scrape::RelabelConfig& rule);

}  // namespace deucalion::api

#endif  // DEUCALION_SERVER_API_RELABEL_JSON_H_
