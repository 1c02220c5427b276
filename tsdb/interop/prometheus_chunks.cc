#include "tsdb/interop/prometheus_chunks.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/hash.h"
#include "tsdb/chunk/histogram_chunk.h"
#include "tsdb/chunk/xor.h"
#include "tsdb/chunk/xor2.h"

namespace deucalion::tsdb {
namespace {

constexpr size_t kHeaderBytes = kPrometheusChunksHeaderBytes;

bool IsSegmentName(const std::string& name) {
  return name.size() == 6 &&
         std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Copies the floats of one chunk that lie within the range.
void TakeFloats(const std::vector<int64_t>& times, const std::vector<double>& values,
                const std::vector<int64_t>& starts, int64_t min_ms, int64_t max_ms,
                SampleColumns* out) {
  const bool started = std::any_of(starts.begin(), starts.end(), [](int64_t s) { return s != 0; });
  if (started && out->start_times.size() < out->times.size()) {
    out->start_times.resize(out->times.size());
  }
  const bool keep = started || !out->start_times.empty();
  for (size_t i = 0; i < times.size(); ++i) {
    if (times[i] < min_ms || times[i] > max_ms) continue;
    out->times.push_back(times[i]);
    out->values.push_back(values[i]);
    if (keep) out->start_times.push_back(started ? starts[i] : 0);
  }
}

// Counts as deltas.
std::vector<int64_t> ToDeltas(const std::vector<double>& counts) {
  std::vector<int64_t> deltas;
  int64_t previous = 0;
  for (const double c : counts) {
    const int64_t now = static_cast<int64_t>(c);
    deltas.push_back(now - previous);
    previous = now;
  }
  return deltas;
}

FloatHistogram AsFloat(const IntHistogram& h) { return h.ToFloat(); }
FloatHistogram AsFloat(const FloatHistogram& h) { return h; }

template <typename Reader>
Status TakeHistograms(std::string_view data, bool integer, bool starts, int64_t min_ms,
                      int64_t max_ms, SampleColumns* out) {
  Reader reader(data, starts);
  while (reader.Next()) {
    const int64_t t = reader.time_ms();
    if (t < min_ms || t > max_ms) continue;
    out->histograms.push_back({.time_ms = t,
                               .st_ms = reader.start_ms(),
                               .histogram = AsFloat(reader.histogram()),
                               .integer = integer});
  }
  return reader.status();
}

}  // namespace

Result<std::unique_ptr<PrometheusChunkFiles>> PrometheusChunkFiles::Open(FileSystem* fs,
                                                                         const std::string& dir) {
  auto files = std::make_unique<PrometheusChunkFiles>();
  const std::string chunks = JoinPath(dir, "chunks");
  if (!fs->Exists(chunks)) return files;
  ASSIGN_OR_RETURN(const auto names, fs->List(chunks));
  for (const std::string& name : names) {
    if (!IsSegmentName(name)) continue;
    File file{.path = JoinPath(chunks, name)};
    ASSIGN_OR_RETURN(file.map, fs->Map(file.path));
    ByteReader in(file.map->bytes());
    const uint32_t magic = in.BigEndian32();
    const uint8_t version = in.U8();
    if (!in.ok() || magic != kPrometheusChunksMagic) {
      return CorruptError(file.path + ": invalid magic number");
    }
    if (version != 1) {
      return CorruptError(file.path + ": invalid chunk format version " + std::to_string(version));
    }
    files->files_.push_back(std::move(file));
  }
  return files;
}

uint64_t PrometheusChunkFiles::size_bytes() const {
  uint64_t bytes = 0;
  for (const File& f : files_) bytes += f.map->bytes().size();
  return bytes;
}

Result<PrometheusChunk> PrometheusChunkFiles::Read(uint64_t ref) const {
  const uint64_t number = ref >> 32, offset = ref & UINT32_MAX;
  if (number >= files_.size()) {
    return CorruptError("chunk reference names segment " + std::to_string(number) + " of " +
                        std::to_string(files_.size()));
  }
  const File& file = files_[number];
  const std::string_view all = file.map->bytes();
  const auto where = [&] { return file.path + " at " + std::to_string(offset); };
  if (offset < kHeaderBytes || offset >= all.size()) {
    return CorruptError(where() + ": chunk lies outside the file");
  }
  ByteReader in(all.substr(offset));
  const uint64_t length = in.Varint();
  if (!in.ok() || length > in.remaining())
    return CorruptError(where() + ": chunk lies outside the file");
  const std::string_view body = in.Bytes(length + 1);
  const uint32_t crc = in.BigEndian32();
  if (!in.ok()) return CorruptError(where() + ": chunk lies outside the file");
  if (Crc32c(body) != crc) return CorruptError(where() + ": checksum mismatch");
  return PrometheusChunk{static_cast<uint8_t>(body[0]), body.substr(1)};
}

IntHistogram ToIntHistogram(const FloatHistogram& h) {
  IntHistogram out;
  out.reset_hint = h.reset_hint;
  out.schema = h.schema;
  out.zero_threshold = h.zero_threshold;
  out.zero_count = static_cast<uint64_t>(h.zero_count);
  out.count = static_cast<uint64_t>(h.count);
  out.sum = h.sum;
  out.positive_spans = h.positive_spans;
  out.negative_spans = h.negative_spans;
  out.positive_buckets = ToDeltas(h.positive_buckets);
  out.negative_buckets = ToDeltas(h.negative_buckets);
  out.custom_values = h.custom_values;
  return out;
}

Status DecodePrometheusChunk(const PrometheusChunk& chunk, int64_t min_ms, int64_t max_ms,
                             SampleColumns* out) {
  thread_local std::vector<int64_t> times, starts;
  thread_local std::vector<double> values;
  times.clear();
  values.clear();
  starts.clear();
  switch (chunk.encoding) {
    case kEncodingXor:
      RETURN_IF_ERROR(XorDecode(chunk.data, &times, &values));
      TakeFloats(times, values, starts, min_ms, max_ms, out);
      return OkStatus();
    case kXor2Encoding:
      RETURN_IF_ERROR(Xor2Decode(chunk.data, &times, &values, &starts));
      TakeFloats(times, values, starts, min_ms, max_ms, out);
      return OkStatus();
    case kHistogramEncoding:
    case kHistogramStartsEncoding:
      return TakeHistograms<IntHistogramReader>(
          chunk.data, true, chunk.encoding == kHistogramStartsEncoding, min_ms, max_ms, out);
    case kFloatHistogramEncoding:
    case kFloatHistogramStartsEncoding:
      return TakeHistograms<FloatHistogramReader>(
          chunk.data, false, chunk.encoding == kFloatHistogramStartsEncoding, min_ms, max_ms, out);
    default:
      return UnimplementedError("chunk encoding " + std::to_string(chunk.encoding) +
                                " is not supported yet");
  }
}

}  // namespace deucalion::tsdb
