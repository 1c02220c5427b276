// deutool tsdb analyze
#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>

#include "model/duration.h"
#include "promql/parser/parser.h"
#include "server/tool/tsdb.h"
#include "server/tool/tsdb_blocks.h"
#include "tsdb/index/matcher_select.h"

namespace deucalion::tool {
namespace {

using tsdb::Block;
using tsdb::IndexValue;
using tsdb::Postings;
using tsdb::SeriesNumber;
using tsdb::StoredChunk;

// Chunks of one kind, for the extended analysis.
struct ChunkNumbers {
  std::vector<uint64_t> samples, bytes, buckets;
};

class Analysis {
 public:
  Analysis(const Block& block, const TsdbAnalyzeArgs& args, const Streams& io)
      : block_(block), args_(args), io_(io) {}

  Status Run(const std::vector<Matcher>& matchers) {
    const tsdb::BlockMeta& meta = block_.meta();
    io_.out << "Block ID: " << meta.ulid << "\n"
            << "Duration: " << FormatGoDuration((meta.max_ms - meta.min_ms) * 1'000'000) << "\n"
            << "Total Series: " << meta.series << "\n";
    if (!matchers.empty()) io_.out << "Matcher: " << args_.match << "\n";
    if (matchers.empty()) {
      ASSIGN_OR_RETURN(series_, block_.index().AllPostings());
      ASSIGN_OR_RETURN(names_, block_.LabelNames());
    } else {
      ASSIGN_OR_RETURN(series_, tsdb::SelectSeries(block_.index(), matchers, nullptr));
      ASSIGN_OR_RETURN(names_, block_.LabelNamesOf(series_.view()));
    }
    io_.out << "Label names: " << names_.size() << "\n";
    if (!matchers.empty()) io_.out << "Matched series: " << series_.size() << "\n";
    RETURN_IF_ERROR(ReadSeries());
    PrintLists();
    RETURN_IF_ERROR(block_.Health());
    if (args_.extended) PrintChunks();
    return OkStatus();
  }

 private:
  Status ReadSeries() {
    Progress progress(io_, "series", series_.size());
    const auto length = static_cast<uint64_t>(block_.meta().max_ms - block_.meta().min_ms);
    Labels labels;
    std::vector<StoredChunk> chunks;
    for (const SeriesNumber n : series_.view()) {
      RETURN_IF_ERROR(block_.LabelsOf(n, &labels));
      RETURN_IF_ERROR(block_.ChunksOf(n, &chunks));
      progress.Advance();
      // How much of the block's time the series does not cover.
      uint64_t uncovered = length;
      if (!chunks.empty()) {
        uncovered -= static_cast<uint64_t>(chunks.back().max_ms - chunks.front().min_ms);
      }
      for (const Label& l : labels) {
        Pair& pair = pairs_[std::string(l.name) + "=" + std::string(l.value)];
        pair.uncovered += uncovered;
        pair.count++;
        uncovered_[std::string(l.name)] += uncovered;
        values_[std::string(l.name)].insert(std::string(l.value));
        if (l.name == kMetricName) metrics_[std::string(l.value)]++;
        entries_++;
      }
      for (const StoredChunk& c : chunks) Count(c);
    }
    return OkStatus();
  }

  void Count(const StoredChunk& c) {
    chunks_++;
    ChunkNumbers& numbers = c.histograms ? histograms_ : floats_;
    numbers.samples.push_back(c.samples);
    numbers.bytes.push_back(c.bytes);
    if (c.histograms) numbers.buckets.push_back(c.buckets);
  }

  using Row = std::pair<uint64_t, std::string>;
  // The largest first, as many as wanted.
  void PrintList(const std::string& title, std::vector<Row> rows) {
    io_.out << "\n" << title << ":\n";
    std::stable_sort(rows.begin(), rows.end(),
                     [](const Row& a, const Row& b) { return a.first > b.first; });
    for (size_t i = 0; i < rows.size() && static_cast<int64_t>(i) < args_.limit; i++) {
      io_.out << rows[i].first << " " << rows[i].second << "\n";
    }
  }

  uint64_t InBlocks(uint64_t uncovered) const {
    return static_cast<uint64_t>(static_cast<double>(uncovered) /
                                 static_cast<double>(block_.meta().max_ms - block_.meta().min_ms));
  }

