// PrometheusIndex: reads the `index` file of a Prometheus block, format version 2.
//
// Memory-mapped. In memory are one offset per 32 symbols and, per label name, one per 32 values.
// Series are numbered by their offset in the file divided by 16, as Prometheus does: ascending
// numbers are ascending labels, but not dense.
//
// Immutable and thread-safe. The symbol and postings tables are verified when opening, postings and
// series when they are read; where an answer has no room for an error, Health() has it.
#ifndef DEUCALION_TSDB_INTEROP_PROMETHEUS_INDEX_H_
#define DEUCALION_TSDB_INTEROP_PROMETHEUS_INDEX_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/file_system.h"
#include "base/status.h"
#include "base/thread_annotations.h"
#include "model/labels.h"
#include "tsdb/index/index_reader.h"

namespace deucalion::tsdb {

inline constexpr uint32_t kPrometheusIndexMagic = 0xBAAAD700;

struct PrometheusChunkMeta {
  int64_t min_ms = 0;
  int64_t max_ms = 0;
  uint64_t ref = 0;
};

struct PrometheusSeries {
  std::vector<std::pair<std::string_view, std::string_view>> labels;  // views into the index
  std::vector<PrometheusChunkMeta> chunks;
};

class PrometheusIndex : public IndexReader {
 public:
  static Result<std::unique_ptr<PrometheusIndex>> Open(FileSystem* fs, const std::string& path);

  uint64_t NumSeries() const override { return series_bound_; }
  Result<Postings> AllPostings() const override;
  bool FindValue(std::string_view name, std::string_view value, IndexValue* out) const override;
  uint64_t NumValues(std::string_view name) const override;
  Status VisitValues(std::string_view name, std::string_view prefix,
                     const std::function<bool(const IndexValue&)>& visit) const override;
  Result<Postings> PostingsOf(const IndexValue& value) const override;
  std::string_view ValueOf(SeriesNumber series, std::string_view name,
                           std::string* scratch) const override;

  // Replaces *out. With `labels_only` the chunks are left out.
  Status Series(SeriesNumber series, bool labels_only, PrometheusSeries* out) const;
  std::vector<std::string> LabelNames() const;
  // Reads every postings list.
  Status VerifyPostings() const;
  Status Health() const EXCLUDES(mu_);
  uint64_t size_bytes() const { return data_.size(); }

 private:
  struct Name {
    std::string_view text;
    uint32_t values = 0;
    std::vector<uint64_t> samples;  // table offsets of every 32nd value
  };
  // One entry of the postings table; `next` is the offset of the one behind.
  struct Entry {
    std::string_view name, value;
    uint64_t postings = 0;
    uint64_t next = 0;
  };

  PrometheusIndex() = default;
  Status ReadToc();
  Status ReadSymbols();
  Status ReadPostingsTable();
  // The bytes of the section at `offset`, length and checksum looked at.
  Result<std::string_view> Section(uint64_t offset) const;
  bool ReadEntry(uint64_t offset, Entry* entry) const;
  const Name* FindName(std::string_view name) const;
  bool Symbol(uint64_t number, std::string_view* text) const;
  IndexValue MakeValue(const Entry& entry) const;
  template <typename Visit>
  void Walk(const Name& name, std::string_view from, Visit visit) const;
  Result<Postings> ReadPostings(uint64_t offset) const;
  void Damaged(Status status) const EXCLUDES(mu_);

  std::string path_;
  std::unique_ptr<MappedFile> map_;
  std::string_view data_;
  uint64_t symbols_at_ = 0, postings_table_at_ = 0;
  std::string_view symbols_;  // behind their count
  uint32_t symbol_count_ = 0;
  std::vector<uint64_t> symbol_samples_;
  uint64_t table_end_ = 0;
  std::vector<Name> names_;  // sorted
  uint64_t all_postings_ = 0;
  uint64_t series_bound_ = 0;

  mutable std::atomic<bool> damaged_{false};
  mutable Mutex mu_;
  mutable Status damage_ GUARDED_BY(mu_);
};

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_INTEROP_PROMETHEUS_INDEX_H_
