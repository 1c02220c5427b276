// File discovery: groups from JSON and YAML files named by globs. A thread watches the directories
// with inotify and re-reads everything when anything in them changes, and every refresh interval in
// case an event got lost. A file that does not parse keeps its last good groups.
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <set>
#include <thread>

#include "base/file_system.h"
#include "scrape/discovery/discoverer.h"
#include "scrape/discovery/group_text.h"

namespace deucalion::scrape {
namespace {

// Writers touch a file several times: one re-reading for the burst.
constexpr int kSettleMs = 50;
// More than any sensible list of targets; a file this large is a mistake.
constexpr uint64_t kMaxFileBytes = 256 << 20;

std::vector<std::string> ExpandGlob(const std::string& pattern) {
  glob_t found{};
  std::vector<std::string> paths;
  if (glob(pattern.c_str(), 0, nullptr, &found) == 0) {
    paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  globfree(&found);
  return paths;
}

class FileDiscoverer final : public Discoverer {
 public:
  FileDiscoverer(FileSdConfig config, const DiscoveryServices& services)
      : config_(std::move(config)), services_(services) {}

  ~FileDiscoverer() override {
    if (thread_.joinable()) {
      const uint64_t one = 1;
      [[maybe_unused]] const ssize_t n = write(stop_fd_, &one, sizeof(one));
      thread_.join();
    }
    for (const auto& [file, count] : last_) services_.metrics->file_mtime->Remove({file});
    if (watch_fd_ >= 0) close(watch_fd_);
    if (stop_fd_ >= 0) close(stop_fd_);
  }

  void Start(UpdateSink sink) override {
    sink_ = std::move(sink);
    stop_fd_ = eventfd(0, EFD_CLOEXEC);
    watch_fd_ = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (watch_fd_ < 0) {
      services_.metrics->file_watcher_errors->Increment();
      services_.log->Error("Error adding file watcher",
                           {{"err", ErrnoError("inotify_init", errno)}});
    }
    thread_ = std::thread([this] { Run(); });
  }

 private:
  void Run() {
    pthread_setname_np(pthread_self(), "file-discovery");
    for (;;) {
      Watch();
      Refresh();
      if (!WaitForChange()) return;
    }
  }

  // False when stopping.
  bool WaitForChange() {
    const int64_t begin_ns = Clock::Real()->MonotonicNs();
    for (;;) {
      const int64_t passed_ms = (Clock::Real()->MonotonicNs() - begin_ns) / 1'000'000;
      const int64_t left_ms = config_.refresh_interval_ms - passed_ms;
      if (left_ms <= 0) return true;
      const int wait_ms = static_cast<int>(std::min<int64_t>(left_ms, INT32_MAX));
      if (Poll(wait_ms)) return false;
      if (!DrainEvents()) continue;
      if (Poll(kSettleMs, /*watch=*/false)) return false;
      DrainEvents();
      return true;
    }
  }

  // True when asked to stop.
  bool Poll(int wait_ms, bool watch = true) const {
    std::array<pollfd, 2> fds = {{{stop_fd_, POLLIN, 0}, {watch ? watch_fd_ : -1, POLLIN, 0}}};
    poll(fds.data(), fds.size(), wait_ms);
    return fds[0].revents != 0;
  }

  // Whether anything but attributes changed.
  bool DrainEvents() const {
    alignas(inotify_event) std::array<char, 4096> buffer{};
    bool any = false;
    while (watch_fd_ >= 0 && read(watch_fd_, buffer.data(), buffer.size()) > 0) any = true;
    return any;
  }

  // Again before each refresh: directories come and go.
  void Watch() {
    if (watch_fd_ < 0) return;
    std::set<std::string> dirs;
    for (const std::string& file : config_.files) dirs.insert(DirName(file));
    constexpr uint32_t kEvents = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM |
                                 IN_MOVED_TO | IN_MODIFY | IN_DELETE_SELF | IN_MOVE_SELF;
    for (const std::string& dir : dirs) {
      if (inotify_add_watch(watch_fd_, dir.c_str(), kEvents) >= 0) continue;
      services_.metrics->file_watcher_errors->Increment();
      services_.log->Error("Error adding file watch",
                           {{"path", dir}, {"err", ErrnoError("inotify_add_watch", errno)}});
    }
  }

  void Refresh() {
    const int64_t begin_ns = Clock::Real()->MonotonicNs();
    std::map<std::string, size_t> now;
    for (const std::string& pattern : config_.files) {
      for (const std::string& path : ExpandGlob(pattern)) {
        Result<std::vector<TargetGroup>> groups = Read(path);
        if (groups.ok()) {
          now[path] = groups->size();
          sink_(*std::move(groups));
          continue;
        }
        services_.metrics->file_read_errors->Increment();
        services_.log->Error("Error reading file", {{"path", path}, {"err", groups.status()}});
        const auto known = last_.find(path);
        now[path] = known == last_.end() ? 0 : known->second;  // not to be taken for deleted
      }
    }
    RemoveVanished(now);
    last_ = std::move(now);
    services_.metrics->file_scan_duration->Observe(
        static_cast<double>(Clock::Real()->MonotonicNs() - begin_ns) / 1e9);
  }

  void RemoveVanished(const std::map<std::string, size_t>& now) {
    for (const auto& [path, count] : last_) {
      const auto it = now.find(path);
      const size_t left = it == now.end() ? 0 : it->second;
      if (it == now.end()) services_.metrics->file_mtime->Remove({path});
      for (size_t i = left; i < count; ++i) sink_({TargetGroup{.source = SourceOf(path, i)}});
    }
  }

  Result<std::vector<TargetGroup>> Read(const std::string& path) const {
    ASSIGN_OR_RETURN(const FileInfo info, FileSystem::Posix()->Stat(path));
    if (info.size_bytes > kMaxFileBytes) return ResourceExhaustedError("file too large");
    ASSIGN_OR_RETURN(const std::string text, FileSystem::Posix()->ReadFile(path));
    std::string extension = path.substr(path.rfind('.') + 1);
    std::ranges::transform(extension, extension.begin(),
                           [](unsigned char c) { return std::tolower(c); });
    ASSIGN_OR_RETURN(std::vector<TargetGroup> groups,
                     extension == "json" ? ParseGroupsJson(text) : ParseGroupsYaml(text));
    for (size_t i = 0; i < groups.size(); ++i) {
      groups[i].source = SourceOf(path, i);
      groups[i].labels["__meta_filepath"] = path;
    }
    services_.metrics->file_mtime->With({path})->Set(static_cast<double>(info.mtime_ms / 1000));
    return groups;
  }

  static std::string SourceOf(const std::string& path, size_t i) {
    return path + ":" + std::to_string(i);
  }

  const FileSdConfig config_;
  const DiscoveryServices services_;
  UpdateSink sink_;
  int watch_fd_ = -1;
  int stop_fd_ = -1;
  std::map<std::string, size_t> last_;  // groups by file
  std::thread thread_;
};

}  // namespace

std::unique_ptr<Discoverer> NewFileDiscoverer(const FileSdConfig& config,
                                              const DiscoveryServices& services) {
  return std::make_unique<FileDiscoverer>(config, services);
}

}  // namespace deucalion::scrape
