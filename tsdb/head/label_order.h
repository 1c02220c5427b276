// Puts series of the head into the order of their labels.
//
// Label sets compare at the first position where their pairs differ. At each position the distinct
// pairs, of which there are few, are ranked by their text; the ranks of a series, one after the
// other in as few bits as they need, make a number, and numbers sort without another look at text.
#ifndef DEUCALION_TSDB_HEAD_LABEL_ORDER_H_
#define DEUCALION_TSDB_HEAD_LABEL_ORDER_H_

#include <cstdint>
#include <span>
#include <vector>

#include "tsdb/head/arena.h"
#include "tsdb/head/head_index.h"

namespace deucalion::tsdb {

// The places 0 ..< labels.size() in ascending order of the label sets `labels` names; equal ones
// keep their order. The series must be pinned; no lock is needed.
std::vector<uint32_t> OrderByLabels(const HeadIndex& index, std::span<const ArenaRef> labels);

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_HEAD_LABEL_ORDER_H_
