// replay_scrapes: pushes recorded scrapes of one target (record_scrapes.py) to a server on this
// machine by remote write 1.0, as if they had been made --step-ms apart and ended at --end-ms.
//
//   replay_scrapes --file=node.scrapes --port=9090 --end-ms=… --step-ms=15000
//
// Prints {"accepted": samples, "series": n, "scrapes": n}.
#include <snappy.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "bench/load/http_sender.h"

namespace deucalion::bench {
namespace {

std::string WireLabel(std::string_view name, std::string_view value) {
  std::string label, out;
  label.push_back('\x0a');
  PutLengthPrefixed(&label, name);
  label.push_back('\x12');
  PutLengthPrefixed(&label, value);
  out.push_back('\x0a');
  PutLengthPrefixed(&out, label);
  return out;
}

// `text` is name{labels} as an exporter writes it.
std::string WireLabels(std::string_view text) {
  std::map<std::string, std::string> labels = {{"instance", "node:9100"}, {"job", "node"}};
  const size_t brace = text.find('{');
  labels["__name__"] = text.substr(0, brace);
  for (size_t at = brace; at < text.size() && text[at] != '}';) {
    at++;
    const size_t equals = text.find("=\"", at);
    if (equals == std::string_view::npos) break;
    std::string value;
    size_t i = equals + 2;
    for (; i < text.size() && text[i] != '"'; i++) {
      if (text[i] == '\\') i++;
      value.push_back(text[i] == 'n' && text[i - 1] == '\\' ? '\n' : text[i]);
    }
    labels[std::string(text.substr(at, equals - at))] = value;
    at = i + 1;
  }
  std::string wire;
  for (const auto& [name, value] : labels) wire += WireLabel(name, value);
  return wire;
}

// The request of one scrape; counts its samples and adds its series.
std::string Request(std::string_view body, int64_t time_ms, uint64_t* samples,
                    std::map<std::string, std::string, std::less<>>* known) {
  std::string raw;
  while (!body.empty()) {
    const size_t end = body.find('\n');
    const std::string_view line = body.substr(0, end);
    body.remove_prefix(end == std::string_view::npos ? body.size() : end + 1);
    const size_t space = line.rfind(' ');
    if (line.empty() || line[0] == '#' || space == std::string_view::npos) continue;
    const std::string_view name = line.substr(0, space);
    auto it = known->find(name);
    if (it == known->end()) it = known->emplace(std::string(name), WireLabels(name)).first;
    std::string sample, series = it->second;
    sample.push_back('\x09');
    PutDouble(&sample, std::strtod(std::string(line.substr(space + 1)).c_str(), nullptr));
    sample.push_back('\x10');
    PutVarint(&sample, static_cast<uint64_t>(time_ms));
    series.push_back('\x12');
    PutLengthPrefixed(&series, sample);
    raw.push_back('\x0a');
    PutLengthPrefixed(&raw, series);
    ++*samples;
  }
  std::string packed;
  snappy::Compress(raw.data(), raw.size(), &packed);
  return packed;
}

int Main(int argc, char** argv) {
  std::map<std::string, std::string> settings = {
      {"file", ""}, {"port", "9090"}, {"end-ms", "0"}, {"step-ms", "15000"}};
  for (int i = 1; i < argc; i++) {
    const std::string arg = argv[i];
    const size_t equals = arg.find('=');
    if (equals == std::string::npos || !settings.contains(arg.substr(2, equals - 2))) {
      std::fprintf(stderr, "replay_scrapes: unknown argument %s\n", argv[i]);
      return 2;
    }
    settings[arg.substr(2, equals - 2)] = arg.substr(equals + 1);
  }
  std::ifstream in(settings["file"], std::ios::binary);
  const std::string all((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  std::vector<std::string_view> scrapes;
  for (size_t at = 0; at < all.size();) {
    long long time_ms = 0;
    size_t size = 0;
    const size_t line_end = all.find('\n', at);
    if (line_end == std::string::npos ||
        std::sscanf(all.c_str() + at, "#SCRAPE %lld %zu", &time_ms, &size) != 2 ||
        line_end + 1 + size > all.size()) {
      break;  // a recording may have been stopped in the middle of a scrape
    }
    scrapes.push_back(std::string_view(all).substr(line_end + 1, size));
    at = line_end + 1 + size;
  }
  const int64_t step_ms = std::atoll(settings["step-ms"].c_str());
  const int64_t end_ms = std::atoll(settings["end-ms"].c_str());
  HttpSender sender(static_cast<uint16_t>(std::atoi(settings["port"].c_str())), "/api/v1/write");
  std::map<std::string, std::string, std::less<>> known;
  uint64_t samples = 0;
  for (size_t i = 0; i < scrapes.size(); i++) {
    const int64_t time_ms = end_ms - static_cast<int64_t>(scrapes.size() - 1 - i) * step_ms;
    const auto status = sender.Post(Request(scrapes[i], time_ms, &samples, &known));
    if (!status.ok() || *status / 100 != 2) {
      std::fprintf(
          stderr, "replay_scrapes: scrape %zu: %s\n", i,
          status.ok() ? std::to_string(*status).c_str() : status.status().message().c_str());
      return 1;
    }
  }
  std::printf("{\"accepted\":%llu,\"series\":%zu,\"scrapes\":%zu}\n",
              static_cast<unsigned long long>(samples), known.size(), scrapes.size());
  return 0;
}

}  // namespace
}  // namespace deucalion::bench

int main(int argc, char** argv) { return deucalion::bench::Main(argc, argv); }
