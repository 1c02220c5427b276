// IndexReader: the inverted index of the head or of a block, as selection sees it.
//
// Thread-safety is the implementation's: a head's reader is used under the head's index lock, a
// block's is immutable. What is borrowed (postings, values) is valid as long as the index does not
// change.
#ifndef DEUCALION_TSDB_INDEX_INDEX_READER_H_
#define DEUCALION_TSDB_INDEX_INDEX_READER_H_

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "tsdb/index/postings.h"

namespace deucalion::tsdb {

// One value of a label name. `handle` is the index's own way back to the postings of name=value.
struct IndexValue {
  std::string_view value;
  uint64_t handle = 0;
  uint64_t cardinality = 0;
};

class IndexReader {
 public:
  virtual ~IndexReader() = default;

  // Upper bound of the series numbers, and the number of series.
  virtual uint64_t NumSeries() const = 0;
  virtual Result<Postings> AllPostings() const = 0;

  // False when no series has name=value.
  virtual bool FindValue(std::string_view name, std::string_view value, IndexValue* out) const = 0;
  // Number of values of `name`, 0 when no series has it.
  virtual uint64_t NumValues(std::string_view name) const = 0;
  // Every value of `name` that begins with `prefix`, in any order, until `visit` returns false.
  virtual Status VisitValues(std::string_view name, std::string_view prefix,
                             const std::function<bool(const IndexValue&)>& visit) const = 0;
  // Replaces *out with every value of `name` that some series has, sorted.
  virtual Status SortedValues(std::string_view name, std::vector<std::string_view>* out) const {
    out->clear();
    RETURN_IF_ERROR(VisitValues(name, "", [&](const IndexValue& v) {
      if (v.cardinality > 0) out->push_back(v.value);
      return true;
    }));
    std::sort(out->begin(), out->end());
    return OkStatus();
  }
  virtual Result<Postings> PostingsOf(const IndexValue& value) const = 0;
  // Keeps of *series what has the value (`subtract`: what has not), looking only at the parts of
  // its postings that matter. False: not supported, use PostingsOf.
  virtual Result<bool> NarrowBy(const IndexValue& value, bool subtract,
                                std::vector<SeriesNumber>* series) const {
    return false;
  }

  // The value of `name` in a series, "" when it has none. May point into *scratch.
  virtual std::string_view ValueOf(SeriesNumber series, std::string_view name,
                                   std::string* scratch) const = 0;
};

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_INDEX_INDEX_READER_H_
