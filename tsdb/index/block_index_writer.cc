// Layout (all inside a checked file, see block/checked_file.h):
//
//   u64 magic "DEUIDX01"
//   series rows in groups (series_rows.h)
//   u32 per group: offset behind the magic
//   per name, in order of first use:
//     value bytes, sorted, one after the other
//     u32 per value + 1: offset of the bytes        behind the name's first byte
//     u32 per value + 1: offset of the postings     behind the name's first postings
//     u32 per value id: rank of that value
//     postings lists (block_postings.h) in rank order, then 16 zero bytes
//   directory
//     fixed64 series, min_ms, max_ms; u8 1 when rows name summaries; fixed64 offset of the groups
//     varint names, sorted: length-prefixed name, varint id, varint values, varint series that have
//                           it, varint offset of the bytes, of the tables, of the postings
//     varint schemas: varint labels, varint name id each
//   u64 offset of the directory
#include "tsdb/index/block_index_writer.h"

#include <algorithm>
#include <map>

#include "base/bytes.h"
#include "tsdb/index/block_index.h"
#include "tsdb/index/block_postings.h"

namespace deucalion::tsdb {

struct BlockIndexWriter::Value {
  std::string text;
  std::string deltas;  // varint differences of series numbers
  uint32_t count = 0;
  SeriesNumber last = 0;

