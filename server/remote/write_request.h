// A remote write request, 1.0 (prometheus.WriteRequest) or 2.0 (io.prometheus.write.v2.Request),
// parsed into flat columns that are reused from request to request.
//
// The parser is written by hand because this is the hottest door of the server (libprotobuf needs
// six to twenty times the CPU; it is the oracle in tests). Bounded by the size of its input; labels
// are checked and put into the encoding of model/labels.h on the way.
#ifndef DEUCALION_SERVER_REMOTE_WRITE_REQUEST_H_
#define DEUCALION_SERVER_REMOTE_WRITE_REQUEST_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "model/histogram.h"
#include "model/labels.h"
#include "model/metadata.h"

namespace deucalion::remote {

struct WireSample {
  int64_t time_ms = 0;
  double value = 0;
  int64_t st_ms = 0;
};

struct WireHistogram {
  int64_t time_ms = 0;
  int64_t st_ms = 0;
  bool is_float = false;
  IntHistogram integer;     // when !is_float
  FloatHistogram floating;  // when is_float
};

struct WireExemplar {
  Labels labels;
  double value = 0;
  int64_t time_ms = 0;
};

// Why a series cannot be stored.
enum class LabelProblem : uint8_t {
  kNone,
  kNoName,      // no __name__
  kInvalid,     // an empty name, a name or value that is not UTF-8, one that is too long
  kDuplicate,   // a name twice
  kBadSymbols,  // 2.0: an odd number of references, or one outside the table
};
// Of this many series with kBadSymbols the request says what was wrong.
inline constexpr size_t kMaxSymbolProblems = 50;

// Ranges are half-open indexes into the columns of the request.
struct WireSeries {
  uint32_t label_begin = 0, label_end = 0;  // into label_bytes
  uint32_t sample_begin = 0, sample_end = 0;
  uint32_t histogram_begin = 0, histogram_end = 0;
  uint32_t exemplar_begin = 0, exemplar_end = 0;
  // 1.0: the labels as they came, if they came in front; else empty. Into the request's bytes.
  std::string_view raw_labels;
  LabelProblem problem = LabelProblem::kNone;
  int32_t metadata = -1;  // index, or none
};

struct WriteRequest {
  std::string label_bytes;
  std::vector<WireSeries> series;
  std::vector<WireSample> samples;
  std::vector<WireHistogram> histograms;
  std::vector<WireExemplar> exemplars;
  std::vector<Metadata> metadata;
  // "parsing labels for series [1 2 3]: …", for the first series with kBadSymbols, in order.
  std::vector<std::string> symbol_problems;
  // The same of exemplars, which are left out: index of the series, what was wrong.
  std::vector<std::pair<uint32_t, std::string>> exemplar_problems;

  LabelsView LabelsOf(const WireSeries& s) const {
    return LabelsView(
        std::string_view(label_bytes).substr(s.label_begin, s.label_end - s.label_begin));
  }
  void Clear();
};

// Both clear *out first. Fail with kInvalidArgument when the bytes are not such a message.
Status ParseWriteRequestV1(std::string_view bytes, WriteRequest* out);
// The same without looking into the labels of series that have raw_labels: they have no labels and
// no problem until ReadLabels, which fails as parsing would.
Status ScanWriteRequestV1(std::string_view bytes, WriteRequest* out);
Status ReadLabels(size_t series, WriteRequest* request);
Status ParseWriteRequestV2(std::string_view bytes, WriteRequest* out);

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_WRITE_REQUEST_H_
