#include "tsdb/block/merged_querier.h"

#include <algorithm>

#include "tsdb/index/matcher_select.h"
#include "tsdb/storage/hinted_range.h"

namespace deucalion::tsdb {
namespace {

// The union of sorted lists, at most `limit` of them.
std::vector<std::string> Unite(std::vector<std::vector<std::string>> lists, size_t limit,
                               bool* truncated) {
  std::vector<std::string> all;
  for (auto& list : lists) {
    if (all.empty()) {
      all = std::move(list);
      continue;
    }
    std::vector<std::string> both;
    both.reserve(all.size() + list.size());
    std::set_union(std::make_move_iterator(all.begin()), std::make_move_iterator(all.end()),
                   std::make_move_iterator(list.begin()), std::make_move_iterator(list.end()),
                   std::back_inserter(both));
    all = std::move(both);
  }
  if (limit != 0 && all.size() > limit) {
    all.resize(limit);
    *truncated = true;
  }
  return all;
}

}  // namespace

MergedQuerier::MergedQuerier(std::unique_ptr<Querier> head, int64_t head_min_ms,
                             const std::vector<std::shared_ptr<const Block>>& blocks,
                             int64_t min_ms, int64_t max_ms)
    : head_(std::move(head)), head_min_ms_(head_min_ms), min_ms_(min_ms), max_ms_(max_ms) {
  for (const auto& block : blocks) {
    if (block->OverlapsRange(min_ms, max_ms)) blocks_.push_back(block);
  }
}

Result<std::unique_ptr<SeriesSet>> MergedQuerier::Select(bool sorted, const SelectHints& hints,
                                                         const std::vector<Matcher>& matchers,
                                                         const CancelToken* cancel) {
  const auto [min_ms, max_ms] = HintedRange(hints, min_ms_, max_ms_);
  std::vector<SourceSet> sources;
  for (const auto& block : blocks_) {
    if (!block->OverlapsRange(min_ms, max_ms)) continue;
    ASSIGN_OR_RETURN(Postings series, block->Select(matchers, min_ms, max_ms, cancel));
    if (series.empty()) continue;
    sources.push_back({MakeBlockSeriesSet(block, std::move(series), min_ms_, max_ms_, cancel),
                       block->meta().min_ms, block->meta().max_ms - 1});
  }
  if (head_ != nullptr && max_ms >= head_min_ms_) {
    // Alone, the head may answer in any order.
    ASSIGN_OR_RETURN(auto set, head_->Select(sorted || !sources.empty(), hints, matchers, cancel));
    if (sources.empty()) return set;
    sources.push_back({std::move(set), head_min_ms_, INT64_MAX});
  }
  ASSIGN_OR_RETURN(auto merged, MergeSets(std::move(sources), hints.limit, cancel));
  for (const auto& block : blocks_) RETURN_IF_ERROR(block->Health());
  return merged;
}

Result<std::vector<std::string>> MergedQuerier::LabelValues(const std::string& name,
                                                            const std::vector<Matcher>& matchers,
                                                            size_t limit, bool* truncated) {
  std::vector<std::vector<std::string>> lists;
  for (const auto& block : blocks_) {
    ASSIGN_OR_RETURN(const BorrowedValues values,
                     SelectLabelValues(block->index(), name, matchers, limit, truncated, nullptr));
    RETURN_IF_ERROR(block->Health());
    lists.push_back(values.Copy());
  }
  if (head_ != nullptr) {
    ASSIGN_OR_RETURN(auto values, head_->LabelValues(name, matchers, limit, truncated));
    lists.push_back(std::move(values));
  }
  return Unite(std::move(lists), limit, truncated);
}

Result<std::vector<std::string>> MergedQuerier::LabelNames(const std::vector<Matcher>& matchers,
                                                           size_t limit, bool* truncated) {
  std::vector<std::vector<std::string>> lists;
  for (const auto& block : blocks_) {
    if (matchers.empty()) {
      ASSIGN_OR_RETURN(auto names, block->LabelNames());
      lists.push_back(std::move(names));
      continue;
    }
    ASSIGN_OR_RETURN(const Postings series, SelectSeries(block->index(), matchers, nullptr));
    ASSIGN_OR_RETURN(auto names, block->LabelNamesOf(series.view()));
    RETURN_IF_ERROR(block->Health());
    lists.push_back(std::move(names));
  }
  if (head_ != nullptr) {
    ASSIGN_OR_RETURN(auto names, head_->LabelNames(matchers, limit, truncated));
    lists.push_back(std::move(names));
  }
  return Unite(std::move(lists), limit, truncated);
}

uint64_t MergedQuerier::EstimateSeries(const std::vector<Matcher>& matchers) {
  // Sources mostly hold the same series: the largest is nearer the truth than the sum, but a bound
  // must hold.
  uint64_t total = head_ != nullptr ? head_->EstimateSeries(matchers) : 0;
  for (const auto& block : blocks_) total += EstimateSelection(block->index(), matchers);
  return total;
}

}  // namespace deucalion::tsdb
