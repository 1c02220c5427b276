#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <condition_variable>
#include <cstdio>
#include <fstream>
#include <mutex>

#include "scrape/discovery/discovery_manager.h"
#include "scrape/discovery/group_text.h"
#include "tests/scrape/loop/fakes.h"

namespace deucalion::scrape {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(GroupTextTest, ReadsJsonAndYaml) {
  const auto json = ParseGroupsJson(R"([{"targets":["a:1","b:2"],"labels":{"x":"y"}},{}])");
  ASSERT_TRUE(json.ok());
  const auto yaml = ParseGroupsYaml("- targets: [a:1, 'b:2']\n  labels: {x: y}\n- {}\n");
  ASSERT_TRUE(yaml.ok()) << yaml.status().message();
  EXPECT_EQ(*json, *yaml);
  EXPECT_EQ((*json)[0].targets[1].at("__address__"), "b:2");
  EXPECT_EQ((*json)[0].labels.at("x"), "y");
}

TEST(GroupTextTest, RefusesWhatIsNotAListOfGroups) {
  for (const char* text :
       {"{", "[1]", "[null]", "{}", R"([{"targets":"a"}])", R"([{"targets":[1]}])",
        R"([{"labels":{"x":1}}])", R"([{"labels":{"":"v"}}])", "\xff\xfe", "[[[[[["}) {
    EXPECT_FALSE(ParseGroupsJson(text).ok()) << text;
  }
  for (const char* text : {"{", "- 1", "- null", "a: b", "- targets: a", "- bogus: 1",
                           "- labels: {'': v}", "- targets: [[a]]", "&a [*a]", "- !!binary x: ["}) {
    EXPECT_FALSE(ParseGroupsYaml(text).ok()) << text;
  }
  EXPECT_THAT(ParseGroupsYaml("- targets: [a]\n  bogus: 1\n").status().message(),
              HasSubstr("line 2: field bogus not found"));
  EXPECT_FALSE(ParseGroupsYaml(std::string(100'000, '[')).ok());
}

// Collects updates; waits for a condition with a generous limit.
class Updates {
 public:
  UpdateSink sink() {
    return [this](std::vector<TargetGroup> groups) {
      std::lock_guard<std::mutex> lock(mu_);
      for (TargetGroup& g : groups) groups_[g.source] = std::move(g);
      changed_.notify_all();
    };
  }
  bool WaitFor(const std::function<bool(const std::map<std::string, TargetGroup>&)>& done) {
    std::unique_lock<std::mutex> lock(mu_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return done(groups_); });
  }

 private:
  std::mutex mu_;
  std::condition_variable changed_;
  std::map<std::string, TargetGroup> groups_;
};

class DiscoveryTest : public ::testing::Test {
 protected:
  DiscoveryTest() {
    services_.http = &f_.http;
    services_.scheduler = &f_.scheduler;
    services_.clock = &f_.clock;
    services_.log = Logger::Null();
    services_.metrics = &metrics_;
  }
  FakeServices f_;
  MetricRegistry registry_;
  DiscoveryMetrics metrics_{&registry_};
  DiscoveryServices services_;
};

TEST_F(DiscoveryTest, FollowsFiles) {
  char pattern[] = "/tmp/deucalion_sd_XXXXXX";
  const std::string dir = mkdtemp(pattern);
  const std::string file = dir + "/a.json";
  std::ofstream(file) << R"([{"targets":["a:1"]},{"targets":["b:1"]}])";
  Updates updates;
  auto discoverer = NewFileDiscoverer({.files = {dir + "/*.json"}}, services_);
  discoverer->Start(updates.sink());
  EXPECT_TRUE(updates.WaitFor([&](const auto& g) {
    return g.contains(file + ":1") && g.at(file + ":0").labels.at("__meta_filepath") == file;
  }));
  std::ofstream(file) << R"([{"targets":["c:1"]}])";
  EXPECT_TRUE(updates.WaitFor([&](const auto& g) {
    return g.at(file + ":1").targets.empty() &&
           g.at(file + ":0").targets[0].at("__address__") == "c:1";
  }));
  std::remove(file.c_str());
  EXPECT_TRUE(updates.WaitFor([&](const auto& g) { return g.at(file + ":0").targets.empty(); }));
  discoverer.reset();
  rmdir(dir.c_str());
}

TEST_F(DiscoveryTest, AsksHttpEndpointsAgainAndAgain) {
  Updates updates;
  f_.http.Serve("http://sd/x", R"([{"targets":["a:1"]},{"targets":["b:1"]}])",
                "application/json; charset=utf-8");
  auto discoverer = NewHttpDiscoverer({.url = "http://sd/x"}, "job", services_);
  ASSERT_TRUE(discoverer.ok());
  (*discoverer)->Start(updates.sink());
  EXPECT_TRUE(updates.WaitFor([](const auto& g) {
    return g.size() == 2 && g.at("http://sd/x:0").labels.at("__meta_url") == "http://sd/x";
  }));
  f_.http.Serve("http://sd/x", "<html>", "text/html");
  f_.scheduler.Advance(60'000);
  EXPECT_EQ(metrics_.http_failures->value(), 1);
  f_.http.Serve("http://sd/x", R"([{"targets":["c:1"]}])", "application/json");
  f_.scheduler.Advance(60'000);
  EXPECT_TRUE(updates.WaitFor([](const auto& g) { return g.at("http://sd/x:1").targets.empty(); }));
  const size_t asked = f_.http.requests.size();
  discoverer = UnavailableError("gone");
  f_.scheduler.Advance(600'000);
  EXPECT_EQ(f_.http.requests.size(), asked);
}

TEST_F(DiscoveryTest, ManagerSharesProvidersAndThrottles) {
  std::vector<DiscoveryManager::Sets> sent;
  DiscoveryManager manager("scrape", 5000, services_);
  manager.SetReceiver([&](const auto& sets) { sent.push_back(sets); }, f_.services.run);
  const DiscoveryConfig http = HttpSdConfig{.url = "http://sd/x"};
  const DiscoveryConfig fixed = StaticConfig{{{.targets = {{{"__address__", "s:1"}}}}}};
  f_.http.Serve("http://sd/x", R"([{"targets":["a:1"]}])", "application/json");
  manager.ApplyConfig({{"one", {http, fixed}}, {"two", {http}}, {"none", {}}});
  f_.scheduler.Advance(100);
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_THAT(sent[0].at("one"), SizeIs(2));
  EXPECT_THAT(sent[0].at("two"), SizeIs(1));
  EXPECT_THAT(sent[0].at("none"), IsEmpty());
  EXPECT_THAT(f_.http.requests, SizeIs(1));
  EXPECT_EQ(metrics_.discovered_targets->With({"scrape", "one"})->value(), 2);

  // The providers that stay are not asked again.
  manager.ApplyConfig({{"two", {http}}});
  f_.scheduler.Advance(100);
  ASSERT_THAT(sent, SizeIs(2));
  EXPECT_THAT(f_.http.requests, SizeIs(1));
  EXPECT_FALSE(sent[1].contains("one"));
  EXPECT_THAT(sent[1].at("two"), SizeIs(1));

  f_.http.Serve("http://sd/x", R"([{"targets":["b:1"]}])", "application/json");
  f_.scheduler.Advance(61'000);
  ASSERT_THAT(sent, SizeIs(3));
  EXPECT_EQ(sent[2].at("two")[0].targets[0].at("__address__"), "b:1");
}

TEST_F(DiscoveryTest, CountsKindsThatAreNotThere) {
  DiscoveryManager manager("scrape", 5000, services_);
  std::vector<DiscoveryManager::Sets> sent;
  manager.SetReceiver([&](const auto& sets) { sent.push_back(sets); }, f_.services.run);
  manager.ApplyConfig({{"k", {OtherSdConfig{"kubernetes", "role: pod"}}}});
  f_.scheduler.Advance(100);
  EXPECT_EQ(metrics_.failed_configs->With({"scrape"})->value(), 1);
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_THAT(sent[0].at("k"), IsEmpty());
}

TEST(DiscoveryConfigTest, ChecksInUpstreamsWords) {
  EXPECT_EQ(FileSdConfig{}.Validate().message(),
            "file service discovery config must contain at least one path name");
  for (const char* bad : {"x", "a*/b.json", "x.txt", "*a*/x.json"}) {
    EXPECT_FALSE((FileSdConfig{.files = {bad}}).Validate().ok()) << bad;
  }
  for (const char* good : {"x.json", "dir/*.yml", "/a/b*c.YAML"}) {
    EXPECT_TRUE((FileSdConfig{.files = {good}}).Validate().ok()) << good;
  }
  EXPECT_EQ(HttpSdConfig{}.Validate().message(), "URL is missing");
  EXPECT_EQ((HttpSdConfig{.url = "ftp://x"}).Validate().message(),
            "URL scheme must be 'http' or 'https'");
  EXPECT_EQ((HttpSdConfig{.url = "http://"}).Validate().message(), "host is missing in URL");
  EXPECT_EQ((DnsSdConfig{.names = {"x"}, .type = "a"}).Validate().message(),
            "a port is required in DNS-SD configs for all record types except SRV");
}

}  // namespace
}  // namespace deucalion::scrape
