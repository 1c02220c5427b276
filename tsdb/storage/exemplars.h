// Exemplars: single observations with labels (a trace id) kept beside a series, in a bounded ring.
#ifndef DEUCALION_TSDB_STORAGE_EXEMPLARS_H_
#define DEUCALION_TSDB_STORAGE_EXEMPLARS_H_

#include <cstdint>
#include <vector>

#include "base/status.h"
#include "model/labels.h"
#include "model/matcher.h"

namespace deucalion {

struct Exemplar {
  Labels labels;
  double value = 0;
  int64_t time_ms = 0;
  bool has_time = false;
  friend bool operator==(const Exemplar&, const Exemplar&) = default;
};

struct SeriesExemplars {
  Labels series;
  std::vector<Exemplar> exemplars;
};

class ExemplarQueryable {
 public:
  virtual ~ExemplarQueryable() = default;
  // Series that match any of the matcher sets, sorted by labels; exemplars in time order.
  virtual Result<std::vector<SeriesExemplars>> Select(
      int64_t min_ms, int64_t max_ms, const std::vector<std::vector<Matcher>>& matcher_sets) = 0;
};

}  // namespace deucalion

#endif  // DEUCALION_TSDB_STORAGE_EXEMPLARS_H_
