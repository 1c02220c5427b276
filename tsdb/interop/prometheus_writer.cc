#include "tsdb/interop/prometheus_writer.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <unordered_map>

#include "base/bytes.h"
#include "base/hash.h"
#include "model/value.h"
#include "tsdb/block/merge.h"
#include "tsdb/chunk/histogram_chunk.h"
#include "tsdb/chunk/xor.h"
#include "tsdb/compact/compactor.h"
#include "tsdb/interop/prometheus_chunks.h"
#include "tsdb/interop/prometheus_index.h"

namespace deucalion::tsdb {
namespace {

constexpr size_t kSamplesPerChunk = 120;
constexpr uint64_t kMaxSegmentBytes = uint64_t{512} << 20;

void PutCrc(std::string* out, std::string_view of) { PutBigEndian32(out, Crc32c(of)); }

// u32 length, bytes, u32 crc32c.
void PutSection(std::string* out, std::string_view bytes) {
  PutBigEndian32(out, static_cast<uint32_t>(bytes.size()));
  out->append(bytes);
  PutCrc(out, bytes);
}

// Appends to one file and knows where it is.
class FileWriter {
 public:
  static Result<FileWriter> Create(FileSystem* fs, const std::string& path) {
    FileWriter writer;
    ASSIGN_OR_RETURN(writer.file_, fs->Create(path));
    return writer;
  }
  Status Append(std::string_view bytes) {
    offset_ += bytes.size();
    buffer_ += bytes;
    return buffer_.size() >= (1 << 20) ? Flush() : OkStatus();
  }
  Status PadTo(uint64_t multiple) {
    const uint64_t rest = offset_ % multiple;
    return rest == 0 ? OkStatus() : Append(std::string(multiple - rest, '\0'));
  }
  Status Finish() {
    RETURN_IF_ERROR(Flush());
    RETURN_IF_ERROR(file_->Sync());
    return file_->Close();
  }
  uint64_t offset() const { return offset_; }

 private:
  Status Flush() {
    Status status = file_->Append(buffer_);
    buffer_.clear();
    return status;
  }
  std::unique_ptr<AppendFile> file_;
  std::string buffer_;
  uint64_t offset_ = 0;
};

// <dir>/chunks/000001, …
class SegmentFiles {
 public:
  SegmentFiles(FileSystem* fs, std::string dir) : fs_(fs), dir_(std::move(dir)) {}

  Status Add(uint8_t encoding, std::string_view data, int64_t min_ms, int64_t max_ms,
             std::vector<PrometheusChunkMeta>* chunks) {
    if (file_ == nullptr || file_->offset() + data.size() > kMaxSegmentBytes) {
      RETURN_IF_ERROR(Roll());
    }
    const uint64_t ref = uint64_t{files_ - 1} << 32 | file_->offset();
    chunks->push_back({.min_ms = min_ms, .max_ms = max_ms, .ref = ref});
    std::string bytes;
    PutVarint(&bytes, data.size());
    const size_t body = bytes.size();
    PutU8(&bytes, encoding);
    bytes += data;
    PutCrc(&bytes, std::string_view(bytes).substr(body));
    return file_->Append(bytes);
  }
  Status Finish() {
    if (file_ != nullptr) RETURN_IF_ERROR(file_->Finish());
    return fs_->SyncDir(dir_);
  }

