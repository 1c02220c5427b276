#include "base/fault_file_system.h"

#include <algorithm>
#include <utility>

namespace deucalion {

class FaultAppendFile : public AppendFile {
 public:
  FaultAppendFile(FaultFileSystem* fs, std::string path, std::unique_ptr<AppendFile> real)
      : fs_(fs), path_(std::move(path)), real_(std::move(real)) {}

  Status Append(std::string_view bytes) override {
    Status fault = fs_->Step(path_);
    if (fault.ok()) return real_->Append(bytes);
    if (fs_->tear()) (void)real_->Append(bytes.substr(0, bytes.size() / 2));
    return fault;
  }
  Status Sync() override {
    RETURN_IF_ERROR(fs_->Step(path_, /*is_sync=*/true));
    RETURN_IF_ERROR(real_->Sync());
    fs_->NoteSize(path_, real_->size_bytes());
    return OkStatus();
  }
  Status Close() override {
    RETURN_IF_ERROR(fs_->Step(path_));
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
    Status fault = fs_->Step(path_);
    if (fault.ok()) return real_->WriteAt(offset, bytes);
    if (fs_->tear()) (void)real_->WriteAt(offset, bytes.substr(0, bytes.size() / 2));
    return fault;
  }
  Result<std::string> ReadAt(uint64_t offset, size_t n) const override {
    return real_->ReadAt(offset, n);
  }
  Status Allocate(uint64_t size) override {
    RETURN_IF_ERROR(fs_->Step(path_));
    return real_->Allocate(size);
  }
  Status Sync() override {
    RETURN_IF_ERROR(fs_->Step(path_, /*is_sync=*/true));
    return real_->Sync();
  }
  Status Close() override {
    RETURN_IF_ERROR(fs_->Step(path_));
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

Status FaultFileSystem::Step(const std::string& path, bool is_sync) {
  MutexLock lock(mu_);
  if (path.find(plan_.path_contains) == std::string::npos) return OkStatus();
  if (plan_.syncs_only && !is_sync) return OkStatus();
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

void FaultFileSystem::NoteName(std::string from, std::string to) {
  MutexLock lock(mu_);
  unsynced_names_.push_back({std::move(from), std::move(to)});
}

Result<std::unique_ptr<AppendFile>> FaultFileSystem::OpenAppending(const std::string& path,
                                                                   bool truncate) {
  RETURN_IF_ERROR(Step(path));
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
  if (is_new) RETURN_IF_ERROR(Step(path));
  ASSIGN_OR_RETURN(auto file, real_->OpenRandom(path));
  if (is_new) NoteName("", path);
  return std::unique_ptr<RandomFile>(new FaultRandomFile(this, path, std::move(file)));
}

Status FaultFileSystem::CreateDirs(const std::string& dir) {
  if (real_->Exists(dir)) return OkStatus();
  RETURN_IF_ERROR(Step(dir));
  return real_->CreateDirs(dir);
}

Status FaultFileSystem::Remove(const std::string& path) {
  RETURN_IF_ERROR(Step(path));
  MutexLock lock(mu_);
  synced_size_.erase(path);
  std::erase_if(unsynced_names_, [&](const NameChange& c) { return c.to == path; });
  return real_->Remove(path);
}

Status FaultFileSystem::RemoveAll(const std::string& path) {
  RETURN_IF_ERROR(Step(path));
  {
    MutexLock lock(mu_);
    const auto below = [&](const std::string& p) { return p == path || p.starts_with(path + "/"); };
    std::erase_if(synced_size_, [&](const auto& entry) { return below(entry.first); });
    std::erase_if(unsynced_names_, [&](const NameChange& c) { return below(c.to); });
  }
  return real_->RemoveAll(path);
}

Status FaultFileSystem::Rename(const std::string& from, const std::string& to) {
  RETURN_IF_ERROR(Step(to));
  const bool replaced = real_->Exists(to);
  RETURN_IF_ERROR(real_->Rename(from, to));
  MutexLock lock(mu_);
  std::map<std::string, uint64_t> moved;
  for (auto it = synced_size_.begin(); it != synced_size_.end();) {
    const std::string& path = it->first;
    if (path == from || path.starts_with(from + "/")) {
      moved[to + path.substr(from.size())] = it->second;
      it = synced_size_.erase(it);
    } else {
      ++it;
    }
  }
  for (const auto& [path, size] : moved) synced_size_[path] = size;
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
  RETURN_IF_ERROR(Step(to));
  RETURN_IF_ERROR(real_->HardLink(from, to));
  NoteName("", to);
  return OkStatus();
}

Status FaultFileSystem::Truncate(const std::string& path, uint64_t size) {
  RETURN_IF_ERROR(Step(path));
  return real_->Truncate(path, size);
}

Status FaultFileSystem::SyncDir(const std::string& dir) {
  RETURN_IF_ERROR(Step(dir, /*is_sync=*/true));
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
