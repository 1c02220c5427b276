#include "server/api/notifications.h"

#include <algorithm>

#include "server/api/json.h"

namespace deucalion::api {

Notifications::Notifications(const Clock* clock, size_t max_subscribers, MetricRegistry* metrics)
    : clock_(clock), max_subscribers_(max_subscribers) {
  if (metrics == nullptr) return;
  sent_ = metrics->AddCounter("prometheus_api_notification_updates_sent_total",
                              "Total number of notification updates sent.");
  metrics->AddCollector(this, [this](MetricSink& sink) {
    MutexLock lock(mu_);
    sink.Family("prometheus_api_notification_active_subscribers",
                "The current number of active notification subscribers.", MetricType::kGauge);
    sink.Sample("", {}, static_cast<double>(subscribers_.size()));
  });
}

void Notifications::Add(std::string_view text) {
  MutexLock lock(mu_);
  auto it = std::find_if(active_.begin(), active_.end(),
                         [&](const Notification& n) { return n.text == text; });
  if (it == active_.end()) it = active_.insert(active_.end(), Notification{std::string(text)});
  it->time_ms = clock_->NowMs();
  Publish(*it);
}

void Notifications::Delete(std::string_view text) {
  MutexLock lock(mu_);
  const auto it = std::find_if(active_.begin(), active_.end(),
                               [&](const Notification& n) { return n.text == text; });
  if (it == active_.end()) return;
  Notification gone = std::move(*it);
  active_.erase(it);
  gone.active = false;
  Publish(gone);
}

std::vector<Notification> Notifications::Active() const {
  MutexLock lock(mu_);
  return active_;
}

std::shared_ptr<http::PushStream> Notifications::Subscribe() {
  MutexLock lock(mu_);
  std::erase_if(subscribers_, [](const auto& s) { return s->closed(); });
  if (subscribers_.size() >= max_subscribers_) return nullptr;
  auto stream = std::make_shared<http::PushStream>();
  for (const Notification& n : active_) {
    std::string event = "data: ";
    AppendJson(&event, n);
    stream->Send(event + "\n\n");
  }
  subscribers_.push_back(stream);
  return stream;
}

void Notifications::CloseAll() {
  MutexLock lock(mu_);
  for (const auto& subscriber : subscribers_) subscriber->Close();
  subscribers_.clear();
}

void Notifications::Publish(const Notification& notification) {
  std::string event = "data: ";
  AppendJson(&event, notification);
  event += "\n\n";
  for (const auto& subscriber : subscribers_) {
    if (subscriber->Send(event) && sent_ != nullptr) sent_->Increment();
  }
}

void Notifications::AppendJson(std::string* out, const Notification& notification) {
  JsonObject o(out);
  o.String("text", notification.text);
  o.Time("date", notification.time_ms);
  o.Bool("active", notification.active);
  o.Close();
}

}  // namespace deucalion::api
