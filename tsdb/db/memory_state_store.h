// A StateStore that lives in memory: for tests, and where nothing needs to survive.
#ifndef DEUCALION_TSDB_DB_MEMORY_STATE_STORE_H_
#define DEUCALION_TSDB_DB_MEMORY_STATE_STORE_H_

#include <map>
#include <string>
#include <utility>

#include "base/thread_annotations.h"
#include "tsdb/storage/state_store.h"

namespace deucalion::tsdb {

class MemoryStateStore final : public StateStore {
 public:
  Status Put(std::string_view space, std::string_view key, std::string_view value) override {
    MutexLock lock(mu_);
    entries_[{std::string(space), std::string(key)}] = value;
    return OkStatus();
  }
  Result<std::string> Get(std::string_view space, std::string_view key) override {
    MutexLock lock(mu_);
    const auto it = entries_.find({std::string(space), std::string(key)});
    if (it == entries_.end()) return NotFoundError("no such key: " + std::string(key));
    return it->second;
  }
  Status Delete(std::string_view space, std::string_view key) override {
    MutexLock lock(mu_);
    entries_.erase({std::string(space), std::string(key)});
    return OkStatus();
  }
  Status Scan(std::string_view space,
              const std::function<bool(std::string_view, std::string_view)>& visit) override {
    MutexLock lock(mu_);
    for (const auto& [key, value] : entries_) {
      if (key.first == space && !visit(key.second, value)) break;
    }
    return OkStatus();
  }

 private:
  Mutex mu_;
  std::map<std::pair<std::string, std::string>, std::string> entries_ GUARDED_BY(mu_);
};

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_DB_MEMORY_STATE_STORE_H_
