#include "base/fault_file_system.h"

#include <algorithm>
#include <type_traits>
#include <utility>

namespace deucalion {

class FaultAppendFile : public AppendFile {
 public:
  FaultAppendFile(FaultFileSystem* fs, std::string path, std::unique_ptr<AppendFile> real)
      : fs_(fs), path_(std::move(path)), real_(std::move(real)) {}

  Status Append(std::string_view bytes) override {
    Status fault = fs_->Step(path_, FaultFileSystem::Kind::kWrite);
    if (fault.ok()) return real_->Append(bytes);
    if (fs_->tear()) (void)real_->Append(bytes.substr(0, bytes.size() / 2));
    return fault;
  }
  Status Sync() override {
    Status fault = fs_->Step(path_, FaultFileSystem::Kind::kSync);
    if (!fault.ok()) {
      fs_->NoteLost(path_, real_->size_bytes());
      return fault;
    }
    RETURN_IF_ERROR(real_->Sync());
    fs_->NoteSize(path_, real_->size_bytes());
    return OkStatus();
  }
  Status Close() override {
    RETURN_IF_ERROR(fs_->Step(path_, FaultFileSystem::Kind::kOther));
    return real_->Close();
  }
  uint64_t size_bytes() const override { return real_->size_bytes(); }

 private:
  FaultFileSystem* const fs_;
  const std::string path_;
  const std::unique_ptr<AppendFile> real_;
};

class FaultRandomFile : public RandomFile {
 public:
  FaultRandomFile(FaultFileSystem* fs, std::string path, std::unique_ptr<RandomFile> real)
      : fs_(fs), path_(std::move(path)), real_(std::move(real)) {}

  Status WriteAt(uint64_t offset, std::string_view bytes) override {
    Status fault = fs_->Step(path_, FaultFileSystem::Kind::kWrite);
    if (!fault.ok() && !fs_->tear()) return fault;
    if (!fault.ok()) bytes = bytes.substr(0, bytes.size() / 2);
    fs_->NoteWritten(path_, {offset, offset + bytes.size()});
    Status written = real_->WriteAt(offset, bytes);
    return fault.ok() ? written : fault;
  }
  Result<std::string> ReadAt(uint64_t offset, size_t n) const override {
    return real_->ReadAt(offset, n);
  }
  Status Allocate(uint64_t size) override {
    RETURN_IF_ERROR(fs_->Step(path_, FaultFileSystem::Kind::kWrite));
    return real_->Allocate(size);
  }
  Status Sync() override {
    Status fault = fs_->Step(path_, FaultFileSystem::Kind::kSync);
    if (!fault.ok()) {
      fs_->NoteLostRanges(path_);
      return fault;
    }
    RETURN_IF_ERROR(real_->Sync());
    fs_->NoteSyncedRanges(path_);
    return OkStatus();
  }
  Status Close() override {
    RETURN_IF_ERROR(fs_->Step(path_, FaultFileSystem::Kind::kOther));
    return real_->Close();
  }

