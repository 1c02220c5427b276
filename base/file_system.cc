#include "base/file_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

namespace deucalion {
namespace {

// Owns a descriptor.
class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~Fd() { Reset(); }
  int get() const { return fd_; }
  int Reset() { return fd_ >= 0 ? ::close(std::exchange(fd_, -1)) : 0; }

 private:
  int fd_;
};

Status WriteFully(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ErrnoError("write " + path, errno);
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return OkStatus();
}

class PosixAppendFile : public AppendFile {
 public:
  PosixAppendFile(Fd fd, std::string path, uint64_t size)
      : fd_(std::move(fd)), path_(std::move(path)), size_(size) {}

  Status Append(std::string_view bytes) override {
    RETURN_IF_ERROR(WriteFully(fd_.get(), bytes, path_));
    size_ += bytes.size();
    return OkStatus();
  }
  Status Sync() override {
    return ::fdatasync(fd_.get()) == 0 ? OkStatus() : ErrnoError("fdatasync " + path_, errno);
  }
  Status Close() override {
    return fd_.Reset() == 0 ? OkStatus() : ErrnoError("close " + path_, errno);
  }
  uint64_t size_bytes() const override { return size_; }

 private:
  Fd fd_;
  std::string path_;
  uint64_t size_;
};

class PosixRandomFile : public RandomFile {
 public:
  PosixRandomFile(Fd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  Status WriteAt(uint64_t offset, std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t n = ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return ErrnoError("write " + path_, errno);
      bytes.remove_prefix(static_cast<size_t>(n));
      offset += static_cast<uint64_t>(n);
    }
    return OkStatus();
  }
  Result<std::string> ReadAt(uint64_t offset, size_t n) const override {
    std::string out(n, '\0');
    size_t done = 0;
    while (done < n) {
      const ssize_t got =
          ::pread(fd_.get(), out.data() + done, n - done, static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return ErrnoError("read " + path_, errno);
      if (got == 0) break;
      done += static_cast<size_t>(got);
    }
    out.resize(done);
    return out;
  }
  Status Allocate(uint64_t size) override {
    int error;
    do {
      error = ::posix_fallocate(fd_.get(), 0, static_cast<off_t>(size));
    } while (error == EINTR);
    return error == 0 ? OkStatus() : ErrnoError("allocate " + path_, error);
  }
  Status Sync() override {
    return ::fdatasync(fd_.get()) == 0 ? OkStatus() : ErrnoError("fdatasync " + path_, errno);
  }
  Status Close() override {
    return fd_.Reset() == 0 ? OkStatus() : ErrnoError("close " + path_, errno);
  }

 private:
  Fd fd_;
  std::string path_;
};

class PosixMappedFile : public MappedFile {
 public:
  PosixMappedFile(void* address, size_t size) : address_(address), size_(size) {
    bytes_ = std::string_view(static_cast<const char*>(address), size);
  }
  ~PosixMappedFile() override {
    if (size_ > 0) ::munmap(address_, size_);
  }

 private:
  void* address_;
  size_t size_;
};

class PosixLock : public FileLock {
 public:
  explicit PosixLock(Fd fd) : fd_(std::move(fd)) {}

 private:
  Fd fd_;  // closing releases the lock
};

Status MakeDir(const std::string& dir) {
  if (::mkdir(dir.c_str(), 0777) == 0) return OkStatus();
  const int error = errno;
  struct stat st;
  if (error == EEXIST && ::stat(dir.c_str(), &st) == 0 && S_ISDIR(st.st_mode)) return OkStatus();
  return ErrnoError("mkdir " + dir, error);
}

class PosixFileSystem : public FileSystem {
 public:
  Result<std::unique_ptr<AppendFile>> Create(const std::string& path) override {
    return OpenForAppend(path, O_TRUNC);
  }
  Result<std::unique_ptr<AppendFile>> OpenAppend(const std::string& path) override {
    return OpenForAppend(path, O_APPEND);
  }
  Result<std::unique_ptr<RandomFile>> OpenRandom(const std::string& path) override {
    Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
    if (fd.get() < 0) return ErrnoError("open " + path, errno);
    return std::unique_ptr<RandomFile>(new PosixRandomFile(std::move(fd), path));
  }

  Result<std::string> ReadFile(const std::string& path) override {
    Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (fd.get() < 0) return ErrnoError("open " + path, errno);
    std::string out;
    char buf[1 << 16];
    for (;;) {
      const ssize_t n = ::read(fd.get(), buf, sizeof(buf));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return ErrnoError("read " + path, errno);
      if (n == 0) return out;
      out.append(buf, static_cast<size_t>(n));
    }
  }

  Result<std::unique_ptr<MappedFile>> Map(const std::string& path, uint64_t want_size) override {
    Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (fd.get() < 0) return ErrnoError("open " + path, errno);
    struct stat st;
    if (::fstat(fd.get(), &st) != 0) return ErrnoError("stat " + path, errno);
    const size_t size = static_cast<size_t>(st.st_size);
    if (want_size != 0 && size != want_size) {
      return CorruptError("map " + path + ": size mismatch: got " + std::to_string(size) +
                          ", want " + std::to_string(want_size));
    }
    if (size == 0) return std::unique_ptr<MappedFile>(new PosixMappedFile(nullptr, 0));
    void* address = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd.get(), 0);
    if (address == MAP_FAILED) return ErrnoError("map " + path, errno);
    return std::unique_ptr<MappedFile>(new PosixMappedFile(address, size));
  }

