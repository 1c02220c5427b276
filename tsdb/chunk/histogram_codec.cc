#include "tsdb/chunk/histogram_codec.h"

#include <algorithm>
#include <bit>

#include "model/value.h"

namespace deucalion::tsdb {
namespace {

// All arithmetic wraps: numbers come from outside, and what wraps on the way in wraps back.
uint64_t U(int64_t v) { return static_cast<uint64_t>(v); }
int64_t S(uint64_t v) { return static_cast<int64_t>(v); }

void WriteTime(bool first, int64_t time_ms, int64_t* last, uint64_t* delta, BitWriter* out) {
  if (first) {
    out->Varbit(time_ms);
    *delta = 0;
  } else {
    const uint64_t next = U(time_ms) - U(*last);
    out->Varbit(S(next - *delta));
    *delta = next;
  }
  *last = time_ms;
}

void ReadTime(bool first, int64_t* time_ms, uint64_t* delta, BitReader* in) {
  const int64_t coded = in->Varbit();
  if (first) {
    *time_ms = coded;
    *delta = 0;
  } else {
    *delta += U(coded);
    *time_ms = S(U(*time_ms) + *delta);
  }
}

// Bucket `i` of a histogram whose vector may be too short.
template <typename T>
T BucketAt(const std::vector<T>& buckets, size_t i) {
  return i < buckets.size() ? buckets[i] : T{};
}

}  // namespace

void XorField::Write(double next, BitWriter* out) {
  const uint64_t bits = std::bit_cast<uint64_t>(next) ^ std::bit_cast<uint64_t>(value);
  value = next;
  if (bits == 0) return out->Bit(false);
  out->Bit(true);
  // Five bits hold the number of leading zeros.
  const auto new_leading = static_cast<uint8_t>(std::min(std::countl_zero(bits), 31));
  const auto new_trailing = static_cast<uint8_t>(std::countr_zero(bits));
  if (leading != 0xff && new_leading >= leading && new_trailing >= trailing) {
    out->Bit(false);
    out->Bits(bits >> trailing, 64u - leading - trailing);
    return;
  }
  leading = new_leading;
  trailing = new_trailing;
  const unsigned width = 64u - leading - trailing;
  out->Bit(true);
  out->Bits(leading, 5);
  out->Bits(width, 6);  // 64 is written as 0
  out->Bits(bits >> trailing, width);
}

void XorField::Read(BitReader* in) {
  if (!in->Bit()) return;
  if (in->Bit()) {
    leading = static_cast<uint8_t>(in->Bits(5));
    auto width = static_cast<unsigned>(in->Bits(6));
    if (width == 0) width = 64;
    if (leading + width > 64) {
      in->Fail();
      return;
    }
    trailing = static_cast<uint8_t>(64 - leading - width);
  } else if (leading == 0xff) {
    leading = 0;  // Prometheus's reader starts with a window of all bits
    trailing = 0;
  }
  const uint64_t bits = in->Bits(64u - leading - trailing);
  value = std::bit_cast<double>(std::bit_cast<uint64_t>(value) ^ bits << trailing);
}

void IntSampleState::SetLayout(const ChunkLayout& layout) {
  positive_.assign(CountBuckets(layout.positive), 0);
  negative_.assign(CountBuckets(layout.negative), 0);
  positive_deltas_ = positive_;
  negative_deltas_ = negative_;
}

void IntSampleState::WriteCounter(bool first, uint64_t next, bool stale, Counter* c,
                                  BitWriter* out) {
  if (first) {
    out->VarbitUnsigned(next);
    c->delta = 0;
  } else {
    const uint64_t delta = next - c->value;
    out->Varbit(stale ? 0 : S(delta - c->delta));
    c->delta = delta;
  }
  c->value = next;
}

void IntSampleState::ReadCounter(bool first, Counter* c, BitReader* in) {
  if (first) {
    *c = {in->VarbitUnsigned(), 0};
  } else {
    c->delta += U(in->Varbit());
    c->value += c->delta;
  }
}

void IntSampleState::WriteBuckets(bool first, const std::vector<int64_t>& next,
                                  std::vector<int64_t>* buckets, std::vector<int64_t>* deltas,
                                  BitWriter* out) {
  for (size_t i = 0; i < buckets->size(); i++) {
    const int64_t bucket = BucketAt(next, i);
    if (first) {
      out->Varbit(bucket);
    } else {
      const int64_t delta = S(U(bucket) - U((*buckets)[i]));
      out->Varbit(S(U(delta) - U((*deltas)[i])));
      (*deltas)[i] = delta;
    }
    (*buckets)[i] = bucket;
  }
}

void IntSampleState::ReadBuckets(bool first, std::vector<int64_t>* buckets,
                                 std::vector<int64_t>* deltas, BitReader* in) {
  for (size_t i = 0; i < buckets->size(); i++) {
    const int64_t coded = in->Varbit();
    if (first) {
      (*buckets)[i] = coded;
    } else {
      (*deltas)[i] = S(U((*deltas)[i]) + U(coded));
      (*buckets)[i] = S(U((*buckets)[i]) + U((*deltas)[i]));
    }
  }
}

void IntSampleState::Write(bool first, int64_t time_ms, const IntHistogram& h, BitWriter* out) {
  const bool stale = IsStaleNan(h.sum);
  WriteTime(first, time_ms, &time_ms_, &time_delta_, out);
  WriteCounter(first, stale ? 0 : h.count, stale, &count_, out);
  WriteCounter(first, stale ? 0 : h.zero_count, stale, &zero_count_, out);
  if (first) {
    out->Double(h.sum);
    sum_ = {h.sum};
  } else {
    sum_.Write(h.sum, out);
  }
  if (stale) return;
  WriteBuckets(first, h.positive_buckets, &positive_, &positive_deltas_, out);
  WriteBuckets(first, h.negative_buckets, &negative_, &negative_deltas_, out);
}

bool IntSampleState::Read(bool first, BitReader* in) {
  ReadTime(first, &time_ms_, &time_delta_, in);
  ReadCounter(first, &count_, in);
  ReadCounter(first, &zero_count_, in);
  if (first) {
    sum_ = {in->Double()};
  } else {
    sum_.Read(in);
  }
  if (IsStaleNan(sum_.value) && !first) return in->ok();
  ReadBuckets(first, &positive_, &positive_deltas_, in);
  ReadBuckets(first, &negative_, &negative_deltas_, in);
  return in->ok();
}

void FloatSampleState::SetLayout(const ChunkLayout& layout) {
  positive_.assign(CountBuckets(layout.positive), {});
  negative_.assign(CountBuckets(layout.negative), {});
  positive_values_.assign(positive_.size(), 0);
  negative_values_.assign(negative_.size(), 0);
}

void FloatSampleState::WriteField(bool first, double next, XorField* field, BitWriter* out) {
  if (!first) return field->Write(next, out);
  out->Double(next);
  *field = {next};
}

void FloatSampleState::ReadField(bool first, XorField* field, BitReader* in) {
  if (first) {
    *field = {in->Double()};
  } else {
    field->Read(in);
  }
}

void FloatSampleState::WriteBuckets(bool first, const std::vector<double>& next,
                                    std::vector<XorField>* fields, std::vector<double>* values,
                                    BitWriter* out) {
  for (size_t i = 0; i < fields->size(); i++) {
    (*values)[i] = BucketAt(next, i);
    WriteField(first, (*values)[i], &(*fields)[i], out);
  }
}

void FloatSampleState::ReadBuckets(bool first, std::vector<XorField>* fields,
                                   std::vector<double>* values, BitReader* in) {
  for (size_t i = 0; i < fields->size(); i++) {
    ReadField(first, &(*fields)[i], in);
    (*values)[i] = (*fields)[i].value;
  }
}

void FloatSampleState::Write(bool first, int64_t time_ms, const FloatHistogram& h, BitWriter* out) {
  const bool stale = IsStaleNan(h.sum);
  WriteTime(first, time_ms, &time_ms_, &time_delta_, out);
  WriteField(first, stale ? 0 : h.count, &count_, out);
  WriteField(first, stale ? 0 : h.zero_count, &zero_count_, out);
  WriteField(first, h.sum, &sum_, out);
  if (stale) return;
  WriteBuckets(first, h.positive_buckets, &positive_, &positive_values_, out);
  WriteBuckets(first, h.negative_buckets, &negative_, &negative_values_, out);
}

bool FloatSampleState::Read(bool first, BitReader* in) {
  ReadTime(first, &time_ms_, &time_delta_, in);
  ReadField(first, &count_, in);
  ReadField(first, &zero_count_, in);
  ReadField(first, &sum_, in);
  if (IsStaleNan(sum_.value) && !first) return in->ok();
  ReadBuckets(first, &positive_, &positive_values_, in);
  ReadBuckets(first, &negative_, &negative_values_, in);
  return in->ok();
}

}  // namespace deucalion::tsdb
