// Loop: one epoll thread and the connections it owns. The first loop of a server also accepts, and
// deals new connections out in turn.
//
// Edge-triggered: a connection is registered once, for everything, so a request costs no epoll_ctl.
// Deadlines are found by walking all connections at most once a second: cheaper than a timer per
// request as long as connections are counted in thousands.
#ifndef DEUCALION_SERVER_HTTP_LOOP_H_
#define DEUCALION_SERVER_HTTP_LOOP_H_

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
  // Called by the loop thread right before it ends. Set before Start.
  void set_on_end(std::function<void()> on_end) { on_end_ = std::move(on_end); }

  char* scratch() override { return scratch_.get(); }
  int64_t now_ns() const override { return now_ns_; }
  const std::shared_ptr<Mailbox>& mailbox() const override { return mailbox_; }
  void Yield(uint64_t connection_id) override { yielded_.push_back(connection_id); }

 private:
  void Run();
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

  // Of the loop thread.
  std::vector<Listener>* listeners_ = nullptr;
  bool accepting_paused_ = false;
  bool accept_failed_ = false;
  size_t next_peer_ = 0;
  std::unordered_map<uint64_t, std::unique_ptr<Connection>> connections_;
  std::vector<uint64_t> yielded_;
  uint64_t next_id_ = 0;
  int64_t now_ns_ = 0;
  int64_t last_sweep_ns_ = 0;
  bool stopping_ = false;

  std::atomic<bool> ended_{true};  // or never started
  std::thread thread_;
};

}  // namespace deucalion::http

#endif  // DEUCALION_SERVER_HTTP_LOOP_H_
