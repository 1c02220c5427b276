#include "server/api/feature_list.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/source_dir.h"

namespace deucalion::api {
namespace {

using Features = std::map<std::string, std::map<std::string, bool>>;

Features Registered(const FeatureSources& sources, const FeatureSwitches& switches = {}) {
  FeatureRegistry registry;
  RegisterFeatures(sources, switches, &registry);
  return registry.features();
}

// What a Prometheus 3.14 without flags answers.
Features Golden() {
  std::ifstream in(SourceDir() + "/tests/golden/api/features-3.14.json");
  return nlohmann::json::parse(in).get<Features>();
}

TEST(FeatureListTest, EqualsPrometheusButForWhatIsNotThereYet) {
  const Features ours = Registered(FeatureSources::BuiltIn());
  const Features golden = Golden();
  // The same names, and a feature of ours is one of theirs.
  for (const auto& [category, features] : golden) {
    ASSERT_TRUE(ours.contains(category)) << category;
    for (const auto& [name, on] : features) {
      ASSERT_TRUE(ours.at(category).contains(name)) << category << "/" << name;
      if (ours.at(category).at(name)) {
        EXPECT_TRUE(on) << category << "/" << name;
      }
    }
    EXPECT_EQ(ours.at(category).size(), features.size()) << category;
  }
  EXPECT_EQ(ours.size(), golden.size());
  // Query language, API and server are complete.
  for (const char* category :
       {"promql", "promql_functions", "promql_operators", "prometheus", "scrape"}) {
    EXPECT_EQ(ours.at(category), golden.at(category)) << category;
  }
}

TEST(FeatureListTest, AFunctionThatIsRemovedIsGone) {
  FeatureSources sources = FeatureSources::BuiltIn();
  sources.functions = sources.functions.subspan(1);
  EXPECT_TRUE(Registered(FeatureSources::BuiltIn()).at("promql_functions").contains("abs"));
  EXPECT_FALSE(Registered(sources).at("promql_functions").contains("abs"));
}

TEST(FeatureListTest, AKeywordThatIsRemovedIsGone) {
  FeatureSources sources = FeatureSources::BuiltIn();
  std::erase(sources.keywords, "without");
  EXPECT_FALSE(Registered(sources).at("promql").contains("without"));
}

TEST(FeatureListTest, ARouteOrParameterThatIsRemovedIsOff) {
  FeatureSources sources = FeatureSources::BuiltIn();
  std::vector<ApiRoute> routes(sources.routes.begin(), sources.routes.end());
  std::erase_if(routes, [](const ApiRoute& r) { return r.path == "/openapi.yaml"; });
  for (ApiRoute& route : routes) {
    if (route.path == "/query") route.params = route.params.subspan(0, 1);
  }
  sources.routes = routes;
  const Features features = Registered(sources);
  EXPECT_FALSE(features.at("api").at("openapi_3.1"));
  EXPECT_FALSE(features.at("api").at("query_stats"));
  EXPECT_FALSE(features.at("promql").at("per_query_lookback_delta"));
  EXPECT_TRUE(Registered(FeatureSources::BuiltIn()).at("api").at("query_stats"));
}

TEST(FeatureListTest, DiscoveryWithoutMachineryIsOff) {
  FeatureSources sources = FeatureSources::BuiltIn();
  EXPECT_TRUE(Registered(sources).at("service_discovery_providers").at("dns"));
  std::erase(sources.discovery, "dns");
  EXPECT_FALSE(Registered(sources).at("service_discovery_providers").at("dns"));
}

TEST(FeatureListTest, FlagsSwitchFeaturesOn) {
  const Features on = Registered(FeatureSources::BuiltIn(), {.admin = true,
                                                             .remote_write_receiver = true,
                                                             .experimental_functions = true,
                                                             .fill_modifiers = true});
  EXPECT_TRUE(on.at("api").at("admin"));
  EXPECT_TRUE(on.at("api").at("remote_write_receiver"));
  EXPECT_TRUE(on.at("promql_functions").at("info"));
  EXPECT_TRUE(on.at("promql_operators").at("limitk"));
  EXPECT_TRUE(on.at("promql").at("fill_left"));
}

}  // namespace
}  // namespace deucalion::api
