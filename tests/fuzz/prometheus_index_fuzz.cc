// The index file of a Prometheus block: every look-up a query makes, on whatever opens. Checksums
// are made right where the sections can be found, so that damage reaches the code behind them.
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/hash.h"
#include "tests/fuzz/memory_files.h"
#include "tsdb/interop/prometheus_index.h"

namespace {

using namespace deucalion;
using namespace deucalion::tsdb;

void Read(const std::string& file) {
  MemoryFiles files({{"/index", file}});
  const auto index = PrometheusIndex::Open(&files, "/index");
  if (!index.ok()) return;
  PrometheusSeries series;
  if (const auto all = (*index)->AllPostings(); all.ok()) {
    std::string scratch;
    size_t n = 0;
    for (const SeriesNumber s : all->view()) {
      (void)(*index)->Series(s, n % 2 == 0, &series);
      (void)(*index)->ValueOf(s, "job", &scratch);
      if (++n == 1000) break;
    }
  }
  for (const std::string& name : (*index)->LabelNames()) {
    uint64_t left = 1000;
    (void)(*index)->VisitValues(name, "", [&](const IndexValue& value) {
      (void)(*index)->PostingsOf(value);
      return --left > 0;
    });
    IndexValue value;
    (void)(*index)->FindValue(name, "a", &value);
  }
  (void)(*index)->VerifyPostings();
  (void)(*index)->Health();
}

void PutCrc(std::string* file, size_t at, std::string_view of) {
  std::string crc;
  PutBigEndian32(&crc, Crc32c(of));
  file->replace(at, 4, crc);
}

// A section's checksum is behind its u32 length and bytes.
void MendSection(std::string* file, uint64_t offset) {
  const std::string_view all = *file;
  if (offset + 8 > all.size()) return;
  const uint32_t length = ByteReader(all.substr(offset)).BigEndian32();
  if (length > all.size() - offset - 8) return;
  PutCrc(file, offset + 4 + length, std::string(all.substr(offset + 4, length)));
}

std::string Mended(std::string_view input) {
  constexpr size_t kTocBytes = 52;
  std::string file(input);
  if (file.size() < kTocBytes + 5) return file;
  const size_t toc = file.size() - kTocBytes;
  ByteReader in(std::string_view(file).substr(toc));
  uint64_t refs[6];
  for (uint64_t& r : refs) r = in.BigEndian64();
  for (const uint64_t r : {refs[0], refs[4], refs[5]}) {
    if (r < file.size()) MendSection(&file, r);
  }
  PutCrc(&file, file.size() - 4, std::string(file.substr(toc, kTocBytes - 4)));
  return file;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  Read(std::string(input));
  Read(Mended(input));
  return 0;
}
