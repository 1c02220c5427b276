#include "promql/parse_cache.h"

namespace deucalion::promql {

bool ParseCache::Fits(std::string_view text) const {
  return text.size() <= max_text_bytes_ / 16 && text.find("=~") == std::string_view::npos &&
         text.find("!~") == std::string_view::npos;
}

Result<ParsedExpr> ParseCache::Parse(std::string_view text) {
  if (!Fits(text)) return promql::Parse(text, options_);
  {
    MutexLock lock(mu_);
    if (const auto it = by_text_.find(text); it != by_text_.end()) {
      newest_first_.splice(newest_first_.begin(), newest_first_, it->second);
      return newest_first_.front();
    }
  }
  Result<ParsedExpr> parsed = promql::Parse(text, options_);
  if (parsed.ok()) Keep(*parsed);
  return parsed;
}

void ParseCache::Keep(const ParsedExpr& parsed) {
  MutexLock lock(mu_);
  const std::string_view text = *parsed.text;
  if (by_text_.contains(text)) return;
  newest_first_.push_front(parsed);
  by_text_.emplace(text, newest_first_.begin());
  text_bytes_ += text.size();
  while (text_bytes_ > max_text_bytes_) {
    const std::string_view oldest = *newest_first_.back().text;
    text_bytes_ -= oldest.size();
    by_text_.erase(oldest);
    newest_first_.pop_back();
  }
}

size_t ParseCache::size() const {
  MutexLock lock(mu_);
  return newest_first_.size();
}

}  // namespace deucalion::promql