 private:
  Status Roll() {
    if (file_ != nullptr) RETURN_IF_ERROR(file_->Finish());
    char name[16];
    snprintf(name, sizeof(name), "%06u", ++files_);
    ASSIGN_OR_RETURN(FileWriter file, FileWriter::Create(fs_, JoinPath(dir_, name)));
    file_ = std::make_unique<FileWriter>(std::move(file));
    std::string header;
    PutBigEndian32(&header, kPrometheusChunksMagic);
    header += std::string("\x01\0\0\0", 4);
    return file_->Append(header);
  }
  FileSystem* const fs_;
  const std::string dir_;
  std::unique_ptr<FileWriter> file_;
  uint32_t files_ = 0;
};

const FloatHistogram& Convert(const FloatHistogram& h, FloatHistogramWriter*) { return h; }
IntHistogram Convert(const FloatHistogram& h, IntHistogramWriter*) { return ToIntHistogram(h); }

// A run of histograms of one kind as chunks.
template <typename Writer>
Status AddHistogramRun(std::span<const HistogramPoint> run, uint8_t encoding, SegmentFiles* files,
                       std::vector<PrometheusChunkMeta>* chunks) {
  Writer writer;
  std::string sealed;
  int64_t min_ms = run[0].time_ms, max_ms = min_ms;
  for (const HistogramPoint& p : run) {
    if (writer.count() >= kSamplesPerChunk) {
      writer.Seal(&sealed);
      RETURN_IF_ERROR(files->Add(encoding, sealed, min_ms, max_ms, chunks));
      min_ms = p.time_ms;
    }
    if (writer.Append(p.time_ms, Convert(p.histogram, &writer), &sealed) == HistogramAppend::kCut) {
      RETURN_IF_ERROR(files->Add(encoding, sealed, min_ms, max_ms, chunks));
      min_ms = p.time_ms;
    }
    max_ms = p.time_ms;
  }
  return files->Add(encoding, writer.bytes(), min_ms, max_ms, chunks);
}

Status AddChunks(const SampleColumns& samples, SegmentFiles* files,
                 std::vector<PrometheusChunkMeta>* chunks) {
  XorWriter xors;
  for (size_t begin = 0; begin < samples.times.size(); begin += kSamplesPerChunk) {
    const size_t end = std::min(samples.times.size(), begin + kSamplesPerChunk);
    xors.Clear();
    for (size_t i = begin; i < end; ++i) xors.Append(samples.times[i], samples.values[i]);
    RETURN_IF_ERROR(files->Add(kEncodingXor, xors.Finish(), samples.times[begin],
                               samples.times[end - 1], chunks));
  }
  const std::span<const HistogramPoint> all(samples.histograms);
  for (size_t begin = 0; begin < all.size();) {
    size_t end = begin + 1;
    while (end < all.size() && all[end].integer == all[begin].integer) ++end;
    const auto run = all.subspan(begin, end - begin);
    RETURN_IF_ERROR(
        run[0].integer
            ? AddHistogramRun<IntHistogramWriter>(run, kHistogramEncoding, files, chunks)
            : AddHistogramRun<FloatHistogramWriter>(run, kFloatHistogramEncoding, files, chunks));
    begin = end;
  }
  // A series' chunks are told apart by time only.
  std::stable_sort(chunks->begin(), chunks->end(),
                   [](const auto& a, const auto& b) { return a.min_ms < b.min_ms; });
  return OkStatus();
}

class IndexWriter {
 public:
  static Result<IndexWriter> Create(FileSystem* fs, const std::string& path,
                                    const std::set<std::string>& symbols) {
    ASSIGN_OR_RETURN(FileWriter file, FileWriter::Create(fs, path));
    IndexWriter writer(std::move(file));
    std::string header;
    PutBigEndian32(&header, kPrometheusIndexMagic);
    PutU8(&header, 2);
    RETURN_IF_ERROR(writer.file_.Append(header));
    RETURN_IF_ERROR(writer.WriteSymbols(symbols));
    return writer;
  }

