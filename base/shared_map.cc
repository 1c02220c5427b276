#include "base/shared_map.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace deucalion {
namespace {

Result<void*> MapOpened(int fd, const std::string& path, size_t size_bytes) {
  int error;
  do {
    error = ::posix_fallocate(fd, 0, static_cast<off_t>(size_bytes));
  } while (error == EINTR);
  if (error != 0) return ErrnoError("allocate " + path, error);
  void* address = ::mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (address == MAP_FAILED) return ErrnoError("map " + path, errno);
  return address;
}

}  // namespace

Result<std::unique_ptr<SharedMap>> SharedMap::Open(const std::string& path, size_t size_bytes) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0) return ErrnoError("open " + path, errno);
  Result<void*> address = MapOpened(fd, path, size_bytes);
  ::close(fd);
  if (!address.ok()) return address.TakeStatus();
  return std::unique_ptr<SharedMap>(
      new SharedMap(std::span<char>(static_cast<char*>(*address), size_bytes)));
}

SharedMap::~SharedMap() { ::munmap(bytes_.data(), bytes_.size()); }

}  // namespace deucalion
