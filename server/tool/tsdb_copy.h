// DirectoryCopy: a data directory opened for reading, head and WAL included, whoever owns it.
//
// Opening replays logs and writes: that happens in a sandbox below `sandbox_root`, to which files
// that do not change are linked (copied where that is not possible) and others copied. A running
// server is not disturbed; what it changes meanwhile makes the copy start over. The sandbox goes
// with this object.
#ifndef DEUCALION_SERVER_TOOL_TSDB_COPY_H_
#define DEUCALION_SERVER_TOOL_TSDB_COPY_H_

#include <memory>
#include <string>

#include "base/log.h"
#include "base/status.h"
#include "tsdb/db/db.h"

namespace deucalion::tool {

class DirectoryCopy {
 public:
  // "" = in the directory itself.
  static Result<std::unique_ptr<DirectoryCopy>> Open(const std::string& path,
                                                     const std::string& sandbox_root);
  ~DirectoryCopy();
  tsdb::Db* db() { return db_.get(); }

 private:
  DirectoryCopy() = default;
  Status Fill(const std::string& path);

  std::string sandbox_;
  std::unique_ptr<Logger> logger_;
  std::unique_ptr<tsdb::Db> db_;
};

}  // namespace deucalion::tool

#endif  // DEUCALION_SERVER_TOOL_TSDB_COPY_H_