  Status Add(LabelsView labels, const std::vector<PrometheusChunkMeta>& chunks) {
    RETURN_IF_ERROR(file_.PadTo(16));
    const uint64_t ref = file_.offset() / 16;
    if (ref > UINT32_MAX) return ResourceExhaustedError("Prometheus index: more than 64 GiB");
    std::string entry;
    PutVarint(&entry, labels.size());
    for (const Label& l : labels) {
      const uint32_t name = SymbolOf(l.name), value = SymbolOf(l.value);
      PutVarint(&entry, name);
      PutVarint(&entry, value);
      postings_[uint64_t{name} << 32 | value].push_back(static_cast<uint32_t>(ref));
    }
    all_.push_back(static_cast<uint32_t>(ref));
    PutVarint(&entry, chunks.size());
    for (size_t i = 0; i < chunks.size(); ++i) {
      const PrometheusChunkMeta& c = chunks[i];
      if (i == 0) {
        PutSignedVarint(&entry, c.min_ms);
      } else {
        PutVarint(&entry,
                  static_cast<uint64_t>(c.min_ms) - static_cast<uint64_t>(chunks[i - 1].max_ms));
      }
      PutVarint(&entry, static_cast<uint64_t>(c.max_ms) - static_cast<uint64_t>(c.min_ms));
      if (i == 0) {
        PutVarint(&entry, c.ref);
      } else {
        PutSignedVarint(&entry, static_cast<int64_t>(c.ref - chunks[i - 1].ref));
      }
    }
    std::string bytes;
    PutVarint(&bytes, entry.size());
    bytes += entry;
    PutCrc(&bytes, entry);
    return file_.Append(bytes);
  }

  Status Finish() {
    RETURN_IF_ERROR(file_.PadTo(4));
    const uint64_t postings_at = file_.offset();
    std::string table;
    uint32_t entries = 1;
    RETURN_IF_ERROR(AddPostings("", "", all_, &table));
    for (auto& [key, refs] : postings_) {
      RETURN_IF_ERROR(AddPostings(texts_[key >> 32], texts_[key & UINT32_MAX], refs, &table));
      ++entries;
    }
    std::string counted, section;
    PutBigEndian32(&counted, entries);
    counted += table;
    PutSection(&section, counted);
    const uint64_t table_at = file_.offset();
    RETURN_IF_ERROR(file_.Append(section));
    // Label indices are no longer used by anybody: zero says that there are none.
    std::string toc;
    for (const uint64_t ref :
         {symbols_at_, series_at_, uint64_t{0}, uint64_t{0}, postings_at, table_at}) {
      PutBigEndian64(&toc, ref);
    }
    PutCrc(&toc, std::string(toc));
    RETURN_IF_ERROR(file_.Append(toc));
    return file_.Finish();
  }

 private:
  explicit IndexWriter(FileWriter file) : file_(std::move(file)) {}

  Status WriteSymbols(const std::set<std::string>& symbols) {
    symbols_at_ = file_.offset();
    std::string bytes, section;
    PutBigEndian32(&bytes, static_cast<uint32_t>(symbols.size()));
    texts_.reserve(symbols.size());
    for (const std::string& s : symbols) {
      PutLengthPrefixed(&bytes, s);
      texts_.push_back(s);
    }
    for (uint32_t i = 0; i < texts_.size(); ++i) ids_.emplace(texts_[i], i);
    PutSection(&section, bytes);
    RETURN_IF_ERROR(file_.Append(section));
    RETURN_IF_ERROR(file_.PadTo(16));
    series_at_ = file_.offset();
    return OkStatus();
  }
  uint32_t SymbolOf(std::string_view text) const { return ids_.find(text)->second; }

  Status AddPostings(std::string_view name, std::string_view value,
                     const std::vector<uint32_t>& refs, std::string* table) {
    std::string bytes, section;
    PutBigEndian32(&bytes, static_cast<uint32_t>(refs.size()));
    for (const uint32_t ref : refs) PutBigEndian32(&bytes, ref);
    PutSection(&section, bytes);
    PutVarint(table, 2);
    PutLengthPrefixed(table, name);
    PutLengthPrefixed(table, value);
    PutVarint(table, file_.offset());
    return file_.Append(section);
  }

