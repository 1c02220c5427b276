// Writes one OTLP request into a transaction, as Prometheus translates it.
//
// Labels of a point: its attributes (those that become one name are joined by ';'), promoted
// attributes of the resource, of the scope if configured, job and instance from service.namespace,
// service.name and service.instance.id. Histograms become classic series, or native ones with
// custom buckets; exponential ones native ones. What a resource says besides is a target_info of
// its own over the time of the request.
#ifndef DEUCALION_SERVER_REMOTE_OTLP_OTLP_WRITER_H_
#define DEUCALION_SERVER_REMOTE_OTLP_OTLP_WRITER_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "model/labels.h"
#include "model/metadata.h"
#include "server/remote/otlp/otlp_names.h"
#include "server/remote/otlp/otlp_request.h"
#include "tsdb/storage/appender.h"

namespace deucalion::remote {

struct OtlpSettings {
  config::OtlpConfig config;
  int64_t lookback_ms = 5 * 60 * 1000;
  int64_t max_time_ms = INT64_MAX;    // samples beyond are out of bounds
  bool allow_delta = false;           // otlp-native-delta-ingestion
  bool type_and_unit_labels = false;  // the feature of that name
  bool start_zero_ingestion = false;  // created-timestamp-zero-ingestion
};

// Thread-compatible, for one request.
class OtlpWriter {
 public:
  OtlpWriter(const OtlpSettings& settings, Appender* appender)
      : settings_(settings), namer_(settings.config), appender_(appender) {}

  // The first failure of storage, or everything that cannot be translated: then nothing should be
  // committed. kInvalidArgument for what is the sender's fault.
  Status Write(const OtlpRequest& request);

  uint64_t refused_exemplars() const { return refused_exemplars_; }

 private:
  using LabelMap = std::map<std::string, std::string>;
  struct Family {
    std::string name;
    Metadata metadata;
  };
  // Where the times of a resource's points lie.
  struct TimeSpan {
    uint64_t first_ns = UINT64_MAX, last_ns = 0;
  };

  Status WriteMetric(const OtlpResource& resource, const OtlpScope& scope, const OtlpMetric& metric,
                     TimeSpan* times);
  Status WritePoint(const Family& family, const OtlpMetric& metric, const LabelMap& labels,
                    const OtlpPoint& point);
  Status WriteNumber(const Family& family, const OtlpMetric& metric, const LabelMap& labels,
                     const OtlpPoint& point);
  Status WriteClassic(const Family& family, const LabelMap& labels, const OtlpPoint& point);
  Status WriteNative(const Family& family, const OtlpMetric& metric, const LabelMap& labels,
                     const OtlpPoint& point);
  Status WriteSummary(const Family& family, const LabelMap& labels, const OtlpPoint& point);
  Status WriteTargetInfo(const OtlpResource& resource, const TimeSpan& times);

  Status AddTypeAndUnit(const Family& family, LabelMap* labels) const;
  // Labels of attributes, without the name.
  Result<LabelMap> MakeLabels(const OtlpResource& resource, const OtlpScope* scope,
                              const OtlpAttributes& attributes, bool promote) const;
  Status AddPromoted(const OtlpResource& resource, const OtlpScope* scope, LabelMap* labels) const;
  // One sample of the series family.name + suffix; `extra`: one more label, unless its name is
  // empty.
  Result<SeriesRef> Append(const Family& family, std::string_view suffix, const LabelMap& labels,
                           std::pair<std::string_view, std::string> extra, const OtlpPoint& point,
                           double value);
  Result<SeriesRef> Series(const Family& family, std::string_view suffix, const LabelMap& labels,
                           const std::pair<std::string_view, std::string>& extra);
  Status AppendValue(SeriesRef ref, int64_t start_ms, int64_t time_ms, double value);
  void AppendExemplar(SeriesRef ref, const OtlpExemplar& exemplar);

  const OtlpSettings& settings_;
  const OtlpNamer namer_;
  Appender* const appender_;
  uint64_t refused_exemplars_ = 0;
};

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_OTLP_OTLP_WRITER_H_
