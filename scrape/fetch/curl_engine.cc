#include "scrape/fetch/curl_engine.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <mutex>

#include "base/clock.h"

namespace deucalion::scrape {
namespace {

// Connections kept between scrapes: more targets than one server has.
constexpr long kMaxIdleConnections = 100'000;
// Handles kept for reuse: what a burst of scrapes uses at once.
constexpr size_t kMaxIdleHandles = 1024;

void InitCurlOnce() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

}  // namespace

std::unique_ptr<HttpEngine> NewHttpEngine() { return std::make_unique<CurlEngine>(); }

CurlEngine::CurlEngine() {
  InitCurlOnce();
  multi_ = curl_multi_init();
  epoll_fd_ = epoll_create1(EPOLL_CLOEXEC);
  wake_fd_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  CHECK(multi_ != nullptr && epoll_fd_ >= 0 && wake_fd_ >= 0);
  epoll_event event{.events = EPOLLIN, .data = {.fd = wake_fd_}};
  epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, wake_fd_, &event);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &OnSocket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &OnTimer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, kMaxIdleConnections);
  thread_ = std::thread([this] { Run(); });
}

CurlEngine::~CurlEngine() {
  {
    MutexLock lock(mu_);
    stopping_ = true;
  }
  Wake();
  thread_.join();
  for (auto& [easy, transfer] : running_) {
    curl_multi_remove_handle(multi_, easy);
    curl_easy_cleanup(easy);
    transfer->Fail(CanceledError("context canceled"));
  }
  for (CURL* easy : idle_) curl_easy_cleanup(easy);
  std::vector<std::unique_ptr<CurlTransfer>> never_begun;
  {
    MutexLock lock(mu_);
    never_begun.swap(new_);
  }
  for (auto& transfer : never_begun) transfer->Fail(CanceledError("context canceled"));
  curl_multi_cleanup(multi_);
  close(epoll_fd_);
  close(wake_fd_);
}

void CurlEngine::Start(std::unique_ptr<CurlTransfer> transfer) {
  {
    MutexLock lock(mu_);
    if (!stopping_) new_.push_back(std::move(transfer));
  }
  if (transfer != nullptr) {
    transfer->Fail(CanceledError("context canceled"));
    return;
  }
  Wake();
}

void CurlEngine::Wake() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = write(wake_fd_, &one, sizeof(one));
}

int CurlEngine::OnSocket(CURL*, curl_socket_t fd, int what, void* self, void*) {
  auto* engine = static_cast<CurlEngine*>(self);
  if (what == CURL_POLL_REMOVE) {
    epoll_ctl(engine->epoll_fd_, EPOLL_CTL_DEL, fd, nullptr);
    return 0;
  }
  epoll_event event{.events = 0, .data = {.fd = fd}};
  if (what & CURL_POLL_IN) event.events |= EPOLLIN;
  if (what & CURL_POLL_OUT) event.events |= EPOLLOUT;
  if (epoll_ctl(engine->epoll_fd_, EPOLL_CTL_MOD, fd, &event) != 0) {
    epoll_ctl(engine->epoll_fd_, EPOLL_CTL_ADD, fd, &event);
  }
  return 0;
}

int CurlEngine::OnTimer(CURLM*, long timeout_ms, void* self) {
  static_cast<CurlEngine*>(self)->timer_ns_ =
      timeout_ms < 0 ? kNever : Clock::Real()->MonotonicNs() + timeout_ms * 1'000'000;
  return 0;
}

void CurlEngine::Run() {
  pthread_setname_np(pthread_self(), "http-client");
  std::array<epoll_event, 256> events{};
  for (;;) {
    {
      MutexLock lock(mu_);
      if (stopping_) return;
    }
    BeginNew();
    const int n = epoll_wait(epoll_fd_, events.data(), events.size(), WaitMs());
    int running = 0;
    if (timer_ns_ <= Clock::Real()->MonotonicNs()) {
      timer_ns_ = kNever;  // curl sets it anew
      curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    for (int i = 0; i < n; ++i) {
      const int fd = events[i].data.fd;
      if (fd == wake_fd_) {
        uint64_t count;
        [[maybe_unused]] const ssize_t r = read(wake_fd_, &count, sizeof(count));
        continue;
      }
      int action = 0;
      if (events[i].events & EPOLLIN) action |= CURL_CSELECT_IN;
      if (events[i].events & EPOLLOUT) action |= CURL_CSELECT_OUT;
      if (events[i].events & (EPOLLERR | EPOLLHUP)) action |= CURL_CSELECT_ERR;
      curl_multi_socket_action(multi_, fd, action, &running);
    }
    FinishDone();
  }
}

int CurlEngine::WaitMs() const {
  if (timer_ns_ == kNever) return -1;
  const int64_t left_ns = timer_ns_ - Clock::Real()->MonotonicNs();
  // Rounded up, lest the loop spins through the last millisecond.
  return static_cast<int>(std::clamp<int64_t>((left_ns + 999'999) / 1'000'000, 0, 60'000));
}

void CurlEngine::BeginNew() {
  std::vector<std::unique_ptr<CurlTransfer>> fresh;
  {
    MutexLock lock(mu_);
    fresh.swap(new_);
  }
  for (auto& transfer : fresh) Begin(std::move(transfer));
}

void CurlEngine::Begin(std::unique_ptr<CurlTransfer> transfer) {
  CURL* easy = nullptr;
  if (idle_.empty()) {
    easy = curl_easy_init();
  } else {
    easy = idle_.back();
    idle_.pop_back();
  }
  Status status =
      easy != nullptr ? transfer->Prepare(easy) : ResourceExhaustedError("out of memory");
  if (!status.ok() || curl_multi_add_handle(multi_, easy) != CURLM_OK) {
    transfer->Fail(status.ok() ? InternalError("cannot start the transfer") : std::move(status));
    if (easy != nullptr) Release(easy);
    return;
  }
  running_.emplace(easy, std::move(transfer));
}

void CurlEngine::FinishDone() {
  int left = 0;
  while (CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURL* easy = message->easy_handle;
    const CURLcode code = message->data.result;
    curl_multi_remove_handle(multi_, easy);
    auto node = running_.extract(easy);
    node.mapped()->Finish(easy, code);
    Release(easy);
  }
}

void CurlEngine::Release(CURL* easy) {
  if (idle_.size() >= kMaxIdleHandles) {
    curl_easy_cleanup(easy);
    return;
  }
  curl_easy_reset(easy);
  idle_.push_back(easy);
}

}  // namespace deucalion::scrape
