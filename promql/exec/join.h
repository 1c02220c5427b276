// Operators between two instant vectors.
#ifndef DEUCALION_PROMQL_EXEC_JOIN_H_
#define DEUCALION_PROMQL_EXEC_JOIN_H_

#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "promql/exec/element_op.h"
#include "promql/exec/grouping.h"
#include "promql/exec/source.h"

namespace deucalion::promql {

// The labels two series must share to match.
Grouping SignatureOf(const VectorMatching& matching);

// and, or, unless.
Result<SourcePtr> BuildSetOp(ExecContext* ctx, const PlanNode& node);

// Arithmetic and comparisons: series of both sides meet in groups of equal signature, one of the
// sides having at most one sample per group and step. That side is called "one" here, the other
// "many", also in one-to-one matching, where "many" is the left side.
//
// Groups with a single series on the one side, the usual case, are worked off column by column;
// what can only be decided step by step (duplicates, fill values) is.
class JoinSource : public RowsSource {
 public:
  JoinSource(ExecContext* ctx, const PlanNode* node, SourcePtr left, SourcePtr right);

 protected:
  Status DoOpen() override;

 private:
  struct Group {
    std::vector<uint32_t> many, one;  // rows, in order
  };
  // The first error in the order in which a loop over steps, then over rows, would meet it.
  struct FirstError {
    size_t step = SIZE_MAX;
    int phase = 0;  // 0: the one side is filled in; 1: matching
    uint32_t row = 0;
    std::string message;

    void Offer(size_t at_step, int at_phase, uint32_t at_row, std::string text);
  };

  bool swapped() const { return matching_.card == VectorMatching::Card::kOneToMany; }
  bool one_to_one() const { return matching_.card == VectorMatching::Card::kOneToOne; }
  void MakeGroups();
  void FindActiveSteps();
  void CheckOneSide(const Group& g);
  void ForgetStepsAfterError();
  Status CountPair();
  Status JoinGroup(const Group& g);
  void JoinPair(const Row& many, const Row& one, const StepMask& steps, Row* out,
                StepMask* matched);
  void JoinFloats(const Row& many, const Row& one, const StepMask& steps, Row* out);
  Status FillMissingMany(const Group& g, const StepMask& matched);
  void CheckMatches(const Group& g, const std::vector<std::pair<uint32_t, Row>>& results,
                    const std::vector<StepMask>& matched);
  void PlanResultLabels();
  Labels ResultLabels(LabelsView many, LabelsView one) const;
  Labels MatchLabels(LabelsView series) const;
  Row NewResult(const Row& many, LabelsView one) const;
  Status Keep(Row row);

  const BinaryExpr& expr_;
  const VectorMatching& matching_;
  const SourcePtr left_, right_;
  const Grouping signature_;
  // Of the labels of the many side a result has those named here, or all but those named here.
  bool keep_ = false;
  std::vector<std::string> result_names_;  // sorted
  std::vector<Row> many_, one_;
  std::vector<Group> groups_;
  uint64_t pairs_ = 0;  // looked at
  StepMask active_;     // steps at which upstream looks at anything at all
  FirstError error_;
};

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_EXEC_JOIN_H_
