// XOR chunks from outside: whatever the bytes, decoding ends, and what decodes can be continued.
#include <cstdint>

#include "base/check.h"
#include "tsdb/chunk/xor.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace deucalion::tsdb;
  const std::string_view chunk(reinterpret_cast<const char*>(data), size);
  std::vector<int64_t> times;
  std::vector<double> values;
  if (!XorDecode(chunk, &times, &values).ok()) return 0;
  CHECK(times.size() == XorCount(chunk) && values.size() == times.size());
  const auto state = XorResume(chunk);
  CHECK(state.ok());
  CHECK(times.empty() || state->last_ms == times.back());
  return 0;
}
