// Operators that pass series on one by one: functions of single elements, name dropping, repetition
// of what is the same at every step, and the look-out for series that have become alike.
#ifndef DEUCALION_PROMQL_EXEC_MAP_H_
#define DEUCALION_PROMQL_EXEC_MAP_H_

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "promql/exec/source.h"

namespace deucalion::promql {

// What happens to __name__ on the way.
enum class NameRule : uint8_t { kKeep, kDrop };

// Changes rows in place.
class MapSource : public Source {
 public:
  // Called with rows that have samples; thread-safe. Null = samples stay as they are.
  using MapRow = std::function<Status(Row* row, Worker* worker)>;
  // Called once when the source is opened, before the child is. May be null.
  using OnOpen = std::function<Status()>;

  MapSource(ExecContext* ctx, const PlanNode* node, SourcePtr child, NameRule names, MapRow map,
            OnOpen on_open = nullptr, bool needs_labels = false)
      : Source(ctx, node),
        child_(std::move(child)),
        names_(names),
        map_(std::move(map)),
        on_open_(std::move(on_open)),
        needs_labels_(needs_labels) {
    child_->CountedAbove(node);
  }
  size_t batches() const override { return child_->batches(); }
  bool CanLabelLater() const override { return child_->CanLabelLater(); }
  void LabelLater(size_t batch, size_t row, Labels* out) const override;

 protected:
  Status DoOpen() override;
  Status DoProduce(size_t batch, Wanted wanted, Worker* worker, Block* out) override;

 private:
  const SourcePtr child_;
  const NameRule names_;
  const MapRow map_;
  const OnOpen on_open_;
  const bool needs_labels_;  // map looks at the labels
};

// The one step of its child at every step.
class RepeatSource : public Source {
 public:
  RepeatSource(ExecContext* ctx, const PlanNode* node, SourcePtr child)
      : Source(ctx, node), child_(std::move(child)) {}
  size_t batches() const override { return child_->batches(); }

 protected:
  Status DoOpen() override { return child_->Open(); }
  Status DoProduce(size_t batch, Wanted wanted, Worker* worker, Block* out) override;

 private:
  const SourcePtr child_;
};

// Looks at the labels of all series before any is produced. As long as all differ, which is nearly
// always, series stream through; else they are collected and merged (or refused).
class UniqueSource : public RowsSource {
 public:
  enum class Policy : uint8_t { kMerge, kRefuse };
  UniqueSource(ExecContext* ctx, const PlanNode* node, SourcePtr child, Policy policy)
      : RowsSource(ctx, node), child_(std::move(child)), policy_(policy) {
    child_->CountedAbove(node);
  }
  size_t batches() const override { return collected_ ? RowsSource::batches() : child_->batches(); }

 protected:
  Status DoOpen() override;
  Status DoProduce(size_t batch, Wanted wanted, Worker* worker, Block* out) override;

 private:
  Status AllDiffer(bool* differ);

  const SourcePtr child_;
  const Policy policy_;
  bool collected_ = false;
};

// `source` behind a UniqueSource if dropping the names of `child`'s series could make two alike.
// Delayed name removal looks for that at the end of the query instead.
SourcePtr GuardDroppedNames(ExecContext* ctx, const PlanNode& node, NameState child_names,
                            UniqueSource::Policy policy, SourcePtr source);

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_EXEC_MAP_H_
