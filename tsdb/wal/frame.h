// WAL frames: what one commit leaves in one stream (or a part of it: large commits are split).
//
//   u32 length of what follows the crc   u32 crc32c of that
//   u8 flags: 1 = body is zstd           varint size of the body before compression, if so
//   body: sections { u8 kind, varint bytes, content }
//     1 series     varint n; n x (id, labels as model/labels.h encodes them, length-prefixed)
//     2 samples    varint n, varint bytes of the ids, ids; varint bytes of the times, times; values
//     3 starts     as many start timestamps as the section before it, 2 or 5, has samples: runs
//                  like times
//     4 histograms varint n; n x (id, time, start, u8 kind: 0 integer 1 float, length-prefixed
//                  bytes)
//     5 late       like 2, values as f64: samples that came out of order
//     6 exemplars  varint n; n x (id, time, u8 has time, f64 value, length-prefixed labels)
//     7 metadata   varint n; n x (id, u8 kind, length-prefixed unit and help)
//     8 deletions  varint n; n x (id, first ms, last ms)
//     9 late histograms, like 4
//   ids    zigzag of the difference to the one before plus one (1 at the start), in units of the
//   number
//          of streams: a sender that keeps its order writes zeros
//   times  runs of (zigzag difference to the run before, run length)
//   values value_codec.h
//
// All differences start afresh in each frame, except those of values: they are relative to the
// series' previous value in the same segment.
#ifndef DEUCALION_TSDB_WAL_FRAME_H_
#define DEUCALION_TSDB_WAL_FRAME_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "model/labels.h"
#include "model/metadata.h"
#include "tsdb/storage/exemplars.h"
#include "tsdb/wal/value_codec.h"

namespace deucalion::tsdb::wal {

inline constexpr size_t kFrameHeaderBytes = 8;
// A commit is split so that bodies stay near this size.
inline constexpr size_t kFrameTargetBytes = 1 << 20;
inline constexpr size_t kMaxFrameBytes = 80 << 20;

// Ids of stream s are those with id % streams == s. The number of streams is a power of two.
struct StreamShape {
  uint32_t stream = 0;
  uint32_t streams = 1;
};

// Collects the parts of one frame. Reused from frame to frame. Thread-compatible.
class FrameEncoder {
 public:
  FrameEncoder();
  ~FrameEncoder();

  // Begins a frame in `segment`.
  void Begin(StreamShape shape, uint32_t segment);

  void AddSeries(uint64_t id, std::string_view encoded_labels);
  void AddSample(uint64_t id, int64_t time_ms, double value, ValueState* state) {
    samples_.Add(*this, id, time_ms);
    char* p = samples_.values.Room(kMaxValueBytes);
    samples_.values.end =
        static_cast<size_t>(PutValue(value, segment_, state, p) - samples_.values.bytes.get());
  }
  // For the sample added last; samples without have none.
  void SetStart(int64_t st_ms) { samples_.SetStart(st_ms); }
  void AddLate(uint64_t id, int64_t time_ms, double value, int64_t st_ms);
  void AddHistogram(uint64_t id, int64_t time_ms, int64_t st_ms, bool is_float,
                    std::string_view bytes) {
    PutHistogram(&histograms_, id, time_ms, st_ms, is_float, bytes);
  }
  void AddLateHistogram(uint64_t id, int64_t time_ms, int64_t st_ms, bool is_float,
                        std::string_view bytes) {
    PutHistogram(&late_histograms_, id, time_ms, st_ms, is_float, bytes);
  }
  void AddExemplar(uint64_t id, const Exemplar& exemplar);
  void AddMetadata(uint64_t id, const Metadata& metadata);
  void AddDeletion(uint64_t id, int64_t min_ms, int64_t max_ms);

  bool empty() const;
  // Of the body so far, roughly.
  size_t body_bytes() const;
  // Appends the finished frame to *out, compressed when that pays. The next frame needs Begin.
  void Finish(std::string* out);

 private:
  // A byte buffer whose room is checked once per write.
  struct Column {
    std::unique_ptr<char[]> bytes;
    size_t end = 0;
    size_t capacity = 0;
    char* Room(size_t n) {
      if (end + n > capacity) Grow(n);
      return bytes.get() + end;
    }
    void Grow(size_t n);
    void Varint(uint64_t v) {
      char* p = Room(10);
      end = static_cast<size_t>(PutVarintTo(p, v) - bytes.get());
    }
  };
  // Runs of equal times.
  struct TimeRuns {
    Column out;
    int64_t base = 0;  // time of the run before
    int64_t current = 0;
    uint64_t length = 0;
    void Add(int64_t time_ms) {
      if (length != 0 && time_ms == current) {
        length++;
        return;
      }
      Flush();
      current = time_ms;
      length = 1;
    }
    void Flush();
    void Clear();
  };
  struct SampleColumns {
    Column ids;
    TimeRuns times;
    Column values;
    TimeRuns starts;
    uint64_t count = 0;
    uint64_t starts_count = 0;
    uint64_t previous = 0;
    // Of the sample added last.
    void SetStart(int64_t st_ms);
    void Add(const FrameEncoder& e, uint64_t id, int64_t time_ms) {
      ids.Varint(e.IdDelta(id, &previous));
      times.Add(time_ms);
      count++;
    }
    void Clear();
  };
  struct Section {
    std::string bytes;
    uint64_t count = 0;
    uint64_t previous = 0;
  };

