#include "server/remote/send/write_sender.h"

#include <algorithm>
#include <set>
#include <utility>

#include "scrape/fetch/dial_metrics.h"
#include "server/config/go_url.h"
#include "server/remote/entry_hash.h"

namespace deucalion::remote {
namespace {

// What a queue that restarts has to bring out what it has under way.
constexpr int64_t kHandOverMs = 1000;

std::string NameOf(const config::RemoteWriteConfig& entry, const std::string& hash) {
  return entry.name.empty() ? hash.substr(0, 6) : entry.name;
}

}  // namespace

WriteSender::WriteSender(WriteSenderOptions options)
    : options_(std::move(options)), metrics_(options_.metrics, options_.newest_ms) {}

WriteSender::~WriteSender() { Stop(); }

Result<std::shared_ptr<WriteTransport>> WriteSender::NewTransport(
    const config::RemoteWriteConfig& entry) {
  if (options_.transport) return options_.transport(entry);
  if (http_ == nullptr) http_ = scrape::NewHttpEngine();
  const scrape::Dialer* const dialer =
      options_.dials == nullptr ? nullptr : options_.dials->Of("remote_storage_write_client");
  return NewHttpTransport(http_.get(), entry, options_.user_agent, options_.clock,
                          Surroundings::OfProcess(), dialer);
}

Result<std::vector<WriteSender::Plan>> WriteSender::MakePlans(
    const std::vector<config::RemoteWriteConfig>& entries) {
  std::vector<Plan> plans;
  std::set<std::string> hashes;
  std::map<std::string, int> same_url;
  for (const config::RemoteWriteConfig& entry : entries) {
    Plan plan{.entry = &entry, .hash = EntryHash(config::RemoteWriteYaml(entry))};
    const std::string shown_url = config::RedactUrl(*entry.url);
    if (!hashes.insert(plan.hash).second) {
      return InvalidArgumentError(
          "duplicate remote write configs are not allowed, found duplicate for URL: " + shown_url);
    }
    if (!entry.name.empty()) {
      plan.cursor = "name:" + entry.name;
    } else {
      plan.cursor = "url:" + shown_url;
      if (const int n = ++same_url[shown_url]; n > 1) plan.cursor += "#" + std::to_string(n);
    }
    ASSIGN_OR_RETURN(plan.transport, NewTransport(entry));
    plans.push_back(std::move(plan));
  }
  return plans;
}

Status WriteSender::Apply(Storage* storage, const std::vector<config::RemoteWriteConfig>& entries,
                          const Labels& external_labels) {
  ASSIGN_OR_RETURN(std::vector<Plan> plans, MakePlans(entries));
  const bool same_labels = external_labels == external_labels_;
  external_labels_ = external_labels;
  std::set<std::string> wanted;
  std::vector<Plan> to_start;
  std::vector<std::string> to_end, to_retire;
  for (Plan& plan : plans) {
    wanted.insert(plan.cursor);
    const auto running = queues_.find(plan.cursor);
    if (running != queues_.end() && running->second.hash == plan.hash && same_labels) {
      running->second.thread->SetTransport(std::move(plan.transport));
      continue;
    }
    to_start.push_back(std::move(plan));
  }
  for (const auto& [cursor, queue] : queues_) {
    const bool restarts = std::ranges::any_of(
        to_start, [&cursor = cursor](const Plan& plan) { return plan.cursor == cursor; });
    if (restarts) {
      to_end.push_back(cursor);
    } else if (!wanted.contains(cursor)) {
      to_retire.push_back(cursor);
    }
  }
  EndQueues(to_end);
  Retire(storage, to_retire);
  ReapRetired(false);
  for (Plan& plan : to_start) {
    // It was gone and is back before it has ended.
    if (const auto it = retired_.find(plan.cursor); it != retired_.end()) {
      it->second->thread->BeginStop(0);
      retired_.erase(it);
    }
    RETURN_IF_ERROR(StartQueue(storage, std::move(plan), external_labels));
  }
  for (const std::string& cursor : storage->wal_feed()->CursorNames()) {
    if (wanted.contains(cursor) || retired_.contains(cursor)) continue;
    RETURN_IF_ERROR(storage->wal_feed()->ForgetCursor(cursor));
  }
  return OkStatus();
}

Status WriteSender::StartQueue(Storage* storage, Plan plan, const Labels& external_labels) {
  Queue queue{.name = NameOf(*plan.entry, plan.hash),
              .url = config::RedactUrl(*plan.entry->url),
              .hash = plan.hash};
  QueueThread::Parts parts{.storage = storage,
                           .clock = options_.clock,
                           .logger = options_.logger,
                           .metrics = metrics_.Add(queue.name, queue.url),
                           .metadata = options_.metadata};
  auto thread = QueueThread::Start(plan.cursor, *plan.entry, external_labels, std::move(parts),
                                   std::move(plan.transport));
  if (!thread.ok()) {
    metrics_.Remove(queue.name, queue.url);
    return thread.TakeStatus().WithContext("starting remote write to " + queue.url);
  }
  queue.thread = std::move(*thread);
  options_.logger->Info("Starting WAL watcher", {{"queue", queue.name}, {"url", queue.url}});
  queues_.emplace(plan.cursor, std::move(queue));
  return OkStatus();
}

void WriteSender::EndQueues(const std::vector<std::string>& cursors) {
  // All at once, so that receivers that are down cost one deadline.
  for (const std::string& cursor : cursors) queues_.at(cursor).thread->BeginStop(kHandOverMs);
  for (const std::string& cursor : cursors) {
    const auto it = queues_.find(cursor);
    it->second.thread->Join();
    it->second.thread = nullptr;
    metrics_.Remove(it->second.name, it->second.url);
    options_.logger->Info("Remote storage stopped.", {{"queue", it->second.name}});
    queues_.erase(it);
  }
}

void WriteSender::Retire(Storage* storage, const std::vector<std::string>& cursors) {
  for (const std::string& cursor : cursors) {
    auto node = queues_.extract(cursor);
    auto retired = std::make_unique<Retired>();
    retired->thread = node.mapped().thread;
    retired->thread->BeginStop(options_.flush_deadline_ms);
    retired->waiter = std::jthread([this, storage, cursor, queue = std::move(node.mapped()),
                                    ended = &retired->ended]() mutable {
      queue.thread->Join();
      metrics_.Remove(queue.name, queue.url);
      const Status forgotten = storage->wal_feed()->ForgetCursor(cursor);
      if (!forgotten.ok()) {
        options_.logger->Warn("Forgetting the place of a remote write queue failed",
                              {{"queue", queue.name}, {"err", forgotten}});
      }
      options_.logger->Info("Remote storage stopped.", {{"queue", queue.name}});
      ended->store(true);
    });
    retired_.emplace(cursor, std::move(retired));
  }
}

void WriteSender::ReapRetired(bool now) {
  std::erase_if(retired_, [now](const auto& entry) { return now || entry.second->ended.load(); });
}

void WriteSender::Stop() {
  for (const auto& [cursor, queue] : queues_) queue.thread->BeginStop(options_.flush_deadline_ms);
  ReapRetired(true);
  for (const auto& [cursor, queue] : queues_) {
    queue.thread->Join();
    metrics_.Remove(queue.name, queue.url);
    options_.logger->Info("Remote storage stopped.", {{"queue", queue.name}});
  }
  queues_.clear();
}

}  // namespace deucalion::remote
