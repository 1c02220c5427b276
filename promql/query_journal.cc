#include "promql/query_journal.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "model/labels.h"

namespace deucalion::promql {

namespace {

// What stands in JSON as it is.
bool IsPlain(char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; }

void AppendJsonString(std::string_view text, std::string* to) {
  std::string& out = *to;
  out += '"';
  for (size_t i = 0; i < text.size();) {
    if (IsPlain(text[i])) {
      const size_t begin = i;
      while (i < text.size() && IsPlain(text[i])) i++;
      out.append(text, begin, i - begin);
      continue;
    }
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x80) {
      switch (c) {
        case '"':
          out += "\\\"";
          break;
        case '\\':
          out += "\\\\";
          break;
        case '\n':
          out += "\\n";
          break;
        case '\r':
          out += "\\r";
          break;
        case '\t':
          out += "\\t";
          break;
        default:
          if (c < 0x20) {
            char buf[8];
            snprintf(buf, sizeof(buf), "\\u%04x", c);
            out += buf;
          } else {
            out += static_cast<char>(c);
          }
      }
      i++;
      continue;
    }
    size_t n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
    if (i + n > text.size() || !IsValidUtf8(text.substr(i, n))) {
      out += "\\ufffd";
      i++;
      continue;
    }
    out.append(text.substr(i, n));
    i += n;
  }
  out += '"';
}

}  // namespace

std::string JsonString(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 2);
  AppendJsonString(text, &out);
  return out;
}

std::string UnfinishedQueries(std::string_view journal) {
  std::string out;
  for (char c : journal) {
    if (c != '\0') out += c;
  }
  if (out.size() <= 1) return std::string();
  out.back() = ']';  // the comma after the last entry
  return out;
}

namespace {

// One entry of at most a slot, its query cut to fit.
std::string Entry(std::string_view query, int64_t time_s) {
  size_t keep = std::min(query.size(), QueryJournal::kSlotBytes);
  std::string entry;
  entry.reserve(keep + 64);
  for (;;) {
    while (keep > 0 && keep < query.size() && (query[keep] & 0xc0) == 0x80) keep--;
    entry = "{\"query\":";
    AppendJsonString(query.substr(0, keep), &entry);
    entry.append(",\"timestamp_sec\":").append(std::to_string(time_s)).append("},");
    if (entry.size() <= QueryJournal::kSlotBytes) return entry;
    keep -= std::min(keep, entry.size() - QueryJournal::kSlotBytes);
  }
}

}  // namespace

QueryJournal::QueryJournal(std::unique_ptr<SharedMap> map, int slots) : map_(std::move(map)) {
  map_->bytes()[0] = '[';
  for (int i = slots - 1; i >= 0; i--) free_.push_back(i);
}

Result<std::unique_ptr<QueryJournal>> QueryJournal::Open(FileSystem* fs, const std::string& path,
                                                         int slots, Logger* logger) {
  if (fs->Exists(path)) {
    ASSIGN_OR_RETURN(const std::string left, fs->ReadFile(path));
    const std::string queries = UnfinishedQueries(left);
    if (!queries.empty() && logger != nullptr) {
      logger->Info("These queries didn't finish in prometheus' last run:", {{"queries", queries}});
    }
    RETURN_IF_ERROR(fs->Remove(path));
  }
  ASSIGN_OR_RETURN(std::unique_ptr<SharedMap> map, SharedMap::Open(path, OffsetOf(slots)));
  return std::unique_ptr<QueryJournal>(new QueryJournal(std::move(map), slots));
}

int QueryJournal::Insert(std::string_view query, int64_t time_s) {
  int slot = -1;
  {
    MutexLock lock(mu_);
    if (free_.empty()) return -1;
    slot = free_.back();
    free_.pop_back();
  }
  std::ranges::copy(Entry(query, time_s), Slot(slot).begin());
  return slot;
}

void QueryJournal::Remove(int slot) {
  if (slot < 0) return;
  const std::span<char> bytes = Slot(slot);
  std::fill(bytes.begin(), std::ranges::find(bytes, '\0'), '\0');
  MutexLock lock(mu_);
  free_.push_back(slot);
}

}  // namespace deucalion::promql
