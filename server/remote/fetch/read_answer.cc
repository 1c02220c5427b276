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

// Asks for memory in steps that are worth the asking.
class Meter {
 public:
  explicit Meter(MemoryCharge* charge) : charge_(charge) {}

  Status Take(uint64_t bytes) {
    owed_ += bytes;
    return owed_ < kStepBytes ? OkStatus() : Settle();
  }
  Status TakeFloats(size_t samples) { return Take(samples * (sizeof(int64_t) + sizeof(double))); }
  Status TakeHistogram(const FloatHistogram& h) {
    return Take(sizeof(HistogramPoint) - sizeof(FloatHistogram) + h.SizeBytes());
  }
  Status TakeSeries(const FetchedSeries& series) {
    return Take(sizeof(FetchedSeries) + series.labels.bytes().size());
  }
  Status Settle() { return charge_->Add(std::exchange(owed_, 0)); }

 private:
  static constexpr uint64_t kStepBytes = 64 << 10;
  MemoryCharge* const charge_;
  uint64_t owed_ = 0;
};

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

Status ReadHistogram(std::string_view bytes, Meter* meter, SampleColumns* out) {
  WireHistogram h;
  if (!ParseHistogram(bytes, &h)) return Malformed("histogram");
  RETURN_IF_ERROR(h.is_float ? Accept(&h.floating) : Accept(&h.integer));
  out->histograms.push_back(
      {h.time_ms, h.st_ms, h.is_float ? std::move(h.floating) : h.integer.ToFloat(), !h.is_float});
  return meter->TakeHistogram(out->histograms.back().histogram);
}

Result<FetchedSeries> ReadTimeSeries(std::string_view bytes, Meter* meter) {
  FetchedSeries series;
  LabelCollector labels;
  WireReader in(bytes);
  while (in.Next()) {
    if (in.field() == 1) {
      if (!ReadLabel(in.Bytes(), &labels)) return Malformed("label");
    } else if (in.field() == 2) {
      if (!ReadSample(in.Bytes(), &series.columns)) return Malformed("sample");
      RETURN_IF_ERROR(meter->TakeFloats(1));
    } else if (in.field() == 4) {
      RETURN_IF_ERROR(ReadHistogram(in.Bytes(), meter, &series.columns));
    } else {
      in.Skip();
    }
  }
  if (!in.ok()) return Malformed("series");
  RETURN_IF_ERROR(FinishLabels(&labels, &series.labels));
  return series;
}

template <typename Reader>
Status ReadHistogramChunk(std::string_view data, bool integer, Meter* meter, SampleColumns* out) {
  Reader reader(data);
  while (reader.Next()) {
    RETURN_IF_ERROR(reader.histogram().Validate());
    out->histograms.push_back({reader.time_ms(), 0, ToFloat(reader.histogram()), integer});
    RETURN_IF_ERROR(meter->TakeHistogram(out->histograms.back().histogram));
  }
  return reader.status();
}

Status ReadFloatChunk(std::string_view data, Meter* meter, SampleColumns* out) {
  const size_t before = out->times.size();
  RETURN_IF_ERROR(tsdb::XorDecode(data, &out->times, &out->values));
  return meter->TakeFloats(out->times.size() - before);
}

Status ReadChunk(std::string_view bytes, Meter* meter, SampleColumns* out) {
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
      return ReadFloatChunk(data, meter, out);
    case kHistogram:
      return ReadHistogramChunk<tsdb::IntHistogramReader>(data, true, meter, out);
    case kFloatHistogram:
      return ReadHistogramChunk<tsdb::FloatHistogramReader>(data, false, meter, out);
    default:
      return InvalidArgumentError("unsupported chunk encoding " + std::to_string(encoding));
  }
}

Result<FetchedSeries> ReadChunkedSeries(std::string_view bytes, Meter* meter) {
  FetchedSeries series;
  LabelCollector labels;
  WireReader in(bytes);
  while (in.Next()) {
    if (in.field() == 1) {
      if (!ReadLabel(in.Bytes(), &labels)) return Malformed("label");
    } else if (in.field() == 2) {
      RETURN_IF_ERROR(ReadChunk(in.Bytes(), meter, &series.columns));
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

// `body` unpacked, and its series appended.
Status ReadSamples(std::string_view body, size_t max_bytes, FetchedAnswer* all) {
  // The message, too, is memory for a while. Its length is the first thing that it says.
  MemoryCharge unpacked(all->charge.budget());
  RETURN_IF_ERROR(unpacked.Add(std::min(SnappyLength(body), uint64_t{max_bytes})));
  ASSIGN_OR_RETURN(const std::string message, SnappyDecode(body, max_bytes));
  Meter meter(&all->charge);
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
      ASSIGN_OR_RETURN(FetchedSeries series, ReadTimeSeries(result.Bytes(), &meter));
      RETURN_IF_ERROR(meter.TakeSeries(series));
      all->series.push_back(std::move(series));
    }
    if (!result.ok()) return Malformed("result");
  }
  if (!in.ok()) return Malformed("response");
  if (results != 1) {
    return InvalidArgumentError("responses: want 1, got " +
                                (results == 0 ? std::string("0") : "more"));
  }
  return meter.Settle();
}

}  // namespace

Status ReadChunksFrame(std::string_view message, FetchedAnswer* all) {
  Meter meter(&all->charge);
  WireReader in(message);
  while (in.Next()) {
    if (in.field() != 1) {
      in.Skip();
      continue;
    }
    ASSIGN_OR_RETURN(FetchedSeries series, ReadChunkedSeries(in.Bytes(), &meter));
    if (!all->series.empty() && all->series.back().labels == series.labels) {
      AppendColumns(std::move(series.columns), &all->series.back().columns);
    } else {
      RETURN_IF_ERROR(meter.TakeSeries(series));
      all->series.push_back(std::move(series));
    }
  }
  RETURN_IF_ERROR(meter.Settle());
  return in.ok() ? OkStatus() : Malformed("frame");
}

Result<FetchedAnswer> ParseSamplesAnswer(std::string_view body, size_t max_bytes,
                                         MemoryBudget* budget) {
  FetchedAnswer all{.series = {}, .charge = MemoryCharge(budget)};
  RETURN_IF_ERROR(ReadSamples(body, max_bytes, &all));
  all.series = Ordered(std::move(all.series));
  return all;
}

Result<FetchedAnswer> ParseChunksAnswer(std::string_view body, uint64_t max_frame_bytes,
                                        MemoryBudget* budget) {
  FetchedAnswer all{.series = {}, .charge = MemoryCharge(budget)};
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
  all.series = Ordered(std::move(all.series));
  return all;
}

}  // namespace deucalion::remote
