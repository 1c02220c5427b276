// Turns everything a parser returns into one readable line per entry, so that tests compare text.
#ifndef DEUCALION_TESTS_SCRAPE_PARSE_PARSE_TO_TEXT_H_
#define DEUCALION_TESTS_SCRAPE_PARSE_PARSE_TO_TEXT_H_

#include <string>
#include <string_view>
#include <vector>

#include "model/value.h"
#include "scrape/parse/parser.h"

namespace deucalion::scrape {

inline std::string HistogramText(const ConvertedHistogram& h) {
  return h.is_float ? h.floating.TestExpression() : h.integer.ToFloat().TestExpression();
}

inline std::string SampleText(Parser* p, Entry entry, bool start_times) {
  Labels labels;
  Status s = p->BuildLabels(&labels);
  if (!s.ok()) return "labels: " + s.message();
  std::string line = labels.ToString();
  line += entry == Entry::kHistogram ? " " + HistogramText(p->histogram())
                                     : " " + FormatFloatF(p->value());
  if (p->has_timestamp()) line += " @" + std::to_string(p->timestamp_ms());
  if (start_times && p->StartTimestampMs() != 0) {
    line += " st " + std::to_string(p->StartTimestampMs());
  }
  Exemplar e;
  while (p->NextExemplar(&e)) {
    line += " # " + e.labels.ToString() + " " + FormatFloatF(e.value);
    if (e.has_time) line += " @" + std::to_string(e.time_ms);
    e = Exemplar();
  }
  return line;
}

// All entries; the last line is "EOF" or "error: …".
inline std::vector<std::string> ParseToText(Parser* p, bool start_times = false) {
  std::vector<std::string> lines;
  for (;;) {
    Entry entry = Entry::kEof;
    Status s = p->Next(&entry);
    if (!s.ok()) {
      lines.push_back("error: " + s.message());
      return lines;
    }
    switch (entry) {
      case Entry::kEof:
        lines.push_back("EOF");
        return lines;
      case Entry::kType:
        lines.push_back("TYPE " + std::string(p->family()) + " " +
                        std::string(MetricKindText(p->kind())));
        break;
      case Entry::kHelp:
        lines.push_back("HELP " + std::string(p->family()) + " |" + std::string(p->text()) + "|");
        break;
      case Entry::kUnit:
        lines.push_back("UNIT " + std::string(p->family()) + " " + std::string(p->text()));
        break;
      case Entry::kComment:
        lines.push_back("COMMENT " + std::string(p->text()));
        break;
      case Entry::kSeries:
      case Entry::kHistogram:
        lines.push_back(SampleText(p, entry, start_times));
        break;
    }
  }
}

}  // namespace deucalion::scrape

#endif  // DEUCALION_TESTS_SCRAPE_PARSE_PARSE_TO_TEXT_H_
