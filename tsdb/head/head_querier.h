// HeadQuerier: the head as a reader sees it: the commits that had been published when it was made.
//
// Selection happens under the index lock; reading a series takes its shard's lock for as long as it
// takes to copy the open chunk, and decodes without.
#ifndef DEUCALION_TSDB_HEAD_HEAD_QUERIER_H_
#define DEUCALION_TSDB_HEAD_HEAD_QUERIER_H_

#include <memory>
#include <string>
#include <vector>

#include "tsdb/head/head.h"
#include "tsdb/storage/queryable.h"

namespace deucalion::tsdb {

// Pins the head and its view. Shared by a querier and its series sets.
class HeadView {
 public:
  explicit HeadView(Head* head, bool late_only = false)
      : head(head),
        late_only(late_only),
        pin(head->pins().Pin()),
        watermark(head->isolation().OpenReader()),
        floor_ms(head->floor_ms()) {}
  ~HeadView() {
    head->isolation().CloseReader(watermark);
    head->pins().Unpin(pin);
  }
  HeadView(const HeadView&) = delete;
  HeadView& operator=(const HeadView&) = delete;

  Head* const head;
  const bool late_only;
  const uint64_t pin;
  const uint64_t watermark;
  const int64_t floor_ms;
};

class HeadQuerier final : public Querier {
 public:
  // [min_ms, max_ms], both inclusive. The head must outlive the querier. `late_only`: nothing but
  // the late samples, wherever they lie.
  HeadQuerier(Head* head, int64_t min_ms, int64_t max_ms, bool late_only = false);

  Result<std::unique_ptr<SeriesSet>> Select(bool sorted, const SelectHints& hints,
                                            const std::vector<Matcher>& matchers,
                                            const CancelToken* cancel) override;
  Result<std::vector<std::string>> LabelValues(const std::string& name,
                                               const std::vector<Matcher>& matchers, size_t limit,
                                               bool* truncated) override;
  Result<std::vector<std::string>> LabelNames(const std::vector<Matcher>& matchers, size_t limit,
                                              bool* truncated) override;
  uint64_t EstimateSeries(const std::vector<Matcher>& matchers) override;
  // These series, sorted by labels.
  std::unique_ptr<SeriesSet> SetOf(std::vector<Slot> slots, const CancelToken* cancel) const;
  int64_t floor_ms() const { return view_->floor_ms; }

  // The newest sample of a series, as far as selection saw it: kMinTimeMs = ask the series.
  struct Newest {
    int64_t time_ms = kMinTimeMs;
    double value = 0;
  };

 private:
  // `newest` may be null.
  void KeepWithSamples(int64_t min_ms, int64_t max_ms, std::vector<Slot>* slots,
                       std::vector<Newest>* newest) const;
  // `newest`: empty, or one for each slot.
  void SortByLabels(std::vector<Slot>* slots, std::vector<Newest>* newest) const;

  std::shared_ptr<HeadView> view_;
  const int64_t min_ms_;
  const int64_t max_ms_;
  const bool overlaps_;  // some sample of the head may be in the range: else it has no names either
};

// Reads series of the head at a view; holds nothing but its buffers between calls.
// Thread-compatible.
class HeadSeriesReader {
 public:
  Status Read(const HeadView& view, Slot slot, int64_t min_ms, int64_t max_ms, SampleColumns* out);

 private:
  struct Piece {
    SealedEntry entry;
    ChunkEncoding encoding = ChunkEncoding::kXor;  // and the two below: of chunks kept in memory
    uint16_t count = 0;
    std::string bytes;
  };
  bool CopyUnderLock(const HeadView& view, Slot slot, int64_t min_ms, int64_t late_min_ms,
                     int64_t* max_ms);
  Status DecodeSealed(const HeadView& view, const Piece& piece, int64_t min_ms, int64_t max_ms,
                      SampleColumns* out);

  std::vector<Piece> pieces_;
  OpenChunkCopy open_;
  std::string histograms_;
  bool histograms_are_float_ = false;
  std::vector<LateSample> late_;
  std::vector<LateHistogram> late_histograms_;
  std::vector<std::pair<int64_t, int64_t>> starts_;
  TimeIntervals deleted_;
};

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_HEAD_HEAD_QUERIER_H_
