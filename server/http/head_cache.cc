#include "server/http/head_cache.h"

#include <utility>

#include "base/hash.h"

namespace deucalion::http {
namespace {

constexpr std::string_view kDate = "Date", kLength = "Content-Length";
// Longer ones hold something of their own (a Location, a long list): they would not come again.
constexpr size_t kMaxKeyBytes = 1024;

// Cuts the value of `name` out of `head`; where it stood, or npos.
size_t CutValue(std::string_view name, std::string* head) {
  const std::string field = "\r\n" + std::string(name) + ": ";
  const size_t at = head->find(field);
  if (at == std::string::npos) return at;
  const size_t value = at + field.size();
  head->erase(value, head->find("\r\n", value) - value);
  return value;
}

}  // namespace

bool HeadCache::MakeKey(const Kind& kind, const Response& response) {
  key_.clear();
  key_ += static_cast<char>(kind.head_request << 1 | (kind.close ? 1 : 0));
  key_ += static_cast<char>(response.status & 0xff);
  key_ += static_cast<char>(response.status >> 8);
  int dates = 0, lengths = 0;
  for (const auto& [name, value] : response.headers) {
    key_.append(name).push_back('\0');
    if (name == kDate) {
      dates++;
    } else if (name == kLength) {
      lengths++;
    } else {
      key_.append(value).push_back('\0');
    }
  }
  if (dates > 1 || lengths > 1 || key_.size() > kMaxKeyBytes) key_.clear();
  return !key_.empty();
}

HeadCache::Entry& HeadCache::EntryOf(std::string_view key) {
  return entries_[Hash64(key) % kEntries];
}

std::string HeadCache::Find(const Kind& kind, const Response& response) {
  std::string head;
  if (!MakeKey(kind, response)) return head;
  const Entry& entry = EntryOf(key_);
  if (entry.key != key_) return head;
  std::pair<size_t, std::string_view> first{entry.date_at, response.headers.Get(kDate)};
  std::pair<size_t, std::string_view> second{entry.length_at, response.headers.Get(kLength)};
  if (second.first < first.first) std::swap(first, second);
  const std::string_view text = entry.text;
  head.reserve(text.size() + first.second.size() + second.second.size());
  size_t done = 0;
  for (const auto& [at, value] : {first, second}) {
    if (at == std::string::npos) continue;
    head.append(text.substr(done, at - done)).append(value);
    done = at;
  }
  return head.append(text.substr(done));
}

void HeadCache::Keep(const Response& response, std::string_view head) {
  if (key_.empty()) return;
  Entry entry{.key = key_, .text = std::string(head)};
  entry.date_at = CutValue(kDate, &entry.text);
  entry.length_at = CutValue(kLength, &entry.text);
  // The first cut has moved what stands behind it.
  if (entry.length_at < entry.date_at && entry.date_at != std::string::npos) {
    entry.date_at -= response.headers.Get(kLength).size();
  }
  const bool all_found = (entry.date_at != std::string::npos) == response.headers.Has(kDate) &&
                         (entry.length_at != std::string::npos) == response.headers.Has(kLength);
  if (all_found) EntryOf(key_) = std::move(entry);
}

}  // namespace deucalion::http
