// Target: one endpoint to scrape, made from discovered labels by relabelling, and how its last
// scrape went. The labels are immutable; the state is guarded, so all calls may run at the same
// time.
#ifndef DEUCALION_SCRAPE_LOOP_TARGET_H_
#define DEUCALION_SCRAPE_LOOP_TARGET_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/thread_annotations.h"
#include "model/labels.h"
#include "scrape/discovery/config.h"
#include "scrape/scrape_config.h"

namespace deucalion::scrape {

enum class TargetHealth { kUnknown, kUp, kDown };
// "unknown", "up", "down".
std::string_view TargetHealthText(TargetHealth health);

struct TargetState {
  TargetHealth health = TargetHealth::kUnknown;
  std::string last_error;
  int64_t last_scrape_ms = 0;  // Unix; 0 = never
  double last_duration_seconds = 0;
};

class Target {
 public:
  // `labels`: after relabelling, with the internal ones. `discovered`: before.
  Target(Labels labels, Labels discovered, const ScrapeConfig& config);

  const Labels& labels() const { return labels_; }
  // Without names that begin with "__": what its series get.
  const Labels& public_labels() const { return public_labels_; }
  const std::string& url() const { return url_; }
  // Identifies the target: labels and URL.
  uint64_t hash() const { return hash_; }
  int64_t interval_ms() const { return interval_ms_; }
  int64_t timeout_ms() const { return timeout_ms_; }
  std::string_view unix_socket() const { return labels_.Get("__unix_socket__"); }
  // The switch as relabelling left it in the label `name` ("true" or "false"), else `configured`.
  bool Switch(std::string_view name, bool configured) const;

  Labels discovered() const EXCLUDES(mu_);
  void set_discovered(Labels discovered) EXCLUDES(mu_);
  TargetState state() const EXCLUDES(mu_);
  void Report(TargetState state) EXCLUDES(mu_);

  // Nanoseconds from `now_unix_ns` to the target's next place in the interval: its hash, mixed with
  // the server's seed, spreads the targets evenly and keeps each at its place over restarts.
  int64_t OffsetNs(int64_t now_unix_ns, int64_t interval_ns, uint64_t seed) const;

 private:
  const Labels labels_;
  const Labels public_labels_;
  const std::string url_;
  const uint64_t hash_;
  int64_t interval_ms_;
  int64_t timeout_ms_;

  mutable Mutex mu_;
  Labels discovered_ GUARDED_BY(mu_);
  TargetState state_ GUARDED_BY(mu_);
};

// The labels a target is discovered with: its own, its group's, and those the configuration gives.
Labels DiscoveredLabels(const ScrapeConfig& config, const LabelMap& target, const LabelMap& group);
// Relabels and completes them. Empty when the target is dropped; an error when it cannot be
// scraped.
Result<Labels> TargetLabels(const ScrapeConfig& config, const Labels& discovered);

struct GroupTargets {
  std::vector<std::shared_ptr<Target>> active;
  std::vector<Labels> dropped;  // discovered labels
  std::vector<Status> failures;
};
// Appends the targets of one group.
void MakeTargets(const ScrapeConfig& config, const TargetGroup& group, GroupTargets* out);

}  // namespace deucalion::scrape

#endif  // DEUCALION_SCRAPE_LOOP_TARGET_H_
