#include "tsdb/catalog/catalog.h"

#include <map>

#include "base/thread_annotations.h"
#include "tsdb/catalog/rocks_catalog.h"

namespace deucalion::tsdb {
namespace {

Result<Keyspace> StateSpace(std::string_view name) {
  if (name == "rules") return Keyspace::kRules;
  if (name == "cursors") return Keyspace::kCursors;
  return InvalidArgumentError("state store: unknown space \"" + std::string(name) + "\"");
}

class MemoryCatalog : public Catalog {
 public:
  Status Write(const CatalogBatch& batch, bool sync) override EXCLUDES(mu_) {
    MutexLock lock(mu_);
    for (const CatalogBatch::Change& c : batch.changes()) {
      if (c.is_delete) {
        spaces_[c.space].erase(c.key);
      } else {
        spaces_[c.space][c.key] = c.value;
      }
    }
    return OkStatus();
  }
  Result<std::string> Get(Keyspace space, std::string_view key) override EXCLUDES(mu_) {
    MutexLock lock(mu_);
    const auto it = spaces_[space].find(key);
    if (it == spaces_[space].end()) return NotFoundError("catalog: no such key");
    return it->second;
  }
  Status Scan(Keyspace space, std::string_view from, const CatalogVisitor& visit) override
      EXCLUDES(mu_) {
    Entries copy;
    {
      MutexLock lock(mu_);
      copy = spaces_[space];
    }
    for (auto it = copy.lower_bound(from); it != copy.end(); ++it) {
      if (!visit(it->first, it->second)) break;
    }
    return OkStatus();
  }
  uint64_t MemoryBytes() override { return 0; }

 private:
  using Entries = std::map<std::string, std::string, std::less<>>;
  Mutex mu_;
  std::map<Keyspace, Entries> spaces_ GUARDED_BY(mu_);
};

}  // namespace

std::unique_ptr<Catalog> Catalog::InMemory() { return std::make_unique<MemoryCatalog>(); }

Result<std::unique_ptr<Catalog>> Catalog::Open(FileSystem* fs, const std::string& dir,
                                               Logger* log) {
  return OpenRocksCatalog(fs, dir, log);
}

Result<std::unique_ptr<Catalog>> Catalog::OpenOrRebuild(FileSystem* fs, const std::string& dir,
                                                        Logger* log, bool* fresh) {
  *fresh = !fs->Exists(JoinPath(dir, "CURRENT"));
  Result<std::unique_ptr<Catalog>> catalog = Open(fs, dir, log);
  if (catalog.ok() || catalog.status().code() != StatusCode::kCorrupt) return catalog;
  int n = 1;
  while (fs->Exists(dir + ".damaged-" + std::to_string(n))) ++n;
  const std::string aside = dir + ".damaged-" + std::to_string(n);
  log->Error("Catalog is damaged; moved aside and rebuilt from blocks, checkpoint and WAL",
             {{"dir", dir}, {"moved_to", aside}, {"err", catalog.status()}});
  RETURN_IF_ERROR(fs->Rename(dir, aside));
  *fresh = true;
  return Open(fs, dir, log);
}

Status Catalog::Put(std::string_view space, std::string_view key, std::string_view value) {
  ASSIGN_OR_RETURN(const Keyspace keyspace, StateSpace(space));
  CatalogBatch batch;
  batch.Put(keyspace, key, value);
  return Write(batch, true);
}

Status Catalog::PutUnsynced(std::string_view space, std::string_view key, std::string_view value) {
  ASSIGN_OR_RETURN(const Keyspace keyspace, StateSpace(space));
  CatalogBatch batch;
  batch.Put(keyspace, key, value);
  return Write(batch, false);
}

Result<std::string> Catalog::Get(std::string_view space, std::string_view key) {
  ASSIGN_OR_RETURN(const Keyspace keyspace, StateSpace(space));
  return Get(keyspace, key);
}

Status Catalog::Delete(std::string_view space, std::string_view key) {
  ASSIGN_OR_RETURN(const Keyspace keyspace, StateSpace(space));
  CatalogBatch batch;
  batch.Delete(keyspace, key);
  return Write(batch, true);
}

Status Catalog::Scan(std::string_view space, const CatalogVisitor& visit) {
  ASSIGN_OR_RETURN(const Keyspace keyspace, StateSpace(space));
  return Scan(keyspace, "", visit);
}

}  // namespace deucalion::tsdb
