// A small durable map for state that is changed by key off the hot paths: alert `for` state, …
#ifndef DEUCALION_TSDB_STORAGE_STATE_STORE_H_
#define DEUCALION_TSDB_STORAGE_STATE_STORE_H_

#include <functional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace deucalion {

// Thread-safe. `space` is one of the names the engine knows: "rules", "cursors".
class StateStore {
 public:
  virtual ~StateStore() = default;
  virtual Status Put(std::string_view space, std::string_view key, std::string_view value) = 0;
  // Survives the end of the process, but not yet a power cut: for what changes often and may be
  // old.
  virtual Status PutUnsynced(std::string_view space, std::string_view key,
                             std::string_view value) = 0;
  // kNotFound when absent.
  virtual Result<std::string> Get(std::string_view space, std::string_view key) = 0;
  virtual Status Delete(std::string_view space, std::string_view key) = 0;
  // Ascending by key; stops when `visit` returns false.
  virtual Status Scan(std::string_view space,
                      const std::function<bool(std::string_view, std::string_view)>& visit) = 0;
};

}  // namespace deucalion

#endif  // DEUCALION_TSDB_STORAGE_STATE_STORE_H_
