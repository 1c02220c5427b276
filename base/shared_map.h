// SharedMap: a file mapped for writing, for small records that are to outlive the process but not
// the machine: a store into memory is kept by the kernel when the process is killed.
//
// Beside FileSystem, not behind it: once the space is reserved, nothing can fail. The one mapping
// is the owner's; callers synchronise.
#ifndef DEUCALION_BASE_SHARED_MAP_H_
#define DEUCALION_BASE_SHARED_MAP_H_

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "base/status.h"

namespace deucalion {

class SharedMap {
 public:
  // Creates `path` when it is missing, extends it with zeros to `size_bytes` (> 0), and reserves
  // the disk space: a write into a hole on a full disk would kill the process.
  static Result<std::unique_ptr<SharedMap>> Open(const std::string& path, size_t size_bytes);
  ~SharedMap();
  SharedMap(const SharedMap&) = delete;
  SharedMap& operator=(const SharedMap&) = delete;

  std::span<char> bytes() const { return bytes_; }

 private:
  explicit SharedMap(std::span<char> bytes) : bytes_(bytes) {}

  const std::span<char> bytes_;
};

}  // namespace deucalion

#endif  // DEUCALION_BASE_SHARED_MAP_H_
