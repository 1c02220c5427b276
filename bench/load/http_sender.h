// One keep-alive HTTP connection that posts bodies and waits for each answer. Blocking; one thread.
#ifndef DEUCALION_BENCH_LOAD_HTTP_SENDER_H_
#define DEUCALION_BENCH_LOAD_HTTP_SENDER_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace deucalion::bench {

class HttpSender {
 public:
  // 127.0.0.1 only: a load generator has no business elsewhere.
  HttpSender(uint16_t port, std::string path);
  ~HttpSender();
  HttpSender(const HttpSender&) = delete;

  // The HTTP status of the answer. Connects when it is not connected.
  Result<int> Post(std::string_view body);

 private:
  Status Connect();
  Status SendAll(std::string_view bytes);
  Result<int> ReadAnswer();

  const uint16_t port_;
  const std::string path_;
  int fd_ = -1;
  std::string buffer_;
};

}  // namespace deucalion::bench

#endif  // DEUCALION_BENCH_LOAD_HTTP_SENDER_H_