  void PrintLists() {
    io_.out << "Postings (unique label pairs): " << pairs_.size() << "\n"
            << "Postings entries (total label pairs): " << entries_ << "\n";
    std::vector<Row> churn, names, common, lengths, cardinality, metrics;
    for (const auto& [text, pair] : pairs_) {
      churn.emplace_back(InBlocks(pair.uncovered), text);
      common.emplace_back(pair.count, text);
    }
    for (const auto& [name, uncovered] : uncovered_) names.emplace_back(InBlocks(uncovered), name);
    for (const auto& [name, values] : values_) {
      uint64_t length = 0;
      for (const std::string& v : values) length += v.size();
      lengths.emplace_back(length, name);
      cardinality.emplace_back(values.size(), name);
    }
    for (const auto& [metric, count] : metrics_) metrics.emplace_back(count, metric);
    PrintList("Label pairs most involved in churning", std::move(churn));
    PrintList("Label names most involved in churning", std::move(names));
    PrintList("Most common label pairs", std::move(common));
    PrintList("Label names with highest cumulative label value length", std::move(lengths));
    PrintList("Highest cardinality labels", std::move(cardinality));
    PrintList("Highest cardinality metric names", std::move(metrics));
  }

  void PrintChunks() {
    io_.out << "\nCompaction analysis:\n\n";
    PrintHistogram("samples per float chunk", std::move(floats_.samples));
    PrintHistogram("bytes per float chunk", std::move(floats_.bytes));
    PrintHistogram("samples per histogram chunk", std::move(histograms_.samples));
    PrintHistogram("bytes per histogram chunk", std::move(histograms_.bytes));
    PrintHistogram("buckets per histogram chunk", std::move(histograms_.buckets));
  }

  void PrintHistogram(const std::string& what, std::vector<uint64_t> numbers) {
    if (numbers.empty()) {
      io_.out << what << ": N/A\n\n";
      return;
    }
    std::sort(numbers.begin(), numbers.end());
    const uint64_t min = numbers.front(), max = numbers.back();
    uint64_t step = 10;
    while (step < (max - min) / 10 && step <= 10'000) step *= 10;
    const uint64_t start = min - min % step, end = max - max % step + step;
    std::vector<uint64_t> buckets((end - start) / step + 1);
    uint64_t sum = 0;
    for (const uint64_t n : numbers) {
      sum += n;
      buckets[(n - start) / step]++;
    }
    const uint64_t most = *std::max_element(buckets.begin(), buckets.end());
    const size_t left = std::to_string(end).size(), right = std::to_string(end + step).size();
    const size_t count = std::to_string(most).size();
    io_.out << fmt::format("{} (min/avg/max): {}/{}/{}\n", what, min, sum / numbers.size(), max);
    for (size_t i = 0; i < buckets.size(); i++) {
      const uint64_t from = i * step + start;
      io_.out << fmt::format("[{:>{}}, {:>{}}]: {:>{}} {}\n", from + 1, left, from + step, right,
                             buckets[i], count, std::string(100 * buckets[i] / chunks_, '#'));
    }
    io_.out << "\n";
  }

  struct Pair {
    uint64_t uncovered = 0;
    uint64_t count = 0;
  };

  const Block& block_;
  const TsdbAnalyzeArgs& args_;
  const Streams& io_;
  Postings series_;
  std::vector<std::string> names_;
  std::map<std::string, Pair> pairs_;
  std::map<std::string, uint64_t> uncovered_;
  std::map<std::string, std::set<std::string>> values_;
  std::map<std::string, uint64_t> metrics_;
  uint64_t entries_ = 0;
  uint64_t chunks_ = 0;
  ChunkNumbers floats_, histograms_;
};

Status Analyze(const TsdbAnalyzeArgs& args, const Streams& io) {
  std::vector<Matcher> matchers;
  if (!args.match.empty()) {
    ASSIGN_OR_RETURN(matchers, promql::ParseMetricSelector(args.match));
  }
  ASSIGN_OR_RETURN(const auto blocks, OpenBlocks(args.path));
  if (args.block.empty() && blocks.empty()) return NotFoundError("no blocks found");
  // The last one is the one made last, as with promtool.
  std::shared_ptr<Block> block;
  for (const auto& b : blocks) {
    const std::string& ulid = b->meta().ulid;
    if (args.block.empty() ? block == nullptr || ulid > block->meta().ulid : ulid == args.block) {
      block = b;
    }
  }
  if (block == nullptr) return NotFoundError("invalid block ID " + args.block);
  return Analysis(*block, args, io).Run(matchers);
}

}  // namespace

int TsdbAnalyze(const TsdbAnalyzeArgs& args, const Streams& io) {
  const Status status = Analyze(args, io);
  return status.ok() ? kSuccess : Fail(status, io);
}

}  // namespace deucalion::tool
