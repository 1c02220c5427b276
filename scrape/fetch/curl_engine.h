// The event thread under all outgoing HTTP: libcurl's multi interface driven by epoll, so that a
// wake-up costs by ready sockets, not by transfers under way. Thread-safe.
#ifndef DEUCALION_SCRAPE_FETCH_CURL_ENGINE_H_
#define DEUCALION_SCRAPE_FETCH_CURL_ENGINE_H_

#include <curl/curl.h>

#include <cstdint>
#include <memory>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/thread_annotations.h"
#include "scrape/fetch/curl_transfer.h"
#include "scrape/fetch/http_client.h"

namespace deucalion::scrape {

class CurlEngine final : public HttpEngine {
 public:
  CurlEngine();
  ~CurlEngine() override;

  Result<std::unique_ptr<HttpClient>> NewClient(const HttpClientConfig& config) override;

  void Start(std::unique_ptr<CurlTransfer> transfer) EXCLUDES(mu_);

 private:
  static int OnSocket(CURL* easy, curl_socket_t fd, int what, void* self, void* known);
  static int OnTimer(CURLM* multi, long timeout_ms, void* self);

  void Run();
  int WaitMs() const;
  void Wake();
  void BeginNew() EXCLUDES(mu_);
  void Begin(std::unique_ptr<CurlTransfer> transfer);
  void FinishDone();
  void Release(CURL* easy);

  CURLM* multi_ = nullptr;
  int epoll_fd_ = -1;
  int wake_fd_ = -1;

  // Of the event thread.
  static constexpr int64_t kNever = INT64_MAX;
  int64_t timer_ns_ = kNever;  // monotonic: when curl wants to be called without any socket
  std::unordered_map<CURL*, std::unique_ptr<CurlTransfer>> running_;
  std::vector<CURL*> idle_;  // handles to use again

  Mutex mu_;
  std::vector<std::unique_ptr<CurlTransfer>> new_ GUARDED_BY(mu_);
  bool stopping_ GUARDED_BY(mu_) = false;

  std::thread thread_;
};

}  // namespace deucalion::scrape

#endif  // DEUCALION_SCRAPE_FETCH_CURL_ENGINE_H_
