#include "tsdb/db/feed_position.h"

#include <fmt/core.h>

#include <charconv>

namespace deucalion::tsdb {
namespace {

// Takes a number off the front.
template <typename T>
bool TakeNumber(std::string_view* text, T* number) {
  const auto parsed = std::from_chars(text->data(), text->data() + text->size(), *number);
  if (parsed.ec != std::errc()) return false;
  text->remove_prefix(static_cast<size_t>(parsed.ptr - text->data()));
  return true;
}

bool TakeChar(std::string_view* text, char c) {
  if (text->empty() || text->front() != c) return false;
  text->remove_prefix(1);
  return true;
}

}  // namespace

std::string FormatFeedPosition(const FeedPosition& position) {
  std::string out;
  for (const wal::Position& p : position.streams) {
    if (!out.empty()) out += ',';
    out += fmt::format("{}.{}", p.segment, p.offset);
  }
  if (position.time_ms != kMinTimeMs || position.gap_end_ms.has_value()) {
    out += fmt::format("@{}", position.time_ms);
  }
  if (position.gap_end_ms.has_value()) out += fmt::format("!{}", *position.gap_end_ms);
  return out;
}

bool ParseFeedPosition(std::string_view text, FeedPosition* position) {
  FeedPosition parsed;
  do {
    wal::Position& p = parsed.streams.emplace_back();
    if (!TakeNumber(&text, &p.segment) || !TakeChar(&text, '.') || !TakeNumber(&text, &p.offset)) {
      return false;
    }
  } while (TakeChar(&text, ','));
  if (TakeChar(&text, '@')) {
    if (!TakeNumber(&text, &parsed.time_ms)) return false;
    if (TakeChar(&text, '!') && !TakeNumber(&text, &parsed.gap_end_ms.emplace())) return false;
  }
  if (!text.empty()) return false;
  *position = std::move(parsed);
  return true;
}

}  // namespace deucalion::tsdb
