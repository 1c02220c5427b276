// Manifest record: u8 1, u8 state (0 live, 1 deleting), length-prefixed directory below the root.
#include "tsdb/block/block_store.h"

#include <algorithm>
#include <set>

#include "base/bytes.h"
#include "tsdb/block/block_reader.h"
#include "tsdb/compact/compactor.h"

namespace deucalion::tsdb {
namespace {

constexpr uint8_t kRecordVersion = 1;

std::string EncodeEntry(const std::string& dir, bool deleting) {
  std::string record;
  PutU8(&record, kRecordVersion);
  PutU8(&record, deleting ? 1 : 0);
  PutLengthPrefixed(&record, dir);
  return record;
}

std::string WithSuffix(const std::string& dir, std::string_view suffix) {
  return dir + std::string(suffix);
}

// "01ARZ….tmp-for-creation" -> "01ARZ…"; "" when it is no temporary block directory.
std::string UlidOfTemporary(const std::string& name) {
  const size_t at = name.find(".tmp-");
  if (at == std::string::npos || !IsUlid(name.substr(0, at))) return "";
  return name.substr(0, at);
}

}  // namespace

Result<std::unique_ptr<BlockStore>> BlockStore::Open(const BlockStoreOptions& options,
                                                     Catalog* catalog, bool rebuild) {
  BlockStoreOptions plain = options;
  while (plain.root.size() > 1 && plain.root.back() == '/') plain.root.pop_back();
  std::unique_ptr<BlockStore> store(new BlockStore(plain, catalog));
  RETURN_IF_ERROR(options.fs->CreateDirs(options.blocks_dir));
  MutexLock lock(store->commit_mu_);
  RETURN_IF_ERROR(store->ReadManifest());
  RETURN_IF_ERROR(store->FinishDeletions());
  RETURN_IF_ERROR(store->RemoveLeftovers(rebuild));
  RETURN_IF_ERROR(store->OpenListed());
  RETURN_IF_ERROR(store->Adopt().status());
  const BlockStoreFindings& f = store->findings_;
  if (f.finished + f.deleted + f.adopted + f.missing + f.unreadable > 0) {
    const bool bad = f.missing + f.unreadable > 0;
    options.log->Log(bad ? LogLevel::kError : LogLevel::kInfo, "Blocks put in order at start",
                     {{"finished", f.finished},
                      {"deleted", f.deleted},
                      {"adopted", f.adopted},
                      {"missing", f.missing},
                      {"unreadable", f.unreadable}});
  }
  return store;
}

Status BlockStore::ReadManifest() {
  bool sane = true;
  const auto read = [&](std::string_view ulid, std::string_view record) REQUIRES(commit_mu_) {
    ByteReader in(record);
    const uint8_t version = in.U8(), state = in.U8();
    const std::string dir(in.LengthPrefixed());
    sane &= in.ok() && version == kRecordVersion && IsUlid(ulid);
    entries_[std::string(ulid)] = {dir, state == 1};
    return sane;
  };
  RETURN_IF_ERROR(catalog_->Scan(Keyspace::kBlocks, "", read));
  return sane ? OkStatus() : CorruptError("block manifest: a record does not decode");
}

Status BlockStore::RemoveDir(const std::string& ulid, const std::string& dir) {
  const std::string path = Absolute(dir), going = WithSuffix(path, kDeletionSuffix);
  FileSystem* fs = options_.fs;
  if (fs->Exists(path)) {
    RETURN_IF_ERROR(fs->RemoveAll(going));
    RETURN_IF_ERROR(fs->Rename(path, going));
  }
  RETURN_IF_ERROR(fs->RemoveAll(going));
  return fs->RemoveAll(WithSuffix(path, kCreationSuffix));
}

Status BlockStore::FinishDeletions() {
  CatalogBatch gone;
  for (auto it = entries_.begin(); it != entries_.end();) {
    if (!it->second.deleting) {
      ++it;
      continue;
    }
    RETURN_IF_ERROR(RemoveDir(it->first, it->second.dir));
    gone.Delete(Keyspace::kBlocks, it->first);
    ++findings_.deleted;
    it = entries_.erase(it);
  }
  return gone.empty() ? OkStatus() : catalog_->Write(gone, true);
}

Status BlockStore::FinishCreation(const std::string& ulid, const std::string& dir) {
  const std::string path = Absolute(dir);
  RETURN_IF_ERROR(options_.fs->Rename(WithSuffix(path, kCreationSuffix), path));
  return options_.fs->SyncDir(DirName(path));
}

Status BlockStore::RemoveLeftovers(bool rebuild) {
  for (const std::string& parent : {options_.root, options_.blocks_dir}) {
    ASSIGN_OR_RETURN(const auto names, options_.fs->List(parent));
    for (const std::string& name : names) {
      const std::string ulid = UlidOfTemporary(name);
      if (ulid.empty()) continue;
      const std::string path = JoinPath(parent, name);
      const auto entry = entries_.find(ulid);
      const bool creation = name.ends_with(kCreationSuffix);
      if (creation && entry != entries_.end() && parent == options_.blocks_dir) continue;
      // Without a manifest a complete block is kept: what it holds twice is merged, what it alone
      // holds would be lost.
      if (creation && rebuild && BlockReader::Open(options_.fs, path, options_.cache).ok()) {
        RETURN_IF_ERROR(options_.fs->Rename(path, JoinPath(parent, ulid)));
        ++findings_.finished;
        continue;
      }
      RETURN_IF_ERROR(options_.fs->RemoveAll(path));
      ++findings_.deleted;
    }
  }
  return OkStatus();
}

Result<std::shared_ptr<const Block>> BlockStore::OpenBlock(const std::string& ulid,
                                                           const std::string& dir) {
  const std::string path = Absolute(dir);
  ASSIGN_OR_RETURN(const BlockMeta meta, ReadBlockMeta(options_.fs, path));
  if (meta.ulid != ulid) return CorruptError(path + ": meta.json is of block " + meta.ulid);
  std::shared_ptr<Block> block;
  if (meta.ours()) {
    ASSIGN_OR_RETURN(block, BlockReader::Open(options_.fs, path, options_.cache));
  } else {
    if (!options_.open_foreign) return UnimplementedError(path + ": foreign block");
    ASSIGN_OR_RETURN(block, options_.open_foreign(options_.fs, path));
  }
  RETURN_IF_ERROR(LoadTombstones(block.get()));
  return std::shared_ptr<const Block>(std::move(block));
}

Status BlockStore::LoadTombstones(Block* block) {
  const auto record = catalog_->Get(Keyspace::kTombstones, block->meta().ulid);
  if (!record.ok()) {
    return record.status().code() == StatusCode::kNotFound ? OkStatus() : record.status();
  }
  ASSIGN_OR_RETURN(Tombstones deleted, Tombstones::Decode(*record));
  // What the block brings along itself (Prometheus's tombstones file) stays.
  for (const auto& [series, intervals] : block->tombstones()->all()) {
    for (const TimeInterval& i : intervals) deleted.Add(series, i);
  }
  block->SetTombstones(std::move(deleted));
  return OkStatus();
}

Status BlockStore::OpenListed() {
  CatalogBatch gone;
  BlockList opened;
  for (auto it = entries_.begin(); it != entries_.end();) {
    const auto& [ulid, entry] = *it;
    const std::string path = Absolute(entry.dir);
    if (!options_.fs->Exists(path)) {
      if (options_.fs->Exists(WithSuffix(path, kCreationSuffix))) {
        RETURN_IF_ERROR(FinishCreation(ulid, entry.dir));
        ++findings_.finished;
      } else {
        options_.log->Error("Block directory is missing; its samples are lost",
                            {{"component", "tsdb"}, {"block", ulid}, {"dir", path}});
        ++findings_.missing;
        gone.Delete(Keyspace::kBlocks, ulid);
        gone.Delete(Keyspace::kTombstones, ulid);
        it = entries_.erase(it);
        continue;
      }
    }
    Result<std::shared_ptr<const Block>> block = OpenBlock(ulid, entry.dir);
    if (block.ok()) {
      opened.push_back(std::move(*block));
    } else {
      options_.log->Error("Block cannot be read; it is left alone",
                          {{"component", "tsdb"}, {"block", ulid}, {"err", block.status()}});
      ++findings_.unreadable;
    }
    ++it;
  }
  Publish(opened, {});
  return gone.empty() ? OkStatus() : catalog_->Write(gone, true);
}

std::vector<std::string> BlockStore::ForeignDirs() {
  std::vector<std::string> dirs;
  for (const std::string& parent : {options_.root, options_.blocks_dir}) {
    const auto names = options_.fs->List(parent);
    if (!names.ok()) continue;
    for (const std::string& name : *names) {
      if (!IsUlid(name) || entries_.contains(name)) continue;
      if (!options_.fs->Exists(JoinPath(JoinPath(parent, name), kMetaFile))) continue;
      const std::string path = JoinPath(parent, name);
      dirs.push_back(path.substr(options_.root.size() + 1));
    }
  }
  return dirs;
}

Result<uint64_t> BlockStore::Adopt() {
  BlockList found;
  std::map<std::string, std::string> dirs;
  for (const std::string& dir : ForeignDirs()) {
    const std::string ulid = BaseName(dir);
    Result<std::shared_ptr<const Block>> block = OpenBlock(ulid, dir);
    if (!block.ok()) {
      // A copy may still be under way: it is looked at again.
      options_.log->Warn("Block directory cannot be read yet",
                         {{"component", "tsdb"}, {"dir", dir}, {"err", block.status()}});
      continue;
    }
    dirs[ulid] = dir;
    found.push_back(std::move(*block));
  }
  if (found.empty()) return uint64_t{0};
  // A block that another one replaces must not come back.
  std::set<std::string> superseded;
  for (const auto& list : {found, *List()}) {
    for (const auto& block : list) {
      for (const BlockParent& p : block->meta().parents) {
        if (p.ulid != block->meta().ulid) superseded.insert(p.ulid);
      }
    }
  }
  CatalogBatch batch;
  BlockList adopted;
  for (const auto& block : found) {
    const std::string& ulid = block->meta().ulid;
    if (superseded.contains(ulid)) {
      RETURN_IF_ERROR(RemoveDir(ulid, dirs[ulid]));
      ++findings_.deleted;
      continue;
    }
    batch.Put(Keyspace::kBlocks, ulid, EncodeEntry(dirs[ulid], false));
    adopted.push_back(block);
  }
  if (adopted.empty()) return uint64_t{0};
  RETURN_IF_ERROR(WriteBatch(batch, {}));
  for (const auto& block : adopted)
    entries_[block->meta().ulid] = {dirs[block->meta().ulid], false};
  findings_.adopted += adopted.size();
  Publish(adopted, {});
  return uint64_t{adopted.size()};
}

Result<uint64_t> BlockStore::AdoptForeign() {
  MutexLock lock(commit_mu_);
  RETURN_IF_ERROR(Unwind());
  return Adopt();
}

std::shared_ptr<const BlockList> BlockStore::List() const {
  MutexLock lock(mu_);
  return list_;
}

void BlockStore::Publish(const BlockList& added, const std::vector<std::string>& removed) {
  MutexLock lock(mu_);
  auto next = std::make_shared<BlockList>();
  for (const auto& block : *list_) {
    if (std::find(removed.begin(), removed.end(), block->meta().ulid) == removed.end()) {
      next->push_back(block);
    }
  }
  next->insert(next->end(), added.begin(), added.end());
  std::sort(next->begin(), next->end(), [](const auto& a, const auto& b) {
    return std::tie(a->meta().min_ms, a->meta().ulid) < std::tie(b->meta().min_ms, b->meta().ulid);
  });
  list_ = std::move(next);
  ++version_;
}

std::string BlockStore::CreationDir(const std::string& ulid) const {
  return WithSuffix(JoinPath(options_.blocks_dir, ulid), kCreationSuffix);
}

Result<CatalogBatch> BlockStore::OppositeOf(const CatalogBatch& batch) {
  CatalogBatch opposite;
  for (const CatalogBatch::Change& c : batch.changes()) {
    const auto old = catalog_->Get(c.space, c.key);
    if (old.ok()) {
      opposite.Put(c.space, c.key, *old);
    } else if (old.status().code() == StatusCode::kNotFound) {
      opposite.Delete(c.space, c.key);
    } else {
      return old.status();
    }
  }
  return opposite;
}

Status BlockStore::WriteBatch(const CatalogBatch& batch, std::vector<std::string> leftovers) {
  RETURN_IF_ERROR(Unwind());
  ASSIGN_OR_RETURN(CatalogBatch opposite, OppositeOf(batch));
  Status status = catalog_->Write(batch, true);
  if (!status.ok()) {
    opposite_ = std::move(opposite);
    leftovers_ = std::move(leftovers);
  }
  return status;
}

Status BlockStore::Unwind() {
  if (opposite_.empty()) return OkStatus();
  RETURN_IF_ERROR(catalog_->Write(opposite_, true).WithContext("undo a failed change of blocks"));
  opposite_.Clear();
  for (const std::string& dir : leftovers_) (void)options_.fs->RemoveAll(dir);
  leftovers_.clear();
  return OkStatus();
}

// Below the root.
std::string BlockStore::OwnDir(const std::string& ulid) const {
  return JoinPath(options_.blocks_dir, ulid).substr(options_.root.size() + 1);
}

Result<CatalogBatch> BlockStore::MakeBatch(const std::vector<BlockMeta>& added,
                                           const std::vector<RemovedBlock>& removed) {
  CatalogBatch batch;
  for (const BlockMeta& meta : added) {
    batch.Put(Keyspace::kBlocks, meta.ulid, EncodeEntry(OwnDir(meta.ulid), false));
  }
  const auto list = List();
  for (const RemovedBlock& gone : removed) {
    const auto entry = entries_.find(gone.ulid);
    if (entry == entries_.end()) {
      return NotFoundError("block " + gone.ulid + " is not in the manifest");
    }
    for (const auto& block : *list) {
      if (block->meta().ulid == gone.ulid && gone.tombstones != nullptr &&
          block->tombstones() != gone.tombstones) {
        return UnavailableError("block " + gone.ulid + " got deletions while it was compacted");
      }
    }
    batch.Put(Keyspace::kBlocks, gone.ulid, EncodeEntry(entry->second.dir, true));
    batch.Delete(Keyspace::kTombstones, gone.ulid);
  }
  return batch;
}

Status BlockStore::OpenAdded(const std::vector<BlockMeta>& added, BlockList* opened) {
  Status late;
  for (const BlockMeta& meta : added) {
    const std::string dir = OwnDir(meta.ulid);
    entries_[meta.ulid] = {dir, false};
    Status renamed = FinishCreation(meta.ulid, dir);
    // Readable under either name: a mapping does not care.
    const std::string now =
        options_.fs->Exists(Absolute(dir)) ? dir : WithSuffix(dir, kCreationSuffix);
    Result<std::shared_ptr<const Block>> block = OpenBlock(meta.ulid, now);
    if (block.ok()) opened->push_back(std::move(*block));
    if (late.ok()) late = block.ok() ? std::move(renamed) : block.TakeStatus();
  }
  return late;
}

Status BlockStore::Unlink(const std::vector<RemovedBlock>& removed) {
  Status late;
  CatalogBatch done;
  for (const RemovedBlock& gone : removed) {
    Status status = RemoveDir(gone.ulid, entries_[gone.ulid].dir);
    if (status.ok()) {
      done.Delete(Keyspace::kBlocks, gone.ulid);
      entries_.erase(gone.ulid);
      continue;
    }
    entries_[gone.ulid].deleting = true;
    if (late.ok()) late = std::move(status);
  }
  // Not worth a sync: a start that still finds the mark deletes what is already gone.
  Status status = done.empty() ? OkStatus() : catalog_->Write(done, false);
  return late.ok() ? status : late;
}

Status BlockStore::Commit(const std::vector<BlockMeta>& added,
                          const std::vector<RemovedBlock>& removed, const CatalogBatch& extra) {
  MutexLock lock(commit_mu_);
  ASSIGN_OR_RETURN(CatalogBatch batch, MakeBatch(added, removed));
  for (const CatalogBatch::Change& c : extra.changes()) {
    if (c.is_delete) {
      batch.Delete(c.space, c.key);
    } else {
      batch.Put(c.space, c.key, c.value);
    }
  }
  std::vector<std::string> leftovers, ulids;
  for (const BlockMeta& meta : added) leftovers.push_back(CreationDir(meta.ulid));
  for (const RemovedBlock& gone : removed) ulids.push_back(gone.ulid);
  RETURN_IF_ERROR(WriteBatch(batch, std::move(leftovers)));

  // From here on the change has happened: what fails now is finished at the next start.
  BlockList opened;
  Status late = OpenAdded(added, &opened);
  Publish(opened, ulids);
  const Status unlinked = Unlink(removed);
  if (late.ok()) late = unlinked;
  if (!late.ok()) {
    options_.log->Warn("Change of blocks is committed but not finished; the next start does that",
                       {{"component", "tsdb"}, {"err", late}});
  }
  // A new block that cannot be opened would be a hole in every answer.
  return opened.size() == added.size() ? OkStatus() : late;
}

Status BlockStore::SetTombstones(const std::vector<std::pair<std::string, Tombstones>>& changed) {
  MutexLock lock(commit_mu_);
  CatalogBatch batch;
  for (const auto& [ulid, deleted] : changed) {
    if (!entries_.contains(ulid)) return NotFoundError("block " + ulid + " is not in the manifest");
    batch.Put(Keyspace::kTombstones, ulid, deleted.Encode());
  }
  RETURN_IF_ERROR(WriteBatch(batch, {}));
  const auto list = List();
  for (const auto& block : *list) {
    for (const auto& [ulid, deleted] : changed) {
      if (block->meta().ulid == ulid) std::const_pointer_cast<Block>(block)->SetTombstones(deleted);
    }
  }
  ++version_;
  return OkStatus();
}

}  // namespace deucalion::tsdb
