#include "tsdb/index/block_index.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>

#include "base/bytes.h"
#include "tsdb/index/block_postings.h"

namespace deucalion::tsdb {
namespace {

enum Table : unsigned { kByteOffsets, kPostingsOffsets, kRanks };

constexpr uint64_t kHandleShift = 32;

// Reads come series by series in label order, from several blocks in turn: a thread's last cursors
// are nearly always right before the wanted row. One is only used again for the index it was made
// for.
struct LastCursor {
  uint64_t serial = 0;
  std::optional<BlockSeriesCursor> cursor;
};
constexpr size_t kCursorsPerThread = 16;

std::atomic<uint64_t> next_serial{1};

}  // namespace

Result<std::unique_ptr<BlockIndex>> BlockIndex::Open(FileSystem* fs, const std::string& path,
                                                     uint64_t want_size) {
  std::unique_ptr<BlockIndex> index(new BlockIndex());
  index->serial_ = next_serial.fetch_add(1);
  ASSIGN_OR_RETURN(index->file_, CheckedFile::Open(fs, path, want_size));
  index->data_ = index->file_->data();
  RETURN_IF_ERROR(index->ReadDirectory());
  return index;
}

Status BlockIndex::ReadDirectory() {
  if (data_.size() < 16) return CorruptError(file_->path() + ": no room for a directory");
  RETURN_IF_ERROR(file_->Check(0, 8));
  RETURN_IF_ERROR(file_->Check(data_.size() - 8, 8));
  if (ByteReader(data_).Fixed64() != kBlockIndexMagic) {
    return CorruptError(file_->path() + ": not a block index of a known version");
  }
  const uint64_t at = ByteReader(data_.substr(data_.size() - 8)).Fixed64();
  if (at > data_.size() - 8) return CorruptError(file_->path() + ": directory outside the file");
  RETURN_IF_ERROR(file_->Check(at, data_.size() - at));
  ByteReader in(data_.substr(at, data_.size() - 8 - at));
  num_series_ = in.Fixed64();
  min_ms_ = static_cast<int64_t>(in.Fixed64());
  max_ms_ = static_cast<int64_t>(in.Fixed64());
  with_summaries_ = in.U8() != 0;
  groups_at_ = in.Fixed64();
  const uint64_t groups = num_series_ / kRowsPerGroup + (num_series_ % kRowsPerGroup != 0);
  if (!in.ok() || num_series_ >= UINT32_MAX || groups_at_ < 8 || groups_at_ > at ||
      groups * 4 > at - groups_at_) {
    return CorruptError(file_->path() + ": directory header out of range");
  }
  RETURN_IF_ERROR(ReadNames(&in));
  return ReadSchemas(&in);
}

Status BlockIndex::ReadNames(ByteReader* in) {
  const uint64_t count = in->Varint();
  if (count > in->remaining()) in->Fail();
  name_by_id_.assign(in->ok() ? count : 0, UINT32_MAX);
  for (uint64_t i = 0; in->ok() && i < count; ++i) {
    Name name;
    name.text = in->LengthPrefixed();
    const uint64_t id = in->Varint(), values = in->Varint();
    name.series = in->Varint();
    name.bytes_at = in->Varint();
    name.tables_at = in->Varint();
    name.postings_at = in->Varint();
    const bool sane = in->ok() && id < count && name_by_id_[id] == UINT32_MAX &&
                      values < UINT32_MAX && name.bytes_at <= name.tables_at &&
                      name.tables_at <= data_.size() && name.postings_at <= data_.size() &&
                      name.postings_at >= name.tables_at &&
                      name.postings_at - name.tables_at == (values * 3 + 2) * 4 &&
                      (names_.empty() || names_.back().text < name.text);
    if (!sane) return CorruptError(file_->path() + ": label name directory does not decode");
    name.values = static_cast<uint32_t>(values);
    name_by_id_[id] = static_cast<uint32_t>(names_.size());
    names_.push_back(std::move(name));
  }
  return in->ok() ? OkStatus() : CorruptError(file_->path() + ": label names do not decode");
}

Status BlockIndex::ReadSchemas(ByteReader* in) {
  const uint64_t count = in->Varint();
  if (count > in->remaining() + 1) in->Fail();
  for (uint64_t i = 0; in->ok() && i < count; ++i) {
    const uint64_t labels = in->Varint();
    if (labels > in->remaining()) in->Fail();
    schema_begins_.push_back(static_cast<uint32_t>(schema_names_.size()));
    schema_sizes_.push_back(static_cast<uint32_t>(labels));
    for (uint64_t k = 0; in->ok() && k < labels; ++k) {
      const uint64_t id = in->Varint();
      if (id >= name_by_id_.size()) return CorruptError(file_->path() + ": unknown label name id");
      schema_names_.push_back(name_by_id_[id]);
    }
  }
  return in->ok() && in->done() ? OkStatus()
                                : CorruptError(file_->path() + ": schemas do not decode");
}

const BlockIndex::Name* BlockIndex::FindName(std::string_view name) const {
  const auto it = std::lower_bound(names_.begin(), names_.end(), name,
                                   [](const Name& n, std::string_view v) { return n.text < v; });
  return it != names_.end() && it->text == name ? &*it : nullptr;
}

uint32_t BlockIndex::TableEntry(const Name& name, unsigned table, uint64_t index) const {
  const uint64_t offsets = uint64_t{name.values} + 1;
  const uint64_t at = name.tables_at + (table * offsets + index) * 4;
  uint32_t v;
  std::memcpy(&v, data_.data() + at, 4);
  return v;
}

std::string_view BlockIndex::ValueText(const Name& name, uint64_t rank) const {
  const uint64_t begin = TableEntry(name, kByteOffsets, rank);
  const uint64_t end = TableEntry(name, kByteOffsets, rank + 1);
  if (begin > end || end > name.tables_at - name.bytes_at) return {};
  return data_.substr(name.bytes_at + begin, end - begin);
}

std::string_view BlockIndex::PostingsBytes(const Name& name, uint64_t rank) const {
  const uint64_t begin = TableEntry(name, kPostingsOffsets, rank);
  const uint64_t end = TableEntry(name, kPostingsOffsets, rank + 1);
  if (begin > end || end > data_.size() - name.postings_at) return {};
  return data_.substr(name.postings_at + begin, end - begin);
}

uint64_t BlockIndex::LowerBound(const Name& name, std::string_view value) const {
  uint64_t low = 0, high = name.values;
  while (low < high) {
    const uint64_t middle = (low + high) / 2;
    if (ValueText(name, middle) < value)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

IndexValue BlockIndex::MakeValue(const Name& name, uint64_t rank) const {
  return {.value = ValueText(name, rank),
          .handle = static_cast<uint64_t>(&name - names_.data()) << kHandleShift | rank,
          .cardinality = PostingsCount(PostingsBytes(name, rank))};
}

bool BlockIndex::ValuesVerified() const {
  if (values_verified_.load(std::memory_order_acquire)) return true;
  for (const Name& name : names_) {
    Status status = file_->Check(name.bytes_at, name.postings_at - name.bytes_at);
    if (!status.ok()) {
      Damaged(std::move(status));
      return false;
    }
  }
  values_verified_.store(true, std::memory_order_release);
  return true;
}

Result<Postings> BlockIndex::AllPostings() const {
  std::vector<SeriesNumber> all(num_series_);
  std::iota(all.begin(), all.end(), 0);
  return Postings::Own(std::move(all));
}

bool BlockIndex::FindValue(std::string_view name, std::string_view value, IndexValue* out) const {
  const Name* n = FindName(name);
  if (n == nullptr || !ValuesVerified()) return false;
  const uint64_t rank = LowerBound(*n, value);
  if (rank == n->values || ValueText(*n, rank) != value) return false;
  *out = MakeValue(*n, rank);
  return true;
}

uint64_t BlockIndex::NumValues(std::string_view name) const {
  const Name* n = FindName(name);
  return n == nullptr ? 0 : n->values;
}

Status BlockIndex::VisitValues(std::string_view name, std::string_view prefix,
                               const std::function<bool(const IndexValue&)>& visit) const {
  const Name* n = FindName(name);
  if (n == nullptr) return OkStatus();
  if (!ValuesVerified()) return Health();
  for (uint64_t rank = prefix.empty() ? 0 : LowerBound(*n, prefix); rank < n->values; ++rank) {
    const IndexValue value = MakeValue(*n, rank);
    if (!value.value.starts_with(prefix) || !visit(value)) break;
  }
  return OkStatus();
}

Status BlockIndex::SortedValues(std::string_view name, std::vector<std::string_view>* out) const {
  out->clear();
  const Name* n = FindName(name);
  if (n == nullptr) return OkStatus();
  if (!ValuesVerified()) return Health();
  out->reserve(n->values);
  for (uint64_t rank = 0; rank < n->values; ++rank) out->push_back(ValueText(*n, rank));
  return OkStatus();
}

Result<std::string_view> BlockIndex::ListOf(const IndexValue& value) const {
  const uint64_t place = value.handle >> kHandleShift;
  const uint64_t rank = value.handle & UINT32_MAX;
  if (place >= names_.size() || rank >= names_[place].values) {
    return InternalError(file_->path() + ": unknown postings handle");
  }
  const std::string_view list = PostingsBytes(names_[place], rank);
  RETURN_IF_ERROR(file_->Check(static_cast<uint64_t>(list.data() - data_.data()), list.size()));
  return list;
}

Status BlockIndex::BrokenList(const IndexValue& value) const {
  return CorruptError(file_->path() + ": postings of " + names_[value.handle >> kHandleShift].text +
                      "=\"" + std::string(value.value) + "\" do not decode");
}

Result<Postings> BlockIndex::PostingsOf(const IndexValue& value) const {
  ASSIGN_OR_RETURN(const std::string_view list, ListOf(value));
  std::vector<SeriesNumber> numbers;
  if (!DecodePostings(list, num_series_, &numbers)) return BrokenList(value);
  return Postings::Own(std::move(numbers));
}

Result<bool> BlockIndex::NarrowBy(const IndexValue& value, bool subtract,
                                  std::vector<SeriesNumber>* series) const {
  ASSIGN_OR_RETURN(const std::string_view list, ListOf(value));
  if (!FilterByPostings(list, num_series_, subtract, series)) return BrokenList(value);
  return true;
}

std::string_view BlockIndex::ValueOf(SeriesNumber series, std::string_view name,
                                     std::string* scratch) const {
  const Result<BlockSeriesCursor*> cursor = SeekHere(series);
  return cursor.ok() ? (*cursor)->ValueOf(name) : std::string_view();
}

Result<BlockSeriesCursor*> BlockIndex::SeekHere(SeriesNumber series) const {
  thread_local std::array<LastCursor, kCursorsPerThread> cursors;
  LastCursor& last = cursors[serial_ % kCursorsPerThread];
  if (last.serial != serial_) {
    last.cursor.emplace(*this);
    last.serial = serial_;
  }
  if (!last.cursor->Seek(series)) return last.cursor->status();
  return &*last.cursor;
}

std::vector<std::string> BlockIndex::LabelNames() const {
  std::vector<std::string> names;
  for (const Name& n : names_) names.push_back(n.text);
  return names;
}

Result<std::vector<std::string>> BlockIndex::LabelNamesOf(PostingsView series) const {
  std::vector<bool> seen(schema_sizes_.size());
  BlockSeriesCursor cursor(*this);
  for (const SeriesNumber s : series) {
    if (!cursor.Seek(s)) return cursor.status();
    seen[cursor.row().schema] = true;
  }
  std::vector<bool> have(names_.size());
  for (size_t s = 0; s < seen.size(); ++s) {
    for (uint32_t k = 0; seen[s] && k < schema_sizes_[s]; ++k) {
      have[schema_names_[schema_begins_[s] + k]] = true;
    }
  }
  std::vector<std::string> names;
  for (size_t i = 0; i < names_.size(); ++i) {
    if (have[i]) names.push_back(names_[i].text);
  }
  return names;
}

Result<std::string_view> BlockIndex::GroupBytes(uint64_t group) const {
  const uint64_t at = groups_at_ + group * 4;
  const uint64_t groups = (num_series_ + kRowsPerGroup - 1) / kRowsPerGroup;
  RETURN_IF_ERROR(file_->Check(at, group + 1 < groups ? 8 : 4));
  const uint64_t begin = 8 + uint64_t{ByteReader(data_.substr(at)).Fixed32()};
  const uint64_t end =
      group + 1 < groups ? 8 + uint64_t{ByteReader(data_.substr(at + 4)).Fixed32()} : groups_at_;
  if (begin > end || end > groups_at_) {
    return CorruptError(file_->path() + ": series group " + std::to_string(group) +
                        " lies outside the series table");
  }
  RETURN_IF_ERROR(file_->Check(begin, end - begin));
  return data_.substr(begin, end - begin);
}

Status BlockIndex::Health() const {
  if (!damaged_.load(std::memory_order_acquire)) return OkStatus();
  MutexLock lock(mu_);
  return damage_;
}

void BlockIndex::Damaged(Status status) const {
  MutexLock lock(mu_);
  if (damage_.ok()) damage_ = std::move(status);
  damaged_.store(true, std::memory_order_release);
}

bool BlockSeriesCursor::Seek(SeriesNumber series) {
  if (series >= index_.num_series_) {
    status_ = InternalError(index_.file_->path() + ": no series " + std::to_string(series));
    return false;
  }
  if (group_ != UINT64_MAX && series + 1 == next_ && series / kRowsPerGroup == group_) return true;
  const uint64_t group = series / kRowsPerGroup;
  if (group != group_ || series < next_) {
    if (!index_.ValuesVerified()) {
      status_ = index_.Health();
      return false;
    }
    Result<std::string_view> bytes = index_.GroupBytes(group);
    if (!bytes.ok()) {
      status_ = bytes.status();
      index_.Damaged(status_);
      return false;
    }
    group_ = group;
    next_ = group * kRowsPerGroup;
    decoder_.Start(*bytes, index_.with_summaries_, index_.schema_sizes_);
  }
  for (; next_ <= series; ++next_) {
    if (decoder_.Next()) continue;
    status_ = CorruptError(index_.file_->path() + ": row of series " + std::to_string(next_) +
                           " does not decode");
    index_.Damaged(status_);
    group_ = UINT64_MAX;
    return false;
  }
  return true;
}

std::span<const uint32_t> BlockSeriesCursor::Names() const {
  const uint32_t schema = row().schema;
  return std::span(index_.schema_names_)
      .subspan(index_.schema_begins_[schema], index_.schema_sizes_[schema]);
}

std::string_view BlockSeriesCursor::Value(uint32_t name, uint32_t value_id) const {
  const BlockIndex::Name& n = index_.names_[name];
  if (value_id >= n.values) return {};
  const uint32_t rank = index_.TableEntry(n, kRanks, value_id);
  return rank < n.values ? index_.ValueText(n, rank) : std::string_view();
}

std::string_view BlockSeriesCursor::ValueOf(std::string_view name) const {
  const auto names = Names();
  for (size_t i = 0; i < names.size(); ++i) {
    if (index_.names_[names[i]].text == name) return Value(names[i], row().values[i]);
  }
  return {};
}

void BlockSeriesCursor::LabelsOf(Labels* out) const {
  out->Clear();
  const auto names = Names();
  for (size_t i = 0; i < names.size(); ++i) {
    AppendEncodedLabel(out->mutable_bytes(), index_.names_[names[i]].text,
                       Value(names[i], row().values[i]));
  }
}

}  // namespace deucalion::tsdb
