// sort, sort_desc, sort_by_label, sort_by_label_desc: of use in instant queries, where the order of
// the result is kept.
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "promql/exec/build.h"
#include "promql/exec/notes.h"
#include "promql/exec/source.h"
#include "promql/functions/natural_order.h"

namespace deucalion::promql {
namespace {

class SortSource : public RowsSource {
 public:
  SortSource(ExecContext* ctx, const PlanNode* node, SourcePtr child)
      : RowsSource(ctx, node), call_(As<Call>(*node->expr)), child_(std::move(child)) {}

 protected:
  Status DoOpen() override {
    RETURN_IF_ERROR(child_->Open());
    RETURN_IF_ERROR(CollectRows(&ctx(), child_.get(), &rows_));
    const FunctionId id = call_.function->id;
    const bool by_value = id == FunctionId::kSort || id == FunctionId::kSortDesc;
    if (by_value) {
      for (Row& row : rows_) row.DropHistograms();
      std::erase_if(rows_, [](const Row& row) { return !row.Any(); });
    }
    if (steps() != 1) {
      ctx().annotations.Add(notes::SortInRangeQuery(static_cast<int32_t>(call_.span.begin)));
      return OkStatus();
    }
    if (by_value) {
      SortByValue(id == FunctionId::kSortDesc);
    } else {
      SortByLabels(id == FunctionId::kSortByLabelDesc);
    }
    return OkStatus();
  }

 private:
  // NaN last in both directions.
  void SortByValue(bool descending) {
    std::stable_sort(rows_.begin(), rows_.end(), [descending](const Row& a, const Row& b) {
      const double x = a.values[0], y = b.values[0];
      if (std::isnan(x)) return false;
      if (std::isnan(y)) return true;
      return descending ? x > y : x < y;
    });
  }

  void SortByLabels(bool descending) {
    std::vector<std::string> names;
    for (size_t i = 1; i < call_.args.size(); i++) {
      names.push_back(As<StringLiteral>(StripParens(*call_.args[i])).value);
    }
    auto less = [&names](const Row& a, const Row& b) {
      for (const std::string& name : names) {
        const std::string_view x = a.labels.Get(name), y = b.labels.Get(name);
        if (x != y) return NaturalLess(x, y);
      }
      return a.labels < b.labels;
    };
    std::stable_sort(rows_.begin(), rows_.end(), [&](const Row& a, const Row& b) {
      return descending ? less(b, a) : less(a, b);
    });
  }

  const Call& call_;
  const SourcePtr child_;
};

}  // namespace

Result<SourcePtr> BuildSort(ExecContext* ctx, const PlanNode& node) {
  ASSIGN_OR_RETURN(SourcePtr child, BuildVector(ctx, node.child(0)));
  return SourcePtr(std::make_unique<SortSource>(ctx, &node, std::move(child)));
}

}  // namespace deucalion::promql
