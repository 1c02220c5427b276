#include "tsdb/block/summaries.h"

#include <algorithm>
#include <cmath>

#include "base/bytes.h"
#include "model/value.h"
#include "tsdb/chunk/packed_values.h"

namespace deucalion::tsdb {
namespace {

constexpr double kExactLimit = 9007199254740992.0;  // 2^53

template <typename Field>
void PutIntegers(const std::vector<SliceSummary>& all, Field field, std::string* out) {
  std::vector<int64_t> column;
  for (const SliceSummary& s : all) column.push_back(static_cast<int64_t>(field(s)));
  EncodeIntegers(column, out);
}

template <typename Field>
void PutValues(const std::vector<SliceSummary>& all, Field field, std::string* out) {
  std::vector<double> column;
  for (const SliceSummary& s : all) column.push_back(field(s));
  EncodeValues(column, out);
}

template <typename Assign>
bool GetIntegers(ByteReader* in, std::vector<SliceSummary>* all, Assign assign) {
  std::vector<int64_t> column(all->size());
  if (!DecodeIntegers(in, column.size(), column.data())) return false;
  for (size_t i = 0; i < column.size(); ++i) assign(&(*all)[i], column[i]);
  return true;
}

bool GetValues(ByteReader* in, std::vector<SliceSummary>* all, double SliceSummary::*field) {
  std::vector<double> column(all->size());
  if (!DecodeValues(in, column.size(), column.data())) return false;
  for (size_t i = 0; i < column.size(); ++i) (*all)[i].*field = column[i];
  return true;
}

}  // namespace

SliceSummary Summarise(std::span<const int64_t> times, std::span<const double> values) {
  SliceSummary s;
  s.integral = true;
  for (size_t i = 0; i < times.size(); ++i) {
    const double v = values[i];
    if (IsStaleNan(v)) continue;
    if (s.count++ == 0) {
      s.first_ms = times[i];
      s.first = s.min = s.max = v;
    } else {
      if (v < s.last) {
        ++s.resets;
        s.correction += s.last;
      }
      if (v != s.last && !(std::isnan(v) && std::isnan(s.last))) ++s.changes;
      if (v < s.min || std::isnan(s.min)) s.min = v;
      if (v > s.max || std::isnan(s.max)) s.max = v;
    }
    s.last_ms = times[i];
    s.last = v;
    if (!s.integral) continue;
    s.sum += v;
    s.integral = std::isfinite(v) && v == std::trunc(v) && std::abs(v) < kExactLimit &&
                 std::abs(s.sum) < kExactLimit;
  }
  if (!s.integral) s.sum = 0;
  return s;
}

void EncodeSummaries(const SampleColumns& samples, std::string* out) {
  const bool started = std::any_of(samples.start_times.begin(), samples.start_times.end(),
                                   [](int64_t t) { return t != 0; });
  if (!samples.histograms.empty() || started || samples.times.empty()) {
    PutVarint(out, 0);
    return;
  }
  std::vector<SliceSummary> all;
  for (const SliceRange& r : CutIntoSlices(samples.times)) {
    const size_t n = r.end - r.begin;
    all.push_back(Summarise(std::span(samples.times).subspan(r.begin, n),
                            std::span(samples.values).subspan(r.begin, n)));
    if (all.back().count == 0) {
      all.back().first_ms = samples.times[r.begin];
      all.back().last_ms = samples.times[r.end - 1];
    }
  }
  if (all.size() > kMaxColumn) {
    PutVarint(out, 0);
    return;
  }
  PutVarint(out, all.size());
  PutIntegers(
      all, [](const SliceSummary& s) { return s.first_ms; }, out);
  PutIntegers(
      all, [](const SliceSummary& s) { return s.last_ms; }, out);
  PutIntegers(
      all, [](const SliceSummary& s) { return s.count; }, out);
  PutIntegers(
      all, [](const SliceSummary& s) { return s.resets; }, out);
  PutIntegers(
      all, [](const SliceSummary& s) { return s.changes; }, out);
  for (size_t i = 0; i < all.size(); i += 8) {
    uint8_t bits = 0;
    for (size_t k = i; k < std::min(all.size(), i + 8); ++k) {
      bits |= static_cast<uint8_t>(all[k].integral << (k - i));
    }
    PutU8(out, bits);
  }
  PutValues(
      all, [](const SliceSummary& s) { return s.first; }, out);
  PutValues(
      all, [](const SliceSummary& s) { return s.last; }, out);
  PutValues(
      all, [](const SliceSummary& s) { return s.min; }, out);
  PutValues(
      all, [](const SliceSummary& s) { return s.max; }, out);
  PutValues(
      all, [](const SliceSummary& s) { return s.correction; }, out);
  PutValues(
      all, [](const SliceSummary& s) { return s.sum; }, out);
}

bool DecodeSummaries(std::string_view bytes, std::vector<SliceSummary>* out) {
  ByteReader in(bytes);
  const uint64_t slices = in.Varint();
  out->clear();
  if (!in.ok() || slices > kMaxColumn) return false;
  if (slices == 0) return true;
  out->resize(slices);
  bool ok = GetIntegers(&in, out, [](SliceSummary* s, int64_t v) { s->first_ms = v; }) &&
            GetIntegers(&in, out, [](SliceSummary* s, int64_t v) { s->last_ms = v; }) &&
            GetIntegers(&in, out,
                        [](SliceSummary* s, int64_t v) { s->count = static_cast<uint32_t>(v); }) &&
            GetIntegers(&in, out,
                        [](SliceSummary* s, int64_t v) { s->resets = static_cast<uint32_t>(v); }) &&
            GetIntegers(&in, out,
                        [](SliceSummary* s, int64_t v) { s->changes = static_cast<uint32_t>(v); });
  for (size_t i = 0; ok && i < slices; i += 8) {
    const uint8_t bits = in.U8();
    for (size_t k = i; k < std::min<size_t>(slices, i + 8); ++k) {
      (*out)[k].integral = (bits >> (k - i)) & 1;
    }
  }
  for (const auto field : {&SliceSummary::first, &SliceSummary::last, &SliceSummary::min,
                           &SliceSummary::max, &SliceSummary::correction, &SliceSummary::sum}) {
    ok = ok && GetValues(&in, out, field);
  }
  return ok && in.ok();
}

}  // namespace deucalion::tsdb
