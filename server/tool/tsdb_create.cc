// deutool tsdb create-blocks-from openmetrics: blocks of Prometheus's format, which Prometheus and
// we take in from a data directory.
#include <algorithm>
#include <bit>

#include "scrape/parse/parser.h"
#include "server/tool/tsdb.h"
#include "server/tool/tsdb_blocks.h"
#include "tsdb/head/head_querier.h"
#include "tsdb/interop/prometheus_writer.h"

namespace deucalion::tool {
namespace {

using scrape::Entry;

constexpr int64_t kDefaultBlockMs = 2 * 3600 * 1000;
constexpr size_t kMaxStaged = 5'000;

// The largest of Prometheus's block ranges (2 h and powers of 3 of it) that is not above.
int64_t BlockDuration(int64_t max_block_ms) {
  int64_t duration = kDefaultBlockMs;
  for (int i = 1; i < 10 && duration * 3 <= max_block_ms; i++) duration *= 3;
  return duration;
}

// Calls visit(parser) for every sample.
template <typename Visit>
Status ForEachSample(std::string_view text, std::string_view context, Visit visit) {
  const auto parser = scrape::NewOpenMetricsParser(text, {});
  for (;;) {
    Entry entry;
    if (Status status = parser->Next(&entry); !status.ok()) return status.WithContext(context);
    if (entry == Entry::kEof) return OkStatus();
    if (entry == Entry::kSeries) RETURN_IF_ERROR(visit(parser.get()));
  }
}

class Creator {
 public:
  Creator(const TsdbCreateArgs& args, std::string_view text, const Streams& io)
      : args_(args), text_(text), io_(io), duration_(BlockDuration(args.max_block_ms)) {}

  Status Run() {
    int64_t min_ms = INT64_MAX, max_ms = INT64_MIN;
    const Status read = ForEachSample(text_, "next", [&](scrape::Parser* p) -> Status {
      if (!p->has_timestamp()) {
        return InvalidArgumentError("expected timestamp for series got none");
      }
      min_ms = std::min(min_ms, p->timestamp_ms());
      max_ms = std::max(max_ms, p->timestamp_ms());
      return OkStatus();
    });
    RETURN_IF_ERROR(read.WithContext("getting min and max timestamp"));
    if (min_ms > max_ms) return OkStatus();
    const int64_t begin = min_ms / duration_ * duration_;
    Progress progress(io_, "blocks", static_cast<uint64_t>((max_ms - begin) / duration_ + 1));
    for (int64_t t = begin; t <= max_ms; t += duration_) {
      // What lies between is nothing: the file need not be read for it.
      if (t != begin && next_ms_ >= t + duration_) {
        progress.Advance();
        continue;
      }
      const Status status = CreateBlock(t, t + duration_);
      RETURN_IF_ERROR(status.WithContext("block creation: process blocks"));
      progress.Advance();
    }
    return OkStatus();
  }

 private:
  Status CreateBlock(int64_t begin_ms, int64_t end_ms) {
    FileSystem* fs = FileSystem::Posix();
    tsdb::BlockMeta meta{
        .ulid = tsdb::NewUlid(Clock::Real()->NowMs()), .min_ms = begin_ms, .max_ms = end_ms};
    meta.sources = {meta.ulid};
    const std::string dir = JoinPath(args_.output, meta.ulid);
    const std::string scratch = dir + ".tmp-for-creation-head";
    const Status status = Write(scratch, dir, &meta);
    RETURN_IF_ERROR(fs->RemoveAll(scratch));
    RETURN_IF_ERROR(status);
    if (meta.series == 0 || args_.quiet) return OkStatus();
    const auto size = fs->TreeSize(dir);
    PrintBlocks({{std::move(meta), size.ok() ? *size : 0}}, !header_, args_.human_readable,
                io_.out);
    header_ = true;
    return OkStatus();
  }

