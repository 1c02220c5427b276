// What a sender of remote write reads of others: Retry-After as receivers write it, and its own
// place as the catalogue gives it back.
#include <string_view>

#include "base/check.h"
#include "server/remote/send/write_transport.h"
#include "tsdb/db/feed_position.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace deucalion;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const int64_t retry_ms = remote::RetryAfterMs(text, 1'700'000'000'000);
  CHECK(retry_ms >= 0 && retry_ms <= 86'400'000);
  tsdb::FeedPosition position;
  if (!tsdb::ParseFeedPosition(text, &position)) return 0;
  tsdb::FeedPosition again;
  CHECK(tsdb::ParseFeedPosition(tsdb::FormatFeedPosition(position), &again));
  CHECK(again == position);
  return 0;
}
