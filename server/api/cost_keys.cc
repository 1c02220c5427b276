#include "server/api/cost_keys.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "base/hash.h"
#include "model/value.h"

namespace deucalion::api {
namespace {

// Nobody repeats longer ones all the time.
constexpr size_t kMaxBodyBytes = 8 << 10;

// Calls fn(pair) with each "name=value", urlencoded, of the body and then of the URL, until it
// returns false.
template <typename Fn>
void ForEachPair(const http::Request& request, Fn fn) {
  for (std::string_view form : {std::string_view(request.body), std::string_view(request.query)}) {
    while (!form.empty()) {
      const std::string_view pair = form.substr(0, form.find('&'));
      if (!fn(pair)) return;
      form.remove_prefix(std::min(pair.size() + 1, form.size()));
    }
  }
}

std::string_view ValueOf(const http::Request& request, std::string_view name_and_equals) {
  std::string_view value;
  ForEachPair(request, [&](std::string_view pair) {
    if (!pair.starts_with(name_and_equals)) return true;
    value = pair.substr(name_and_equals.size());
    return false;
  });
  return value;
}

uint64_t Mix(uint64_t key, uint64_t more) { return (key ^ more) * 0x9e3779b97f4a7c15; }

}  // namespace

uint64_t QueryCostKey(const http::Request& request) {
  if (request.body.size() > kMaxBodyBytes) return 0;
  const std::string_view text = ValueOf(request, "query=");
  return text.empty() ? 0 : Hash64(text);
}

uint64_t RangeCostKey(const http::Request& request) {
  const uint64_t query = QueryCostKey(request);
  double start, end;
  if (query == 0 || !ParseFloatFast(ValueOf(request, "start="), &start) ||
      !ParseFloatFast(ValueOf(request, "end="), &end)) {
    return 0;
  }
  const double seconds = std::round(end - start);
  const uint64_t length = Hash64({reinterpret_cast<const char*>(&seconds), sizeof(seconds)});
  return Mix(Mix(query, length), Hash64(ValueOf(request, "step=")));
}

uint64_t SelectionCostKey(const http::Request& request) {
  if (request.body.size() > kMaxBodyBytes) return 0;
  uint64_t key = Hash64(request.path);
  ForEachPair(request, [&key](std::string_view pair) {
    if (pair.starts_with("match")) key = Mix(key, Hash64(pair));
    return true;
  });
  return key;
}

}  // namespace deucalion::api
