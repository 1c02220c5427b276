// deutool tsdb … A command comes with a few lines here and a file tsdb_<command>.cc of its own.
#include <CLI/CLI.hpp>

#include "server/config/units.h"
#include "server/tool/commands.h"
#include "server/tool/flag_checks.h"
#include "server/tool/tsdb.h"

namespace deucalion::tool {
namespace {

constexpr char kPathHelp[] = "Database path (default is data/).";
constexpr char kHumanReadable[] = "-r,--human-readable";
constexpr char kHumanReadableHelp[] = "Print human readable values.";
constexpr char kSandboxHelp[] =
    "Root directory where a sandbox directory will be created, this sandbox is used in case WAL "
    "replay generates chunks (default is the database path). The sandbox is cleaned up at the end.";

template <typename Args>
void OnChosen(CLI::App* command, CommandLine* line, std::shared_ptr<Args> args,
              int (*run)(const Args&, const Streams&)) {
  command->callback([line, args, run] {
    line->chosen = [args, run](const GlobalFlags&, const Streams& io) { return run(*args, io); };
  });
}

void AddList(CLI::App* group, CommandLine* line) {
  auto args = std::make_shared<TsdbListArgs>();
  CLI::App* command = group->add_subcommand("list", "List tsdb blocks.");
  command->add_flag(kHumanReadable, args->human_readable, kHumanReadableHelp);
  command->add_option("db path", args->path, kPathHelp);
  OnChosen(command, line, args, TsdbList);
}

void AddAnalyze(CLI::App* group, CommandLine* line) {
  auto args = std::make_shared<TsdbAnalyzeArgs>();
  CLI::App* command = group->add_subcommand(
      "analyze", "Analyze churn, label pair cardinality and compaction efficiency.");
  command->add_option("--limit", args->limit, "How many items to show in each list.")
      ->capture_default_str();
  command->add_flag("--extended", args->extended, "Run extended analysis.");
  command->add_option("--match", args->match,
                      "Series selector to analyze. Only 1 set of matchers is supported now.");
  command->add_option("db path", args->path, kPathHelp);
  command->add_option("block id", args->block, "Block to analyze (default is the last block).");
  OnChosen(command, line, args, TsdbAnalyze);
}

std::shared_ptr<TsdbDumpArgs> AddDumpFlags(CLI::App* command) {
  auto args = std::make_shared<TsdbDumpArgs>();
  command->add_option("--sandbox-dir-root", args->sandbox_root, kSandboxHelp);
  command
      ->add_option("--min-time", args->min_ms,
                   "Minimum timestamp to dump, in milliseconds since the Unix epoch.")
      ->capture_default_str();
  command
      ->add_option("--max-time", args->max_ms,
                   "Maximum timestamp to dump, in milliseconds since the Unix epoch.")
      ->capture_default_str();
  command
      ->add_option("--match", args->matchers,
                   "Series selector. Can be specified multiple times. (default "
                   "{__name__=~'(?s:.*)'})")
      ->allow_extra_args(false);
  command->add_option("db path", args->path, kPathHelp);
  return args;
}

void AddDumps(CLI::App* group, CommandLine* line) {
  CLI::App* dump = group->add_subcommand(
      "dump", "Dump data (series+samples or optionally just series) from a TSDB.");
  auto args = AddDumpFlags(dump);
  dump->add_option("--format", args->format,
                   "Output format of the dump (prom (default) or seriesjson).")
      ->check(CLI::IsMember({"prom", "seriesjson"}));
  OnChosen(dump, line, args, TsdbDump);
  CLI::App* open_metrics = group->add_subcommand(
      "dump-openmetrics",
      "[Experimental] Dump samples from a TSDB into OpenMetrics text format, excluding native "
      "histograms and staleness markers, which are not representable in OpenMetrics.");
  OnChosen(open_metrics, line, AddDumpFlags(open_metrics), TsdbDumpOpenMetrics);
}

void AddCreate(CLI::App* group, CommandLine* line) {
  auto args = std::make_shared<TsdbCreateArgs>();
  CLI::App* create = group->add_subcommand(
      "create-blocks-from",
      "[Experimental] Import samples from input and produce TSDB blocks. Please refer to the "
      "storage docs for more details.");
  create->require_subcommand(1);
  create->add_flag(kHumanReadable, args->human_readable, kHumanReadableHelp);
  create->add_flag("-q,--quiet", args->quiet, "Do not print created blocks.");
  // Hidden by promtool, too.
  create
      ->add_option_function<std::string>(
          "--max-block-duration",
          [args](const std::string& text) {
            args->max_block_ms = config::ParseGoDuration(text).value_or(0) / 1'000'000;
          },
          "")
      ->check(GoDuration)
      ->group("");
  CLI::App* command = create->add_subcommand(
      "openmetrics",
      "Import samples from OpenMetrics input and produce TSDB blocks. Please refer to the storage "
      "docs for more details.");
  command
      ->add_option_function<std::vector<std::string>>(
          "--label",
          [args](const std::vector<std::string>& labels) {
            for (const std::string& label : labels) {
              const size_t end = label.find('=');
              args->labels.emplace_back(label.substr(0, end), label.substr(end + 1));
            }
          },
          "Label to attach to metrics. Can be specified multiple times. Example "
          "--label=label_name=label_value")
      ->allow_extra_args(false)
      ->check(KeyValue);
  command->add_option("input file", args->input, "OpenMetrics file to read samples from.")
      ->required();
  command->add_option("output directory", args->output, "Output directory for generated blocks.");
  OnChosen(command, line, args, TsdbCreateFromOpenMetrics);
  AddUnsupported(create, line, "rules", "Create blocks of data for new recording rules.");
}

void AddVerify(CLI::App* group, CommandLine* line) {
  auto args = std::make_shared<TsdbVerifyArgs>();
  CLI::App* command = group->add_subcommand(
      "verify", "Read every file of a data directory and check every checksum.");
  command->add_option("db path", args->path, kPathHelp);
  OnChosen(command, line, args, TsdbVerify);
}

void AddExport(CLI::App* group, CommandLine* line) {
  auto args = std::make_shared<TsdbExportArgs>();
  CLI::App* command = group->add_subcommand(
      "export-prometheus",
      "Write all samples as blocks that Prometheus, promtool, Thanos and Mimir read.");
  command->add_flag(kHumanReadable, args->human_readable, kHumanReadableHelp);
  command->add_flag("-q,--quiet", args->quiet, "Do not print created blocks.");
  command->add_option("--sandbox-dir-root", args->sandbox_root, kSandboxHelp);
  command->add_option("db path", args->path, "Database path.")->required();
  command->add_option("output directory", args->output, "Output directory for generated blocks.")
      ->required();
  OnChosen(command, line, args, TsdbExportPrometheus);
}

}  // namespace

void AddTsdbCommands(CLI::App* root, CommandLine* line) {
  CLI::App* group = root->add_subcommand("tsdb", "Run tsdb commands.");
  group->require_subcommand(1);
  AddUnsupported(group, line, "bench", "Run benchmarks.");
  AddAnalyze(group, line);
  AddList(group, line);
  AddDumps(group, line);
  AddCreate(group, line);
  AddVerify(group, line);
  AddExport(group, line);
}

}  // namespace deucalion::tool
