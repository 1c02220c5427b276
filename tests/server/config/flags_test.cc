#include "server/config/flags.h"

#include <gtest/gtest.h>

#include "server/config/units.h"

namespace deucalion::config {
namespace {

constexpr BuildInfo kBuild{.version = "0.1.0",
                           .branch = "main",
                           .revision = "abc",
                           .build_user = "me",
                           .build_date = "20260101-00:00:00",
                           .compiler = "g++ 12",
                           .platform = "linux/amd64",
                           .tags = ""};

CommandLine Parse(std::vector<std::string> args) {
  return ParseCommandLine("deucalion", args, kBuild);
}

TEST(FlagsTest, StructDefaultsAreTheDefaultsOfTheTable) {
  Flags from_table;
  for (const FlagSpec& spec : FlagTable()) {
    if (spec.no_default) continue;
    if (spec.repeatable()) (from_table.*spec.member.texts).clear();
    std::string_view rest = spec.default_text;
    while (true) {
      const size_t bar = std::min(rest.find('|'), rest.size());
      const Status status = SetFlag(spec, rest.substr(0, bar), &from_table);
      EXPECT_TRUE(status.ok()) << spec.name << ": " << status.message();
      if (bar == rest.size()) break;
      rest.remove_prefix(bar + 1);
    }
    EXPECT_EQ(FlagText(spec, from_table), FlagText(spec, Flags())) << spec.name;
  }
  EXPECT_EQ(from_table, Flags());
}

TEST(FlagsTest, AcceptsEveryWayToWriteAFlag) {
  const CommandLine line = Parse({"--config.file=a=b", "--web.max-connections", "5e3",
                                  "--web.enable-lifecycle", "--no-storage.tsdb.wal-compression",
                                  "--web.listen-address=:1", "--web.listen-address=:2",
                                  "--query.timeout=1h30m", "--scrape.timestamp-tolerance=1.5ms",
                                  "--storage.tsdb.retention.size=512MB", "--log.level=WARN"});
  ASSERT_FALSE(line.exit) << line.err;
  EXPECT_EQ(line.flags.config_file, "a=b");
  EXPECT_EQ(line.flags.web_max_connections, 5000);
  EXPECT_TRUE(line.flags.web_enable_lifecycle);
  EXPECT_FALSE(line.flags.tsdb_wal_compression);
  EXPECT_EQ(line.flags.web_listen_addresses, (std::vector<std::string>{":1", ":2"}));
  EXPECT_EQ(line.flags.query_timeout_ms, 5'400'000);
  EXPECT_EQ(line.flags.scrape_timestamp_tolerance_ns, 1'500'000);
  EXPECT_EQ(line.flags.tsdb_retention_size, 512 << 20);
  EXPECT_EQ(line.flags.log_level, "warn");
}

struct BadCase {
  std::vector<std::string> args;
  int code;
  std::string first_line;
};

// Texts and statuses are those of the Prometheus binary.
TEST(FlagsTest, RefusesInPrometheusWords) {
  const std::string prefix = "Error parsing command line arguments: ";
  const std::vector<BadCase> cases = {
      {{"--foo"}, 1, prefix + "unknown long flag '--foo'"},
      {{"--foo=1"}, 1, prefix + "unknown long flag '--foo'"},
      {{"--no-config.file"}, 1, prefix + "unknown long flag '--no-config.file'"},
      {{"-x"}, 1, prefix + "unknown short flag '-x'"},
      {{"extra"}, 1, prefix + "unexpected extra"},
      {{"--", "--agent"}, 1, prefix + "unexpected --agent"},
      {{"--web.enable-lifecycle=true"}, 1, prefix + "unexpected true"},
      {{"--web.max-connections"}, 1, prefix + "expected argument for flag '--web.max-connections'"},
      {{"--config.file", "--agent"}, 1, prefix + "expected argument for flag '--config.file'"},
      {{"--config.file=a", "--config.file=b"}, 2, prefix + "flag 'config.file' cannot be repeated"},
      {{"--agent", "--agent"}, 2, prefix + "flag 'agent' cannot be repeated"},
      {{"--web.max-connections=x"},
       2,
       prefix + "strconv.ParseFloat: parsing \"x\": invalid syntax"},
      {{"--rules.max-concurrent-evals=x"},
       2,
       prefix + "strconv.ParseInt: parsing \"x\": invalid syntax"},
      {{"--query.timeout=5q"}, 2, prefix + "unknown unit \"q\" in duration \"5q\""},
      {{"--query.timeout="}, 2, prefix + "empty duration string"},
      {{"--rules.alert.resend-delay=-1m"}, 2, prefix + "not a valid duration string: \"-1m\""},
      {{"--scrape.timestamp-tolerance=1d"},
       2,
       prefix + "time: unknown unit \"d\" in duration \"1d\""},
      {{"--storage.tsdb.retention.size=5"}, 2, prefix + "units: unknown unit  in 5"},
      {{"--storage.tsdb.wal-segment-size=5q"}, 2, prefix + "units: unknown unit q in 5q"},
      {{"--log.level=foo"}, 2, prefix + "unrecognized log level foo"},
      {{"--log.format=foo"}, 2, prefix + "unrecognized log format foo"},
      {{"--storage.tsdb.wal-compression-type=lz4"},
       2,
       prefix + "enum value must be one of snappy,zstd, got 'lz4'"},
      {{"--web.remote-write-receiver.accepted-protobuf-messages=x"},
       2,
       prefix + "unknown type for remote write protobuf message x, supported: "
                "prometheus.WriteRequest, io.prometheus.write.v2.Request"},
      {{"--storage.agent.path=x"},
       3,
       "The following flag(s) can only be used in agent mode: [\"--storage.agent.path\"]"},
      {{"--agent", "--storage.tsdb.path=x", "--query.timeout=1m"},
       3,
       "The following flag(s) can not be used in agent mode: [\"--storage.tsdb.path\" "
       "\"--query.timeout\"]"},
      {{"--auto-gomemlimit.ratio=0"},
       1,
       "--auto-gomemlimit.ratio must be greater than 0 and less than or equal to 1."},
      {{"--enable-feature=otlp-deltatocumulative,otlp-native-delta-ingestion"},
       1,
       "Error parsing feature list: cannot enable otlp-deltatocumulative and "
       "otlp-native-delta-ingestion features at the same time"},
  };
  for (const BadCase& c : cases) {
    const CommandLine line = Parse(c.args);
    EXPECT_TRUE(line.exit) << c.args[0];
    EXPECT_EQ(line.exit_code, c.code) << c.args[0];
    EXPECT_EQ(line.err.substr(0, line.err.find('\n')), c.first_line);
  }
}

TEST(FlagsTest, ReportsUnknownFlagsBeforeBadValues) {
  EXPECT_EQ(Parse({"--query.timeout=5q", "--foo"}).exit_code, 1);
}

TEST(FlagsTest, PrintsVersionInPrometheusForm) {
  const CommandLine line = Parse({"--query.timeout=5q", "--version"});
  EXPECT_EQ(line.exit_code, 0);
  EXPECT_EQ(line.out,
            "deucalion, version 0.1.0 (branch: main, revision: abc)\n"
            "  build user:       me\n"
            "  build date:       20260101-00:00:00\n"
            "  compiler:         g++ 12\n"
            "  platform:         linux/amd64\n"
            "  tags:             \n");
}

TEST(FlagsTest, HelpShowsWhatIsNotHidden) {
  for (const std::string flag : {"--help", "-h", "--help-long"}) {
    const CommandLine line = Parse({flag});
    EXPECT_TRUE(line.exit);
    EXPECT_EQ(line.exit_code, 0);
    EXPECT_NE(line.out.find("usage: deucalion [<flags>]"), std::string::npos);
    EXPECT_NE(line.out.find("      --config.file=\"prometheus.yml\"  \n"), std::string::npos);
    EXPECT_NE(line.out.find("      --web.max-connections=512  Maximum number"), std::string::npos);
    EXPECT_NE(line.out.find("--[no-]web.enable-lifecycle"), std::string::npos);
    EXPECT_NE(line.out.find("--web.listen-address=0.0.0.0:9090 ..."), std::string::npos);
    EXPECT_EQ(line.out.find("samples-per-chunk"), std::string::npos);
  }
}

TEST(FlagsTest, ValuesAreTextAsStatusFlagsShowsIt) {
  const auto values = FlagValues(Flags());
  const std::map<std::string, std::string> want = {
      {"config.file", "prometheus.yml"},
      {"query.timeout", "2m"},
      {"query.lookback-delta", "5m"},
      {"storage.remote.read-sample-limit", "50000000"},
      {"storage.tsdb.retention.size", "0B"},
      {"storage.tsdb.retention.time", "0s"},
      {"scrape.timestamp-tolerance", "2ms"},
      {"auto-gomemlimit.ratio", "0.9"},
      {"web.enable-admin-api", "false"},
      {"web.remote-write-receiver.accepted-protobuf-messages",
       "prometheus.WriteRequest,io.prometheus.write.v2.Request"},
      {"enable-feature", ""},
      {"log.format", "logfmt"},
  };
  for (const auto& [name, text] : want) EXPECT_EQ(values.at(name), text) << name;
  EXPECT_EQ(values.size(), FlagTable().size());
}

TEST(FlagsTest, SettlesWhatDependsOnOtherFlags) {
  Flags flags;
  SettleFlags("/prom/", 0, 0, &flags);
  EXPECT_EQ(flags.web_route_prefix, "/prom");
  EXPECT_EQ(FlagValues(flags).at("storage.tsdb.retention.time"), "15d");
  EXPECT_EQ(FlagValues(flags).at("storage.tsdb.max-block-duration"), "1d12h");
  Flags sized;
  sized.tsdb_retention_size = 1 << 30;
  SettleFlags("", 0, 0, &sized);
  EXPECT_EQ(sized.web_route_prefix, "/");
  EXPECT_EQ(sized.tsdb_retention_time_ms, 0);
  EXPECT_EQ(FlagValues(sized).at("storage.tsdb.max-block-duration"), "31d");
}

TEST(FeaturesTest, UnknownNamesOnlyWarn) {
  const CommandLine line =
      Parse({"--enable-feature=exemplar-storage,,nonsense", "--enable-feature=auto-reload-config"});
  ASSERT_FALSE(line.exit);
  EXPECT_TRUE(line.features.exemplar_storage);
  EXPECT_TRUE(line.flags.config_auto_reload);
  ASSERT_EQ(line.notes.size(), 3u);
  EXPECT_EQ(line.notes[1].level, LogLevel::kWarn);
  EXPECT_EQ(line.notes[1].message, "Unknown option for --enable-feature");
  EXPECT_EQ(line.notes[1].option, "nonsense");
}

TEST(UnitsTest, ReadsAndPrintsBytes) {
  const std::vector<std::pair<std::string, int64_t>> good = {
      {"0", 0},
      {"0B", 0},
      {"1B", 1},
      {"1KB", 1024},
      {"1KiB", 1024},
      {"1.5MB", 1572864},
      {"1MB2KB", (1 << 20) + 2048},
      {"-1KB", -1024},
      {"10GB", 10737418240},
  };
  for (const auto& [text, want] : good) {
    const Result<int64_t> got = ParseBytes(text);
    ASSERT_TRUE(got.ok()) << text;
    EXPECT_EQ(*got, want) << text;
  }
  for (const std::string text : {"", "5", "KB", "1kB", "1XB", "x", "9999999EB", "1.B5"}) {
    EXPECT_FALSE(ParseBytes(text).ok()) << text;
  }
  EXPECT_EQ(FormatBytes(0), "0B");
  EXPECT_EQ(FormatBytes(512 << 20), "512MiB");
  EXPECT_EQ(FormatBytes((1 << 20) + 512), "1MiB512B");
  EXPECT_EQ(*ParseBytes(FormatBytes(INT64_MAX / 4096 * 4096)), INT64_MAX / 4096 * 4096);
}

TEST(UnitsTest, ReadsGoDurations) {
  EXPECT_EQ(*ParseGoDuration("2ms"), 2'000'000);
  EXPECT_EQ(*ParseGoDuration("1h1.5s"), 3'601'500'000'000);
  EXPECT_EQ(*ParseGoDuration("-3us"), -3000);
  EXPECT_EQ(ParseGoDuration("5").status().message(), "time: missing unit in duration \"5\"");
  EXPECT_EQ(ParseGoDuration("").status().message(), "time: invalid duration \"\"");
}

}  // namespace
}  // namespace deucalion::config
