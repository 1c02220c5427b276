// SendQueue: one remote_write entry as a state machine. Takes what the WAL feed hands out, spreads
// it over shards by series, sends each shard's values in order and one request at a time, retries,
// and says how far everything has been settled.
//
// It has no thread, no socket and no clock of its own: QueueThread (or a test) calls Take when
// there is room, OnReply for each request that has ended, and Tick whenever something may be due.
//
// Values stay in their shard until the request they were sent in is taken or refused for good, so a
// retry encodes them again. Each belongs to a frame (what one Take brought, with the position
// behind it); the position of a frame counts once its values and those of all frames before are
// settled.
//
// A receiver refuses a whole 1.0 request when it has seen a newer sample of one series. After a
// restart that may be due to what an earlier life had sent and not remembered, so a refused request
// with doubtful values is cut in halves until only what really cannot be taken is dropped.
//
// Thread-compatible.
#ifndef DEUCALION_SERVER_REMOTE_SEND_SEND_QUEUE_H_
#define DEUCALION_SERVER_REMOTE_SEND_SEND_QUEUE_H_

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "server/config/config.h"
#include "server/remote/send/queue_metrics.h"
#include "server/remote/send/queue_series.h"
#include "server/remote/send/request_encoder.h"
#include "server/remote/send/write_transport.h"
#include "server/remote/shard_planner.h"
#include "tsdb/storage/wal_feed.h"

namespace deucalion::remote {

class SendQueue {
 public:
  using FamilyMetadata = std::vector<std::pair<std::string, Metadata>>;
  // Which request a reply belongs to: a shard's, or that of the metadata.
  static constexpr int kMetadataChannel = -1;

  struct Parts {
    Clock* clock = nullptr;
    Logger* logger = nullptr;
    QueueMetrics metrics;
    // Sends a compressed request; its reply comes through OnReply, later.
    std::function<void(int channel, std::string body, int attempt)> send;
    // What is known of metric families now; for 1.0. May be empty.
    std::function<FamilyMetadata()> metadata;
  };
  // `config` must outlive the queue.
  SendQueue(const config::RemoteWriteConfig& config, Labels external_labels, Parts parts);

  // Whether Take may be called: everything taken so far has found its shard.
  bool HasRoom() const { return !feeding_; }
  // Takes the contents of *batch. `position`: what to save once all of it is settled.
  void Take(FeedBatch* batch, std::string position);
  void OnReply(int channel, WriteReply reply);
  // Starts what is due. `newest_ms`: newest sample time in the WAL. Returns when to be called again
  // at the latest, on the clock's monotonic time.
  int64_t Tick(int64_t newest_ms);

  // The newest position before which everything is settled, if that has moved since the last call.
  std::optional<std::string> TakePosition();

  // From now on partial batches are sent at once, and the first request that would have to be
  // retried ends all sending: what is left will be read from the WAL again.
  void Drain();
  // After Drain: nothing is under way and nothing more will be sent.
  bool drained() const;
  int64_t pending_values() const;
  int shards() const { return static_cast<int>(shards_.size()); }

 private:
  struct Value {
    QueueSeries* series = nullptr;
    uint64_t frame = 0;
    int64_t time_ms = 0;
    int64_t st_ms = 0;
    double value = 0;
    std::unique_ptr<FeedHistogram> histogram;
    std::unique_ptr<Exemplar> exemplar;
    SentKind kind() const {
      return histogram  ? SentKind::kHistograms
             : exemplar ? SentKind::kExemplars
                        : SentKind::kSamples;
    }
  };
  // One request at a time and its retries.
  struct Channel {
    bool in_flight = false;
    int attempt = 0;
    int64_t retry_at_ns = 0;  // 0: no retry is waiting
    int64_t backoff_ms = 0;
    int64_t begun_ns = 0;    // of the first attempt
    int64_t attempt_ns = 0;  // of this one
    SentCounts counts{};
    bool busy() const { return in_flight || retry_at_ns != 0; }
  };
  struct Shard {
    std::deque<Value> queue;
    size_t sending = 0;          // of its front: in the request under way
    int64_t waiting_ns = 0;      // since when the values behind those wait
    int64_t highest_ms = 0;      // of the request under way
    std::vector<size_t> pieces;  // of a refused request, the next one last
    Channel channel;
  };
  struct Frame {
    std::string position;
    int64_t outstanding = 0;
    bool doubtful = false;
  };

  // ---- taking in ----
  void Feed();
  bool FeedSamples();
  bool FeedHistograms();
  bool FeedExemplars();
  QueueSeries* Admit(uint64_t id, int64_t time_ms, SentKind kind);
  bool Push(QueueSeries* series, Value value);
  void CountRecords(const FeedBatch& batch);
  void Drop(SentKind kind, DropReason reason, int64_t n = 1);
  bool TooOld(int64_t time_ms) const;

  // ---- sending ----
  void TickShard(int index, int64_t now_ns);
  size_t DueValues(const Shard& shard, int64_t now_ns) const;
  int64_t NextDueNs(const Shard& shard) const;
  void StartBatch(int index, size_t n, int64_t now_ns);
  void SendBatch(int index, int64_t now_ns);
  std::string EncodeBatch(Shard* shard);
  void DropOldOfBatch(Shard* shard);
  void OnShardReply(Shard* shard, const WriteReply& reply);
  void FinishBatch(Shard* shard, int64_t now_ns);
  bool SplitBatch(Shard* shard, const WriteReply& reply);
  bool ReadyForRetry(Channel* channel, const WriteReply& reply, int64_t now_ns);
  void CountOutcome(const Shard& shard, const WriteReply& reply, int64_t now_ns);

  // ---- metadata of 1.0 ----
  void TickMetadata(int64_t now_ns);
  void SendMetadata(int64_t now_ns);
  void OnMetadataReply(const WriteReply& reply);

  // ---- shards ----
  void Plan(int64_t newest_ms);
  void Reshard();

  const config::RemoteWriteConfig& config_;
  const Parts parts_;
  const QueueMetrics& metrics_;
  const WriteVersion version_;
  const size_t batch_size_;
  const size_t capacity_;

  SeriesTable series_;
  RequestEncoder encoder_;
  std::vector<Shard> shards_;
  int wanted_shards_;
  std::deque<Frame> frames_;
  uint64_t first_frame_ = 0;  // number of frames_.front()
  std::optional<std::string> position_;

  bool feeding_ = false;  // batch_ is not used up
  FeedBatch batch_;
  size_t next_sample_ = 0, next_histogram_ = 0, next_exemplar_ = 0;

  bool draining_ = false;
  bool gave_up_ = false;
  // How many requests halving may still cost: regained by values it saves.
  int64_t split_budget_;
  int64_t highest_ms_ = 0, highest_sent_ms_ = 0;

  EwmaRate in_, out_, dropped_, out_seconds_;
  int64_t next_plan_ns_;
  int64_t last_send_ns_;

  Channel metadata_channel_;
  FamilyMetadata families_;
  size_t next_family_ = 0, sending_families_ = 0;
  int64_t next_metadata_ns_ = 0;

  // Scratch.
  std::vector<OutgoingMetadata> outgoing_metadata_;
};

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_SEND_SEND_QUEUE_H_
