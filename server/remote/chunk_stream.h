// The body of a STREAMED_XOR_CHUNKS answer: frames, made as fast as the client reads. Holds one
// open query, one window of samples and one frame at a time.
#ifndef DEUCALION_SERVER_REMOTE_CHUNK_STREAM_H_
#define DEUCALION_SERVER_REMOTE_CHUNK_STREAM_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "server/http/message.h"
#include "server/remote/chunk_cutter.h"
#include "server/remote/read_gate.h"
#include "server/remote/read_query.h"
#include "server/remote/read_response.h"
#include "server/remote/series_windows.h"

namespace deucalion::remote {

struct ChunkStreamOptions {
  ReadSource source;  // must outlive the stream
  std::vector<ReadPlan> plans;
  Labels external_labels;
  size_t max_bytes_in_frame = 1 << 20;
  CancelToken cancel;
  Logger* logger = nullptr;
  std::shared_ptr<ReadGate> gate;  // entered for each piece
  std::function<void()> on_end;    // called by the destructor
};

class ChunkStream : public http::BodySource {
 public:
  explicit ChunkStream(ChunkStreamOptions options);
  ~ChunkStream() override;

  // Opens the first query, so that its failure can still be answered with a status. The caller is
  // inside the gate. Once, before the first Next.
  Status Start();
  Result<bool> Next(std::string* out) override;

 private:
  Status OpenPlan();
  // To the next series that may have samples; false after the last of the last query.
  Result<bool> BeginSeries();
  // Reads and sends the next window of the open series.
  Status Advance(std::string* out);
  void SendLabels(std::string* out);

  const ChunkStreamOptions options_;
  size_t plan_ = 0;
  OpenReadQuery query_;
  std::optional<SeriesWindows> windows_;
  size_t next_series_ = 0;
  bool in_series_ = false;
  ChunkCutter cutter_;
  FrameWriter frames_;
  // Scratch.
  Labels labels_;
  SampleColumns columns_;
  std::vector<CutChunk> chunks_;
};

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_CHUNK_STREAM_H_
