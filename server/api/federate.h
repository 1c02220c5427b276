// /federate: the newest sample of every series that matches, as exposition text, for another server
// to scrape.
#ifndef DEUCALION_SERVER_API_FEDERATE_H_
#define DEUCALION_SERVER_API_FEDERATE_H_

#include <functional>

#include "base/clock.h"
#include "base/metrics.h"
#include "model/labels.h"
#include "server/http/router.h"
#include "tsdb/storage.h"

namespace deucalion::api {

// What readers of storage outside the API's envelope are told in agent mode.
inline constexpr std::string_view kNoReadsInAgent = "unsupported operation with WAL-only storage";

struct FederateOptions {
  std::function<Storage*()> storage;  // null until it is open
  std::function<bool()> stopping;
  bool agent = false;  // nothing to be had
  const Clock* clock = nullptr;
  int64_t lookback_ms = 300'000;
  std::function<Labels()> external_labels;
  MetricRegistry* metrics = nullptr;
};

// Everything in `options` must outlive the router.
void RegisterFederate(FederateOptions options, http::Router* router);

}  // namespace deucalion::api

#endif  // DEUCALION_SERVER_API_FEDERATE_H_