  Status Write(const std::string& scratch, const std::string& dir, tsdb::BlockMeta* meta) {
    FileSystem* fs = FileSystem::Posix();
    ASSIGN_OR_RETURN(
        const auto head,
        tsdb::Head::Open({.fs = fs, .chunks_dir = scratch, .shards = 1, .streams = 1}));
    RETURN_IF_ERROR(Collect(head.get(), meta->min_ms, meta->max_ms));
    // As promtool: from the beginning of the range to the newest sample.
    meta->max_ms = newest_ms_ + 1;
    const SelectHints hints{.min_ms = meta->min_ms, .max_ms = meta->max_ms - 1};
    tsdb::HeadQuerier querier(head.get(), hints.min_ms, hints.max_ms);
    ASSIGN_OR_RETURN(const auto set, querier.Select(true, hints, {}, nullptr));
    ASSIGN_OR_RETURN(*meta, tsdb::WritePrometheusBlock(fs, dir, *set, *meta));
    return OkStatus();
  }

  Status Collect(tsdb::Head* head, int64_t begin_ms, int64_t end_ms) {
    next_ms_ = INT64_MAX;
    const uint64_t commit = head->isolation().Begin();
    tsdb::Head::Applied applied;
    std::vector<tsdb::StagedSample> staged;
    const auto flush = [&] {
      head->ApplySamples(commit, staged, {}, &applied);
      staged.clear();
    };
    Labels labels;
    LabelsBuilder builder;
    const Status status = ForEachSample(text_, "parse", [&](scrape::Parser* p) -> Status {
      const int64_t t = p->timestamp_ms();
      if (t >= end_ms) next_ms_ = std::min(next_ms_, t);
      if (t < begin_ms || t >= end_ms) return OkStatus();
      RETURN_IF_ERROR(p->BuildLabels(&labels));
      if (!args_.labels.empty()) {
        builder.Reset(labels);
        for (const auto& [name, value] : args_.labels) builder.Set(name, value);
        labels = builder.Build();
      }
      ASSIGN_OR_RETURN(const SeriesRef ref, head->FindOrCreate(labels, labels.Hash(), 0));
      const auto slot = static_cast<tsdb::Slot>(ref);
      RETURN_IF_ERROR(CheckOrder(slot, t, p->value()));
      newest_ms_ = std::max(newest_ms_, t);
      staged.push_back(
          {.id = head->slabs().Record(slot).id(), .slot = slot, .time_ms = t, .value = p->value()});
      if (staged.size() >= kMaxStaged) flush();
      return OkStatus();
    });
    flush();
    last_.clear();
    head->Widen(applied);
    head->isolation().Publish(commit);
    return status;
  }

  // The head drops what is out of order; whoever imports wants to know.
  Status CheckOrder(tsdb::Slot slot, int64_t time_ms, double value) {
    if (slot >= last_.size()) last_.resize(slot + 1, {INT64_MIN, 0});
    auto& [last_ms, last_value] = last_[slot];
    if (time_ms < last_ms) {
      return Status(StatusCode::kOutOfOrder, "add sample: out of order sample");
    }
    if (time_ms == last_ms &&
        std::bit_cast<uint64_t>(last_value) != std::bit_cast<uint64_t>(value)) {
      return Status(StatusCode::kDuplicateSample, "add sample: duplicate sample for timestamp");
    }
    last_ms = time_ms;
    last_value = value;
    return OkStatus();
  }

  const TsdbCreateArgs& args_;
  const std::string_view text_;
  const Streams& io_;
  const int64_t duration_;
  std::vector<std::pair<int64_t, double>> last_;  // newest sample of each series, by slot
  int64_t next_ms_ = INT64_MIN;                   // of the samples behind the present block
  int64_t newest_ms_ = 0;                         // in the present block
  bool header_ = false;
};

}  // namespace

int TsdbCreateFromOpenMetrics(const TsdbCreateArgs& args, const Streams& io) {
  FileSystem* fs = FileSystem::Posix();
  const auto map = fs->Map(args.input);
  if (!map.ok()) return Fail(map.status(), io);
  const Status made = fs->CreateDirs(args.output);
  if (!made.ok()) return Fail(made.WithContext("create output dir"), io);
  const Status status = Creator(args, (*map)->bytes(), io).Run();
  return status.ok() ? kSuccess : Fail(status, io);
}

}  // namespace deucalion::tool
