// Loop: one epoll thread and the connections it owns. The first loop of a server also accepts, and
// deals new connections out in turn.
//
// Edge-triggered: a connection is registered once, for everything, so a request costs no epoll_ctl.
// Deadlines are found by walking all connections at most once a second: cheaper than a timer per
// request as long as connections are counted in thousands.
//
// A request that was cheap the last times it came (cost_memory.h) is run by the loop itself, unless
// there is a millisecond of such work already: then it goes to the pool, which has more threads.
// Should it take long this time, it loses the loop: a second thread, the relief, is woken by a
// timer a millisecond after such a request began, and again while requests are running; when it
// finds the same one twice, it goes on as the loop. The first thread becomes the worker of that one
// request, and is the relief afterwards. While there is no relief, no request is run here. So
// nothing holds the loop for more than two milliseconds, whatever it waits for, and a loop costs
// two threads. The timer of a request that comes alone is stopped when it is done: waking a thread
// costs more than such a request.
#ifndef DEUCALION_SERVER_HTTP_LOOP_H_
#define DEUCALION_SERVER_HTTP_LOOP_H_

#include <atomic>
#include <deque>
#include <memory>
#include <thread>
#include <unordered_map>
#include <vector>

#include "server/http/connection.h"
#include "server/http/listener.h"

namespace deucalion::http {

class Loop : public ConnectionHost {
 public:
  explicit Loop(ServerShared* shared);
  ~Loop() override;

  // Before Start, on the accepting loop: `peers` are all loops, this one included; `listeners` stay
  // the caller's and outlive the loop.
  Status Accept(std::vector<Loop*> peers, std::vector<Listener>* listeners);
  Status Start();
  void Join();

  // Any thread.
  void PostStopping();
  void PostKill();
  // Called on the accepting loop when a connection has ended elsewhere.
  void PostRoom();
  // True once a stopping loop has no connection left and has ended.
  bool Ended() const { return ended_.load(); }
  // Called by the loop's thread right before it ends. Set before Start.
  void set_on_end(std::function<void()> on_end) { on_end_ = std::move(on_end); }

  char* scratch() override { return scratch_.get(); }
  int64_t now_ns() const override { return now_ns_; }
  const std::shared_ptr<Mailbox>& mailbox() const override { return mailbox_; }
  void Yield(uint64_t connection_id) override { yielded_.push_back(connection_id); }
  // Of what is ready to be run, as much as one client may have to wait for.
  static constexpr int64_t kMaxReadyNs = 1'000'000;
  bool TakesRequest(int64_t expected_ns) const override {
    return ready_ns_ + expected_ns <= kMaxReadyNs && relief_there_.load();
  }
  void RunHere(std::shared_ptr<Exchange> exchange) override {
    ready_ns_ += exchange->expected_ns;
    ready_.push_back(std::move(exchange));
  }

 private:
  // Both threads: the loop, and who waits to go on with it, in turns.
  void ThreadMain(bool is_loop);
  // Is the loop until its end (true) or until it has lost it to the relief (false).
  bool Run();
  // One round of `ready_`. False: lost.
  bool RunRequests();
  bool RunRequest(const std::shared_ptr<Exchange>& exchange);
  // The other side: false when the loop has ended, true when this thread is the loop now.
  bool WaitToRelieve();
  // Wakes the relief after so long; 0: not at all.
  void SetTimer(std::chrono::nanoseconds after);
  void HandleMail();
  int WaitMs() const;
  void AcceptAll();
  void AcceptFrom(Listener* listener);
  void Adopt(UniqueFd fd, std::shared_ptr<TlsContext> tls, std::string remote_addr);
  void PauseAccepting(bool paused);
  void StopAccepting();
  void Sweep();
  // Runs `fn` on a connection and buries it when that was its end.
  template <typename Fn>
  void Touch(uint64_t id, Fn fn);
  template <typename Fn>
  void TouchAll(Fn fn);
  Connection* Find(uint64_t id);
  void Bury(uint64_t id);

  ServerShared* const shared_;
  const std::shared_ptr<Mailbox> mailbox_;
  const std::unique_ptr<char[]> scratch_;
  const int64_t sweep_ns_;
  UniqueFd epoll_;
  std::function<void()> on_end_;
  std::vector<Loop*> peers_;
  Loop* acceptor_ = nullptr;

  // Of the thread that is the loop.
  std::vector<Listener>* listeners_ = nullptr;
  bool accepting_paused_ = false;
  bool accept_failed_ = false;
  size_t next_peer_ = 0;
  std::unordered_map<uint64_t, std::unique_ptr<Connection>> connections_;
  std::vector<uint64_t> yielded_;
  std::deque<std::shared_ptr<Exchange>> ready_;  // to be run here
  int64_t ready_ns_ = 0;                         // what they are expected to take
  uint64_t running_connection_ = 0;              // valid while running_ is not 0
  uint64_t last_run_ = 0;
  int64_t last_batch_ns_ = 0;  // when requests were run here last
  uint64_t next_id_ = 0;
  int64_t now_ns_ = 0;
  int64_t last_sweep_ns_ = 0;
  bool stopping_ = false;

  std::atomic<bool> ended_{true};  // or never started
  // Number of the request the loop is in; 0: none. Who sets a number back to 0 is the loop, and has
  // all that belongs to it: the thread that ran the request, or the relief.
  std::atomic<uint64_t> running_{0};
  std::atomic<bool> relief_there_{false};
  // The timer runs, or the relief has not looked yet since it fired. The loop sets running_ before
  // it reads this, the relief clears this before it reads running_: one of them sees the other.
  std::atomic<bool> timer_set_{false};
  UniqueFd timer_;
  std::thread threads_[2];
};

}  // namespace deucalion::http

#endif  // DEUCALION_SERVER_HTTP_LOOP_H_
