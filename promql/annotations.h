// Annotations: what a query wants to say beside its value. Warnings ("PromQL warning: …") hint at
// wrong results, infos ("PromQL info: …") at questionable input. They travel with the value, never
// in Status.
//
// Two annotations with the same text are one; the later position wins. Those that summarise many
// occurrences (forced monotonicity, overlapping start times) merge their details instead.
// Values; thread-compatible.
#ifndef DEUCALION_PROMQL_ANNOTATIONS_H_
#define DEUCALION_PROMQL_ANNOTATIONS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace deucalion::promql {

enum class AnnotationKind : uint8_t { kWarning, kInfo };

struct Annotation {
  // What is appended to the text when it is shown, and merged when the text repeats.
  enum class Detail : uint8_t { kNone, kForcedMonotonicity, kOccurrences };

  AnnotationKind kind = AnnotationKind::kWarning;
  std::string text;       // with its "PromQL warning: " or "PromQL info: ", without position
  int32_t position = -1;  // byte offset in the query text; -1: none, nothing is appended
  Detail detail = Detail::kNone;
  // kForcedMonotonicity: over these evaluation times, buckets and the largest difference.
  int64_t min_time_ms = 0, max_time_ms = 0;
  double min_bucket = 0, max_bucket = 0, max_diff = 0;
  uint64_t count = 0;  // samples or occurrences
};

// As the API shows them: "text (line:column)", at most `max` of each and then
// "N more warning annotations omitted".
struct AnnotationTexts {
  std::vector<std::string> warnings;
  std::vector<std::string> infos;
};

class Annotations {
 public:
  void Add(Annotation annotation);
  void Merge(const Annotations& other);
  void Clear() { list_.clear(); }
  bool empty() const { return list_.empty(); }
  size_t CountWarnings() const;
  size_t CountInfos() const;
  // In the order of first occurrence.
  const std::vector<Annotation>& list() const { return list_; }
  // `max` 0 = no limit.
  AnnotationTexts Render(std::string_view query, size_t max_warnings = 10,
                         size_t max_infos = 10) const;

 private:
  std::vector<Annotation> list_;  // few by nature: one per metric name and node at most
};

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_ANNOTATIONS_H_
