#include "tests/support/promqltest/start_line.h"

#include <charconv>
#include <string>

#include "model/duration.h"
#include "promql/parser/parser.h"
#include "tests/support/promqltest/words.h"

namespace deucalion::promqltest {
namespace {

using Offsets = std::vector<std::optional<int64_t>>;

constexpr std::string_view kMark = "@st";
constexpr size_t kMaxRepeats = 1'000'000;

bool ParseCount(std::string_view text, size_t* count) {
  const auto [p, ec] = std::from_chars(text.data(), text.data() + text.size(), *count);
  return ec == std::errc() && p == text.data() + text.size() && *count <= kMaxRepeats;
}

// A signed duration of one unit at the beginning of *text.
Result<int64_t> TakeDuration(std::string_view* text) {
  const bool negative = !text->empty() && text->front() == '-';
  if (!text->empty() && (negative || text->front() == '+')) text->remove_prefix(1);
  size_t n = 0;
  while (n < text->size() && (*text)[n] >= '0' && (*text)[n] <= '9') ++n;
  while (n < text->size() && (*text)[n] >= 'a' && (*text)[n] <= 'z' && (*text)[n] != 'x') ++n;
  ASSIGN_OR_RETURN(const int64_t ms, ParseDuration(text->substr(0, n)));
  text->remove_prefix(n);
  return negative ? -ms : ms;
}

Status BadItem(std::string_view item) {
  return InvalidArgumentError("invalid ST item \"" + std::string(item) + "\"");
}

// "_" and "*" (the last offset again), each alone or with xN. `extra`: values beyond N.
Status AppendRepeated(std::string_view item, std::optional<int64_t> value, size_t extra,
                      Offsets* out) {
  size_t count = 1;
  if (item.size() > 1) {
    if (item[1] != 'x' || !ParseCount(item.substr(2), &count)) return BadItem(item);
    count += extra;
  }
  out->insert(out->end(), count, value);
  return OkStatus();
}

Status AppendItem(std::string_view item, Offsets* out) {
  if (item[0] == '_') return AppendRepeated(item, std::nullopt, 0, out);
  if (item[0] == '*') {
    int64_t last = 0;
    for (const auto& offset : *out) last = offset.value_or(last);
    return AppendRepeated(item, last, 1, out);
  }
  std::string_view rest = item;
  ASSIGN_OR_RETURN(int64_t offset, TakeDuration(&rest));
  int64_t step = 0;
  if (!rest.empty() && rest[0] != 'x') {
    ASSIGN_OR_RETURN(step, TakeDuration(&rest));
    if (rest.empty()) return BadItem(item);
  }
  size_t count = 0;
  if (!rest.empty() && (rest[0] != 'x' || !ParseCount(rest.substr(1), &count))) {
    return BadItem(item);
  }
  for (size_t i = 0; i <= count; ++i, offset += step) out->push_back(offset);
  return OkStatus();
}

}  // namespace

bool IsStartLine(std::string_view line) { return FirstWord(line).ends_with(kMark); }

Result<StartLine> ParseStartLine(std::string_view line) {
  StartLine out;
  std::string_view metric = TakeWord(&line);
  metric.remove_suffix(kMark.size());
  if (!metric.empty()) {
    ASSIGN_OR_RETURN(out.labels, promql::ParseMetric(metric));
  }
  for (;;) {
    const std::string_view item = TakeWord(&line);
    if (item.empty()) return out;
    RETURN_IF_ERROR(AppendItem(item, &out.offsets_ms));
  }
}

}  // namespace deucalion::promqltest
