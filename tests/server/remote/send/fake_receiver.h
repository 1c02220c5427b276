// A receiver of remote write as Prometheus is one: 1.0 requests are stored whole or not at all, a
// sample older than its series' newest is refused with 400.
#ifndef DEUCALION_TESTS_SERVER_REMOTE_SEND_FAKE_RECEIVER_H_
#define DEUCALION_TESTS_SERVER_REMOTE_SEND_FAKE_RECEIVER_H_

#include <gtest/gtest.h>

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "model/value.h"
#include "server/remote/send/write_transport.h"
#include "server/remote/snappy_block.h"
#include "server/remote/write_request.h"

namespace deucalion::remote {

inline WriteRequest DecodeBody(const std::string& body, bool v2 = false) {
  WriteRequest request;
  const Result<std::string> message = SnappyDecode(body, 1 << 26);
  EXPECT_TRUE(message.ok());
  const Status status =
      v2 ? ParseWriteRequestV2(*message, &request) : ParseWriteRequestV1(*message, &request);
  EXPECT_TRUE(status.ok()) << status.ToString();
  return request;
}

inline WriteReply Taken() { return {.kind = WriteReply::Kind::kTaken, .status = 204}; }
inline WriteReply Down(int64_t retry_after_ms = 0) {
  return {.kind = WriteReply::Kind::kRetry,
          .status = 503,
          .error = "server returned HTTP status 503 Service Unavailable: ",
          .retry_after_ms = retry_after_ms};
}
inline WriteReply Refused(int status = 400) {
  return {.kind = WriteReply::Kind::kRefused,
          .status = status,
          .error = "server returned HTTP status 400 Bad Request: out of order sample"};
}

// Thread-safe.
class FakeReceiver {
 public:
  using Series = std::map<int64_t, double>;

  WriteReply Accept(const std::string& body) {
    const WriteRequest request = DecodeBody(body);
    const std::lock_guard lock(mu_);
    ++requests_;
    auto after = series_;
    for (const WireSeries& s : request.series) {
      Series& series = after[Labels(request.LabelsOf(s))];
      for (uint32_t i = s.sample_begin; i < s.sample_end; ++i) {
        const WireSample& sample = request.samples[i];
        if (!series.empty() && sample.time_ms < series.rbegin()->first) return Refused();
        const auto [it, added] = series.emplace(sample.time_ms, sample.value);
        if (!added && it->second != sample.value) return Refused();
        if (!added) ++repeated_;
      }
    }
    series_ = std::move(after);
    return Taken();
  }
  std::map<Labels, Series> series() const {
    const std::lock_guard lock(mu_);
    return series_;
  }
  size_t samples() const {
    size_t n = 0;
    for (const auto& [labels, series] : this->series()) n += series.size();
    return n;
  }
  int requests() const {
    const std::lock_guard lock(mu_);
    return requests_;
  }
  // Samples that came again.
  int repeated() const {
    const std::lock_guard lock(mu_);
    return repeated_;
  }

 private:
  mutable std::mutex mu_;
  std::map<Labels, Series> series_;
  int requests_ = 0;
  int repeated_ = 0;
};

}  // namespace deucalion::remote

#endif  // DEUCALION_TESTS_SERVER_REMOTE_SEND_FAKE_RECEIVER_H_
