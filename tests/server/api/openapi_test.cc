#include "server/api/openapi.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "server/config/yaml_node.h"

namespace deucalion::api {
namespace {

using config::YamlDocument;
using config::YamlKind;
using config::YamlNode;

const YamlNode* Get(const YamlNode* map, std::string_view key) {
  if (map == nullptr || map->kind != YamlKind::kMap) return nullptr;
  for (size_t i = 0; i + 1 < map->items.size(); i += 2) {
    if (map->items[i]->value == key) return map->items[i + 1];
  }
  return nullptr;
}

std::string Document(OpenApiVersion version) {
  return OpenApiDocument(ApiRoutes(), version,
                         {.server_url = "http://here:9090/api/v1", .version = "3.14.0"});
}

// Every "$ref" below `node`.
void CollectReferences(const YamlNode& node, std::set<std::string>* out) {
  for (size_t i = 0; i < node.items.size(); i++) {
    if (node.kind == YamlKind::kMap && i % 2 == 0) {
      if (node.items[i]->value == "$ref") out->insert(node.items[i + 1]->value);
    } else {
      CollectReferences(*node.items[i], out);
    }
  }
}

TEST(OpenApiTest, IsYamlWithEveryRouteAndMethodOfTheTable) {
  const auto document = YamlDocument::Parse(Document(OpenApiVersion::k32));
  ASSERT_TRUE(document.ok()) << document.status().message();
  const YamlNode* root = &document->root();
  EXPECT_EQ(Get(root, "openapi")->value, "3.2.0");
  EXPECT_EQ(Get(Get(root, "servers")->items[0], "url")->value, "http://here:9090/api/v1");
  const YamlNode* paths = Get(root, "paths");
  EXPECT_EQ(paths->items.size() / 2, ApiRoutes().size());
  std::set<std::string> ids;
  for (const ApiRoute& route : ApiRoutes()) {
    std::string path(route.path);
    if (const size_t at = path.find(":name"); at != std::string::npos)
      path.replace(at, 5, "{name}");
    const YamlNode* item = Get(paths, path);
    ASSERT_NE(item, nullptr) << path;
    for (const auto& [method, lower] : {std::pair("GET", "get"), std::pair("POST", "post"),
                                        std::pair("PUT", "put"), std::pair("DELETE", "delete")}) {
      const YamlNode* operation = Get(item, lower);
      EXPECT_EQ(operation != nullptr, route.methods.find(method) != std::string_view::npos)
          << method << " " << path;
      if (operation == nullptr) continue;
      EXPECT_TRUE(ids.insert(Get(operation, "operationId")->value).second) << path;
      EXPECT_NE(Get(Get(operation, "responses"), "default"), nullptr) << path;
    }
  }
}

TEST(OpenApiTest, ParametersAreInTheQueryOfGetAndInTheFormOfPost) {
  const auto document = YamlDocument::Parse(Document(OpenApiVersion::k31));
  ASSERT_TRUE(document.ok());
  const YamlNode* query = Get(Get(&document->root(), "paths"), "/query_range");
  std::set<std::string> in_query;
  for (const YamlNode* p : Get(Get(query, "get"), "parameters")->items) {
    in_query.insert(Get(p, "name")->value);
  }
  EXPECT_EQ(in_query, (std::set<std::string>{"query", "start", "end", "step", "timeout", "limit",
                                             "lookback_delta", "stats"}));
  const YamlNode* content = Get(Get(Get(query, "post"), "requestBody"), "content");
  const YamlNode* schema = Get(Get(content, "application/x-www-form-urlencoded"), "schema");
  EXPECT_EQ(Get(schema, "properties")->items.size() / 2, in_query.size());
  EXPECT_EQ(Get(schema, "required")->items.size(), 4u);
}

TEST(OpenApiTest, ReferencesLeadSomewhereInBothVersions) {
  for (const OpenApiVersion version : {OpenApiVersion::k31, OpenApiVersion::k32}) {
    const auto document = YamlDocument::Parse(Document(version));
    ASSERT_TRUE(document.ok());
    std::set<std::string> references;
    CollectReferences(document->root(), &references);
    EXPECT_GT(references.size(), 10u);
    const YamlNode* schemas = Get(Get(&document->root(), "components"), "schemas");
    for (const std::string& reference : references) {
      const std::string prefix = "#/components/schemas/";
      ASSERT_TRUE(reference.starts_with(prefix)) << reference;
      EXPECT_NE(Get(schemas, reference.substr(prefix.size())), nullptr) << reference;
    }
  }
}

TEST(OpenApiTest, EventStreamsAreIn32Only) {
  EXPECT_EQ(Document(OpenApiVersion::k31).find("/notifications/live"), std::string::npos);
  EXPECT_NE(Document(OpenApiVersion::k32).find("itemSchema"), std::string::npos);
}

}  // namespace
}  // namespace deucalion::api
