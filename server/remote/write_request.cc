#include "server/remote/write_request.h"

#include "server/remote/label_collector.h"
#include "server/remote/wire.h"
#include "server/remote/wire_histogram.h"

namespace deucalion::remote {
namespace {

Status Malformed(std::string_view what) {
  return InvalidArgumentError("malformed " + std::string(what) + " in remote write request");
}

// Labels of one request. In 2.0 a few symbols may stand for any number of bytes; this bounds what
// they are expanded to.
constexpr size_t kMaxRequestLabelBytes = 256 << 20;

// Opens a series: its ranges begin where the columns end.
WireSeries BeginSeries(const WriteRequest& r) {
  WireSeries s;
  s.label_begin = s.label_end = static_cast<uint32_t>(r.label_bytes.size());
  s.sample_begin = static_cast<uint32_t>(r.samples.size());
  s.histogram_begin = static_cast<uint32_t>(r.histograms.size());
  s.exemplar_begin = static_cast<uint32_t>(r.exemplars.size());
  return s;
}

void EndSeries(WireSeries s, WriteRequest* r) {
  s.label_end = static_cast<uint32_t>(r->label_bytes.size());
  s.sample_end = static_cast<uint32_t>(r->samples.size());
  s.histogram_end = static_cast<uint32_t>(r->histograms.size());
  s.exemplar_end = static_cast<uint32_t>(r->exemplars.size());
  r->series.push_back(s);
}

bool ParseSample(std::string_view bytes, WriteRequest* r) {
  WireSample sample;
  WireReader in(bytes);
  while (in.Next()) {
    switch (in.field()) {
      case 1:
        sample.value = in.Double();
        break;
      case 2:
        sample.time_ms = in.Int64();
        break;
      case 3:
        sample.st_ms = in.Int64();
        break;
      default:
        in.Skip();
    }
  }
  r->samples.push_back(sample);
  return in.ok();
}

bool ParseOneHistogram(std::string_view bytes, WriteRequest* r) {
  return ParseHistogram(bytes, &r->histograms.emplace_back());
}

bool ParseLabel(std::string_view bytes, LabelCollector* labels) {
  std::string_view name, value;
  WireReader in(bytes);
  while (in.Next()) {
    switch (in.field()) {
      case 1:
        name = in.Bytes();
        break;
      case 2:
        value = in.Bytes();
        break;
      default:
        in.Skip();
    }
  }
  labels->Add(name, value);
  return in.ok();
}

bool ParseExemplarV1(std::string_view bytes, LabelCollector* labels, WriteRequest* r) {
  WireExemplar& e = r->exemplars.emplace_back();
  labels->Clear();
  WireReader in(bytes);
  bool ok = true;
  while (in.Next()) {
    switch (in.field()) {
      case 1:
        ok = ParseLabel(in.Bytes(), labels) && ok;
        break;
      case 2:
        e.value = in.Double();
        break;
      case 3:
        e.time_ms = in.Int64();
        break;
      default:
        in.Skip();
    }
  }
  labels->Finish(false, e.labels.mutable_bytes());
  return ok && in.ok();
}

struct Scratch {
  LabelCollector series_labels, exemplar_labels;
};

// A field of a series other than its labels.
bool ParseFieldV1(WireReader* in, Scratch* scratch, WriteRequest* r) {
  switch (in->field()) {
    case 2:
      return ParseSample(in->Bytes(), r);
    case 3:
      return ParseExemplarV1(in->Bytes(), &scratch->exemplar_labels, r);
    case 4:
      return ParseOneHistogram(in->Bytes(), r);
    default:
      in->Skip();
      return true;
  }
}

bool ParseSeriesV1(std::string_view bytes, Scratch* scratch, WriteRequest* r) {
  WireSeries series = BeginSeries(*r);
  scratch->series_labels.Clear();
  WireReader in(bytes);
  bool ok = true;
  while (in.Next()) {
    ok = (in.field() == 1 ? ParseLabel(in.Bytes(), &scratch->series_labels)
                          : ParseFieldV1(&in, scratch, r)) &&
         ok;
  }
  series.problem = scratch->series_labels.Finish(true, &r->label_bytes);
  EndSeries(series, r);
  return ok && in.ok();
}

// Labels that stand in front, as every sender writes them, are only passed over.
bool ScanSeriesV1(std::string_view bytes, Scratch* scratch, WriteRequest* r) {
  WireReader in(bytes);
  size_t labels_end = 0;
  bool more = in.Next();
  while (more && in.field() == 1) {
    in.Bytes();
    labels_end = bytes.size() - in.remaining();
    more = in.Next();
  }
  if (labels_end == 0) return ParseSeriesV1(bytes, scratch, r);
  WireSeries series = BeginSeries(*r);
  bool ok = true;
  for (; more; more = in.Next()) {
    if (in.field() == 1) {
      r->samples.resize(series.sample_begin);
      r->histograms.resize(series.histogram_begin);
      r->exemplars.resize(series.exemplar_begin);
      return ParseSeriesV1(bytes, scratch, r);
    }
    ok = ParseFieldV1(&in, scratch, r) && ok;
  }
  series.raw_labels = bytes.substr(0, labels_end);
  EndSeries(series, r);
  return ok && in.ok();
}

// --- 2.0 ---

using Symbols = std::vector<std::string_view>;
using Refs = std::vector<uint32_t>;

void ReadRefs(WireReader& in, Refs* refs) {
  in.RepeatedVarint([refs](uint64_t v) {
    refs->push_back(v > UINT32_MAX ? UINT32_MAX : static_cast<uint32_t>(v));
  });
}

// False when the references make no pairs of known symbols.
bool Resolve(const Refs& refs, const Symbols& symbols, LabelCollector* labels) {
  labels->Clear();
  if (refs.size() % 2 != 0) return false;
  for (size_t i = 0; i < refs.size(); i += 2) {
    if (refs[i] >= symbols.size() || refs[i + 1] >= symbols.size()) return false;
    labels->Add(symbols[refs[i]], symbols[refs[i + 1]]);
  }
  return true;
}

// Why Resolve said no, in upstream's words.
std::string DescribeBadRefs(const Refs& refs, size_t symbols) {
  if (refs.size() % 2 != 0) return "invalid labelRefs length " + std::to_string(refs.size());
  for (size_t i = 0; i < refs.size(); i += 2) {
    if (refs[i] < symbols && refs[i + 1] < symbols) continue;
    return "labelRefs " + std::to_string(refs[i]) + " (name) = " + std::to_string(refs[i + 1]) +
           " (value) outside of symbols table (size " + std::to_string(symbols) + ")";
  }
  return "";
}

// "[1 2 3]", cut when it is long.
std::string ShowRefs(const Refs& refs) {
  constexpr size_t kMaxShown = 64;
  std::string text = "[";
  for (size_t i = 0; i < refs.size() && i < kMaxShown; i++) {
    text += (i == 0 ? "" : " ") + std::to_string(refs[i]);
  }
  return text + (refs.size() > kMaxShown ? " ...]" : "]");
}

struct ScratchV2 {
  Refs series_refs, exemplar_refs;
  LabelCollector labels;
};

bool ParseExemplarV2(std::string_view bytes, const Symbols& symbols, ScratchV2* scratch,
                     WriteRequest* r) {
  WireExemplar& e = r->exemplars.emplace_back();
  scratch->exemplar_refs.clear();
  WireReader in(bytes);
  while (in.Next()) {
    switch (in.field()) {
      case 1:
        ReadRefs(in, &scratch->exemplar_refs);
        break;
      case 2:
        e.value = in.Double();
        break;
      case 3:
        e.time_ms = in.Int64();
        break;
      default:
        in.Skip();
    }
  }
  if (Resolve(scratch->exemplar_refs, symbols, &scratch->labels)) {
    scratch->labels.Finish(false, e.labels.mutable_bytes());
  } else {
    if (r->exemplar_problems.size() < kMaxSymbolProblems) {
      r->exemplar_problems.emplace_back(static_cast<uint32_t>(r->series.size()),
                                        DescribeBadRefs(scratch->exemplar_refs, symbols.size()));
    }
    r->exemplars.pop_back();
  }
  return in.ok();
}

MetricKind KindV2(uint64_t type) {
  static constexpr MetricKind kKinds[] = {
      MetricKind::kUnknown,        MetricKind::kCounter, MetricKind::kGauge, MetricKind::kHistogram,
      MetricKind::kGaugeHistogram, MetricKind::kSummary, MetricKind::kInfo,  MetricKind::kStateset};
  return type < std::size(kKinds) ? kKinds[type] : MetricKind::kUnknown;
}

bool ParseMetadataV2(std::string_view bytes, const Symbols& symbols, Metadata* out) {
  uint64_t help = 0, unit = 0;
  WireReader in(bytes);
  while (in.Next()) {
    switch (in.field()) {
      case 1:
        out->kind = KindV2(in.Varint());
        break;
      case 3:
        help = in.Varint();
        break;
      case 4:
        unit = in.Varint();
        break;
      default:
        in.Skip();
    }
  }
  if (!in.ok() || (help != 0 && help >= symbols.size()) || (unit != 0 && unit >= symbols.size())) {
    return false;
  }
  if (help != 0) out->help = symbols[help];
  if (unit != 0) out->unit = symbols[unit];
  return true;
}

bool ParseSeriesV2(std::string_view bytes, const Symbols& symbols, ScratchV2* scratch,
                   WriteRequest* r) {
  WireSeries series = BeginSeries(*r);
  scratch->series_refs.clear();
  WireReader in(bytes);
  bool ok = true;
  while (in.Next()) {
    switch (in.field()) {
      case 1:
        ReadRefs(in, &scratch->series_refs);
        break;
      case 2:
        ok = ParseSample(in.Bytes(), r) && ok;
        break;
      case 3:
        ok = ParseOneHistogram(in.Bytes(), r) && ok;
        break;
      case 4:
        ok = ParseExemplarV2(in.Bytes(), symbols, scratch, r) && ok;
        break;
      case 5:
        series.metadata = static_cast<int32_t>(r->metadata.size());
        ok = ParseMetadataV2(in.Bytes(), symbols, &r->metadata.emplace_back()) && ok;
        break;
      default:
        in.Skip();
    }
  }
  if (Resolve(scratch->series_refs, symbols, &scratch->labels)) {
    series.problem = scratch->labels.Finish(true, &r->label_bytes);
  } else {
    series.problem = LabelProblem::kBadSymbols;
    if (r->symbol_problems.size() < kMaxSymbolProblems) {
      r->symbol_problems.push_back("parsing labels for series " + ShowRefs(scratch->series_refs) +
                                   ": " + DescribeBadRefs(scratch->series_refs, symbols.size()));
    }
  }
  EndSeries(series, r);
  return ok && in.ok() && r->label_bytes.size() <= kMaxRequestLabelBytes;
}

// Symbols may stand behind the series that use them.
bool ReadSymbols(std::string_view bytes, Symbols* symbols) {
  WireReader in(bytes);
  while (in.Next()) {
    if (in.field() == 4) {
      symbols->push_back(in.Bytes());
    } else {
      in.Skip();
    }
  }
  return in.ok();
}

}  // namespace

void WriteRequest::Clear() {
  label_bytes.clear();
  series.clear();
  samples.clear();
  histograms.clear();
  exemplars.clear();
  metadata.clear();
  symbol_problems.clear();
  exemplar_problems.clear();
}

Status ReadLabels(size_t series, WriteRequest* request) {
  thread_local LabelCollector labels;
  labels.Clear();
  WireSeries& s = request->series[series];
  WireReader in(s.raw_labels);
  bool ok = true;
  while (in.Next()) ok = ParseLabel(in.Bytes(), &labels) && ok;
  if (!ok || !in.ok()) return Malformed("time series");
  s.label_begin = static_cast<uint32_t>(request->label_bytes.size());
  s.problem = labels.Finish(true, &request->label_bytes);
  s.label_end = static_cast<uint32_t>(request->label_bytes.size());
  return OkStatus();
}

Status ParseWriteRequestV1(std::string_view bytes, WriteRequest* out) {
  RETURN_IF_ERROR(ScanWriteRequestV1(bytes, out));
  for (size_t i = 0; i < out->series.size(); i++) {
    if (!out->series[i].raw_labels.empty()) RETURN_IF_ERROR(ReadLabels(i, out));
  }
  return OkStatus();
}

Status ScanWriteRequestV1(std::string_view bytes, WriteRequest* out) {
  out->Clear();
  // Offsets are 32 bits wide; the door lets far less in.
  if (bytes.size() > UINT32_MAX / 4) return Malformed("size");
  Scratch scratch;
  WireReader in(bytes);
  while (in.Next()) {
    if (in.field() != 1) {
      in.Skip();  // 3: metadata, which the server learns from its own scrapes
    } else if (!ScanSeriesV1(in.Bytes(), &scratch, out)) {
      return Malformed("time series");
    }
  }
  return in.ok() ? OkStatus() : Malformed("protobuf");
}

Status ParseWriteRequestV2(std::string_view bytes, WriteRequest* out) {
  out->Clear();
  if (bytes.size() > UINT32_MAX / 4) return Malformed("size");
  Symbols symbols;
  if (!ReadSymbols(bytes, &symbols)) return Malformed("protobuf");
  ScratchV2 scratch;
  WireReader in(bytes);
  while (in.Next()) {
    if (in.field() != 5) {
      in.Skip();
    } else if (!ParseSeriesV2(in.Bytes(), symbols, &scratch, out)) {
      return Malformed("time series");
    }
  }
  return in.ok() ? OkStatus() : Malformed("protobuf");
}

}  // namespace deucalion::remote
