#include "server/config/file_fingerprint.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temp_dir.h"

namespace deucalion::config {
namespace {

class FileFingerprintTest : public testing::Test {
 protected:
  void Write(const std::string& name, const std::string& text) {
    std::ofstream(JoinPath(dir_.path(), name)) << text;
  }
  uint64_t Fingerprint() {
    auto hash = FileFingerprint(JoinPath(dir_.path(), "prometheus.yml"));
    EXPECT_TRUE(hash.ok()) << hash.status().message();
    return hash.ok() ? *hash : 0;
  }

  TempDir dir_;
};

TEST_F(FileFingerprintTest, ChangesWithTheFileAndWithNothingElse) {
  Write("prometheus.yml", "global: {scrape_interval: 5s}\n");
  const uint64_t before = Fingerprint();
  Write("other.yml", "x: 1\n");
  EXPECT_EQ(Fingerprint(), before);
  Write("prometheus.yml", "global: {scrape_interval: 6s}\n");
  EXPECT_NE(Fingerprint(), before);
  Write("prometheus.yml", "global: {scrape_interval: 5s}\n");
  EXPECT_EQ(Fingerprint(), before);
}

TEST_F(FileFingerprintTest, ChangesWithFilesThatPatternsMatch) {
  for (const std::string key : {"rule_files", "scrape_config_files"}) {
    Write("prometheus.yml", key + ": ['more_*.yml']\n");
    const uint64_t none = Fingerprint();
    Write("more_a.yml", "a");
    const uint64_t one = Fingerprint();
    EXPECT_NE(one, none) << key;
    Write("more_a.yml", "b");
    const uint64_t changed = Fingerprint();
    EXPECT_NE(changed, one) << key;
    // The same content under another name is another configuration.
    std::filesystem::rename(JoinPath(dir_.path(), "more_a.yml"),
                            JoinPath(dir_.path(), "more_b.yml"));
    EXPECT_NE(Fingerprint(), changed) << key;
    std::filesystem::remove(JoinPath(dir_.path(), "more_b.yml"));
    EXPECT_EQ(Fingerprint(), none) << key;
  }
}

TEST_F(FileFingerprintTest, SaysWhatCannotBeRead) {
  EXPECT_FALSE(FileFingerprint(JoinPath(dir_.path(), "prometheus.yml")).ok());
  Write("prometheus.yml", "a: [\n");
  const auto hash = FileFingerprint(JoinPath(dir_.path(), "prometheus.yml"));
  ASSERT_FALSE(hash.ok());
  EXPECT_NE(hash.status().message().find("yaml: "), std::string::npos);
}

TEST_F(FileFingerprintTest, TakesOddShapes) {
  for (const std::string text : {"", "x", "[1]", "rule_files: 7", "rule_files: {a: b}",
                                 "rule_files:", "rule_files: [[x]]", "rule_files: ['[']"}) {
    Write("prometheus.yml", text);
    Fingerprint();
  }
}

}  // namespace
}  // namespace deucalion::config
