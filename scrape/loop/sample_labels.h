// From exposed labels to stored ones: target labels, honor_labels, metric relabelling, the name
// rules and the label limits. Thread-compatible; keeps scratch space.
#ifndef DEUCALION_SCRAPE_LOOP_SAMPLE_LABELS_H_
#define DEUCALION_SCRAPE_LOOP_SAMPLE_LABELS_H_

#include <memory>

#include "base/status.h"
#include "model/labels.h"
#include "scrape/scrape_config.h"

namespace deucalion::scrape {

class SampleLabels {
 public:
  // `target`: the public labels of the target.
  SampleLabels(std::shared_ptr<const ScrapeConfig> config, Labels target)
      : config_(std::move(config)), target_(std::move(target)) {}

  // Empty *out: relabelling drops the series. Errors fail the scrape; *limit_exceeded tells the
  // label limits from bad names.
  Status Resolve(const Labels& exposed, Labels* out, bool* limit_exceeded);

 private:
  // Both sets in one, when no name is in both. False: there is one.
  bool Merge(const Labels& exposed, Labels* out) const;
  void MergeConflicting(const Labels& exposed);
  Status CheckLimits(const Labels& labels) const;

  const std::shared_ptr<const ScrapeConfig> config_;
  const Labels target_;
  LabelsBuilder builder_;
};

}  // namespace deucalion::scrape

#endif  // DEUCALION_SCRAPE_LOOP_SAMPLE_LABELS_H_
