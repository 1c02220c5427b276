// Selection: from matchers to the sorted set of series that satisfy all of them, on any
// IndexReader.
//
// Each matcher either requires something (an absent label does not match: ="x", =~"a.*", !="") or
// only excludes (an absent label matches: !="x", =~"|a"). The cheapest requirement, by cardinality,
// gives the first candidates; each further matcher then takes the cheaper of two ways: fetch its
// postings and intersect (or subtract), or look at the label of every candidate. Without a
// requirement the first candidates are all series.
#ifndef DEUCALION_TSDB_INDEX_MATCHER_SELECT_H_
#define DEUCALION_TSDB_INDEX_MATCHER_SELECT_H_

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "base/status.h"
#include "model/matcher.h"
#include "tsdb/index/index_reader.h"

namespace deucalion::tsdb {

// `cancel` may be null.
Result<Postings> SelectSeries(const IndexReader& index, const std::vector<Matcher>& matchers,
                              const CancelToken* cancel);

// Upper bound of the size of that set, by cardinalities alone.
uint64_t EstimateSelection(const IndexReader& index, const std::vector<Matcher>& matchers);

// Sorted strings, each once, most of them in the index they came from: valid as long as it does not
// change.
struct BorrowedValues {
  std::vector<std::string_view> values;
  std::deque<std::string> copies;  // what the index does not hold as it is

  std::vector<std::string> Copy() const { return {values.begin(), values.end()}; }
};

// The values of `name` among the series that match. `limit` 0 = none: more than `limit` are cut off
// and *truncated set.
Result<BorrowedValues> SelectLabelValues(const IndexReader& index, std::string_view name,
                                         const std::vector<Matcher>& matchers, size_t limit,
                                         bool* truncated, const CancelToken* cancel);

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_INDEX_MATCHER_SELECT_H_
