// An Appender that writes down what it is given, a line each: `up{a="1"} 2@1000`.
#ifndef DEUCALION_TESTS_SERVER_REMOTE_OTLP_RECORDING_APPENDER_H_
#define DEUCALION_TESTS_SERVER_REMOTE_OTLP_RECORDING_APPENDER_H_

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "model/value.h"
#include "tsdb/storage/appender.h"

namespace deucalion::remote {

class RecordingAppender : public Appender {
 public:
  std::vector<std::string> lines, exemplars;
  std::map<std::string, Metadata> metadata;  // by labels
  std::map<std::string, IntHistogram> histograms;
  std::map<std::string, Status> refuse;  // what series fail with
  bool committed = false;

  SeriesRef Find(LabelsView, uint64_t, SeriesRef) override { return 0; }
  Result<SeriesRef> FindOrCreate(LabelsView labels, uint64_t, SeriesRef) override {
    const std::string text = labels.ToString();
    const auto it = std::find(series_.begin(), series_.end(), text);
    if (it != series_.end()) return static_cast<SeriesRef>(it - series_.begin() + 1);
    series_.push_back(text);
    return static_cast<SeriesRef>(series_.size());
  }
  Status Append(SeriesRef ref, int64_t time_ms, double value, int64_t) override {
    return Write(ref, IsStaleNan(value) ? "stale" : Text(value), time_ms);
  }
  size_t AppendBatch(std::span<const RefSample>, std::vector<SampleError>*) override { return 0; }
  Status AppendHistogram(SeriesRef ref, int64_t time_ms, const IntHistogram& h, int64_t) override {
    histograms[Name(ref)] = h;
    return Write(ref,
                 IsStaleNan(h.sum) ? "stale histogram" : "histogram " + std::to_string(h.count),
                 time_ms);
  }
  Status AppendFloatHistogram(SeriesRef, int64_t, const FloatHistogram&, int64_t) override {
    return OkStatus();
  }
  Status AppendExemplar(SeriesRef ref, const Exemplar& e) override {
    exemplars.push_back(Name(ref) + " " + e.labels.ToString() + " " + Text(e.value) + "@" +
                        std::to_string(e.time_ms));
    return OkStatus();
  }
  Status UpdateMetadata(SeriesRef ref, const Metadata& m) override {
    metadata[Name(ref)] = m;
    return OkStatus();
  }
  Status Commit() override {
    committed = true;
    return OkStatus();
  }
  Status Rollback() override {
    lines.clear();
    return OkStatus();
  }
  // All lines, sorted.
  std::string Sorted() {
    std::sort(lines.begin(), lines.end());
    std::string out;
    for (const std::string& line : lines) out += line + "\n";
    return out;
  }

 private:
  static std::string Text(double value) {
    std::string text;
    AppendFloatG(&text, value);
    return text;
  }
  const std::string& Name(SeriesRef ref) const { return series_.at(ref - 1); }
  Status Write(SeriesRef ref, const std::string& what, int64_t time_ms) {
    if (const auto it = refuse.find(Name(ref)); it != refuse.end()) return it->second;
    lines.push_back(Name(ref) + " " + what + "@" + std::to_string(time_ms));
    return OkStatus();
  }

  std::vector<std::string> series_;
};

}  // namespace deucalion::remote

#endif  // DEUCALION_TESTS_SERVER_REMOTE_OTLP_RECORDING_APPENDER_H_
