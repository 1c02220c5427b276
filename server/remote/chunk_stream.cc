#include "server/remote/chunk_stream.h"

#include <utility>

namespace deucalion::remote {
namespace {

// Enough to keep a connection busy; small series share a piece.
constexpr size_t kPieceBytes = 256 << 10;

}  // namespace

ChunkStream::ChunkStream(ChunkStreamOptions options)
    : options_(std::move(options)), frames_(options_.max_bytes_in_frame) {}

ChunkStream::~ChunkStream() {
  if (options_.on_end) options_.on_end();
}

Status ChunkStream::Start() { return options_.plans.empty() ? OkStatus() : OpenPlan(); }

Status ChunkStream::OpenPlan() {
  // The set goes before the querier it was selected from.
  query_.series.reset();
  query_.querier.reset();
  windows_.reset();
  next_series_ = 0;
  ASSIGN_OR_RETURN(
      query_, OpenQuery(options_.source, options_.plans[plan_], /*sorted=*/true, &options_.cancel));
  for (const std::string& warning : query_.Warnings()) {
    options_.logger->Warn("Warnings on chunked remote read query", {{"warnings", warning}});
  }
  if (query_.series != nullptr) {
    windows_.emplace(query_.series.get(), query_.min_ms, query_.max_ms, query_.stored_min_ms,
                     query_.stored_max_ms);
  }
  return OkStatus();
}

Result<bool> ChunkStream::Next(std::string* out) {
  RETURN_IF_ERROR(options_.gate->Enter(options_.cancel));
  const ReadSlot slot(options_.gate.get());
  const size_t begin = out->size();
  while (out->size() - begin < kPieceBytes) {
    RETURN_IF_ERROR(options_.cancel.Check());
    if (!in_series_) {
      ASSIGN_OR_RETURN(in_series_, BeginSeries());
      if (!in_series_) return false;
    }
    RETURN_IF_ERROR(Advance(out));
  }
  return true;
}

Result<bool> ChunkStream::BeginSeries() {
  if (options_.plans.empty()) return false;
  while (next_series_ >= query_.size()) {
    if (plan_ + 1 == options_.plans.size()) return false;
    plan_++;
    RETURN_IF_ERROR(OpenPlan());
  }
  query_.series->LabelsOf(next_series_, &labels_);
  std::string encoded;
  AppendLabels(labels_, options_.external_labels, &encoded);
  frames_.BeginSeries(plan_, std::move(encoded));
  windows_->Start(next_series_);
  next_series_++;
  return true;
}

Status ChunkStream::Advance(std::string* out) {
  if (options_.plans[plan_].only_labels) {
    SendLabels(out);
    return OkStatus();
  }
  chunks_.clear();
  ASSIGN_OR_RETURN(in_series_, windows_->Next(&columns_));
  if (in_series_) {
    cutter_.Add(columns_, &chunks_);
  } else {
    cutter_.Finish(&chunks_);
  }
  for (const CutChunk& chunk : chunks_) frames_.AddChunk(chunk, out);
  if (!in_series_) frames_.EndSeries(out);
  return OkStatus();
}

// A reader that asked for series only gets them with a chunk of no samples, as from Prometheus.
void ChunkStream::SendLabels(std::string* out) {
  CutChunk empty;
  empty.min_ms = query_.stored_min_ms;
  empty.max_ms = query_.stored_max_ms;
  empty.encoding = ChunkEncoding::kXor;
  empty.data.assign(tsdb::kXorHeaderBytes, '\0');
  frames_.AddChunk(empty, out);
  frames_.EndSeries(out);
  in_series_ = false;
}

}  // namespace deucalion::remote
