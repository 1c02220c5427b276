// WriteSender: all of remote_write: one queue per entry of the configuration.
//
// A queue keeps its place in the WAL under its name, or its URL where it has none: across restarts,
// and across reloads that change the rest of its entry. An entry with a new name or URL starts at
// the present; the place of one that is gone is forgotten.
//
// A reload does not wait for receivers that do not answer. A queue that restarts has a second to
// bring out what it has under way, and its next life sends the rest. One that is gone goes on in
// the background for the flush deadline, as Prometheus's do, and its place is forgotten then.
//
// Thread-safe, except that Apply and Stop run one at a time.
#ifndef DEUCALION_SERVER_REMOTE_SEND_WRITE_SENDER_H_
#define DEUCALION_SERVER_REMOTE_SEND_WRITE_SENDER_H_

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "server/remote/send/queue_thread.h"

namespace deucalion::remote {

struct WriteSenderOptions {
  Clock* clock = Clock::Real();
  Logger* logger = nullptr;
  MetricRegistry* metrics = nullptr;
  std::string user_agent;
  scrape::DialMetrics* dials = nullptr;  // may be null
  // For what is queued, at shutdown and when a reload has taken a queue away.
  int64_t flush_deadline_ms = 60'000;
  std::function<SendQueue::FamilyMetadata()> metadata;
  std::function<int64_t()> newest_ms;  // see SendMetrics
  // How requests are sent; by default over HTTP.
  std::function<Result<std::shared_ptr<WriteTransport>>(const config::RemoteWriteConfig&)>
      transport;
};

class WriteSender {
 public:
  explicit WriteSender(WriteSenderOptions options);
  ~WriteSender();

  // Starts, keeps, restarts and stops queues. `storage` must stay open until Stop. Errors:
  // duplicate entries, files that cannot be used; queues are then as before.
  Status Apply(Storage* storage, const std::vector<config::RemoteWriteConfig>& entries,
               const Labels& external_labels);
  // Flushes and stops every queue.
  void Stop();

 private:
  struct Queue {
    std::string name;  // as metrics call it
    std::string url;
    std::string hash;
    std::shared_ptr<QueueThread> thread;
  };
  // A queue that is gone from the configuration, until it has ended.
  struct Retired {
    std::shared_ptr<QueueThread> thread;
    std::atomic<bool> ended{false};
    std::jthread waiter;  // joins the queue, then forgets all about it
  };
  // What one entry of a new configuration comes to.
  struct Plan {
    const config::RemoteWriteConfig* entry = nullptr;
    std::string cursor;
    std::string hash;
    std::shared_ptr<WriteTransport> transport;
  };

  Result<std::vector<Plan>> MakePlans(const std::vector<config::RemoteWriteConfig>& entries);
  Result<std::shared_ptr<WriteTransport>> NewTransport(const config::RemoteWriteConfig& entry);
  Status StartQueue(Storage* storage, Plan plan, const Labels& external_labels);
  // Queues that start again.
  void EndQueues(const std::vector<std::string>& cursors);
  // Queues that do not.
  void Retire(Storage* storage, const std::vector<std::string>& cursors);
  // Those that have ended; all of them when `now`.
  void ReapRetired(bool now);

  const WriteSenderOptions options_;
  SendMetrics metrics_;
  std::unique_ptr<scrape::HttpEngine> http_;  // made with the first queue; outlives all of them
  std::map<std::string, Queue> queues_;       // by cursor
  std::map<std::string, std::unique_ptr<Retired>> retired_;
  Labels external_labels_;
};

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_SEND_WRITE_SENDER_H_
