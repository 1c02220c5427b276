#include "scrape/discovery/group_text.h"

#include <yaml-cpp/yaml.h>

#include <nlohmann/json.hpp>

#include "model/labels.h"
#include "model/value.h"

namespace deucalion::scrape {
namespace {

using Json = nlohmann::json;

Status CheckLabel(const std::string& name) {
  if (IsValidLabelName(name)) return OkStatus();
  return InvalidArgumentError(GoQuote(name) + " is not a valid label name");
}

Status JsonTypeError(std::string_view what, std::string_view want) {
  return InvalidArgumentError("json: cannot unmarshal " + std::string(what) +
                              " into Go value of type " + std::string(want));
}

Status ReadJsonGroup(const Json& node, TargetGroup* group) {
  if (node.is_null()) return InvalidArgumentError("nil target group item found");
  if (!node.is_object()) return JsonTypeError(node.type_name(), "struct");
  if (const auto targets = node.find("targets"); targets != node.end() && !targets->is_null()) {
    if (!targets->is_array()) return JsonTypeError(targets->type_name(), "[]string");
    for (const Json& t : *targets) {
      if (!t.is_string()) return JsonTypeError(t.type_name(), "string");
      group->targets.push_back({{"__address__", t.get<std::string>()}});
    }
  }
  if (const auto labels = node.find("labels"); labels != node.end() && !labels->is_null()) {
    if (!labels->is_object()) return JsonTypeError(labels->type_name(), "model.LabelSet");
    for (const auto& [name, value] : labels->items()) {
      RETURN_IF_ERROR(CheckLabel(name));
      if (!value.is_string()) return JsonTypeError(value.type_name(), "model.LabelValue");
      group->labels[name] = value.get<std::string>();
    }
  }
  return OkStatus();
}

Status YamlError(const YAML::Node& node, const std::string& what) {
  return InvalidArgumentError("yaml: unmarshal errors:\n  line " +
                              std::to_string(node.Mark().line + 1) + ": " + what);
}

Status ReadYamlGroup(const YAML::Node& node, TargetGroup* group) {
  if (node.IsNull()) return InvalidArgumentError("nil target group item found");
  if (!node.IsMap()) return YamlError(node, "cannot unmarshal into struct");
  for (const auto& field : node) {
    const std::string name = field.first.as<std::string>();
    if (name == "targets" && (field.second.IsSequence() || field.second.IsNull())) {
      for (const YAML::Node& target : field.second) {
        if (!target.IsScalar()) return YamlError(target, "cannot unmarshal into string");
        group->targets.push_back({{"__address__", target.Scalar()}});
      }
    } else if (name == "labels" && (field.second.IsMap() || field.second.IsNull())) {
      for (const auto& label : field.second) {
        const std::string key = label.first.as<std::string>();
        RETURN_IF_ERROR(CheckLabel(key));
        if (!label.second.IsScalar() && !label.second.IsNull()) {
          return YamlError(label.second, "cannot unmarshal into model.LabelValue");
        }
        group->labels[key] = label.second.IsNull() ? "" : label.second.Scalar();
      }
    } else if (name == "targets" || name == "labels") {
      return YamlError(field.second, "cannot unmarshal into " + name);
    } else {
      return YamlError(field.first, "field " + name +
                                        " not found in type struct { Targets []string "
                                        "\"yaml:\\\"targets\\\"\"; Labels model.LabelSet "
                                        "\"yaml:\\\"labels\\\"\" }");
    }
  }
  return OkStatus();
}

}  // namespace

Result<std::vector<TargetGroup>> ParseGroupsJson(std::string_view text) {
  Json json;
  try {
    json = Json::parse(text);
  } catch (const Json::exception& e) {
    return InvalidArgumentError(e.what());
  }
  std::vector<TargetGroup> groups;
  if (json.is_null()) return groups;
  if (!json.is_array()) return JsonTypeError(json.type_name(), "[]*targetgroup.Group");
  for (const Json& node : json) RETURN_IF_ERROR(ReadJsonGroup(node, &groups.emplace_back()));
  return groups;
}

Result<std::vector<TargetGroup>> ParseGroupsYaml(std::string_view text) {
  std::vector<TargetGroup> groups;
  try {
    const YAML::Node root = YAML::Load(std::string(text));
    if (root.IsNull()) return groups;
    if (!root.IsSequence()) return YamlError(root, "cannot unmarshal into []*targetgroup.Group");
    for (const YAML::Node& node : root) {
      RETURN_IF_ERROR(ReadYamlGroup(node, &groups.emplace_back()));
    }
  } catch (const YAML::Exception& e) {
    return InvalidArgumentError("yaml: line " + std::to_string(e.mark.line + 1) + ": " + e.msg);
  }
  return groups;
}

}  // namespace deucalion::scrape
