#include "tsdb/block/block_meta.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>

namespace deucalion::tsdb {
namespace {

using nlohmann::json;

constexpr std::string_view kCrockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr size_t kUlidLength = 26;

std::string ToHex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    text += "0123456789abcdef"[static_cast<uint8_t>(c) >> 4];
    text += "0123456789abcdef"[static_cast<uint8_t>(c) & 15];
  }
  return text;
}

bool FromHex(std::string_view text, std::string* bytes) {
  const auto digit = [](char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  bytes->clear();
  if (text.size() % 2 != 0) return false;
  for (size_t i = 0; i < text.size(); i += 2) {
    const int high = digit(text[i]), low = digit(text[i + 1]);
    if (high < 0 || low < 0) return false;
    bytes->push_back(static_cast<char>(high * 16 + low));
  }
  return true;
}

json OursOf(const BlockMeta& meta) {
  json ours = {{"version", meta.version}, {"files", json::array()}};
  for (const WrittenFile& f : meta.files) {
    ours["files"].push_back({{"name", f.name}, {"size", f.size_bytes}});
  }
  if (meta.head_cut) {
    ours["headCut"] = {{"cutTime", meta.cut_ms}, {"positions", ToHex(meta.cut_positions)}};
  }
  return ours;
}

void ReadOurs(const json& ours, BlockMeta* meta) {
  meta->version = ours.at("version").get<int>();
  for (const json& f : ours.at("files")) {
    meta->files.push_back({f.at("name").get<std::string>(), f.at("size").get<uint64_t>()});
  }
  if (const auto cut = ours.find("headCut"); cut != ours.end()) {
    meta->head_cut = true;
    meta->cut_ms = cut->at("cutTime").get<int64_t>();
    FromHex(cut->at("positions").get<std::string>(), &meta->cut_positions);
  }
}

BlockMeta FromJson(const json& j) {
  BlockMeta meta;
  meta.ulid = j.at("ulid").get<std::string>();
  meta.min_ms = j.at("minTime").get<int64_t>();
  meta.max_ms = j.at("maxTime").get<int64_t>();
  const json stats = j.value("stats", json::object());
  meta.samples = stats.value("numSamples", uint64_t{0});
  meta.float_samples = stats.value("numFloatSamples", uint64_t{0});
  meta.histogram_samples = stats.value("numHistogramSamples", uint64_t{0});
  meta.series = stats.value("numSeries", uint64_t{0});
  meta.chunks = stats.value("numChunks", uint64_t{0});
  meta.tombstones = stats.value("numTombstones", uint64_t{0});
  const json compaction = j.value("compaction", json::object());
  meta.level = compaction.value("level", 1);
  meta.failed = compaction.value("failed", false);
  meta.sources = compaction.value("sources", std::vector<std::string>());
  meta.hints = compaction.value("hints", std::vector<std::string>());
  for (const json& p : compaction.value("parents", json::array())) {
    meta.parents.push_back({p.at("ulid").get<std::string>(), p.at("minTime").get<int64_t>(),
                            p.at("maxTime").get<int64_t>()});
  }
  if (const auto ours = j.find("deucalion"); ours != j.end()) ReadOurs(*ours, &meta);
  return meta;
}

// A file name that stays inside the block directory.
bool IsPlainName(const std::string& name) {
  return !name.empty() && name.front() != '/' && name.find("..") == std::string::npos;
}

}  // namespace

bool BlockMeta::FromOutOfOrder() const {
  return std::find(hints.begin(), hints.end(), "from-out-of-order") != hints.end();
}

bool BlockMeta::FromEndedSeries() const {
  return std::find(hints.begin(), hints.end(), kFromEndedSeries) != hints.end();
}

uint64_t BlockMeta::SizeBytes() const {
  uint64_t bytes = 0;
  for (const WrittenFile& f : files) bytes += f.size_bytes;
  return bytes;
}

std::string EncodeBlockMeta(const BlockMeta& meta) {
  nlohmann::ordered_json j;
  j["ulid"] = meta.ulid;
  j["minTime"] = meta.min_ms;
  j["maxTime"] = meta.max_ms;
  j["stats"] = {{"numSamples", meta.samples},
                {"numFloatSamples", meta.float_samples},
                {"numHistogramSamples", meta.histogram_samples},
                {"numSeries", meta.series},
                {"numChunks", meta.chunks},
                {"numTombstones", meta.tombstones}};
  auto& compaction = j["compaction"];
  compaction["level"] = meta.level;
  compaction["sources"] = meta.sources;
  if (!meta.parents.empty()) {
    for (const BlockParent& p : meta.parents) {
      compaction["parents"].push_back(
          {{"ulid", p.ulid}, {"minTime", p.min_ms}, {"maxTime", p.max_ms}});
    }
  }
  if (!meta.hints.empty()) compaction["hints"] = meta.hints;
  if (meta.failed) compaction["failed"] = true;
  j["version"] = 1;
  if (meta.ours()) j["deucalion"] = OursOf(meta);
  return j.dump(1, '\t') + "\n";
}

Result<BlockMeta> ParseBlockMeta(std::string_view text, const std::string& where) {
  BlockMeta meta;
  try {
    const json j = json::parse(text);
    if (const int version = j.value("version", 0); version != 1) {
      return CorruptError(where + ": unexpected meta file version " + std::to_string(version));
    }
    meta = FromJson(j);
  } catch (const json::exception& e) {
    return CorruptError(where + ": " + e.what());
  }
  if (!IsUlid(meta.ulid)) return CorruptError(where + ": \"" + meta.ulid + "\" is not a ULID");
  if (meta.ours() && meta.version != kBlockVersion) {
    return CorruptError(where + ": block format version " + std::to_string(meta.version) +
                        " is not known");
  }
  for (const WrittenFile& f : meta.files) {
    if (!IsPlainName(f.name)) return CorruptError(where + ": file name \"" + f.name + "\"");
  }
  return meta;
}

Result<BlockMeta> ReadBlockMeta(FileSystem* fs, const std::string& dir) {
  const std::string path = JoinPath(dir, kMetaFile);
  ASSIGN_OR_RETURN(const std::string text, fs->ReadFile(path));
  return ParseBlockMeta(text, path);
}

std::string NewUlid(int64_t now_ms) {
  thread_local std::mt19937_64 random{std::random_device{}()};
  std::string ulid(kUlidLength, '0');
  uint64_t time = static_cast<uint64_t>(now_ms < 0 ? 0 : now_ms);
  for (size_t i = 10; i-- > 0; time >>= 5) ulid[i] = kCrockford[time & 31];
  for (size_t i = 10; i < kUlidLength; ++i) ulid[i] = kCrockford[random() & 31];
  return ulid;
}

bool IsUlid(std::string_view text) {
  return text.size() == kUlidLength && text[0] <= '7' &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return kCrockford.find(c) != std::string_view::npos; });
}

int64_t UlidTimeMs(std::string_view ulid) {
  uint64_t ms = 0;
  for (size_t i = 0; i < 10 && i < ulid.size(); ++i) ms = ms << 5 | kCrockford.find(ulid[i]);
  return static_cast<int64_t>(ms);
}

}  // namespace deucalion::tsdb
