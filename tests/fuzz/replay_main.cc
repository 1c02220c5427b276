// Runs one fuzz target over its corpus: each file as it is, cut at a few places, and with single
// bits flipped. Deterministic, so that a failure can be repeated; prints how many inputs ran.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

size_t Run(const std::string& bytes) {
  // An exact heap copy, so that a sanitizer sees reads past the end.
  const std::vector<uint8_t> copy(bytes.begin(), bytes.end());
  LLVMFuzzerTestOneInput(copy.data(), copy.size());
  return 1;
}

size_t RunWithDamage(const std::string& bytes) {
  std::mt19937_64 random(bytes.size());
  size_t runs = Run(bytes);
  for (int i = 0; i < 8 && !bytes.empty(); i++)
    runs += Run(bytes.substr(0, random() % bytes.size()));
  for (int i = 0; i < 24 && !bytes.empty(); i++) {
    std::string damaged = bytes;
    const uint64_t r = random();
    damaged[(r >> 3) % damaged.size()] ^= static_cast<char>(1 << (r & 7));
    runs += Run(damaged);
  }
  return runs;
}

}  // namespace

int main(int argc, char** argv) {
  size_t runs = Run("");
  for (int i = 1; i < argc; i++) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[i])) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    for (const auto& path : files) {
      std::ifstream in(path, std::ios::binary);
      const std::string bytes{std::istreambuf_iterator<char>(in), {}};
      runs += RunWithDamage(bytes);
    }
  }
  std::printf("%zu inputs\n", runs);
  return runs > 1 ? 0 : 1;
}
