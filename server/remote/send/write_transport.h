// Sending one remote write request, and what came of it.
#ifndef DEUCALION_SERVER_REMOTE_SEND_WRITE_TRANSPORT_H_
#define DEUCALION_SERVER_REMOTE_SEND_WRITE_TRANSPORT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "scrape/fetch/http_client.h"
#include "server/config/config.h"
#include "server/remote/auth/request_auth.h"

namespace deucalion::remote {

// What a 2.0 receiver says it has written.
struct WriteStats {
  bool present = false;  // one of the headers was there
  int64_t samples = 0;
  int64_t histograms = 0;
  int64_t exemplars = 0;
};

struct WriteReply {
  enum class Kind {
    kTaken,
    kRetry,    // network errors, 5xx, and 429 where the configuration says so
    kRefused,  // every other status: sending it again would not help
  };
  Kind kind = Kind::kTaken;
  int status = 0;              // 0: no response
  std::string error;           // unless taken
  int64_t retry_after_ms = 0;  // 0: the receiver did not say
  WriteStats written;
};

// Thread-safe.
class WriteTransport {
 public:
  virtual ~WriteTransport() = default;
  // `body` is compressed. `attempt` counts from 0. `done` is called once, on any thread.
  virtual void Send(std::string body, int attempt, std::function<void(WriteReply)> done) = 0;
};

// Over HTTP as the configuration says. `user_agent` as Prometheus's: "Prometheus/3.14.0". Fails
// when files of the configuration cannot be used, or when there is nothing to authenticate with.
// The engine and the clock must outlive it.
Result<std::shared_ptr<WriteTransport>> NewHttpTransport(
    scrape::HttpEngine* engine, const config::RemoteWriteConfig& config, std::string user_agent,
    Clock* clock, const Surroundings& surroundings = Surroundings::OfProcess(),
    const scrape::Dialer* dialer = nullptr);

// Retry-After: seconds, or a date as HTTP writes them. 0 for anything else and for the past.
int64_t RetryAfterMs(std::string_view header, int64_t now_ms);

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_SEND_WRITE_TRANSPORT_H_
