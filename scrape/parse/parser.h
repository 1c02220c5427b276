// Parser: reads one scraped body, entry by entry. Text 0.0.4 and 1.0.0, OpenMetrics 0.0.1 and 1.0.0
// and delimited protobuf MetricFamily messages all look the same through it.
//
// A parser borrows the body and keeps views into it: nothing is copied for a sample whose series is
// already known. Thread-compatible. After an error or kEof, Next must not be called again. Errors
// carry upstream's words and the text being parsed.
#ifndef DEUCALION_SCRAPE_PARSE_PARSER_H_
#define DEUCALION_SCRAPE_PARSE_PARSER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"
#include "model/histogram.h"
#include "model/labels.h"
#include "model/metadata.h"
#include "tsdb/storage/exemplars.h"

namespace deucalion::scrape {

enum class Entry {
  kSeries,     // a float sample: series(), value(), timestamp
  kHistogram,  // a native histogram sample: series(), histogram(), timestamp
  kType,       // family(), kind()
  kHelp,       // family(), text()
  kUnit,       // family(), text()
  kComment,    // text()
  kEof,
};

struct ParserOptions {
  // Add __type__ and __unit__ from the metadata to every series.
  bool type_and_unit_labels = false;
  // Treat native histograms as if only their classic part were there.
  bool ignore_native_histograms = false;
  bool convert_classic_to_nhcb = false;
  // Also return the classic form of what is returned as a native histogram.
  bool keep_classic = false;
  // OpenMetrics: `_created` lines become start timestamps and are not returned as series.
  bool skip_created_series = false;
  // Media type to assume when the Content-Type is missing or unknown; "" = fail.
  std::string_view fallback_media_type;
};

class Parser {
 public:
  virtual ~Parser() = default;

  virtual Status Next(Entry* entry) = 0;

  // The text that will probably be the next series(), as it stood in the previous body. A text
  // parser that finds it there skips parsing it. Kept until the next call; "" = no idea.
  void Predict(std::string_view series) { predicted_ = series; }
  // Whether the last series was the predicted one.
  bool predicted() const { return hit_; }

  // What identifies the series of the current sample within one target: its raw text. Valid until
  // the next call to Next (text formats: as long as the body).
  std::string_view series() const { return series_; }
  double value() const { return value_; }
  bool has_timestamp() const { return has_timestamp_; }
  int64_t timestamp_ms() const { return timestamp_ms_; }
  // Valid until the next call to Next.
  const ConvertedHistogram& histogram() const { return histogram_; }
  std::string_view family() const { return family_; }
  std::string_view text() const { return text_; }
  MetricKind kind() const { return kind_; }

  // The labels of the current sample, __name__ among them. `le` and `quantile` values are written
  // in OpenMetrics form. Fails when a label name occurs twice.
  virtual Status BuildLabels(Labels* out) = 0;
  // False: NextExemplar would certainly find none.
  bool may_have_exemplars() const { return may_have_exemplars_; }
  // The exemplars of the current sample, one a call; false when there is no more.
  virtual bool NextExemplar(Exemplar* out) = 0;
  // 0 = unknown.
  virtual int64_t StartTimestampMs() = 0;

 protected:
  std::string_view predicted_;
  bool hit_ = false;
  bool may_have_exemplars_ = false;
  std::string_view series_;
  double value_ = 0;
  int64_t timestamp_ms_ = 0;
  bool has_timestamp_ = false;
  ConvertedHistogram histogram_;
  std::string_view family_;
  std::string_view text_;
  MetricKind kind_ = MetricKind::kUnknown;
};

std::unique_ptr<Parser> NewTextParser(std::string_view body, const ParserOptions& options);
std::unique_ptr<Parser> NewOpenMetricsParser(std::string_view body, const ParserOptions& options);
std::unique_ptr<Parser> NewProtobufParser(std::string_view body, const ParserOptions& options);
// Collates the classic histograms that `parser` returns into custom-bucket histograms.
std::unique_ptr<Parser> NewNhcbParser(std::unique_ptr<Parser> parser, bool keep_classic);

// The media type of a Content-Type header: one that a parser exists for, else the fallback, with
// why in *warning. Fails when there is no fallback.
Result<std::string> ExtractMediaType(std::string_view content_type, std::string_view fallback,
                                     Status* warning);
// The parser for a body of this Content-Type. *warning is set when the fallback had to be used.
Result<std::unique_ptr<Parser>> NewParser(std::string_view body, std::string_view content_type,
                                          const ParserOptions& options, Status* warning);

// Whether the series `name` belongs to the family that TYPE named, so that its metadata applies.
bool IsSeriesOfFamily(std::string_view name, std::string_view family, MetricKind kind);
// `f` with ".0" where it would else look like an integer.
std::string FormatOpenMetricsFloat(double f);

}  // namespace deucalion::scrape

#endif  // DEUCALION_SCRAPE_PARSE_PARSER_H_
