#include "server/tool/tsdb_copy.h"

#include <chrono>
#include <cstdlib>
#include <string_view>
#include <thread>

#include "server/tool/tsdb_blocks.h"

namespace deucalion::tool {
namespace {

// With a pause that doubles from 1 ms, a second in all: what disturbs a copy (a checkpoint, a cut)
// is over by then.
constexpr int kAttempts = 10;
constexpr std::string_view kSandbox = "tmp_dbro_sandbox";

FileSystem* Fs() { return FileSystem::Posix(); }

Status CopyFile(const std::string& from, const std::string& to) {
  ASSIGN_OR_RETURN(const auto map, Fs()->Map(from));
  ASSIGN_OR_RETURN(const auto file, Fs()->Create(to));
  RETURN_IF_ERROR(file->Append(map->bytes()));
  return file->Close();
}

// The files of a tree, directories made on the way. What is not there is left out.
Status CopyTree(const std::string& from, const std::string& to, bool link) {
  const auto info = Fs()->Stat(from);
  if (info.status().code() == StatusCode::kNotFound) return OkStatus();
  RETURN_IF_ERROR(info.status());
  if (!info->is_directory) {
    if (link && Fs()->HardLink(from, to).ok()) return OkStatus();
    return CopyFile(from, to);
  }
  RETURN_IF_ERROR(Fs()->CreateDirs(to));
  ASSIGN_OR_RETURN(const auto names, Fs()->List(from));
  for (const std::string& name : names) {
    RETURN_IF_ERROR(CopyTree(JoinPath(from, name), JoinPath(to, name), link));
  }
  return OkStatus();
}

// Names below `dir`, and with `sizes` how large they are: what changes when the server cuts, writes
// a checkpoint or compacts.
std::string Fingerprint(const std::string& dir, bool sizes) {
  std::string out;
  const auto names = Fs()->List(dir);
  if (!names.ok()) return out;
  for (const std::string& name : *names) {
    if (name.starts_with(kSandbox)) continue;
    out += name;
    if (const auto info = Fs()->Stat(JoinPath(dir, name)); sizes && info.ok()) {
      out += " " + std::to_string(info->size_bytes);
    }
    out += "\n";
  }
  return out;
}

std::string Fingerprint(const std::string& path) {
  const std::string own = JoinPath(path, "deucalion");
  std::string out = Fingerprint(path, false) + Fingerprint(own, false);
  for (const char* part : {"wal", "head_chunks", "blocks"}) {
    out += Fingerprint(JoinPath(own, part), false);
  }
  return out + Fingerprint(JoinPath(own, "catalog"), true);
}

}  // namespace

Status DirectoryCopy::Fill(const std::string& path) {
  const std::string own = JoinPath(path, "deucalion"), copy = JoinPath(sandbox_, "deucalion");
  RETURN_IF_ERROR(Fs()->CreateDirs(copy));
  ASSIGN_OR_RETURN(const auto names, Fs()->List(path));
  for (const std::string& name : names) {
    const bool block =
        tsdb::IsUlid(name) && Fs()->Exists(JoinPath(JoinPath(path, name), "meta.json"));
    const bool log = name == "wal" || name == "wbl" || name == "chunks_head";
    if (!block && !log) continue;
    RETURN_IF_ERROR(CopyTree(JoinPath(path, name), JoinPath(sandbox_, name), true));
  }
  if (!Fs()->Exists(own)) return OkStatus();
  ASSIGN_OR_RETURN(const auto parts, Fs()->List(own));
  for (const std::string& name : parts) {
    if (name == "import") continue;
    const bool link = name == "blocks" || name == "head_chunks";
    RETURN_IF_ERROR(CopyTree(JoinPath(own, name), JoinPath(copy, name), link));
  }
  return OkStatus();
}

Result<std::unique_ptr<DirectoryCopy>> DirectoryCopy::Open(const std::string& path,
                                                           const std::string& sandbox_root) {
  RETURN_IF_ERROR(CheckDbPath(path));
  std::unique_ptr<DirectoryCopy> copy(new DirectoryCopy());
  std::string pattern =
      JoinPath(sandbox_root.empty() ? path : sandbox_root, std::string(kSandbox) + "XXXXXX");
  if (::mkdtemp(pattern.data()) == nullptr) {
    return ErrnoError("setting up sandbox dir in " + DirName(pattern), errno);
  }
  copy->sandbox_ = pattern;
  Status filled;
  for (int attempt = 0;; attempt++) {
    const std::string before = Fingerprint(path);
    filled = copy->Fill(path);
    if (filled.ok() && Fingerprint(path) == before) break;
    if (attempt == kAttempts) {
      return filled.ok() ? UnavailableError(path + " changes faster than it can be read") : filled;
    }
    RETURN_IF_ERROR(Fs()->RemoveAll(copy->sandbox_));
    std::this_thread::sleep_for(std::chrono::milliseconds(1 << attempt));
  }
  copy->logger_ = Logger::Stderr(LogLevel::kWarn, LogFormat::kLogfmt);
  tsdb::DbOptions options;
  options.logger = copy->logger_.get();
  options.durability = tsdb::wal::Durability::kOs;
  options.lock_directory = false;
  options.background = false;
  options.checkpoint_at_close = false;
  options.memory_catalog = !Fs()->Exists(JoinPath(copy->sandbox_, "deucalion/catalog"));
  ASSIGN_OR_RETURN(copy->db_, tsdb::Db::Open(copy->sandbox_, std::move(options)));
  return copy;
}

DirectoryCopy::~DirectoryCopy() {
  db_.reset();
  if (!sandbox_.empty()) (void)Fs()->RemoveAll(sandbox_);
}

}  // namespace deucalion::tool
