// Notifications: short texts for the person in front of the UI ("Configuration reload has
// failed."), listed and pushed as server-sent events. Thread-safe.
#ifndef DEUCALION_SERVER_API_NOTIFICATIONS_H_
#define DEUCALION_SERVER_API_NOTIFICATIONS_H_

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/thread_annotations.h"
#include "server/http/message.h"

namespace deucalion::api {

inline constexpr std::string_view kReloadFailedText = "Configuration reload has failed.";
inline constexpr std::string_view kStartingUpText =
    "Prometheus is starting and replaying the write-ahead log (WAL).";
inline constexpr std::string_view kShuttingDownText =
    "Prometheus is shutting down and gracefully stopping all operations.";

struct Notification {
  std::string text;
  int64_t time_ms = 0;
  bool active = true;
};

class Notifications {
 public:
  // Both must outlive it; `metrics` may be null.
  Notifications(const Clock* clock, size_t max_subscribers, MetricRegistry* metrics);

  // Adding an active text again only renews its date.
  void Add(std::string_view text) EXCLUDES(mu_);
  // Subscribers are told once more, as inactive.
  void Delete(std::string_view text) EXCLUDES(mu_);
  std::vector<Notification> Active() const EXCLUDES(mu_);
  // A stream that begins with what is active. Null when there are too many subscribers.
  std::shared_ptr<http::PushStream> Subscribe() EXCLUDES(mu_);
  // Ends all streams.
  void CloseAll() EXCLUDES(mu_);

  static void AppendJson(std::string* out, const Notification& notification);

 private:
  void Publish(const Notification& notification) REQUIRES(mu_);

  const Clock* const clock_;
  const size_t max_subscribers_;
  Counter* sent_ = nullptr;
  mutable Mutex mu_;
  std::vector<Notification> active_ GUARDED_BY(mu_);
  std::vector<std::shared_ptr<http::PushStream>> subscribers_ GUARDED_BY(mu_);
};

}  // namespace deucalion::api

#endif  // DEUCALION_SERVER_API_NOTIFICATIONS_H_
