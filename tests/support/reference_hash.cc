// XXH64 as its specification has it, for label sets.
#include <bit>
#include <string>

#include "tests/support/reference_eval.h"

namespace deucalion::testing_support {
namespace {

constexpr uint64_t kPrime1 = 0x9E3779B185EBCA87, kPrime2 = 0xC2B2AE3D27D4EB4F,
                   kPrime3 = 0x165667B19E3779F9, kPrime4 = 0x85EBCA77C2B2AE63,
                   kPrime5 = 0x27D4EB2F165667C5;

uint64_t ReadLittleEndian(const std::string& data, size_t at, int bytes) {
  uint64_t out = 0;
  for (int i = bytes - 1; i >= 0; --i) {
    out = out << 8 | static_cast<uint8_t>(data[at + static_cast<size_t>(i)]);
  }
  return out;
}

uint64_t Round(uint64_t accumulator, uint64_t lane) {
  return std::rotl(accumulator + lane * kPrime2, 31) * kPrime1;
}

uint64_t Xxh64(const std::string& data) {
  size_t at = 0;
  uint64_t hash = kPrime5;
  if (data.size() >= 32) {
    uint64_t v[4] = {kPrime1 + kPrime2, kPrime2, 0, 0 - kPrime1};
    for (; at + 32 <= data.size(); at += 32) {
      for (size_t i = 0; i < 4; ++i) v[i] = Round(v[i], ReadLittleEndian(data, at + 8 * i, 8));
    }
    hash = std::rotl(v[0], 1) + std::rotl(v[1], 7) + std::rotl(v[2], 12) + std::rotl(v[3], 18);
    for (uint64_t lane : v) hash = (hash ^ Round(0, lane)) * kPrime1 + kPrime4;
  }
  hash += data.size();
  for (; at + 8 <= data.size(); at += 8) {
    hash ^= Round(0, ReadLittleEndian(data, at, 8));
    hash = std::rotl(hash, 27) * kPrime1 + kPrime4;
  }
  if (at + 4 <= data.size()) {
    hash ^= ReadLittleEndian(data, at, 4) * kPrime1;
    hash = std::rotl(hash, 23) * kPrime2 + kPrime3;
    at += 4;
  }
  for (; at < data.size(); ++at) {
    hash ^= ReadLittleEndian(data, at, 1) * kPrime5;
    hash = std::rotl(hash, 11) * kPrime1;
  }
  hash = (hash ^ hash >> 33) * kPrime2;
  hash = (hash ^ hash >> 29) * kPrime3;
  return hash ^ hash >> 32;
}

}  // namespace

uint64_t RefHash(const RefLabels& labels) {
  std::string data;
  for (const auto& [name, value] : labels) {
    for (const std::string* text : {&name, &value}) {
      data += static_cast<char>(text->size());  // of texts shorter than 255 bytes
      data += *text;
    }
  }
  return Xxh64(data);
}

}  // namespace deucalion::testing_support