  void Add(SeriesNumber series) {
    PutVarint(&deltas, series - last);
    last = series;
    ++count;
  }
};

struct BlockIndexWriter::Name {
  std::string text;
  std::deque<Value> values;  // by id; never moved, so the map may borrow
  std::unordered_map<std::string_view, uint32_t> ids;
  uint64_t series = 0;
  uint32_t last_id = 0;
  uint64_t bytes_at = 0, tables_at = 0, postings_at = 0;
};

BlockIndexWriter::BlockIndexWriter(std::unique_ptr<CheckedFileWriter> file, int64_t min_ms,
                                   int64_t max_ms, bool with_summaries)
    : file_(std::move(file)),
      min_ms_(min_ms),
      max_ms_(max_ms),
      with_summaries_(with_summaries),
      rows_(with_summaries) {}
BlockIndexWriter::~BlockIndexWriter() = default;

Result<std::unique_ptr<BlockIndexWriter>> BlockIndexWriter::Create(FileSystem* fs,
                                                                   const std::string& path,
                                                                   int64_t min_ms, int64_t max_ms,
                                                                   bool with_summaries) {
  ASSIGN_OR_RETURN(auto file, CheckedFileWriter::Create(fs, path));
  std::string magic;
  PutFixed64(&magic, kBlockIndexMagic);
  RETURN_IF_ERROR(file->Append(magic));
  return std::unique_ptr<BlockIndexWriter>(
      new BlockIndexWriter(std::move(file), min_ms, max_ms, with_summaries));
}

uint32_t BlockIndexWriter::NameId(std::string_view name) {
  // Neighbours have the same names at the same places.
  const size_t at = row_names_.size();
  if (at < previous_names_.size() && names_[previous_names_[at]].text == name) {
    return previous_names_[at];
  }
  const auto it = name_ids_.find(name);
  if (it != name_ids_.end()) return it->second;
  const uint32_t id = static_cast<uint32_t>(names_.size());
  names_.emplace_back().text = name;
  name_ids_.emplace(names_.back().text, id);
  return id;
}

uint32_t BlockIndexWriter::ValueId(Name* name, std::string_view value) {
  if (!name->values.empty() && name->values[name->last_id].text == value) return name->last_id;
  const auto it = name->ids.find(value);
  if (it != name->ids.end()) return name->last_id = it->second;
  const uint32_t id = static_cast<uint32_t>(name->values.size());
  name->values.emplace_back().text = value;
  name->ids.emplace(name->values.back().text, id);
  return name->last_id = id;
}

Status BlockIndexWriter::Add(LabelsView labels, int64_t first_ms, int64_t last_ms,
                             std::span<const ChunkPlace> chunks, const ChunkPlace& summary) {
  if (series_ > 0 && !(previous_.view() < labels)) {
    return InternalError("block index: series " + labels.ToString() + " does not sort after " +
                         previous_.ToString());
  }
  previous_.Assign(labels);
  row_names_.clear();
  row_.values.clear();
  for (const Label& label : labels) {
    const uint32_t name = NameId(label.name);
    row_names_.push_back(name);
    row_.values.push_back(ValueId(&names_[name], label.value));
    names_[name].values[row_.values.back()].Add(static_cast<SeriesNumber>(series_));
    ++names_[name].series;
  }
  if (series_ == 0 || row_names_ != previous_names_) {
    std::string key(reinterpret_cast<const char*>(row_names_.data()), row_names_.size() * 4);
    const auto [it, fresh] = schema_ids_.emplace(key, static_cast<uint32_t>(schemas_.size()));
    if (fresh) schemas_.push_back(row_names_);
    row_.schema = it->second;
    previous_names_ = row_names_;
  }
  row_.from = BlockTimeScale(min_ms_, max_ms_).From(first_ms);
  row_.to = BlockTimeScale(min_ms_, max_ms_).To(last_ms);
  row_.chunks.assign(chunks.begin(), chunks.end());
  row_.summary = summary;

  const bool first = series_ % kRowsPerGroup == 0;
  if (first) {
    if (file_->offset() - 8 > UINT32_MAX) {
      return ResourceExhaustedError("block index: series table beyond 4 GiB not supported yet");
    }
    PutFixed32(&groups_, static_cast<uint32_t>(file_->offset() - 8));
  }
  row_bytes_.clear();
  rows_.Append(row_, first, &row_bytes_);
  ++series_;
  if (series_ >= UINT32_MAX) return ResourceExhaustedError("block index: more than 2^32 series");
  return file_->Append(row_bytes_);
}

Status BlockIndexWriter::WriteName(Name* name) {
  std::vector<uint32_t> by_rank(name->values.size());
  for (uint32_t i = 0; i < by_rank.size(); ++i) by_rank[i] = i;
  std::sort(by_rank.begin(), by_rank.end(),
            [name](uint32_t a, uint32_t b) { return name->values[a].text < name->values[b].text; });
  std::string bytes, byte_offsets, postings, postings_offsets, ranks(by_rank.size() * 4, '\0');
  std::vector<SeriesNumber> numbers;
  for (uint32_t rank = 0; rank < by_rank.size(); ++rank) {
    Value& value = name->values[by_rank[rank]];
    std::memcpy(ranks.data() + size_t{4} * by_rank[rank], &rank, 4);
    PutFixed32(&byte_offsets, static_cast<uint32_t>(bytes.size()));
    PutFixed32(&postings_offsets, static_cast<uint32_t>(postings.size()));
    bytes += value.text;
    numbers.clear();
    ByteReader deltas(value.deltas);
    for (SeriesNumber n = 0; !deltas.done();) {
      numbers.push_back(n += static_cast<SeriesNumber>(deltas.Varint()));
    }
    EncodePostings(numbers, &postings);
    value.deltas = std::string();
    if (bytes.size() > UINT32_MAX || postings.size() > UINT32_MAX) {
      return ResourceExhaustedError("block index: label " + name->text + " beyond 4 GiB");
    }
  }
  PutFixed32(&byte_offsets, static_cast<uint32_t>(bytes.size()));
  PutFixed32(&postings_offsets, static_cast<uint32_t>(postings.size()));
  postings.append(16, '\0');
  name->bytes_at = file_->offset();
  RETURN_IF_ERROR(file_->Append(bytes));
  name->tables_at = file_->offset();
  RETURN_IF_ERROR(file_->Append(byte_offsets));
  RETURN_IF_ERROR(file_->Append(postings_offsets));
  RETURN_IF_ERROR(file_->Append(ranks));
  name->postings_at = file_->offset();
  return file_->Append(postings);
}

Result<uint64_t> BlockIndexWriter::Finish() {
  const uint64_t groups_at = file_->offset();
  RETURN_IF_ERROR(file_->Append(groups_));
  std::map<std::string_view, uint32_t> sorted;
  for (uint32_t id = 0; id < names_.size(); ++id) {
    RETURN_IF_ERROR(WriteName(&names_[id]));
    names_[id].ids.clear();
    sorted.emplace(names_[id].text, id);
  }
  std::string directory;
  PutFixed64(&directory, series_);
  PutFixed64(&directory, static_cast<uint64_t>(min_ms_));
  PutFixed64(&directory, static_cast<uint64_t>(max_ms_));
  PutU8(&directory, with_summaries_ ? 1 : 0);
  PutFixed64(&directory, groups_at);
  PutVarint(&directory, sorted.size());
  for (const auto& [text, id] : sorted) {
    const Name& name = names_[id];
    PutLengthPrefixed(&directory, text);
    PutVarint(&directory, id);
    PutVarint(&directory, name.values.size());
    PutVarint(&directory, name.series);
    PutVarint(&directory, name.bytes_at);
    PutVarint(&directory, name.tables_at);
    PutVarint(&directory, name.postings_at);
  }
  PutVarint(&directory, schemas_.size());
  for (const auto& schema : schemas_) {
    PutVarint(&directory, schema.size());
    for (const uint32_t name : schema) PutVarint(&directory, name);
  }
  PutFixed64(&directory, file_->offset());
  RETURN_IF_ERROR(file_->Append(directory));
  return file_->Finish();
}

}  // namespace deucalion::tsdb