 private:
  FaultFileSystem* const fs_;
  const std::string path_;
  const std::unique_ptr<RandomFile> real_;
};

void FaultFileSystem::SetPlan(FaultPlan plan) {
  MutexLock lock(mu_);
  plan_ = std::move(plan);
  steps_ = 0;
  fired_ = false;
}

uint64_t FaultFileSystem::steps() const {
  MutexLock lock(mu_);
  return steps_;
}

bool FaultFileSystem::fired() const {
  MutexLock lock(mu_);
  return fired_;
}

bool FaultFileSystem::tear() const {
  MutexLock lock(mu_);
  // Only the failing step tears; after a crash nothing reaches the disk.
  return plan_.tear && steps_ == plan_.fail_at;
}

Status FaultFileSystem::Step(const std::string& path, Kind kind) {
  MutexLock lock(mu_);
  if (path.find(plan_.path_contains) == std::string::npos) return OkStatus();
  if (plan_.syncs_only && kind != Kind::kSync) return OkStatus();
  if (plan_.writes_only && kind != Kind::kWrite) return OkStatus();
  steps_++;
  if (plan_.fail_at == 0 || steps_ < plan_.fail_at) return OkStatus();
  if (steps_ > plan_.fail_at && !plan_.crash) return OkStatus();
  fired_ = true;
  return ErrnoError("injected fault: " + path, plan_.error_number);
}

void FaultFileSystem::NoteSize(const std::string& path, uint64_t synced_size) {
  MutexLock lock(mu_);
  synced_size_[path] = synced_size;
}

void FaultFileSystem::NoteLost(const std::string& path, uint64_t size) {
  MutexLock lock(mu_);
  const auto synced = synced_size_.find(path);
  if (synced != synced_size_.end() && synced->second < size) {
    lost_ranges_[path].push_back({synced->second, size});
  }
}

void FaultFileSystem::NoteWritten(const std::string& path, Range range) {
  MutexLock lock(mu_);
  unsynced_ranges_[path].push_back(range);
}

void FaultFileSystem::NoteSyncedRanges(const std::string& path) {
  MutexLock lock(mu_);
  unsynced_ranges_.erase(path);
}

void FaultFileSystem::NoteLostRanges(const std::string& path) {
  MutexLock lock(mu_);
  auto& lost = lost_ranges_[path];
  const auto& unsynced = unsynced_ranges_[path];
  lost.insert(lost.end(), unsynced.begin(), unsynced.end());
  unsynced_ranges_.erase(path);
}

void FaultFileSystem::NoteName(std::string from, std::string to) {
  MutexLock lock(mu_);
  unsynced_names_.push_back({std::move(from), std::move(to)});
}

Result<std::unique_ptr<AppendFile>> FaultFileSystem::OpenAppending(const std::string& path,
                                                                   bool truncate) {
  RETURN_IF_ERROR(Step(path, Kind::kWrite));
  const auto before = real_->Stat(path);
  ASSIGN_OR_RETURN(auto file, truncate ? real_->Create(path) : real_->OpenAppend(path));
  if (!before.ok()) NoteName("", path);
  {
    MutexLock lock(mu_);
    if (truncate || !before.ok()) {
      synced_size_[path] = 0;
    } else {
      synced_size_.emplace(path, before->size_bytes);
    }
  }
  return std::unique_ptr<AppendFile>(new FaultAppendFile(this, path, std::move(file)));
}

Result<std::unique_ptr<AppendFile>> FaultFileSystem::Create(const std::string& path) {
  return OpenAppending(path, true);
}
Result<std::unique_ptr<AppendFile>> FaultFileSystem::OpenAppend(const std::string& path) {
  return OpenAppending(path, false);
}

Result<std::unique_ptr<RandomFile>> FaultFileSystem::OpenRandom(const std::string& path) {
  const bool is_new = !real_->Exists(path);
  if (is_new) RETURN_IF_ERROR(Step(path, Kind::kWrite));
  ASSIGN_OR_RETURN(auto file, real_->OpenRandom(path));
  if (is_new) NoteName("", path);
  return std::unique_ptr<RandomFile>(new FaultRandomFile(this, path, std::move(file)));
}

Status FaultFileSystem::CreateDirs(const std::string& dir) {
  if (real_->Exists(dir)) return OkStatus();
  RETURN_IF_ERROR(Step(dir, Kind::kWrite));
  return real_->CreateDirs(dir);
}

Status FaultFileSystem::Remove(const std::string& path) {
  RETURN_IF_ERROR(Step(path, Kind::kOther));
  MutexLock lock(mu_);
  synced_size_.erase(path);
  unsynced_ranges_.erase(path);
  lost_ranges_.erase(path);
  std::erase_if(unsynced_names_, [&](const NameChange& c) { return c.to == path; });
  return real_->Remove(path);
}

Status FaultFileSystem::RemoveAll(const std::string& path) {
  RETURN_IF_ERROR(Step(path, Kind::kOther));
  {
    MutexLock lock(mu_);
    const auto below = [&](const std::string& p) { return p == path || p.starts_with(path + "/"); };
    const auto entry_below = [&](const auto& entry) { return below(entry.first); };
    std::erase_if(synced_size_, entry_below);
    std::erase_if(unsynced_ranges_, entry_below);
    std::erase_if(lost_ranges_, entry_below);
    std::erase_if(unsynced_names_, [&](const NameChange& c) { return below(c.to); });
  }
  return real_->RemoveAll(path);
}

Status FaultFileSystem::Rename(const std::string& from, const std::string& to) {
  RETURN_IF_ERROR(Step(to, Kind::kOther));
  const bool replaced = real_->Exists(to);
  RETURN_IF_ERROR(real_->Rename(from, to));
  MutexLock lock(mu_);
  const auto move = [&](auto* by_path) {
    std::remove_reference_t<decltype(*by_path)> moved;
    for (auto it = by_path->begin(); it != by_path->end();) {
      const std::string& path = it->first;
      if (path == from || path.starts_with(from + "/")) {
        moved[to + path.substr(from.size())] = it->second;
        it = by_path->erase(it);
      } else {
        ++it;
      }
    }
    for (const auto& [path, value] : moved) (*by_path)[path] = value;
  };
  move(&synced_size_);
  move(&unsynced_ranges_);
  move(&lost_ranges_);
  // Names created below the moved directory move with it.
  for (NameChange& c : unsynced_names_) {
    if (c.to.starts_with(from + "/")) c.to = to + c.to.substr(from.size());
  }
  if (!replaced) {
    unsynced_names_.push_back({from, to});
    return OkStatus();
  }
  // A replaced target cannot be brought back: such a rename counts as durable, and with it, as
  // journals keep their order, every earlier change of names in the directory.
  std::erase_if(unsynced_names_, [&](const NameChange& c) { return DirName(c.to) == DirName(to); });
  return OkStatus();
}

Status FaultFileSystem::HardLink(const std::string& from, const std::string& to) {
  RETURN_IF_ERROR(Step(to, Kind::kOther));
  RETURN_IF_ERROR(real_->HardLink(from, to));
  NoteName("", to);
  return OkStatus();
}

Status FaultFileSystem::Truncate(const std::string& path, uint64_t size) {
  RETURN_IF_ERROR(Step(path, Kind::kOther));
  return real_->Truncate(path, size);
}

Status FaultFileSystem::SyncDir(const std::string& dir) {
  RETURN_IF_ERROR(Step(dir, Kind::kSync));
  MutexLock lock(mu_);
  std::erase_if(unsynced_names_, [&](const NameChange& c) { return DirName(c.to) == dir; });
  return real_->SyncDir(dir);
}

Status FaultFileSystem::DropUnsynced() {
  MutexLock lock(mu_);
  for (const auto& [path, size] : synced_size_) {
    const auto info = real_->Stat(path);
    if (info.ok() && info->size_bytes > size) RETURN_IF_ERROR(real_->Truncate(path, size));
  }
  synced_size_.clear();
  for (auto* by_path : {&unsynced_ranges_, &lost_ranges_}) {
    for (const auto& [path, ranges] : *by_path) {
      const auto info = real_->Stat(path);
      if (!info.ok()) continue;
      ASSIGN_OR_RETURN(const auto file, real_->OpenRandom(path));
      for (const Range& r : ranges) {
        const uint64_t end = std::min(r.end, info->size_bytes);
        if (r.begin >= end) continue;
        RETURN_IF_ERROR(file->WriteAt(r.begin, std::string(end - r.begin, '\0')));
      }
      RETURN_IF_ERROR(file->Close());
    }
    by_path->clear();
  }
  for (auto change = unsynced_names_.rbegin(); change != unsynced_names_.rend(); ++change) {
    if (!real_->Exists(change->to)) continue;
    if (change->from.empty()) {
      RETURN_IF_ERROR(real_->RemoveAll(change->to));
    } else {
      RETURN_IF_ERROR(real_->Rename(change->to, change->from));
    }
  }
  unsynced_names_.clear();
  return OkStatus();
}

}  // namespace deucalion
