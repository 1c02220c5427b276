// Queries of strangers over a small storage: whatever the text, the engine ends with a value or an
// error, and a range query ends like an instant one.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "promql/engine.h"
#include "tests/support/memory_storage.h"

namespace {

using deucalion::FloatHistogram;
using deucalion::Labels;
using deucalion::testing_support::MemoryStorage;

constexpr int64_t kStepMs = 30'000;

FloatHistogram Histogram(double k, bool custom) {
  FloatHistogram h;
  h.count = 3 * k;
  h.sum = 5 * k;
  h.positive_spans = {{0, 2}};
  h.positive_buckets = {k, 2 * k};
  if (custom) {
    h.schema = deucalion::kCustomBucketsSchema;
    h.custom_values = {1, 2, 5};
  }
  return h;
}

MemoryStorage* NewStorage() {
  auto* storage = new MemoryStorage;
  for (int i = 0; i < 4; i++) {
    const std::string n = std::to_string(i);
    for (int s = 0; s < 20; s++) {
      const int64_t t = s * kStepMs;
      (void)storage->Append(Labels{{"__name__", "a"}, {"i", n}}, t, (s * (i + 1)) % 7, t / 2).ok();
      (void)storage->Append(Labels{{"__name__", "b"}, {"i", n}, {"j", "x"}}, t, s - 10).ok();
      (void)storage
          ->Append(Labels{{"__name__", "c_bucket"}, {"i", "0"}, {"le", i == 3 ? "+Inf" : n}}, t,
                   s * (i + 1))
          .ok();
      (void)storage
          ->AppendHistogram(Labels{{"__name__", "h"}, {"i", n}}, t, Histogram(s + 1, i == 3))
          .ok();
      (void)storage->Append(Labels{{"__name__", "target_info"}, {"instance", n}, {"v", n}}, t, 1)
          .ok();
    }
  }
  return storage;
}

deucalion::promql::Engine* NewEngine(bool delayed_names) {
  deucalion::promql::EngineOptions options;
  options.max_samples = 100'000;
  options.max_query_bytes = 64 << 20;
  options.max_total_bytes = 128 << 20;
  options.timeout_ms = 5'000;
  options.max_concurrency = 0;
  options.experimental_functions = true;
  options.delayed_name_removal = delayed_names;
  options.use_start_timestamps = true;
  options.extended_range_selectors = true;
  options.binop_fill_modifiers = true;
  return new deucalion::promql::Engine(options);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static MemoryStorage* const storage = NewStorage();
  static deucalion::promql::Engine* const engines[] = {NewEngine(false), NewEngine(true)};
  const std::string_view query(reinterpret_cast<const char*>(data), size);
  for (deucalion::promql::Engine* engine : engines) {
    (void)engine->Instant(*storage, query, 10 * kStepMs).status.ok();
    (void)engine->Range(*storage, query, 0, 25 * kStepMs, kStepMs / 2).status.ok();
  }
  return 0;
}
