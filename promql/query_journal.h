// QueryJournal: the file that names the queries of a crash.
//
//   "["  then slots of 1000 bytes: {"query":"…","timestamp_sec":1700000000},   or zeros
//
// A query is written into a free slot before it runs and wiped out afterwards. What the file still
// holds at the next start did not finish; it is logged, as Prometheus logs it. The file is mapped:
// a record costs no system call, and survives the process. Thread-safe.
#ifndef DEUCALION_PROMQL_QUERY_JOURNAL_H_
#define DEUCALION_PROMQL_QUERY_JOURNAL_H_

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/log.h"
#include "base/shared_map.h"
#include "base/status.h"
#include "base/thread_annotations.h"

namespace deucalion::promql {

class QueryJournal {
 public:
  static constexpr size_t kSlotBytes = 1000;

  // Logs what an earlier run left and begins anew. `logger` may be null.
  static Result<std::unique_ptr<QueryJournal>> Open(FileSystem* fs, const std::string& path,
                                                    int slots, Logger* logger);

  // The slot taken; -1 when none was free. Remove(-1) does nothing.
  int Insert(std::string_view query, int64_t time_s) EXCLUDES(mu_);
  void Remove(int slot) EXCLUDES(mu_);

 private:
  QueryJournal(std::unique_ptr<SharedMap> map, int slots);
  static size_t OffsetOf(int slot) { return 1 + static_cast<size_t>(slot) * kSlotBytes; }
  std::span<char> Slot(int slot) const { return map_->bytes().subspan(OffsetOf(slot), kSlotBytes); }

  // A slot is written by who has taken it.
  const std::unique_ptr<SharedMap> map_;
  Mutex mu_;
  std::vector<int> free_ GUARDED_BY(mu_);
};

// The unfinished queries of a journal's bytes as a JSON array; empty when there are none.
std::string UnfinishedQueries(std::string_view journal);
// `text` between quotes, as JSON; what is not UTF-8 becomes U+FFFD.
std::string JsonString(std::string_view text);

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_QUERY_JOURNAL_H_
