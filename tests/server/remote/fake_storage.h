// A Storage to read from: the series of a MemoryStorage, and bounds wide enough for all of them.
#ifndef DEUCALION_TESTS_SERVER_REMOTE_FAKE_STORAGE_H_
#define DEUCALION_TESTS_SERVER_REMOTE_FAKE_STORAGE_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/memory_storage.h"
#include "tsdb/storage.h"

namespace deucalion::remote {

class FakeStorage : public Storage, public StorageAdmin {
 public:
  testing_support::MemoryStorage memory;
  std::pair<int64_t, int64_t> bounds{0, 1'000'000'000};
  std::vector<BlockInfo> blocks;
  Status querier_status;  // what NewQuerier fails with

  Result<std::unique_ptr<Querier>> NewQuerier(int64_t min_ms, int64_t max_ms) override {
    if (!querier_status.ok()) return querier_status;
    return memory.NewQuerier(min_ms, max_ms);
  }
  std::unique_ptr<Appender> NewAppender(const AppenderOptions&) override { return nullptr; }
  ExemplarQueryable* exemplars() override { return nullptr; }
  WalFeed* wal_feed() override { return nullptr; }
  StorageAdmin* admin() override { return this; }
  StateStore* state() override { return nullptr; }
  Status Close() override { return OkStatus(); }

  Result<std::string> Snapshot(bool) override { return Unused(); }
  Status DeleteSeries(int64_t, int64_t, const std::vector<Matcher>&) override { return Unused(); }
  Status CleanTombstones() override { return Unused(); }
  Result<TsdbStats> Stats(size_t) override { return Unused(); }
  std::vector<BlockInfo> Blocks() override { return blocks; }
  ReplayProgress replay() const override { return {}; }
  Status Apply(const StorageSettings&) override { return Unused(); }
  std::pair<int64_t, int64_t> TimeBounds() override { return bounds; }

 private:
  static Status Unused() { return InternalError("remote read has no use for this"); }
};

}  // namespace deucalion::remote

#endif  // DEUCALION_TESTS_SERVER_REMOTE_FAKE_STORAGE_H_
