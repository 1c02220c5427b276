// Writing JSON as Prometheus's API does. Appends to strings; no document model, no allocation
// beyond the output.
#ifndef DEUCALION_SERVER_API_JSON_H_
#define DEUCALION_SERVER_API_JSON_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "model/histogram.h"
#include "model/labels.h"

namespace deucalion::api {

// "text", quotes included. Bytes that are not UTF-8 become U+FFFD, as encoding/json writes them.
void AppendJsonString(std::string* out, std::string_view text);
// {"a":"b",…}
void AppendJsonLabels(std::string* out, LabelsView labels);
// [<seconds>,"<value>"]
void AppendJsonPoint(std::string* out, int64_t time_ms, double value);
// [<seconds>,{"count":"…","sum":"…","buckets":[[rule,"lo","hi","count"],…]}]
void AppendJsonHistogramPoint(std::string* out, int64_t time_ms, const FloatHistogram& histogram);
// A JSON number as Go prints float64 (NaN and infinities become null).
void AppendJsonNumber(std::string* out, double value);
// 2026-01-02T03:04:05.678Z in quotes.
void AppendJsonTime(std::string* out, int64_t time_ms);

// Places commas. Fields are appended in the order of the calls:
//   JsonObject o(&out); o.String("status", "success"); o.Key("data"); … o.Close();
class JsonObject {
 public:
  explicit JsonObject(std::string* out) : out_(out) { out_->push_back('{'); }
  // The caller appends the value.
  void Key(std::string_view key);
  void String(std::string_view key, std::string_view value);
  void Int(std::string_view key, int64_t value);
  void Uint(std::string_view key, uint64_t value);
  void Number(std::string_view key, double value);
  void Bool(std::string_view key, bool value);
  void Time(std::string_view key, int64_t time_ms);
  void LabelSet(std::string_view key, LabelsView labels);
  void Close() { out_->push_back('}'); }

 private:
  std::string* const out_;
  bool first_ = true;
};

// Same for arrays: call Next() before each element.
class JsonArray {
 public:
  explicit JsonArray(std::string* out) : out_(out) { out_->push_back('['); }
  void Next() {
    if (!first_) out_->push_back(',');
    first_ = false;
  }
  void String(std::string_view value) {
    Next();
    AppendJsonString(out_, value);
  }
  void Close() { out_->push_back(']'); }

 private:
  std::string* const out_;
  bool first_ = true;
};

}  // namespace deucalion::api

#endif  // DEUCALION_SERVER_API_JSON_H_
