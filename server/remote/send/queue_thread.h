// QueueThread: the thread that runs one SendQueue: reads the WAL feed when there is room, hands
// replies over, waits for what is due, saves positions. Requests themselves are under way on the
// transport's threads.
//
// When the feed names a gap, the thread reads it from storage first (GapReader) and then goes on
// with the WAL.
#ifndef DEUCALION_SERVER_REMOTE_SEND_QUEUE_THREAD_H_
#define DEUCALION_SERVER_REMOTE_SEND_QUEUE_THREAD_H_

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/thread_annotations.h"
#include "server/remote/send/gap_reader.h"
#include "server/remote/send/send_queue.h"

namespace deucalion::remote {

class QueueThread {
 public:
  struct Parts {
    Storage* storage = nullptr;
    Clock* clock = nullptr;
    Logger* logger = nullptr;
    QueueMetrics metrics;
    std::function<SendQueue::FamilyMetadata()> metadata;
  };
  // Opens the cursor `cursor_name` and starts. The parts must outlive it.
  static Result<std::unique_ptr<QueueThread>> Start(const std::string& cursor_name,
                                                    const config::RemoteWriteConfig& config,
                                                    const Labels& external_labels, Parts parts,
                                                    std::shared_ptr<WriteTransport> transport);
  // Stops at once unless it was stopped.
  ~QueueThread();

  // For the requests from now on: credentials may have changed.
  void SetTransport(std::shared_ptr<WriteTransport> transport) EXCLUDES(mu_);
  // Stops reading; sends what was read, as long as the receiver takes it, for at most `deadline_ms`
  // from now. Does not wait. May be called again: the earliest deadline counts. Any thread.
  void BeginStop(int64_t deadline_ms);
  // Waits for the end. Nothing is lost: another life of the queue continues at the saved position.
  // Once, by one thread, after BeginStop.
  void Join();

 private:
  struct Reply {
    int channel = 0;
    WriteReply reply;
  };
  // Outlives the thread for replies that come late.
  struct Inbox {
    Mutex mu;
    CondVar wake;
    std::vector<Reply> replies GUARDED_BY(mu);
    int64_t stop_at_ns GUARDED_BY(mu) = INT64_MAX;  // another value: stopping
  };

  QueueThread(const config::RemoteWriteConfig& config, const Labels& external_labels, Parts parts,
              std::shared_ptr<WriteTransport> transport);

  SendQueue::Parts QueueParts();
  void Run();
  bool ReadMore();
  Status ReadBatch(std::string* position);
  void BeginGap(FeedGap gap);
  void SavePosition();
  // When to give up; INT64_MAX while nobody wants it to stop.
  int64_t HandOverReplies();
  void Wait(int64_t until_ns);
  void Send(int channel, std::string body, int attempt) EXCLUDES(mu_);

  const config::RemoteWriteConfig config_;
  const Parts parts_;
  const std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();
  Mutex mu_;
  std::shared_ptr<WriteTransport> transport_ GUARDED_BY(mu_);

  // Of the thread.
  std::unique_ptr<WalCursor> cursor_;
  SendQueue queue_;
  std::unique_ptr<GapReader> gap_;  // null: following the WAL
  FeedBatch batch_;
  int64_t read_again_ns_ = 0;  // after a failure to read
  bool tailing_ = false;       // it has been where there was nothing more to read

  std::thread thread_;
};

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_SEND_QUEUE_THREAD_H_
