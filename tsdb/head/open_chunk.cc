#include "tsdb/head/open_chunk.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/bytes.h"

namespace deucalion::tsdb {
namespace {

// A chunk is sealed at this many samples whatever they take...
constexpr uint16_t kMaxSamples = 240;
// ...or at half of them once they take as much as this: two bytes a sample is what noise costs.
constexpr uint16_t kEnoughSamples = 120;
constexpr size_t kEnoughBytes = 224;
constexpr size_t kMaxBytes = 1024;
// A run longer than this is sealed as a run when it ends: 20 bytes.
constexpr uint16_t kLongRun = 60;
constexpr size_t kRunBytes = 20;

// The open chunk keeps its capacity, in units of 32 bytes, where the sealed one has its count.
constexpr size_t kCapacityUnit = 32;

size_t CapacityOf(const uint8_t* data) {
  return static_cast<size_t>(data[0] << 8 | data[1]) * kCapacityUnit;
}
void SetCapacity(uint8_t* data, size_t bytes) {
  const size_t units = bytes / kCapacityUnit;
  data[0] = static_cast<uint8_t>(units >> 8);
  data[1] = static_cast<uint8_t>(units);
}

XorState Unpack(const SeriesRecord& r) {
  return {.last_ms = r.last_ms.load(std::memory_order_relaxed),
          .last_bits = r.last_bits.load(std::memory_order_relaxed),
          .last_delta = r.last_delta,
          .bit_pos = r.bit_pos,
          .count = r.count,
          .leading = static_cast<uint8_t>(r.leading),
          .trailing = static_cast<uint8_t>(r.trailing)};
}

void Pack(const XorState& s, SeriesRecord* r) {
  r->last_ms.store(s.last_ms, std::memory_order_relaxed);
  r->last_bits.store(s.last_bits, std::memory_order_relaxed);
  r->last_delta = static_cast<uint32_t>(s.last_delta);
  r->bit_pos = static_cast<uint16_t>(s.bit_pos);
  r->count = s.count;
  r->leading = s.leading;
  r->trailing = s.trailing;
}

// Times may be anywhere: sums of them are taken without sign, where they may wrap.
int64_t Plus(int64_t time_ms, uint64_t ms) {
  return static_cast<int64_t>(static_cast<uint64_t>(time_ms) + ms);
}

int64_t RunFirstMs(const SeriesRecord& r) {
  const uint64_t span = uint64_t{r.last_delta} * (r.count - 1u);
  return static_cast<int64_t>(static_cast<uint64_t>(r.last_ms.load(std::memory_order_relaxed)) -
                              span);
}

// The state after `count` samples of one value at one distance, written to `data`.
XorState WriteRun(uint8_t* data, int64_t first_ms, uint32_t delta, uint64_t bits, uint16_t count) {
  XorState s;
  XorAppend(&s, data, first_ms, bits);
  if (count > 1) XorAppend(&s, data, Plus(first_ms, delta), bits);
  if (count > 2) {
    // Two zero bits each, which are there already.
    s.bit_pos += 2u * (count - 2u);
    s.count = count;
    s.last_ms = Plus(first_ms, uint64_t{delta} * (count - 1u));
  }
  return s;
}

// Cuts what was appended from `begin` on down to [min_ms, max_ms].
void TrimFrom(size_t begin, int64_t min_ms, int64_t max_ms, SampleColumns* out) {
  auto& times = out->times;
  const auto first = times.begin() + static_cast<long>(begin);
  const auto high = std::upper_bound(first, times.end(), max_ms);
  const auto low = std::lower_bound(first, high, min_ms);
  const size_t drop = static_cast<size_t>(low - first);
  const size_t end = static_cast<size_t>(high - times.begin());
  times.resize(end);
  out->values.resize(end);
  if (drop == 0) return;
  times.erase(times.begin() + static_cast<long>(begin),
              times.begin() + static_cast<long>(begin + drop));
  out->values.erase(out->values.begin() + static_cast<long>(begin),
                    out->values.begin() + static_cast<long>(begin + drop));
}

void DecodeRun(int64_t first_ms, uint32_t delta, uint64_t bits, uint16_t count, int64_t min_ms,
               int64_t max_ms, SampleColumns* out) {
  if (count == 0 || first_ms > max_ms) return;
  // Distances without sign: times may be anywhere.
  const auto index_at = [&](int64_t ms) {
    return (static_cast<uint64_t>(ms) - static_cast<uint64_t>(first_ms)) / std::max(delta, 1u);
  };
  uint64_t i = 0, end = count;
  if (first_ms < min_ms) i = delta == 0 ? count : index_at(min_ms - 1) + 1;
  if (delta > 0) end = std::min(end, index_at(max_ms) + 1);
  if (i >= end) return;
  const size_t begin = out->times.size(), n = static_cast<size_t>(end - i);
  out->times.resize(begin + n);
  for (size_t k = 0; k < n; k++) out->times[begin + k] = Plus(first_ms, uint64_t{delta} * (i + k));
  out->values.resize(begin + n, std::bit_cast<double>(bits));
}

}  // namespace

// ---- appending ----

void OpenChunks::Begin(SeriesRecord* r, int64_t time_ms, uint64_t value_bits) {
  r->last_ms.store(time_ms, std::memory_order_relaxed);
  r->last_bits.store(value_bits, std::memory_order_relaxed);
  r->last_delta = 0;
  r->count = 1;
  r->chunk = 0;
  r->bit_pos = 0;
  open_++;
}

void OpenChunks::Append(SeriesRecord* r, int64_t time_ms, uint64_t value_bits) {
  if (r->count == 0) {
    Begin(r, time_ms, value_bits);
    return;
  }
  const uint64_t delta = static_cast<uint64_t>(time_ms) -
                         static_cast<uint64_t>(r->last_ms.load(std::memory_order_relaxed));
  // The record has 32 bits for the distance: 49 days.
  if (delta > UINT32_MAX) {
    Seal(r);
    Begin(r, time_ms, value_bits);
    return;
  }
  if (r->chunk == 0) {
    const bool same = value_bits == r->last_bits.load(std::memory_order_relaxed) &&
                      (r->count == 1 || delta == r->last_delta) && r->count < UINT16_MAX;
    if (same) {
      r->last_ms.store(time_ms, std::memory_order_relaxed);
      r->last_delta = static_cast<uint32_t>(delta);
      r->count++;
      return;
    }
    if (r->count > kLongRun) {
      Seal(r);
      Begin(r, time_ms, value_bits);
      return;
    }
    WriteOutRun(r);
  }
  AppendXor(r, time_ms, value_bits);
  const size_t used = (r->bit_pos + 7u) / 8;
  if (r->count >= kMaxSamples || (r->count >= kEnoughSamples && used >= kEnoughBytes) ||
      used >= kMaxBytes) {
    Seal(r);
  }
}

bool OpenChunks::Grow(SeriesRecord* r, size_t used, size_t want) {
  const size_t unit = want <= 256 ? kCapacityUnit : 2 * kCapacityUnit;
  const size_t capacity = (want + unit - 1) / unit * unit;
  const ArenaRef bigger = pool_.Alloc(capacity);
  if (bigger == 0) return false;
  uint8_t* to = arena_->At(bigger);
  if (r->chunk != 0) {
    uint8_t* from = arena_->At(r->chunk);
    std::memcpy(to, from, used);
    pool_.Free(r->chunk, CapacityOf(from));
  }
  SetCapacity(to, capacity);
  r->chunk = bigger;
  return true;
}

void OpenChunks::WriteOutRun(SeriesRecord* r) {
  // At most 16 + 80 + 64 + 80 + 1 bits, and two for each further sample of a short run.
  uint8_t scratch[32 + kLongRun / 4 + kXorRoomBytes] = {};
  const XorState s = WriteRun(scratch, RunFirstMs(*r), r->last_delta,
                              r->last_bits.load(std::memory_order_relaxed), r->count);
  const size_t used = XorSizeBytes(s);
  // Room for a sample or two behind it.
  CHECK(Grow(r, 0, used + 6));
  uint8_t* data = arena_->At(r->chunk);
  std::memcpy(data + kXorHeaderBytes, scratch + kXorHeaderBytes, used - kXorHeaderBytes);
  Pack(s, r);
}

void OpenChunks::AppendXor(SeriesRecord* r, int64_t time_ms, uint64_t value_bits) {
  XorState s = Unpack(*r);
  uint8_t* data = arena_->At(r->chunk);
  const size_t capacity = CapacityOf(data);
  if (s.bit_pos / 8 + kXorRoomBytes <= capacity) {
    XorAppend(&s, data, time_ms, value_bits);
    Pack(s, r);
    return;
  }
  // Near the end: write to the side, and grow only if it does not fit.
  const uint32_t base_bit = s.bit_pos & ~7u;
  uint8_t scratch[kXorRoomBytes + 16] = {};
  const size_t base = base_bit / 8;
  if (base < capacity) scratch[0] = data[base];
  s.bit_pos -= base_bit;
  XorAppend(&s, scratch, time_ms, value_bits);
  const size_t written = (s.bit_pos + 7) / 8;
  s.bit_pos += base_bit;
  if (base + written > capacity) CHECK(Grow(r, std::min(capacity, base + 1), base + written));
  std::memcpy(arena_->At(r->chunk) + base, scratch, written);
  Pack(s, r);
}

// ---- sealing ----

ChunkLocation OpenChunks::Store(const SealedChunkView& chunk) {
  Result<ChunkLocation> location = sealed_->Append(chunk);
  if (location.ok()) return *location;
  // The sample is in the WAL and acknowledged: a full disk must not take it from readers.
  const ArenaRef ref = pool_.Alloc(8 + chunk.bytes.size());
  CHECK(ref != 0);
  uint8_t* p = arena_->At(ref);
  const auto size = static_cast<uint32_t>(chunk.bytes.size());
  std::memcpy(p, &size, 4);
  p[4] = static_cast<uint8_t>(chunk.encoding);
  std::memcpy(p + 6, &chunk.count, 2);
  std::memcpy(p + 8, chunk.bytes.data(), chunk.bytes.size());
  return kInMemory | ref;
}

SealedChunkView OpenChunks::InMemory(ChunkLocation location) const {
  const uint8_t* p = arena_->At(static_cast<ArenaRef>(location));
  SealedChunkView view;
  uint32_t size;
  std::memcpy(&size, p, 4);
  view.encoding = static_cast<ChunkEncoding>(p[4]);
  std::memcpy(&view.count, p + 6, 2);
  view.bytes = {reinterpret_cast<const char*>(p + 8), size};
  return view;
}

void OpenChunks::Seal(SeriesRecord* r) {
  if (r->count == 0) return;
  ChunkLocation location;
  if (r->chunk == 0) {
    std::string bytes;
    PutFixed64(&bytes, static_cast<uint64_t>(RunFirstMs(*r)));
    PutFixed32(&bytes, r->last_delta);
    PutFixed64(&bytes, r->last_bits.load(std::memory_order_relaxed));
    location = Store({.encoding = ChunkEncoding::kRun, .count = r->count, .bytes = bytes});
  } else {
    const XorState s = Unpack(*r);
    uint8_t* data = arena_->At(r->chunk);
    const size_t capacity = CapacityOf(data);
    XorFinish(s, data);
    location = Store({.encoding = ChunkEncoding::kXor,
                      .count = r->count,
                      .bytes = {reinterpret_cast<const char*>(data), XorSizeBytes(s)}});
    SetCapacity(data, capacity);
  }
  AddSealed(r, {.location = location, .max_ms = r->last_ms.load(std::memory_order_relaxed)});
  FreeOpen(r);
}

void OpenChunks::FreeOpen(SeriesRecord* r) {
  open_ -= r->count > 0;
  if (r->chunk != 0) pool_.Free(r->chunk, CapacityOf(arena_->At(r->chunk)));
  r->chunk = 0;
  r->count = 0;
  r->bit_pos = 0;
  r->last_delta = 0;
  r->leading = 0xff;
  r->trailing = 0;
}

void OpenChunks::AddSealed(SeriesRecord* r, SealedEntry entry) {
  auto* list = r->sealed == 0 ? nullptr : reinterpret_cast<SealedList*>(arena_->At(r->sealed));
  if (list == nullptr || list->count == list->capacity) {
    const uint32_t capacity =
        list == nullptr ? 1 : list->capacity + std::max(1u, list->capacity / 2);
    const ArenaRef bigger = pool_.Alloc(sizeof(SealedList) + capacity * sizeof(SealedEntry));
    CHECK(bigger != 0);
    auto* to = reinterpret_cast<SealedList*>(arena_->At(bigger));
    if (list != nullptr) {
      std::memcpy(to, list, sizeof(SealedList) + list->count * sizeof(SealedEntry));
      pool_.Free(r->sealed, sizeof(SealedList) + list->capacity * sizeof(SealedEntry));
    }
    to->capacity = capacity;
    r->sealed = bigger;
    list = to;
  }
  list->entries[list->count++] = entry;
  sealed_ever_++;
}

std::span<const SealedEntry> OpenChunks::Sealed(const Arena& arena, const SeriesRecord& r) {
  if (r.sealed == 0) return {};
  const auto* list = reinterpret_cast<const SealedList*>(arena.At(r.sealed));
  return {list->entries, list->count};
}

size_t OpenChunks::DropSealedBefore(SeriesRecord* r, int64_t cut_ms) {
  if (r->sealed == 0) return 0;
  auto* list = reinterpret_cast<SealedList*>(arena_->At(r->sealed));
  uint32_t drop = 0;
  while (drop < list->count && list->entries[drop].max_ms < cut_ms) {
    const ChunkLocation location = list->entries[drop].location;
    if ((location & kInMemory) != 0) {
      pool_.Free(static_cast<ArenaRef>(location), 8 + InMemory(location).bytes.size());
    }
    drop++;
  }
  if (drop == 0) return 0;
  dropped_ += drop;
  list->count -= drop;
  std::memmove(list->entries, list->entries + drop, list->count * sizeof(SealedEntry));
  FreeListIfEmpty(r);
  return drop;
}

void OpenChunks::FreeListIfEmpty(SeriesRecord* r) {
  const auto* list = reinterpret_cast<const SealedList*>(arena_->At(r->sealed));
  if (list->count > 0) return;
  pool_.Free(r->sealed, sizeof(SealedList) + list->capacity * sizeof(SealedEntry));
  r->sealed = 0;
}

bool OpenChunks::DropSealedAt(SeriesRecord* r, ChunkLocation location) {
  if (r->sealed == 0) return false;
  auto* list = reinterpret_cast<SealedList*>(arena_->At(r->sealed));
  SealedEntry* const end = list->entries + list->count;
  SealedEntry* const at = std::find_if(
      list->entries, end, [&](const SealedEntry& e) { return e.location == location; });
  if (at == end) return false;
  std::memmove(at, at + 1, static_cast<size_t>(end - at - 1) * sizeof(SealedEntry));
  list->count--;
  dropped_++;
  FreeListIfEmpty(r);
  return true;
}

void OpenChunks::Free(SeriesRecord* r) {
  DropSealedBefore(r, INT64_MAX);
  lost_ += r->count > 0;
  FreeOpen(r);
}

// ---- reading ----

int64_t OpenChunks::OpenMinMs(const SeriesRecord& r) const {
  if (r.chunk == 0) return RunFirstMs(r);
  const uint8_t* data = arena_->At(r.chunk);
  // The first sample's time begins on a byte.
  ByteReader in({reinterpret_cast<const char*>(data) + kXorHeaderBytes, 10});
  return in.SignedVarint();
}

void OpenChunks::Copy(const SeriesRecord& r, OpenChunkCopy* out) const {
  out->count = r.count;
  out->run = r.chunk == 0;
  out->bytes.clear();
  if (r.count == 0) return;
  if (out->run) {
    out->first_ms = RunFirstMs(r);
    out->delta = r.last_delta;
    out->bits = r.last_bits.load(std::memory_order_relaxed);
    return;
  }
  const auto* data = reinterpret_cast<const char*>(arena_->At(r.chunk));
  out->bytes.assign(data, data + (r.bit_pos + 7u) / 8);
  out->bytes[0] = static_cast<char>(r.count >> 8);
  out->bytes[1] = static_cast<char>(r.count);
}

Status OpenChunks::Restore(SeriesRecord* r, const OpenChunkCopy& copy) {
  if (copy.count == 0) return OkStatus();
  if (copy.run) {
    Begin(r, Plus(copy.first_ms, uint64_t{copy.delta} * (copy.count - 1u)), copy.bits);
    r->count = copy.count;
    r->last_delta = copy.delta;
    return OkStatus();
  }
  const std::string_view bytes(copy.bytes.data(), copy.bytes.size());
  ASSIGN_OR_RETURN(const XorState s, XorResume(bytes));
  if (s.count != copy.count || s.bit_pos > UINT16_MAX || s.last_delta > UINT32_MAX ||
      XorSizeBytes(s) != bytes.size()) {
    return CorruptError("open chunk of another length than its samples");
  }
  CHECK(Grow(r, 0, bytes.size()));
  std::memcpy(arena_->At(r->chunk) + kXorHeaderBytes, bytes.data() + kXorHeaderBytes,
              bytes.size() - kXorHeaderBytes);
  Pack(s, r);
  open_++;
  return OkStatus();
}

Status DecodeFloats(const SealedChunkView& chunk, int64_t min_ms, int64_t max_ms,
                    SampleColumns* out) {
  if (chunk.encoding == ChunkEncoding::kRun) {
    ByteReader in(chunk.bytes);
    const auto first_ms = static_cast<int64_t>(in.Fixed64());
    const uint32_t delta = in.Fixed32();
    const uint64_t bits = in.Fixed64();
    if (chunk.bytes.size() != kRunBytes) return CorruptError("run chunk of another size than 20");
    DecodeRun(first_ms, delta, bits, chunk.count, min_ms, max_ms, out);
    return OkStatus();
  }
  const size_t begin = out->times.size();
  RETURN_IF_ERROR(XorDecode(chunk.bytes, &out->times, &out->values));
  TrimFrom(begin, min_ms, max_ms, out);
  return OkStatus();
}

Status DecodeFloats(const OpenChunkCopy& chunk, int64_t min_ms, int64_t max_ms,
                    SampleColumns* out) {
  if (chunk.count == 0) return OkStatus();
  if (chunk.run) {
    DecodeRun(chunk.first_ms, chunk.delta, chunk.bits, chunk.count, min_ms, max_ms, out);
    return OkStatus();
  }
  const size_t begin = out->times.size();
  RETURN_IF_ERROR(XorDecode({chunk.bytes.data(), chunk.bytes.size()}, &out->times, &out->values));
  TrimFrom(begin, min_ms, max_ms, out);
  return OkStatus();
}

}  // namespace deucalion::tsdb
