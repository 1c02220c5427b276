// Chunk segments of our blocks: all pages, each read as a chunk and as summaries. Checksums are
// made right where the directory can be found.
#include <cstdint>
#include <cstring>
#include <string>

#include "base/bytes.h"
#include "base/hash.h"
#include "tests/fuzz/memory_files.h"
#include "tsdb/block/chunk_codec.h"
#include "tsdb/block/segment_reader.h"
#include "tsdb/block/summaries.h"

namespace {

using namespace deucalion;
using namespace deucalion::tsdb;

constexpr size_t kFooterBytes = 32;
constexpr uint32_t kMaxPages = 64;

void Read(const std::string& file) {
  MemoryFiles files({{"/000001", file}});
  PageCache cache(1 << 20);
  const auto opened = SegmentReader::Open(&files, "/", {{"000001", file.size()}}, &cache);
  if (!opened.ok()) return;
  const SegmentReader& segments = **opened;
  SampleColumns samples;
  std::vector<SliceSummary> summaries;
  for (uint32_t n = 0; n < std::min<uint64_t>(segments.pages(PageKind::kData), kMaxPages); n++) {
    const auto page = segments.Page(PageKind::kData, n);
    if (!page.ok()) continue;
    for (size_t at = 0; at < page->bytes.size() && at < 512; at += 1 + at / 4) {
      samples.Clear();
      (void)ReadChunk(segments, page->bytes.substr(at), INT64_MIN, INT64_MAX, "fuzz", &samples);
    }
  }
  for (uint32_t n = 0; n < std::min<uint64_t>(segments.pages(PageKind::kSummaries), kMaxPages);
       n++) {
    const auto page = segments.Page(PageKind::kSummaries, n);
    summaries.clear();
    if (page.ok()) (void)DecodeSummaries(page->bytes, &summaries);
  }
  (void)segments.VerifyAll();
}

template <typename T>
T Load(const std::string& file, size_t at) {
  T value;
  std::memcpy(&value, file.data() + at, sizeof(value));
  return value;
}

std::string Mended(std::string_view input) {
  std::string file(input);
  if (file.size() < 8 + kFooterBytes) return file;
  const size_t footer = file.size() - kFooterBytes;
  const auto directory = Load<uint64_t>(file, footer);
  if (directory > footer) return file;
  for (size_t at = directory; at + sizeof(PageEntry) <= footer; at += sizeof(PageEntry)) {
    auto entry = Load<PageEntry>(file, at);
    if (entry.offset > file.size() || entry.stored_bytes > file.size() - entry.offset) continue;
    entry.crc = Crc32c(std::string_view(file).substr(entry.offset, entry.stored_bytes));
    std::memcpy(file.data() + at, &entry, sizeof(entry));
  }
  const size_t crc_at = file.size() - 12;
  const uint32_t crc = Crc32c(std::string_view(file).substr(directory, crc_at - directory));
  std::memcpy(file.data() + crc_at, &crc, sizeof(crc));
  return file;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  Read(std::string(input));
  Read(Mended(input));
  return 0;
}
