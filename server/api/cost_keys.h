// Which requests of the API cost about the same: the keys of http::CostMemory, made of parameters
// as they were sent, without a look at what they mean. 0: nothing can be said. Thread-safe.
#ifndef DEUCALION_SERVER_API_COST_KEYS_H_
#define DEUCALION_SERVER_API_COST_KEYS_H_

#include <cstdint>

#include "server/http/message.h"

namespace deucalion::api {

// Instant queries of one text, whatever their time.
uint64_t QueryCostKey(const http::Request& request);
// Queries of one text over ranges of one length in as many steps, whenever they begin.
uint64_t RangeCostKey(const http::Request& request);
// Series, label names and values: those of one path and the same selectors.
uint64_t SelectionCostKey(const http::Request& request);

}  // namespace deucalion::api

#endif  // DEUCALION_SERVER_API_COST_KEYS_H_
