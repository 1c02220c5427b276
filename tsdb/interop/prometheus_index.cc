#include "tsdb/interop/prometheus_index.h"

#include <algorithm>

#include "base/hash.h"

namespace deucalion::tsdb {
namespace {

constexpr size_t kTocBytes = 6 * 8 + 4;
constexpr size_t kHeaderBytes = 5;
constexpr uint32_t kSampleEvery = 32;
constexpr uint64_t kSeriesAlign = 16;

}  // namespace

Result<std::unique_ptr<PrometheusIndex>> PrometheusIndex::Open(FileSystem* fs,
                                                               const std::string& path) {
  std::unique_ptr<PrometheusIndex> index(new PrometheusIndex());
  index->path_ = path;
  ASSIGN_OR_RETURN(index->map_, fs->Map(path));
  index->data_ = index->map_->bytes();
  RETURN_IF_ERROR(index->ReadToc());
  RETURN_IF_ERROR(index->ReadSymbols());
  RETURN_IF_ERROR(index->ReadPostingsTable());
  return index;
}

Status PrometheusIndex::ReadToc() {
  if (data_.size() < kHeaderBytes + kTocBytes) return CorruptError(path_ + ": invalid size");
  ByteReader header(data_);
  if (header.BigEndian32() != kPrometheusIndexMagic) {
    return CorruptError(path_ + ": invalid magic number");
  }
  if (const uint8_t version = header.U8(); version != 2) {
    return UnimplementedError(path_ + ": index file version " + std::to_string(version) +
                              " is not supported yet");
  }
  const std::string_view toc = data_.substr(data_.size() - kTocBytes);
  ByteReader in(toc);
  symbols_at_ = in.BigEndian64();
  in.Skip(3 * 8);  // series, label indices, label offset table
  in.Skip(8);      // postings
  postings_table_at_ = in.BigEndian64();
  if (Crc32c(toc.substr(0, toc.size() - 4)) != in.BigEndian32()) {
    return CorruptError(path_ + ": read TOC: invalid checksum");
  }
  series_bound_ = std::min<uint64_t>(data_.size() / kSeriesAlign + 1, UINT32_MAX);
  return OkStatus();
}

Result<std::string_view> PrometheusIndex::Section(uint64_t offset) const {
  if (offset >= data_.size()) return CorruptError(path_ + ": section lies outside the file");
  ByteReader in(data_.substr(offset));
  const uint32_t length = in.BigEndian32();
  const std::string_view bytes = in.Bytes(length);
  const uint32_t crc = in.BigEndian32();
  if (!in.ok()) return CorruptError(path_ + ": section lies outside the file");
  if (Crc32c(bytes) != crc) {
    return CorruptError(path_ + " at " + std::to_string(offset) + ": invalid checksum");
  }
  return bytes;
}

Status PrometheusIndex::ReadSymbols() {
  if (symbols_at_ == 0) return OkStatus();
  ASSIGN_OR_RETURN(const std::string_view section, Section(symbols_at_));
  ByteReader in(section);
  symbol_count_ = in.BigEndian32();
  symbols_ = ByteReader(in).Rest();
  const size_t begin = in.offset();
  for (uint32_t i = 0; i < symbol_count_; ++i) {
    if (i % kSampleEvery == 0) symbol_samples_.push_back(in.offset() - begin);
    in.LengthPrefixed();
    if (!in.ok()) return CorruptError(path_ + ": symbol table does not decode");
  }
  return OkStatus();
}

bool PrometheusIndex::Symbol(uint64_t number, std::string_view* text) const {
  if (number >= symbol_count_) return false;
  ByteReader in(symbols_.substr(symbol_samples_[number / kSampleEvery]));
  for (uint64_t skip = number % kSampleEvery; skip > 0; --skip) in.LengthPrefixed();
  *text = in.LengthPrefixed();
  return in.ok();
}

bool PrometheusIndex::ReadEntry(uint64_t offset, Entry* entry) const {
  if (offset >= table_end_) return false;
  ByteReader in(data_.substr(offset, table_end_ - offset));
  const uint64_t pieces = in.Varint();
  entry->name = in.LengthPrefixed();
  entry->value = in.LengthPrefixed();
  entry->postings = in.Varint();
  entry->next = offset + in.offset();
  return in.ok() && pieces == 2;
}

Status PrometheusIndex::ReadPostingsTable() {
  if (postings_table_at_ == 0) return OkStatus();
  ASSIGN_OR_RETURN(const std::string_view section, Section(postings_table_at_));
  const uint32_t count = ByteReader(section).BigEndian32();
  const uint64_t begin = postings_table_at_ + 4;
  table_end_ = begin + section.size();
  Entry entry{.next = begin + 4};
  for (uint32_t i = 0; i < count; ++i) {
    const uint64_t at = entry.next;
    if (!ReadEntry(at, &entry)) return CorruptError(path_ + ": postings table does not decode");
    if (entry.name.empty()) {
      if (entry.value.empty()) all_postings_ = entry.postings;
      continue;
    }
    if (names_.empty() || names_.back().text != entry.name) {
      if (!names_.empty() && names_.back().text > entry.name) {
        return CorruptError(path_ + ": postings table is not sorted");
      }
      names_.push_back({.text = entry.name});
    }
    Name& name = names_.back();
    if (name.values++ % kSampleEvery == 0) name.samples.push_back(at);
  }
  return OkStatus();
}

const PrometheusIndex::Name* PrometheusIndex::FindName(std::string_view name) const {
  const auto it = std::lower_bound(names_.begin(), names_.end(), name,
                                   [](const Name& n, std::string_view v) { return n.text < v; });
  return it != names_.end() && it->text == name ? &*it : nullptr;
}

// Values of `name` from the first one not below `from` on, until visit(entry) returns false.
template <typename Visit>
void PrometheusIndex::Walk(const Name& name, std::string_view from, Visit visit) const {
  const auto value_at = [this](uint64_t offset) {
    Entry entry;
    return ReadEntry(offset, &entry) ? entry.value : std::string_view();
  };
  auto sample =
      std::upper_bound(name.samples.begin(), name.samples.end(), from,
                       [&](std::string_view v, uint64_t offset) { return v < value_at(offset); });
  if (sample != name.samples.begin()) --sample;
  uint64_t left = name.values - static_cast<uint64_t>(sample - name.samples.begin()) * kSampleEvery;
  Entry entry{.next = *sample};
  for (; left > 0 && ReadEntry(entry.next, &entry); --left) {
    if (entry.value >= from && !visit(entry)) return;
  }
}

IndexValue PrometheusIndex::MakeValue(const Entry& entry) const {
  ByteReader in(data_.substr(std::min<uint64_t>(entry.postings, data_.size())));
  in.Skip(4);
  return {.value = entry.value, .handle = entry.postings, .cardinality = in.BigEndian32()};
}

bool PrometheusIndex::FindValue(std::string_view name, std::string_view value,
                                IndexValue* out) const {
  const Name* n = FindName(name);
  bool found = false;
  if (n == nullptr) return false;
  Walk(*n, value, [&](const Entry& entry) {
    if (entry.value == value) {
      *out = MakeValue(entry);
      found = true;
    }
    return false;
  });
  return found;
}

uint64_t PrometheusIndex::NumValues(std::string_view name) const {
  const Name* n = FindName(name);
  return n == nullptr ? 0 : n->values;
}

Status PrometheusIndex::VisitValues(std::string_view name, std::string_view prefix,
                                    const std::function<bool(const IndexValue&)>& visit) const {
  const Name* n = FindName(name);
  if (n == nullptr) return OkStatus();
  Walk(*n, prefix, [&](const Entry& entry) {
    return entry.value.starts_with(prefix) && visit(MakeValue(entry));
  });
  return OkStatus();
}

Result<Postings> PrometheusIndex::ReadPostings(uint64_t offset) const {
  ASSIGN_OR_RETURN(const std::string_view section, Section(offset));
  ByteReader in(section);
  const uint32_t count = in.BigEndian32();
  if (!in.ok() || in.remaining() != uint64_t{count} * 4) {
    return CorruptError(path_ + ": unexpected postings length");
  }
  std::vector<SeriesNumber> numbers(count);
  bool ascending = true;
  SeriesNumber previous = 0;
  for (SeriesNumber& n : numbers) {
    n = in.BigEndian32();
    ascending &= n > previous;
    previous = n;
  }
  if (!ascending) return CorruptError(path_ + ": postings are not sorted");
  return Postings::Own(std::move(numbers));
}

Result<Postings> PrometheusIndex::AllPostings() const {
  return all_postings_ == 0 ? Result<Postings>(Postings()) : ReadPostings(all_postings_);
}

Result<Postings> PrometheusIndex::PostingsOf(const IndexValue& value) const {
  return ReadPostings(value.handle);
}

Status PrometheusIndex::Series(SeriesNumber series, bool labels_only, PrometheusSeries* out) const {
  out->labels.clear();
  out->chunks.clear();
  const uint64_t offset = uint64_t{series} * kSeriesAlign;
  const auto broken = [&](std::string_view what) {
    return CorruptError(path_ + ": series at " + std::to_string(offset) + ": " + std::string(what));
  };
  if (offset >= data_.size()) return broken("lies outside the file");
  ByteReader in(data_.substr(offset));
  const std::string_view bytes = in.LengthPrefixed();
  const uint32_t crc = in.BigEndian32();
  if (!in.ok()) return broken("lies outside the file");
  if (Crc32c(bytes) != crc) return broken("invalid checksum");
  ByteReader entry(bytes);
  const uint64_t labels = entry.Varint();
  for (uint64_t i = 0; entry.ok() && i < labels; ++i) {
    const uint64_t name_ref = entry.Varint(), value_ref = entry.Varint();
    std::string_view name, value;
    if (!Symbol(name_ref, &name) || !Symbol(value_ref, &value) || name.empty() || value.empty() ||
        (!out->labels.empty() && out->labels.back().first >= name)) {
      return broken("labels do not decode");
    }
    out->labels.emplace_back(name, value);
  }
  if (labels_only) return entry.ok() ? OkStatus() : broken("does not decode");
  const uint64_t chunks = entry.Varint();
  PrometheusChunkMeta meta;
  for (uint64_t i = 0; entry.ok() && i < chunks; ++i) {
    if (i == 0) {
      meta.min_ms = entry.SignedVarint();
    } else {
      meta.min_ms = static_cast<int64_t>(static_cast<uint64_t>(meta.max_ms) + entry.Varint());
    }
    meta.max_ms = static_cast<int64_t>(static_cast<uint64_t>(meta.min_ms) + entry.Varint());
    meta.ref = i == 0 ? entry.Varint() : meta.ref + static_cast<uint64_t>(entry.SignedVarint());
    out->chunks.push_back(meta);
  }
  return entry.ok() ? OkStatus() : broken("chunks do not decode");
}

std::string_view PrometheusIndex::ValueOf(SeriesNumber series, std::string_view name,
                                          std::string* scratch) const {
  thread_local PrometheusSeries entry;
  if (Status status = Series(series, true, &entry); !status.ok()) {
    Damaged(std::move(status));
    return {};
  }
  for (const auto& [n, v] : entry.labels) {
    if (n == name) return v;
  }
  return {};
}

std::vector<std::string> PrometheusIndex::LabelNames() const {
  std::vector<std::string> names;
  for (const Name& n : names_) names.emplace_back(n.text);
  return names;
}

Status PrometheusIndex::VerifyPostings() const {
  for (const Name& n : names_) {
    Status status;
    Walk(n, "", [&](const Entry& entry) {
      status = ReadPostings(entry.postings).status();
      return status.ok();
    });
    RETURN_IF_ERROR(std::move(status));
  }
  return OkStatus();
}

Status PrometheusIndex::Health() const {
  if (!damaged_.load(std::memory_order_acquire)) return OkStatus();
  MutexLock lock(mu_);
  return damage_;
}

void PrometheusIndex::Damaged(Status status) const {
  MutexLock lock(mu_);
  if (damage_.ok()) damage_ = std::move(status);
  damaged_.store(true, std::memory_order_release);
}

}  // namespace deucalion::tsdb
