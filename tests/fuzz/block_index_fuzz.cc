// The index file of our blocks: every look-up a query makes, on whatever opens. The input is the
// file, or its data alone, for which the checksums are made.
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/hash.h"
#include "tests/fuzz/memory_files.h"
#include "tsdb/index/block_index.h"

namespace {

using namespace deucalion;
using namespace deucalion::tsdb;

constexpr size_t kChunkBytes = 64 * 1024;
constexpr size_t kFooterBytes = 16;

void Read(const std::string& file) {
  MemoryFiles files({{"/index", file}});
  const auto index = BlockIndex::Open(&files, "/index", file.size());
  if (!index.ok()) return;
  if (const auto all = (*index)->AllPostings(); all.ok()) {
    BlockSeriesCursor cursor(**index);
    Labels labels;
    std::string scratch;
    size_t n = 0;
    for (const SeriesNumber s : all->view()) {
      if (cursor.Seek(s)) cursor.LabelsOf(&labels);
      (void)(*index)->ValueOf(s, "job", &scratch);
      if (++n == 1000) break;
    }
  }
  const std::vector<std::string> names = (*index)->LabelNames();
  for (size_t i = 0; i < names.size() && i < 50; i++) {
    uint64_t left = 200;
    (void)(*index)->VisitValues(names[i], "", [&](const IndexValue& value) {
      (void)(*index)->PostingsOf(value);
      return --left > 0;
    });
    IndexValue value;
    (void)(*index)->FindValue(names[i], "a", &value);
  }
  (void)(*index)->VerifyAll();
  (void)(*index)->Health();
}

// As CheckedFileWriter ends a file (docs/storage-format.md).
std::string WithChecksums(std::string_view data) {
  std::string table;
  for (size_t at = 0; at < data.size(); at += kChunkBytes) {
    PutFixed32(&table, Crc32c(data.substr(at, kChunkBytes)));
  }
  std::string covered = table;
  PutFixed64(&covered, data.size());
  std::string file = std::string(data) + covered;
  PutFixed32(&file, Crc32c(covered));
  file += "DHCK";
  return file;
}

// The data of a file as it is on disk.
std::string_view DataOf(std::string_view file) {
  if (file.size() < kFooterBytes) return file;
  const uint64_t size = ByteReader(file.substr(file.size() - kFooterBytes)).Fixed64();
  return size <= file.size() - kFooterBytes ? file.substr(0, size) : file;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  Read(std::string(input));
  Read(WithChecksums(DataOf(input)));
  return 0;
}