  uint64_t IdDelta(uint64_t id, uint64_t* previous) const {
    const uint64_t n = id >> stream_bits_;
    const auto delta = static_cast<int64_t>(n - *previous - 1);
    *previous = n;
    return ZigZag(delta);
  }
  void PutSamples(uint8_t kind, SampleColumns* columns);
  void PutSection(uint8_t kind, Section* section);
  void PutHistogram(Section* section, uint64_t id, int64_t time_ms, int64_t st_ms, bool is_float,
                    std::string_view bytes);
  void Compress(std::string* out);

  struct Compressor;
  std::unique_ptr<Compressor> compressor_;
  uint32_t segment_ = 0;
  uint32_t stream_bits_ = 0;
  Section series_, histograms_, late_histograms_, exemplars_, metadata_, deletions_;
  SampleColumns samples_, late_;
  std::string body_;
};

// ---- decoding ----

struct DecodedSeries {
  uint64_t id = 0;
  uint32_t user = 0;        // what the caller keeps with the id; see IdTable
  std::string_view labels;  // encoded; checked
};
struct DecodedSample {
  uint64_t id = 0;
  int64_t time_ms = 0;
  double value = 0;
  int64_t st_ms = 0;
  uint32_t user = 0;
};
struct DecodedHistogram {
  uint64_t id = 0;
  int64_t time_ms = 0;
  int64_t st_ms = 0;
  uint32_t user = 0;
  bool is_float = false;
  std::string_view bytes;
};
struct DecodedExemplar {
  uint64_t id = 0;
  uint32_t user = 0;
  Exemplar exemplar;
};
struct DecodedMetadata {
  uint64_t id = 0;
  uint32_t user = 0;
  Metadata metadata;
};
struct DecodedDeletion {
  uint64_t id = 0;
  uint32_t user = 0;
  int64_t min_ms = 0, max_ms = 0;
};

// Borrows from the frame it was decoded from. Reused: Clear keeps the capacity.
struct DecodedFrame {
  std::vector<DecodedSeries> series;
  std::vector<DecodedSample> samples;
  std::vector<DecodedSample> late;
  std::vector<DecodedHistogram> histograms;
  std::vector<DecodedHistogram> late_histograms;
  std::vector<DecodedExemplar> exemplars;
  std::vector<DecodedMetadata> metadata;
  std::vector<DecodedDeletion> deletions;
  uint64_t unknown_ids = 0;     // entries whose id nobody introduced: left out
  uint64_t max_unknown_id = 0;  // the largest of those ids
  uint64_t unknown_values = 0;  // samples written against a value in a damaged frame: left out
  std::string body;             // after decompression
  void Clear();
};

inline constexpr uint32_t kNoUser = UINT32_MAX;

// What the decoder knows of each id of one stream. Ids mostly come in the order they were
// introduced, so the entry behind the last one is looked at first.
class IdTable {
 public:
  struct Entry {
    uint64_t id = 0;
    ValueState state;
    uint32_t user = kNoUser;
  };
  // Null when unknown. Valid until the next Add.
  Entry* Find(uint64_t id);
  // The entry of `id`, made if missing.
  Entry* Add(uint64_t id);
  size_t size() const { return entries_.size(); }
  const std::vector<Entry>& entries() const { return entries_; }
  void Reserve(size_t n);

 private:
  void Rehash(size_t buckets);
  std::vector<Entry> entries_;
  std::vector<uint32_t> buckets_;  // index + 1 into entries_
  size_t last_ = 0;
};

// Called for each series before the samples of its frame are decoded: returns the user value.
class SeriesIntroducer {
 public:
  virtual ~SeriesIntroducer() = default;
  virtual uint32_t Introduce(uint64_t id, std::string_view encoded_labels) = 0;
};

// Decodes the body of a frame (flags and what follows) of `segment` into *out. `epoch` stands for
// the segment in value states: take another one after a damaged frame. kCorrupt: *out is to be
// ignored.
Status DecodeFrame(std::string_view payload, StreamShape shape, uint32_t epoch, IdTable* ids,
                   SeriesIntroducer* introducer, DecodedFrame* out);

}  // namespace deucalion::tsdb::wal

#endif  // DEUCALION_TSDB_WAL_FRAME_H_