  Result<std::vector<std::string>> List(const std::string& dir) override {
    DIR* d = ::opendir(dir.c_str());
    if (d == nullptr) return ErrnoError("list " + dir, errno);
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(d)) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    ::closedir(d);
    std::sort(names.begin(), names.end());
    return names;
  }

  Result<FileInfo> Stat(const std::string& path) override {
    struct stat st;
    if (::stat(path.c_str(), &st) != 0) return ErrnoError("stat " + path, errno);
    return FileInfo{.size_bytes = static_cast<uint64_t>(st.st_size),
                    .mtime_ms = st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1'000'000,
                    .is_directory = S_ISDIR(st.st_mode)};
  }

  Status CreateDirs(const std::string& dir) override {
    for (size_t slash = dir.find('/', 1); slash != std::string::npos;
         slash = dir.find('/', slash + 1)) {
      RETURN_IF_ERROR(MakeDir(dir.substr(0, slash)));
    }
    return MakeDir(dir);
  }

  Status Remove(const std::string& path) override {
    return ::remove(path.c_str()) == 0 ? OkStatus() : ErrnoError("remove " + path, errno);
  }

  Status RemoveAll(const std::string& path) override {
    struct stat st;
    if (::lstat(path.c_str(), &st) != 0) {
      return errno == ENOENT ? OkStatus() : ErrnoError("stat " + path, errno);
    }
    if (S_ISDIR(st.st_mode)) {
      ASSIGN_OR_RETURN(const auto names, List(path));
      for (const std::string& name : names) RETURN_IF_ERROR(RemoveAll(JoinPath(path, name)));
    }
    return Remove(path);
  }

  Status Rename(const std::string& from, const std::string& to) override {
    return ::rename(from.c_str(), to.c_str()) == 0
               ? OkStatus()
               : ErrnoError("rename " + from + " to " + to, errno);
  }
  Status HardLink(const std::string& from, const std::string& to) override {
    return ::link(from.c_str(), to.c_str()) == 0 ? OkStatus()
                                                 : ErrnoError("link " + from + " to " + to, errno);
  }
  Status Truncate(const std::string& path, uint64_t size) override {
    return ::truncate(path.c_str(), static_cast<off_t>(size)) == 0
               ? OkStatus()
               : ErrnoError("truncate " + path, errno);
  }

  Status SyncDir(const std::string& dir) override {
    Fd fd(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd.get() < 0) return ErrnoError("open " + dir, errno);
    return ::fsync(fd.get()) == 0 ? OkStatus() : ErrnoError("fsync " + dir, errno);
  }

  Result<DiskSpace> Space(const std::string& path) override {
    struct statvfs st;
    if (::statvfs(path.c_str(), &st) != 0) return ErrnoError("statvfs " + path, errno);
    return DiskSpace{.total_bytes = st.f_blocks * st.f_frsize,
                     .free_bytes = st.f_bavail * st.f_frsize};
  }

  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
    if (fd.get() < 0) return ErrnoError("open " + path, errno);
    // Both kinds: flock keeps out a second one of us, the record lock is what Prometheus takes.
    struct flock record {};
    record.l_type = F_WRLCK;
    record.l_whence = SEEK_SET;
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0 || ::fcntl(fd.get(), F_SETLK, &record) != 0) {
      return UnavailableError("resource temporarily unavailable (" + path + ")");
    }
    return std::unique_ptr<FileLock>(new PosixLock(std::move(fd)));
  }

 private:
  Result<std::unique_ptr<AppendFile>> OpenForAppend(const std::string& path, int flag) {
    Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | flag, 0666));
    if (fd.get() < 0) return ErrnoError("open " + path, errno);
    struct stat st;
    if (::fstat(fd.get(), &st) != 0) return ErrnoError("stat " + path, errno);
    return std::unique_ptr<AppendFile>(
        new PosixAppendFile(std::move(fd), path, static_cast<uint64_t>(st.st_size)));
  }
};

}  // namespace

FileSystem* FileSystem::Posix() {
  static PosixFileSystem fs;
  return &fs;
}

Status FileSystem::WriteFileAtomically(const std::string& path, std::string_view bytes) {
  const std::string temporary = path + ".tmp";
  ASSIGN_OR_RETURN(auto file, Create(temporary));
  RETURN_IF_ERROR(file->Append(bytes));
  RETURN_IF_ERROR(file->Sync());
  RETURN_IF_ERROR(file->Close());
  RETURN_IF_ERROR(Rename(temporary, path));
  return SyncDir(DirName(path));
}

Result<uint64_t> FileSystem::TreeSize(const std::string& dir) {
  ASSIGN_OR_RETURN(const auto names, List(dir));
  uint64_t total = 0;
  for (const std::string& name : names) {
    const std::string path = JoinPath(dir, name);
    const auto info = Stat(path);
    if (!info.ok()) continue;  // removed meanwhile
    if (!info->is_directory) {
      total += info->size_bytes;
      continue;
    }
    const auto below = TreeSize(path);
    if (below.ok()) total += *below;
  }
  return total;
}

std::string JoinPath(std::string_view dir, std::string_view name) {
  std::string out(dir);
  if (!out.empty() && out.back() != '/') out.push_back('/');
  out.append(name);
  return out;
}

std::string DirName(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return std::string(slash == 0 ? "/" : path.substr(0, slash));
}

std::string BaseName(std::string_view path) {
  const size_t slash = path.rfind('/');
  return std::string(slash == std::string_view::npos ? path : path.substr(slash + 1));
}

}  // namespace deucalion
