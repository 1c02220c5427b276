// A native histogram as bytes: how the WAL and the head's own chunks keep one. Lossless, reset hint
// included. Counts of integer histograms are varints, those of float histograms raw doubles.
#ifndef DEUCALION_TSDB_HEAD_HISTOGRAM_BYTES_H_
#define DEUCALION_TSDB_HEAD_HISTOGRAM_BYTES_H_

#include <string>
#include <string_view>

#include "base/status.h"
#include "model/histogram.h"

namespace deucalion::tsdb {

void EncodeHistogram(const IntHistogram& h, std::string* out);
void EncodeHistogram(const FloatHistogram& h, std::string* out);
Result<IntHistogram> DecodeIntHistogram(std::string_view bytes);
// Also takes an integer histogram when `is_float` is false.
Result<FloatHistogram> DecodeHistogram(std::string_view bytes, bool is_float);

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_HEAD_HISTOGRAM_BYTES_H_
