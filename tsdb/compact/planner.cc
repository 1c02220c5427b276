#include "tsdb/compact/planner.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace deucalion::tsdb {
namespace {

using Blocks = std::vector<PlannedBlock>;

// A block is rewritten for its deletions alone when they touch more than one series in twenty.
constexpr double kTombstoneShare = 0.05;

int64_t FloorTo(int64_t ms, int64_t range) {
  const int64_t rest = ms % range;
  return ms - (rest < 0 ? rest + range : rest);
}

CompactionPlan PlanOf(const Blocks& blocks, size_t begin, size_t end, std::string reason) {
  CompactionPlan plan{.reason = std::move(reason)};
  for (size_t i = begin; i < end; ++i) plan.ulids.push_back(blocks[i].meta.ulid);
  return plan;
}

bool AnyFailed(const Blocks& blocks, size_t begin, size_t end) {
  return std::any_of(blocks.begin() + static_cast<ptrdiff_t>(begin),
                     blocks.begin() + static_cast<ptrdiff_t>(end),
                     [](const PlannedBlock& b) { return b.meta.failed; });
}

// Blocks of series that ended wait for the cut of their range: more of them may come until then,
// and each merge would write the earlier ones once more. Takes them out of *blocks.
Blocks TakeWaiting(Blocks* blocks) {
  const auto waits = [&](const PlannedBlock& b) {
    return b.meta.FromEndedSeries() &&
           std::none_of(blocks->begin(), blocks->end(), [&](const PlannedBlock& other) {
             return !other.meta.FromEndedSeries() && other.meta.min_ms < b.meta.max_ms &&
                    b.meta.min_ms < other.meta.max_ms;
           });
  };
  Blocks rest, waiting;
  for (const PlannedBlock& b : *blocks) (waits(b) ? waiting : rest).push_back(b);
  *blocks = std::move(rest);
  return waiting;
}

// As many of one level become one while they wait: a fleet that is always being replaced makes a
// block a minute, and a query asks each of them.
constexpr size_t kWaitingAtOnce = 8;

CompactionPlan PlanWaiting(const Blocks& waiting, int64_t range) {
  std::map<std::pair<int64_t, int>, Blocks> groups;
  for (const PlannedBlock& b : waiting) {
    if (b.meta.failed) continue;
    Blocks& group = groups[{FloorTo(b.meta.min_ms, range), b.meta.level}];
    group.push_back(b);
    if (group.size() == kWaitingAtOnce) return PlanOf(group, 0, group.size(), "ended series");
  }
  return {};
}

// The first run of blocks that overlap.
CompactionPlan PlanOverlaps(const Blocks& blocks) {
  for (size_t begin = 0; begin < blocks.size();) {
    int64_t max_ms = blocks[begin].meta.max_ms;
    size_t end = begin + 1;
    for (; end < blocks.size() && blocks[end].meta.min_ms < max_ms; ++end) {
      max_ms = std::max(max_ms, blocks[end].meta.max_ms);
    }
    if (end - begin > 1 && !AnyFailed(blocks, begin, end)) {
      return PlanOf(blocks, begin, end, "overlapping blocks");
    }
    begin = end;
  }
  return {};
}

// The first aligned group of a range that is full, or that newer blocks have left behind.
CompactionPlan PlanRanges(const Blocks& blocks, const std::vector<int64_t>& ranges) {
  if (blocks.empty()) return {};
  const int64_t newest_min = blocks.back().meta.min_ms;
  for (size_t r = 1; r < ranges.size(); ++r) {
    const int64_t range = ranges[r];
    // The newest block is left out: late samples may still overlap it.
    for (size_t begin = 0; begin + 1 < blocks.size();) {
      const int64_t start = FloorTo(blocks[begin].meta.min_ms, range);
      size_t end = begin;
      while (end + 1 < blocks.size() && blocks[end].meta.min_ms >= start &&
             blocks[end].meta.max_ms <= start + range) {
        ++end;
      }
      if (end == begin) {
        ++begin;  // larger than the range
        continue;
      }
      const int64_t length = blocks[end - 1].meta.max_ms - blocks[begin].meta.min_ms;
      const bool complete = length == range || blocks[end - 1].meta.max_ms <= newest_min;
      // A range that may still get a block must wait for it.
      const bool closed = start + range <= newest_min || length == range;
      if (end - begin > 1 && complete && closed && !AnyFailed(blocks, begin, end)) {
        return PlanOf(blocks, begin, end, "range of " + std::to_string(range / 60'000) + "m");
      }
      begin = end;
    }
  }
  return {};
}

CompactionPlan PlanSingles(const Blocks& blocks) {
  for (size_t i = 0; i < blocks.size(); ++i) {
    const PlannedBlock& b = blocks[i];
    if (b.meta.failed) continue;
    if (static_cast<double>(b.tombstones) >
        kTombstoneShare * static_cast<double>(b.meta.series + 1)) {
      return PlanOf(blocks, i, i + 1, "deletions");
    }
  }
  for (size_t i = 0; i + 1 < blocks.size(); ++i) {
    if (!blocks[i].meta.failed && !blocks[i].meta.ours()) {
      return PlanOf(blocks, i, i + 1, "Prometheus block");
    }
  }
  return {};
}

}  // namespace

std::vector<int64_t> CompactionRanges(int64_t smallest_ms, int64_t largest_ms) {
  std::vector<int64_t> ranges{smallest_ms};
  for (const int64_t factor : {4, 12}) {
    if (smallest_ms * factor <= largest_ms) ranges.push_back(smallest_ms * factor);
  }
  // A smaller largest block than ours is still one to be reached.
  const bool below_ours = largest_ms < smallest_ms * 12 && largest_ms > ranges.back();
  if (below_ours && largest_ms % ranges.back() == 0) ranges.push_back(largest_ms);
  return ranges;
}

CompactionPlan PlanCompaction(const Blocks& all, const std::vector<int64_t>& ranges) {
  Blocks blocks = all;
  Blocks waiting = TakeWaiting(&blocks);
  for (Blocks* list : {&blocks, &waiting}) {
    std::sort(list->begin(), list->end(), [](const PlannedBlock& a, const PlannedBlock& b) {
      return std::tie(a.meta.min_ms, a.meta.max_ms, a.meta.ulid) <
             std::tie(b.meta.min_ms, b.meta.max_ms, b.meta.ulid);
    });
  }
  // Small ones first: queries soon have fewer to ask.
  CompactionPlan plan = PlanWaiting(waiting, ranges.front());
  if (plan.empty()) plan = PlanOverlaps(blocks);
  if (plan.empty()) plan = PlanRanges(blocks, ranges);
  if (plan.empty()) plan = PlanSingles(blocks);
  return plan;
}

BlockMeta MergedMeta(const std::vector<BlockMeta>& parents, std::string ulid) {
  BlockMeta meta;
  meta.ulid = std::move(ulid);
  meta.min_ms = INT64_MAX;
  meta.max_ms = INT64_MIN;
  meta.level = 1;
  std::set<std::string> sources;
  for (const BlockMeta& p : parents) {
    meta.min_ms = std::min(meta.min_ms, p.min_ms);
    meta.max_ms = std::max(meta.max_ms, p.max_ms);
    meta.level = std::max(meta.level, p.level);
    sources.insert(p.sources.begin(), p.sources.end());
    if (p.sources.empty()) sources.insert(p.ulid);
    meta.parents.push_back({p.ulid, p.min_ms, p.max_ms});
    // What the newest cut said must survive the block it was written in.
    if (p.head_cut && (!meta.head_cut || p.cut_ms > meta.cut_ms)) {
      meta.head_cut = true;
      meta.cut_ms = p.cut_ms;
      meta.cut_positions = p.cut_positions;
    }
  }
  if (parents.size() > 1) ++meta.level;
  if (std::all_of(parents.begin(), parents.end(),
                  [](const BlockMeta& p) { return p.FromEndedSeries(); })) {
    meta.hints = {std::string(kFromEndedSeries)};
  }
  meta.sources.assign(sources.begin(), sources.end());
  return meta;
}

}  // namespace deucalion::tsdb