  FileWriter file_;
  uint64_t symbols_at_ = 0, series_at_ = 0;
  std::vector<std::string> texts_;
  std::unordered_map<std::string_view, uint32_t> ids_;
  // By symbol numbers, which sort like the strings.
  std::map<uint64_t, std::vector<uint32_t>> postings_;
  std::vector<uint32_t> all_;
};

Status WriteEmptyTombstones(FileSystem* fs, const std::string& path) {
  std::string bytes;
  PutBigEndian32(&bytes, 0x0130BA30);
  PutU8(&bytes, 1);
  PutBigEndian32(&bytes, 0);  // crc32c of nothing
  return fs->WriteFileAtomically(path, bytes);
}

Status WriteSeries(const SeriesSet& set, const CancelToken* cancel, SegmentFiles* files,
                   IndexWriter* index, BlockMeta* meta) {
  Labels labels;
  SampleColumns samples;
  std::vector<PrometheusChunkMeta> chunks;
  for (size_t i = 0; i < set.size(); ++i) {
    if (cancel != nullptr) RETURN_IF_ERROR(cancel->Check());
    samples.Clear();
    chunks.clear();
    RETURN_IF_ERROR(set.Read(i, meta->min_ms, meta->max_ms - 1, &samples));
    RETURN_IF_ERROR(AddChunks(samples, files, &chunks));
    if (chunks.empty()) continue;
    set.LabelsOf(i, &labels);
    RETURN_IF_ERROR(index->Add(labels, chunks));
    ++meta->series;
    meta->chunks += chunks.size();
    meta->float_samples += samples.times.size();
    meta->histogram_samples += samples.histograms.size();
  }
  meta->samples = meta->float_samples + meta->histogram_samples;
  return OkStatus();
}

}  // namespace

Result<BlockMeta> WritePrometheusBlock(FileSystem* fs, const std::string& dir, const SeriesSet& set,
                                       BlockMeta meta, const CancelToken* cancel) {
  const std::string making = dir + std::string(kCreationSuffix);
  RETURN_IF_ERROR(fs->RemoveAll(making));
  RETURN_IF_ERROR(fs->CreateDirs(JoinPath(making, "chunks")));
  std::set<std::string> symbols;
  Labels labels;
  for (size_t i = 0; i < set.size(); ++i) {
    set.LabelsOf(i, &labels);
    for (const Label& l : labels) {
      symbols.emplace(l.name);
      symbols.emplace(l.value);
    }
  }
  meta.version = 0;
  meta.files.clear();
  meta.samples = meta.float_samples = meta.histogram_samples = 0;
  meta.series = meta.chunks = meta.tombstones = 0;
  SegmentFiles files(fs, JoinPath(making, "chunks"));
  ASSIGN_OR_RETURN(IndexWriter index, IndexWriter::Create(fs, JoinPath(making, "index"), symbols));
  RETURN_IF_ERROR(WriteSeries(set, cancel, &files, &index, &meta));
  RETURN_IF_ERROR(files.Finish());
  RETURN_IF_ERROR(index.Finish());
  if (meta.series == 0) {
    RETURN_IF_ERROR(fs->RemoveAll(making));
    return meta;
  }
  RETURN_IF_ERROR(WriteEmptyTombstones(fs, JoinPath(making, "tombstones")));
  RETURN_IF_ERROR(fs->WriteFileAtomically(JoinPath(making, kMetaFile), EncodeBlockMeta(meta)));
  RETURN_IF_ERROR(fs->SyncDir(making));
  RETURN_IF_ERROR(fs->Rename(making, dir));
  RETURN_IF_ERROR(fs->SyncDir(DirName(dir)));
  return meta;
}

Result<BlockMeta> ExportPrometheusBlock(FileSystem* fs, std::shared_ptr<const Block> block,
                                        const std::string& parent, const CancelToken* cancel) {
  BlockMeta meta = block->meta();
  ASSIGN_OR_RETURN(Postings all, block->index().AllPostings());
  const auto set = MakeBlockSeriesSet(block, std::move(all), meta.min_ms, meta.max_ms - 1, cancel);
  RETURN_IF_ERROR(block->Health());
  const std::string dir = JoinPath(parent, meta.ulid);
  return WritePrometheusBlock(fs, dir, *set, std::move(meta), cancel);
}

}  // namespace deucalion::tsdb
