// ParseCache: the trees of the query texts that were asked last. Dashboards and rules ask the same
// few over and over, and a tree is immutable.
//
// Bounded by the bytes of the texts (a tree is some hundred times its text). Texts with regular
// expressions are left out: a compiled one may grow to megabytes while it is used. Thread-safe.
#ifndef DEUCALION_PROMQL_PARSE_CACHE_H_
#define DEUCALION_PROMQL_PARSE_CACHE_H_

#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/status.h"
#include "base/thread_annotations.h"
#include "promql/parser/parser.h"

namespace deucalion::promql {

class ParseCache {
 public:
  explicit ParseCache(ParserOptions options, size_t max_text_bytes = 64 << 10)
      : options_(options), max_text_bytes_(max_text_bytes) {}

  // As promql::Parse. Failures are not kept.
  Result<ParsedExpr> Parse(std::string_view text) EXCLUDES(mu_);

  size_t size() const EXCLUDES(mu_);

 private:
  bool Fits(std::string_view text) const;
  void Keep(const ParsedExpr& parsed) EXCLUDES(mu_);

  const ParserOptions options_;
  const size_t max_text_bytes_;
  mutable Mutex mu_;
  // The last used comes first. Keys are views of the texts that the trees hold.
  std::list<ParsedExpr> newest_first_ GUARDED_BY(mu_);
  std::unordered_map<std::string_view, std::list<ParsedExpr>::iterator> by_text_ GUARDED_BY(mu_);
  size_t text_bytes_ GUARDED_BY(mu_) = 0;
};

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_PARSE_CACHE_H_
