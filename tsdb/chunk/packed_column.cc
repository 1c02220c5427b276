#include "tsdb/chunk/packed_column.h"

#include <algorithm>
#include <bit>
#include <numeric>

namespace deucalion::tsdb {
namespace {

constexpr unsigned kSmallFlag = 0x80;
constexpr int64_t kSmallLimit = int64_t{1} << 51;

uint64_t Difference(int64_t a, int64_t b) {
  return static_cast<uint64_t>(a) - static_cast<uint64_t>(b);
}

// The greatest common divisor of all deltas, taken as signed numbers; 0 when all are 0. Deltas that
// overflow int64 make it 1.
uint64_t CommonDivisor(std::span<const int64_t> values) {
  uint64_t divisor = 0;
  for (size_t i = 1; i < values.size() && divisor != 1; ++i) {
    int64_t delta;
    if (__builtin_sub_overflow(values[i], values[i - 1], &delta)) return 1;
    const uint64_t size =
        delta < 0 ? 0 - static_cast<uint64_t>(delta) : static_cast<uint64_t>(delta);
    // Most deltas are multiples already: one division instead of Euclid.
    if (size == 0 || (divisor != 0 && size % divisor == 0)) continue;
    divisor = std::gcd(divisor, size);
  }
  return divisor;
}

// Signed delta / divisor; exact by construction. Divisor 1 keeps wrapped deltas as they are.
int64_t Divide(uint64_t delta, uint64_t divisor) {
  return divisor == 1 ? static_cast<int64_t>(delta)
                      : static_cast<int64_t>(delta) / static_cast<int64_t>(divisor);
}

void Residuals(std::span<const int64_t> deltas, unsigned order, std::vector<int64_t>* out) {
  out->clear();
  if (order == 1) {
    out->assign(deltas.begin(), deltas.end());
  } else if (order == 2) {
    for (size_t i = 1; i < deltas.size(); ++i) {
      out->push_back(static_cast<int64_t>(Difference(deltas[i], deltas[i - 1])));
    }
  } else {
    uint64_t sum = 0;
    for (const int64_t d : deltas)
      out->push_back(static_cast<int64_t>(sum += static_cast<uint64_t>(d)));
  }
}

// order, first, divisor and first delta.
constexpr size_t kHeaderBytes = 4;

void TryXor(std::span<const int64_t> values, IntegerPlan* plan) {
  thread_local std::vector<int64_t> residuals;
  residuals.clear();
  uint64_t any = 0;
  for (size_t i = 1; i < values.size(); ++i) {
    residuals.push_back(values[i] ^ values[i - 1]);
    any |= static_cast<uint64_t>(residuals.back());
  }
  const int shift = std::countr_zero(any);
  for (int64_t& r : residuals) r = static_cast<int64_t>(static_cast<uint64_t>(r) >> shift);
  const size_t bytes = kHeaderBytes + PackedSize(residuals);
  if (bytes >= plan->bytes) return;
  plan->order = 3;
  plan->divisor = static_cast<uint64_t>(shift) + 1;
  plan->bytes = bytes;
  plan->residuals.swap(residuals);
}

}  // namespace

void PlanIntegers(std::span<const int64_t> values, bool with_xor, IntegerPlan* plan) {
  plan->order = 0;
  plan->residuals.clear();
  plan->first = values.empty() ? 0 : values[0];
  plan->first_delta = 0;
  plan->bytes = kHeaderBytes;
  plan->small = std::all_of(values.begin(), values.end(),
                            [](int64_t v) { return v > -kSmallLimit && v < kSmallLimit; });
  plan->divisor = CommonDivisor(values);
  if (plan->divisor == 0) return;
  // A signed division by 2^63 and more is not worth having.
  if (plan->divisor >> 62 != 0) plan->divisor = 1;

  thread_local std::vector<int64_t> deltas, residuals;
  deltas.clear();
  for (size_t i = 1; i < values.size(); ++i) {
    deltas.push_back(Divide(Difference(values[i], values[i - 1]), plan->divisor));
  }
  plan->bytes = SIZE_MAX;
  for (const unsigned order : {1u, 2u, 0u}) {
    Residuals(deltas, order, &residuals);
    const size_t bytes = kHeaderBytes + PackedSize(residuals);
    if (bytes >= plan->bytes) continue;
    plan->order = order;
    plan->bytes = bytes;
    plan->residuals.swap(residuals);
  }
  plan->first_delta = plan->order == 2 ? deltas[0] : 0;
  if (with_xor) TryXor(values, plan);
}

void WriteIntegers(const IntegerPlan& plan, std::string* out) {
  PutU8(out, static_cast<uint8_t>(plan.order | (plan.small ? kSmallFlag : 0)));
  PutSignedVarint(out, plan.first);
  PutVarint(out, plan.divisor);
  if (plan.divisor == 0) return;
  if (plan.order == 2) PutSignedVarint(out, plan.first_delta);
  PackInts(plan.residuals, out);
}

bool IntegerReader::Init(ByteReader* in, size_t count) {
  const unsigned head = in->U8();
  order_ = head & ~kSmallFlag;
  small_ = (head & kSmallFlag) != 0;
  first_ = value_ = static_cast<uint64_t>(in->SignedVarint());
  divisor_ = in->Varint();
  delta_ = 0;
  left_ = count;
  head_ = true;
  if (order_ > 3 || (order_ == 3 && divisor_ > 65)) in->Fail();
  if (!in->ok()) return false;
  if (divisor_ == 0 || count <= 1) return divisor_ == 0 || (in->Fail(), false);
  if (order_ == 2) delta_ = static_cast<uint64_t>(in->SignedVarint());
  return packed_.Init(in, count - (order_ == 2 ? 2 : 1));
}

size_t IntegerReader::Next(int64_t* out) {
  if (left_ == 0) return 0;
  if (divisor_ == 0) {
    const size_t count = std::min(left_, kMiniblock);
    std::fill_n(out, kMiniblock, first());
    left_ -= count;
    return count;
  }
  if (head_) {
    head_ = false;
    out[0] = first();
    size_t count = 1;
    if (order_ == 2) {
      value_ += delta_ * divisor_;
      out[count++] = static_cast<int64_t>(value_);
    }
    left_ -= count;
    return count;
  }
  int64_t residuals[kMiniblock];
  const size_t count = packed_.Next(residuals);
  left_ -= std::min(count, left_);
  uint64_t value = value_, delta = delta_;
  const uint64_t divisor = divisor_;
  switch (order_) {
    case 0:
      for (size_t i = 0; i < kMiniblock; ++i) {
        out[i] = static_cast<int64_t>(first_ + static_cast<uint64_t>(residuals[i]) * divisor);
      }
      return count;
    case 1:
      for (size_t i = 0; i < kMiniblock; ++i) {
        out[i] = static_cast<int64_t>(value += static_cast<uint64_t>(residuals[i]) * divisor);
      }
      break;
    case 2:
      for (size_t i = 0; i < kMiniblock; ++i) {
        delta += static_cast<uint64_t>(residuals[i]);
        out[i] = static_cast<int64_t>(value += delta * divisor);
      }
      break;
    default:
      for (size_t i = 0; i < kMiniblock; ++i) {
        value ^= divisor > 64 ? 0 : static_cast<uint64_t>(residuals[i]) << (divisor - 1);
        out[i] = static_cast<int64_t>(value);
      }
  }
  value_ = value;
  delta_ = delta;
  return count;
}

}  // namespace deucalion::tsdb
