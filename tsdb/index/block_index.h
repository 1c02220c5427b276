// BlockIndex: reads the index of a block (layout: block_index_writer.cc).
//
// Memory-mapped; in memory are only the label names, the schemas and 16 numbers per name. Series
// are numbered densely in label order, so a sorted set of numbers is also sorted by labels.
//
// Immutable and thread-safe. Checksums are looked at when bytes are first used; where an interface
// has no room for an error, the answer is empty and Health() says what is wrong: ask it before an
// answer leaves the block.
#ifndef DEUCALION_TSDB_INDEX_BLOCK_INDEX_H_
#define DEUCALION_TSDB_INDEX_BLOCK_INDEX_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/status.h"
#include "base/thread_annotations.h"
#include "model/labels.h"
#include "tsdb/block/checked_file.h"
#include "tsdb/index/index_reader.h"
#include "tsdb/index/series_rows.h"

namespace deucalion::tsdb {

inline constexpr uint64_t kBlockIndexMagic = 0x3130584449554544;  // "DEUIDX01"

// Series time ranges in 255ths of the block's range, rounded outwards.
class BlockTimeScale {
 public:
  BlockTimeScale(int64_t min_ms, int64_t max_ms)
      : min_ms_(min_ms), span_(static_cast<double>(max_ms) - static_cast<double>(min_ms)) {}
  uint8_t From(int64_t ms) const { return Clamp(Ratio(ms) - 1e-6); }
  uint8_t To(int64_t ms) const { return Clamp(Ratio(ms) + 1 - 1e-9 + 1e-6); }
  // Whether [from, to] may hold a sample within [min_ms, max_ms].
  bool Overlaps(uint8_t from, uint8_t to, int64_t min_ms, int64_t max_ms) const {
    return from <= To(max_ms) && to >= From(min_ms);
  }

 private:
  double Ratio(int64_t ms) const {
    return span_ <= 0 ? 0 : (static_cast<double>(ms) - static_cast<double>(min_ms_)) / span_ * 255;
  }
  static uint8_t Clamp(double v) { return v <= 0 ? 0 : v >= 255 ? 255 : static_cast<uint8_t>(v); }
  int64_t min_ms_;
  double span_;
};

class BlockSeriesCursor;

class BlockIndex : public IndexReader {
 public:
  static Result<std::unique_ptr<BlockIndex>> Open(FileSystem* fs, const std::string& path,
                                                  uint64_t want_size);

  uint64_t NumSeries() const override { return num_series_; }
  Result<Postings> AllPostings() const override;
  bool FindValue(std::string_view name, std::string_view value, IndexValue* out) const override;
  uint64_t NumValues(std::string_view name) const override;
  Status VisitValues(std::string_view name, std::string_view prefix,
                     const std::function<bool(const IndexValue&)>& visit) const override;
  Status SortedValues(std::string_view name, std::vector<std::string_view>* out) const override;
  Result<Postings> PostingsOf(const IndexValue& value) const override;
  Result<bool> NarrowBy(const IndexValue& value, bool subtract,
                        std::vector<SeriesNumber>* series) const override;
  std::string_view ValueOf(SeriesNumber series, std::string_view name,
                           std::string* scratch) const override;

  // Sorted.
  std::vector<std::string> LabelNames() const;
  // Names that at least one of `series` has, sorted.
  Result<std::vector<std::string>> LabelNamesOf(PostingsView series) const;
  // The calling thread's cursor on this index, positioned on `series`. Valid until the thread asks
  // this or 15 other indexes again.
  Result<BlockSeriesCursor*> SeekHere(SeriesNumber series) const;
  // OK, or what damage an answer without an error met.
  Status Health() const EXCLUDES(mu_);
  // Reads the whole file.
  Status VerifyAll() const { return file_->CheckAll(); }
  BlockTimeScale scale() const { return BlockTimeScale(min_ms_, max_ms_); }
  int64_t min_ms() const { return min_ms_; }
  int64_t max_ms() const { return max_ms_; }
  bool with_summaries() const { return with_summaries_; }

 private:
  friend class BlockSeriesCursor;
  struct Name {
    std::string text;
    uint32_t values = 0;
    uint64_t series = 0;
    uint64_t bytes_at = 0, tables_at = 0, postings_at = 0;
  };

  BlockIndex() = default;
  Status ReadDirectory();
  Status ReadNames(ByteReader* in);
  Status ReadSchemas(ByteReader* in);
  const Name* FindName(std::string_view name) const;
  uint32_t TableEntry(const Name& name, unsigned table, uint64_t index) const;
  std::string_view ValueText(const Name& name, uint64_t rank) const;
  uint64_t LowerBound(const Name& name, std::string_view value) const;
  std::string_view PostingsBytes(const Name& name, uint64_t rank) const;
  // Checked.
  Result<std::string_view> ListOf(const IndexValue& value) const;
  Status BrokenList(const IndexValue& value) const;
  IndexValue MakeValue(const Name& name, uint64_t rank) const;
  Result<std::string_view> GroupBytes(uint64_t group) const;
  // Tables and bytes of every name have good checksums; looked at once.
  bool ValuesVerified() const;
  void Damaged(Status status) const EXCLUDES(mu_);

  uint64_t serial_ = 0;  // distinguishes indexes in thread-local cursors
  std::unique_ptr<CheckedFile> file_;
  std::string_view data_;
  uint64_t num_series_ = 0;
  int64_t min_ms_ = 0, max_ms_ = 0;
  bool with_summaries_ = false;
  uint64_t groups_at_ = 0;
  std::vector<Name> names_;           // sorted
  std::vector<uint32_t> name_by_id_;  // id -> place in names_
  std::vector<uint32_t> schema_sizes_;
  std::vector<uint32_t> schema_begins_;
  std::vector<uint32_t> schema_names_;  // places in names_

  mutable std::atomic<bool> values_verified_{false};
  mutable std::atomic<bool> damaged_{false};
  mutable Mutex mu_;
  mutable Status damage_ GUARDED_BY(mu_);
};

// Walks series in any order; cheap when ascending: rows between two asked-for ones of a group are
// decoded once. Borrows the index. Thread-compatible.
class BlockSeriesCursor {
 public:
  explicit BlockSeriesCursor(const BlockIndex& index) : index_(index) {}
  // Positions on `series`; false when it does not exist or is damaged (see status()).
  bool Seek(SeriesNumber series);
  const SeriesRow& row() const { return decoder_.row(); }
  // Of the series sought last. "" when it has no such label.
  std::string_view ValueOf(std::string_view name) const;
  // Replaces *out.
  void LabelsOf(Labels* out) const;
  // Names of the labels, as places in the sorted list of names.
  std::span<const uint32_t> Names() const;
  const Status& status() const { return status_; }

 private:
  std::string_view Value(uint32_t name, uint32_t value_id) const;

  const BlockIndex& index_;
  RowDecoder decoder_;
  uint64_t group_ = UINT64_MAX;
  uint64_t next_ = 0;  // row the decoder reads next
  Status status_;
};

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_INDEX_BLOCK_INDEX_H_
