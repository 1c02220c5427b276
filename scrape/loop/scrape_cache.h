// ScrapeCache: what one target's previous scrapes have taught. A series that is known by its raw
// text needs no label parsing: its text leads to its storage ref. Also the record of who was there
// last time (for staleness markers), and the metadata of the families.
//
// The common case costs one memcmp: bodies keep their order, so each series remembers its
// successor. Texts live in blocks, entries in one array, the hash table holds indices: about 40
// bytes a series besides its text.
//
// Series: used by one scrape at a time. Metadata: guarded, the API reads it meanwhile.
#ifndef DEUCALION_SCRAPE_LOOP_SCRAPE_CACHE_H_
#define DEUCALION_SCRAPE_LOOP_SCRAPE_CACHE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/thread_annotations.h"
#include "model/metadata.h"
#include "tsdb/storage/appender.h"

namespace deucalion::scrape {

struct FamilyMetadata {
  std::string family;
  Metadata metadata;
};

class ScrapeCache {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  struct Series {
    SeriesRef ref = 0;  // 0 and not dropped: to be looked up again
    const char* text = nullptr;
    uint32_t text_size = 0;
    uint32_t hash = 0;
    uint32_t next = kNone;        // who followed it last time
    uint32_t seen = 0;            // iteration it was last exposed in
    uint32_t tracked = 0;         // iteration it was last taken in as a subject of staleness
    bool dropped = false;         // by metric relabelling
    bool tracked_before = false;  // `tracked` moved up from the iteration before
    int64_t start_ms = 0;         // start timestamp a zero sample was written for

    std::string_view view() const { return {text, text_size}; }
  };

  // --- One scrape: Begin, then Find/Add/Track for what is exposed, then Done or Failed. ---
  void Begin();
  // The text that probably comes next; "" if there is no idea. Valid until the next Add.
  std::string_view Predicted() const {
    const uint32_t i = predicted_;
    return i == kNone ? std::string_view() : series_[i].view();
  }
  // The predicted series came: its index.
  uint32_t TakePredicted();
  // The index of a series by text, kNone when unknown. Learns the order.
  uint32_t Find(std::string_view text);
  uint32_t Add(std::string_view text, SeriesRef ref, bool dropped);
  Series& at(uint32_t index) { return series_[index]; }
  bool SeenNow(uint32_t index) const { return series_[index].seen == iteration_; }
  void MarkSeen(uint32_t index) {
    if (series_[index].seen == iteration_) return;
    series_[index].seen = iteration_;
    ++seen_count_;
  }
  // Its absence in the next scrape will be marked.
  void Track(uint32_t index);
  // Takes Track back: storage refused the sample.
  void Untrack(uint32_t index);
  // Series tracked in the scrape before and not in this one. `failed`: not counting this one at
  // all.
  std::vector<uint32_t> Stale(bool failed) const;
  // The scrape is over. `success`: series that were not exposed are forgotten; else only when the
  // cache has grown far beyond its last good size: true then.
  bool Done(bool success);
  // Lets every ref be looked up again: storage has forgotten one.
  void ForgetRef(uint32_t index) { series_[index].ref = 0; }
  // The scrape begins anew on the same body: as if nothing had been seen of it.
  void Restart();

  size_t series_count() const { return series_.size(); }
  // Bumps with every Begin.
  uint32_t iteration() const { return iteration_; }

  // --- Metadata. ---
  void SetType(std::string_view family, MetricKind kind) EXCLUDES(meta_mu_);
  void SetHelp(std::string_view family, std::string_view help) EXCLUDES(meta_mu_);
  void SetUnit(std::string_view family, std::string_view unit) EXCLUDES(meta_mu_);
  // Of the family set last; null before any. `changed_now`: in this scrape.
  const FamilyMetadata* last_family(bool* changed_now) const;
  std::vector<FamilyMetadata> ListMetadata() const EXCLUDES(meta_mu_);
  bool GetMetadata(std::string_view family, Metadata* out) const EXCLUDES(meta_mu_);
  size_t metadata_count() const EXCLUDES(meta_mu_);
  size_t metadata_bytes() const EXCLUDES(meta_mu_);

 private:
  struct Family {
    FamilyMetadata data;
    uint32_t seen = 0;
    uint32_t changed = 0;
    Family* next = nullptr;  // who followed it last time; a guess, compared before use
  };

  static constexpr size_t kBlockBytes = 16 << 10;

  std::string_view Store(std::string_view text);
  void Rehash(size_t slots);
  void Insert(uint32_t index);
  void Compact();
  void Learn(uint32_t index);
  void ResetPosition();
  Family* FamilyOf(std::string_view family) REQUIRES(meta_mu_);

  uint32_t iteration_ = 1;
  uint32_t previous_ = kNone;   // series before the current position
  uint32_t predicted_ = kNone;  // its successor
  uint32_t first_ = kNone;      // the series a body begins with
  size_t seen_count_ = 0;       // distinct series exposed in this iteration
  size_t tracked_last_ = 0;     // subjects of the iteration before
  size_t tracked_now_ = 0;
  size_t tracked_again_ = 0;  // of tracked_last_, those in this one too
  size_t good_size_ = 0;      // entries after the last success
  std::vector<Series> series_;
  std::vector<uint32_t> slots_;  // open addressing, power of two, kNone = free
  std::vector<std::unique_ptr<char[]>> blocks_;
  size_t block_used_ = kBlockBytes;
  size_t text_bytes_ = 0;  // stored, dead ones included
  size_t live_text_bytes_ = 0;

  mutable Mutex meta_mu_;
  std::unordered_map<std::string_view, std::unique_ptr<Family>> families_ GUARDED_BY(meta_mu_);
  Family* last_family_ = nullptr;  // written under meta_mu_, read by the scraping thread
};

}  // namespace deucalion::scrape

#endif  // DEUCALION_SCRAPE_LOOP_SCRAPE_CACHE_H_
