#include "server/remote/fetch/read_answer.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/hash.h"
#include "server/remote/fetch/column_order.h"
#include "server/remote/label_collector.h"
#include "server/remote/snappy_block.h"
#include "server/remote/wire.h"
#include "server/remote/wire_histogram.h"
#include "tsdb/chunk/histogram_chunk.h"
#include "tsdb/chunk/xor.h"

namespace deucalion::remote {
namespace {

// Chunk encodings, as Chunk.type numbers them.
enum : uint64_t { kXor = 1, kHistogram = 2, kFloatHistogram = 3 };

Status Malformed(std::string_view what) {
  return InvalidArgumentError("unable to unmarshal response body: malformed " + std::string(what));
}

bool ReadLabel(std::string_view bytes, LabelCollector* labels) {
  std::string_view name, value;
  WireReader in(bytes);
  while (in.Next()) {
    if (in.field() == 1) {
      name = in.Bytes();
    } else if (in.field() == 2) {
      value = in.Bytes();
    } else {
      in.Skip();
    }
  }
  labels->Add(name, value);
  return in.ok();
}

Status FinishLabels(LabelCollector* collector, Labels* out) {
  switch (collector->Finish(false, out->mutable_bytes())) {
    case LabelProblem::kNone:
      return OkStatus();
    case LabelProblem::kDuplicate:
      return InvalidArgumentError("a label name is there twice: " + out->ToString());
    default:
      return InvalidArgumentError("invalid label name or value");
  }
}

bool ReadSample(std::string_view bytes, SampleColumns* out) {
  double value = 0;
  int64_t time_ms = 0;
  WireReader in(bytes);
  while (in.Next()) {
    if (in.field() == 1) {
      value = in.Double();
    } else if (in.field() == 2) {
      time_ms = in.Int64();
    } else {
      in.Skip();
    }
  }
  out->times.push_back(time_ms);
  out->values.push_back(value);
  return in.ok();
}

// Finer schemas than ours are brought down, as everywhere they come in.
template <typename Histogram>
Status Accept(Histogram* h) {
  if (h->schema > kExponentialSchemaMax && h->schema <= kExponentialSchemaMaxReserved) {
    h->ReduceResolution(kExponentialSchemaMax);
  }
  return h->Validate();
}

FloatHistogram ToFloat(const IntHistogram& h) { return h.ToFloat(); }
FloatHistogram ToFloat(const FloatHistogram& h) { return h; }

Status ReadHistogram(std::string_view bytes, SampleColumns* out) {
  WireHistogram h;
  if (!ParseHistogram(bytes, &h)) return Malformed("histogram");
  RETURN_IF_ERROR(h.is_float ? Accept(&h.floating) : Accept(&h.integer));
  out->histograms.push_back(
      {h.time_ms, h.st_ms, h.is_float ? std::move(h.floating) : h.integer.ToFloat(), !h.is_float});
  return OkStatus();
}

Result<FetchedSeries> ReadTimeSeries(std::string_view bytes) {
  FetchedSeries series;
  LabelCollector labels;
  WireReader in(bytes);
  while (in.Next()) {
    if (in.field() == 1) {
      if (!ReadLabel(in.Bytes(), &labels)) return Malformed("label");
    } else if (in.field() == 2) {
      if (!ReadSample(in.Bytes(), &series.columns)) return Malformed("sample");
    } else if (in.field() == 4) {
      RETURN_IF_ERROR(ReadHistogram(in.Bytes(), &series.columns));
    } else {
      in.Skip();
    }
  }
  if (!in.ok()) return Malformed("series");
  RETURN_IF_ERROR(FinishLabels(&labels, &series.labels));
  return series;
}

template <typename Reader>
Status ReadHistogramChunk(std::string_view data, bool integer, SampleColumns* out) {
  Reader reader(data);
  while (reader.Next()) {
    RETURN_IF_ERROR(reader.histogram().Validate());
    out->histograms.push_back({reader.time_ms(), 0, ToFloat(reader.histogram()), integer});
  }
  return reader.status();
}

Status ReadChunk(std::string_view bytes, SampleColumns* out) {
  uint64_t encoding = 0;
  std::string_view data;
  WireReader in(bytes);
  while (in.Next()) {
    if (in.field() == 3) {
      encoding = in.Varint();
    } else if (in.field() == 4) {
      data = in.Bytes();
    } else {
      in.Skip();
    }
  }
  if (!in.ok()) return Malformed("chunk");
  switch (encoding) {
    case kXor:
      return tsdb::XorDecode(data, &out->times, &out->values);
    case kHistogram:
      return ReadHistogramChunk<tsdb::IntHistogramReader>(data, true, out);
    case kFloatHistogram:
      return ReadHistogramChunk<tsdb::FloatHistogramReader>(data, false, out);
    default:
      return InvalidArgumentError("unsupported chunk encoding " + std::to_string(encoding));
  }
}

Result<FetchedSeries> ReadChunkedSeries(std::string_view bytes) {
  FetchedSeries series;
  LabelCollector labels;
  WireReader in(bytes);
  while (in.Next()) {
    if (in.field() == 1) {
      if (!ReadLabel(in.Bytes(), &labels)) return Malformed("label");
    } else if (in.field() == 2) {
      RETURN_IF_ERROR(ReadChunk(in.Bytes(), &series.columns));
    } else {
      in.Skip();
    }
  }
  if (!in.ok()) return Malformed("series");
  RETURN_IF_ERROR(FinishLabels(&labels, &series.labels));
  return series;
}

// Sorted, each series once, its samples in order.
std::vector<FetchedSeries> Ordered(std::vector<FetchedSeries> all) {
  const auto less = [](const FetchedSeries& a, const FetchedSeries& b) {
    return a.labels < b.labels;
  };
  if (!std::is_sorted(all.begin(), all.end(), less)) {
    std::stable_sort(all.begin(), all.end(), less);
  }
  std::vector<FetchedSeries> out;
  out.reserve(all.size());
  for (FetchedSeries& series : all) {
    if (!out.empty() && out.back().labels == series.labels) {
      AppendColumns(std::move(series.columns), &out.back().columns);
    } else {
      out.push_back(std::move(series));
    }
  }
  for (FetchedSeries& series : out) SortColumns(&series.columns);
  return out;
}

}  // namespace

Status ReadChunksFrame(std::string_view message, std::vector<FetchedSeries>* all) {
  WireReader in(message);
  while (in.Next()) {
    if (in.field() != 1) {
      in.Skip();
      continue;
    }
    ASSIGN_OR_RETURN(FetchedSeries series, ReadChunkedSeries(in.Bytes()));
    if (!all->empty() && all->back().labels == series.labels) {
      AppendColumns(std::move(series.columns), &all->back().columns);
    } else {
      all->push_back(std::move(series));
    }
  }
  return in.ok() ? OkStatus() : Malformed("frame");
}

Result<std::vector<FetchedSeries>> ParseSamplesAnswer(std::string_view body, size_t max_bytes) {
  ASSIGN_OR_RETURN(const std::string message, SnappyDecode(body, max_bytes));
  std::vector<FetchedSeries> all;
  size_t results = 0;
  WireReader in(message);
  while (in.Next()) {
    if (in.field() != 1) {
      in.Skip();
      continue;
    }
    if (++results > 1) break;
    WireReader result(in.Bytes());
    while (result.Next()) {
      if (result.field() != 1) {
        result.Skip();
        continue;
      }
      ASSIGN_OR_RETURN(FetchedSeries series, ReadTimeSeries(result.Bytes()));
      all.push_back(std::move(series));
    }
    if (!result.ok()) return Malformed("result");
  }
  if (!in.ok()) return Malformed("response");
  if (results != 1) {
    return InvalidArgumentError("responses: want 1, got " +
                                (results == 0 ? std::string("0") : "more"));
  }
  return Ordered(std::move(all));
}

Result<std::vector<FetchedSeries>> ParseChunksAnswer(std::string_view body,
                                                     uint64_t max_frame_bytes) {
  std::vector<FetchedSeries> all;
  ByteReader in(body);
  while (!in.done()) {
    const uint64_t size = in.Varint();
    if (max_frame_bytes > 0 && size > max_frame_bytes) {
      return InvalidArgumentError("chunkedReader: message size exceeded the limit " +
                                  std::to_string(max_frame_bytes) +
                                  " bytes; got: " + std::to_string(size) + " bytes");
    }
    const uint32_t crc = in.BigEndian32();
    if (size > in.remaining()) in.Fail();
    const std::string_view message = in.Bytes(static_cast<size_t>(size));
    if (!in.ok()) return InvalidArgumentError("chunkedReader: unexpected end of the response");
    if (Crc32c(message) != crc) {
      return InvalidArgumentError("chunkedReader: corrupted frame; checksum mismatch");
    }
    RETURN_IF_ERROR(ReadChunksFrame(message, &all));
  }
  return Ordered(std::move(all));
}

}  // namespace deucalion::remote
