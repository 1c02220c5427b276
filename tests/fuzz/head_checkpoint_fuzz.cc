// Head checkpoints: whatever the bytes, loading ends, and what was loaded can be read.
#include <cstdint>

#include "base/check.h"
#include "base/file_system.h"
#include "tests/support/temp_dir.h"
#include "tsdb/head/checkpoint.h"
#include "tsdb/head/head_querier.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace deucalion;
  using namespace deucalion::tsdb;
  static TempDir dir;
  FileSystem* fs = FileSystem::Posix();
  const std::string path = dir.Path("checkpoint");
  CHECK(fs->WriteFileAtomically(path, {reinterpret_cast<const char*>(data), size}).ok());
  auto reader = CheckpointReader::Open(fs, path);
  if (!reader.ok()) return 0;
  Head::Options options;
  options.fs = fs;
  options.chunks_dir = dir.Path("chunks");
  options.chunk_file_bytes = 1 << 16;
  options.streams = 1;
  auto head = Head::Open(options);
  CHECK(head.ok());
  std::vector<wal::IdTable> ids;
  uint64_t damaged = 0;
  (void)reader->Load(head->get(), &ids, &damaged);
  HeadQuerier querier(head->get(), kMinTimeMs, kMaxTimeMs);
  auto set = querier.Select(true, {.min_ms = kMinTimeMs, .max_ms = kMaxTimeMs}, {}, nullptr);
  CHECK(set.ok());
  for (size_t i = 0; i < (*set)->size(); i++) {
    Labels labels;
    SampleColumns columns;
    (*set)->LabelsOf(i, &labels);
    (void)(*set)->Read(i, kMinTimeMs, kMaxTimeMs, &columns);
  }
  return 0;
}
