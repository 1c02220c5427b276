// Writing samples. An Appender is one transaction: readers see all of it or nothing.
#ifndef DEUCALION_TSDB_STORAGE_APPENDER_H_
#define DEUCALION_TSDB_STORAGE_APPENDER_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/status.h"
#include "model/histogram.h"
#include "model/labels.h"
#include "model/metadata.h"
#include "tsdb/storage/exemplars.h"

namespace deucalion {

// Names one series of the head for as long as it stays there; 0 = none. Never reused: a ref whose
// series has left the head is refused (kNotFound), not attached to another series.
using SeriesRef = uint64_t;

struct RefSample {
  SeriesRef ref = 0;
  int64_t time_ms = 0;
  double value = 0;
};

// One refused sample of a batch.
struct SampleError {
  size_t index = 0;
  Status status;
};

// Thread-compatible: one thread at a time. Must not outlive its storage. Sample errors
//   kOutOfOrder       "out of order sample"
//   kDuplicateSample  "duplicate sample for timestamp"
//   kOutOfBounds      "out of bounds"
//   kTooOld           "too old sample"
//   kNotFound         unknown ref
// refuse that sample only; the transaction goes on. kNoSpace, kIo and kUnavailable end it.
class Appender {
 public:
  // Rolls back if neither Commit nor Rollback was called.
  virtual ~Appender() = default;

  // The series with these labels (sorted, no empty values, a __name__ is not required), 0 if the
  // head has none. `hash` is labels.Hash(). `hint`: a ref that is probably the answer (the series
  // that followed the last one in the sender's previous request), 0 if none: checked first, never
  // trusted.
  virtual SeriesRef Find(LabelsView labels, uint64_t hash, SeriesRef hint = 0) = 0;
  // As Find, creating the series when missing. Fails for labels that storage cannot take.
  virtual Result<SeriesRef> FindOrCreate(LabelsView labels, uint64_t hash, SeriesRef hint = 0) = 0;

  // `st_ms`: start timestamp, 0 = unknown. Samples of one series within one transaction must be in
  // time order unless out of order is allowed.
  virtual Status Append(SeriesRef ref, int64_t time_ms, double value, int64_t st_ms = 0) = 0;
  // The fast path: returns how many were taken; the rest is in *errors (appended), by index.
  virtual size_t AppendBatch(std::span<const RefSample> samples,
                             std::vector<SampleError>* errors) = 0;
  virtual Status AppendHistogram(SeriesRef ref, int64_t time_ms, const IntHistogram& histogram,
                                 int64_t st_ms = 0) = 0;
  virtual Status AppendFloatHistogram(SeriesRef ref, int64_t time_ms,
                                      const FloatHistogram& histogram, int64_t st_ms = 0) = 0;
  // Errors: "out of order exemplar", "duplicate exemplar", "label length for exemplar exceeds
  // maximum…".
  virtual Status AppendExemplar(SeriesRef ref, const Exemplar& exemplar) = 0;
  virtual Status UpdateMetadata(SeriesRef ref, const Metadata& metadata) = 0;

  // When it returns OK the samples are in the WAL as the durability flag asks, visible to readers,
  // and acknowledged. When it fails nothing of the transaction is visible.
  virtual Status Commit() = 0;
  virtual Status Rollback() = 0;
};

struct AppenderOptions {
  // Refuse out-of-order samples even inside the out-of-order window (rules do).
  bool discard_out_of_order = false;
};

class Appendable {
 public:
  virtual ~Appendable() = default;
  virtual std::unique_ptr<Appender> NewAppender(const AppenderOptions& options = {}) = 0;
};

}  // namespace deucalion

#endif  // DEUCALION_TSDB_STORAGE_APPENDER_H_
