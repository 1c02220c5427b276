// One HTTP exchange as libcurl runs it: the options of a request, the bytes that come back, and the
// words for what went wrong. Used by the engine's event thread only.
#ifndef DEUCALION_SCRAPE_FETCH_CURL_TRANSFER_H_
#define DEUCALION_SCRAPE_FETCH_CURL_TRANSFER_H_

#include <curl/curl.h>

#include <array>
#include <memory>
#include <string>

#include "base/status.h"
#include "scrape/fetch/http_client.h"

namespace deucalion::scrape {

// What a client's configuration means for each transfer, secrets resolved.
struct TransferSettings {
  TlsConfig tls;
  ProxyConfig proxy;
  bool follow_redirects = true;
  bool http2 = true;
};

class CurlTransfer {
 public:
  CurlTransfer(HttpRequest request, std::shared_ptr<const TransferSettings> settings,
               HttpClient::Done done);
  ~CurlTransfer();
  CurlTransfer(const CurlTransfer&) = delete;
  CurlTransfer& operator=(const CurlTransfer&) = delete;

  // Sets `easy` up for this transfer. The handle stays the caller's and must be reset before the
  // transfer is destroyed.
  Status Prepare(CURL* easy);
  // Called once, when curl is through with the handle.
  void Finish(CURL* easy, CURLcode code);
  // Called instead, when the transfer will not run (to its end).
  void Fail(Status status);

 private:
  static size_t OnBody(char* data, size_t size, size_t n, void* self);
  static size_t OnHeader(char* data, size_t size, size_t n, void* self);
  static curl_socket_t OnOpenSocket(void* self, curlsocktype purpose,
                                    struct curl_sockaddr* address);
  static int OnCloseSocket(void* dialer, curl_socket_t fd);

  Status PrepareTls(CURL* easy);
  Status PrepareServerName(CURL* easy);
  void PrepareProxy(CURL* easy);
  Status ErrorOf(CURL* easy, CURLcode code) const;
  std::string RequestError(std::string_view what) const;
  void CountDials(CURL* easy, CURLcode code) const;

  const HttpRequest request_;
  const std::shared_ptr<const TransferSettings> settings_;
  HttpClient::Done done_;
  HttpResponse response_;
  size_t header_bytes_ = 0;
  bool too_large_ = false;
  bool headers_done_ = false;
  std::string dialed_;  // "127.0.0.1:80": the last address tried
  size_t opened_ = 0;   // sockets
  curl_slist* headers_ = nullptr;
  curl_slist* proxy_headers_ = nullptr;
  curl_slist* connect_to_ = nullptr;
  std::array<char, CURL_ERROR_SIZE> error_text_{};
};

}  // namespace deucalion::scrape

#endif  // DEUCALION_SCRAPE_FETCH_CURL_TRANSFER_H_
