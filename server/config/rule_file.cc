#include "server/config/rule_file.h"

#include <set>

#include "model/labels.h"
#include "model/value.h"
#include "server/config/codecs.h"

namespace deucalion::config {
namespace {

// A value together with where it stands.
struct Placed {
  std::string text;
  YamlPosition at;
};

struct PlacedText {
  using Value = Placed;
  static Status Read(Decoder& d, const YamlNode& node, Value* out) {
    ReadText(d, node, "string", &out->text);
    out->at = node.at;
    return OkStatus();
  }
  static bool Empty(const Value& v) { return v.text.empty(); }
  static YamlValue Print(const Value& v) { return YamlValue::Text(v.text); }
};

struct OptionalDuration {
  using Value = std::optional<int64_t>;
  static Status Read(Decoder& d, const YamlNode& node, Value* out) {
    out->reset();
    if (IsNull(node)) return OkStatus();
    return ReadDurationMs(d, node, &out->emplace());
  }
  static bool Empty(const Value& v) { return !v.has_value(); }
  static YamlValue Print(const Value& v) { return YamlValue::Text(DurationText(*v)); }
};

struct RuleNode {
  Placed record;
  Placed alert;
  Placed expr;
  int64_t for_ms = 0;
  int64_t keep_firing_for_ms = 0;
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;
};

struct GroupNode {
  YamlPosition at;
  std::string name;
  int64_t interval_ms = 0;
  std::optional<int64_t> query_offset_ms;
  int limit = 0;
  std::vector<RuleNode> rules;
  std::map<std::string, std::string> labels;
};

struct FileNode {
  std::vector<GroupNode> groups;
};

const Section<RuleNode>& RuleSection() {
  static const Section<RuleNode> section{
      "rulefmt.Rule",
      {
          Key<PlacedText, &RuleNode::record>("record"),
          Key<PlacedText, &RuleNode::alert>("alert"),
          Key<PlacedText, &RuleNode::expr>("expr"),
          Key<Duration, &RuleNode::for_ms>("for"),
          Key<Duration, &RuleNode::keep_firing_for_ms>("keep_firing_for"),
          Key<TextMap, &RuleNode::labels>("labels"),
          Key<TextMap, &RuleNode::annotations>("annotations"),
      }};
  return section;
}

// Lists of values, not pointers: a null element is an empty one.
template <typename S, const Section<S>& (*Get)()>
Status ReadList(Decoder& d, const YamlNode& node, std::string_view go_type, std::vector<S>* out) {
  out->clear();
  if (IsNull(node)) return OkStatus();
  if (node.kind != YamlKind::kSequence) {
    d.Mismatch(node, go_type);
    return OkStatus();
  }
  for (const YamlNode* item : node.items) {
    S& element = out->emplace_back();
    if constexpr (requires { element.at; }) element.at = item->at;
    RETURN_IF_ERROR(ReadSection(d, *item, Get(), &element));
  }
  return OkStatus();
}

struct Rules {
  using Value = std::vector<RuleNode>;
  static Status Read(Decoder& d, const YamlNode& node, Value* out) {
    return ReadList<RuleNode, RuleSection>(d, node, "[]rulefmt.Rule", out);
  }
  static bool Empty(const Value& v) { return v.empty(); }
  static YamlValue Print(const Value&) { return YamlValue::Sequence(); }
};

const Section<GroupNode>& GroupSection() {
  static const Section<GroupNode> section{
      "rulefmt.RuleGroup",
      {
          Key<Text, &GroupNode::name>("name"),
          Key<Duration, &GroupNode::interval_ms>("interval"),
          Key<OptionalDuration, &GroupNode::query_offset_ms>("query_offset"),
          Key<Int, &GroupNode::limit>("limit"),
          Key<Rules, &GroupNode::rules>("rules"),
          Key<TextMap, &GroupNode::labels>("labels"),
      }};
  return section;
}

struct Groups {
  using Value = std::vector<GroupNode>;
  static Status Read(Decoder& d, const YamlNode& node, Value* out) {
    return ReadList<GroupNode, GroupSection>(d, node, "[]rulefmt.RuleGroup", out);
  }
  static bool Empty(const Value& v) { return v.empty(); }
  static YamlValue Print(const Value&) { return YamlValue::Sequence(); }
};

const Section<FileNode>& FileSection() {
  static const Section<FileNode> section{"rulefmt.RuleGroups",
                                         {Key<Groups, &FileNode::groups>("groups")}};
  return section;
}

std::string Place(YamlPosition at) {
  return std::to_string(at.line) + ":" + std::to_string(at.column) + ": ";
}

// Collects what is wrong with the rules of one file.
class Checker {
 public:
  Checker(const std::string& path, const RuleChecks& checks) : path_(path), checks_(checks) {}

  void Check(const FileNode& file) {
    std::set<std::string> names;
    for (const GroupNode& group : file.groups) {
      if (group.name.empty()) Add(Place(group.at) + "Groupname must not be empty");
      if (!names.insert(group.name).second) {
        Add(Place(group.at) + "groupname: \"" + group.name + "\" is repeated in the same file");
      }
      CheckLabels(group.labels, "");
      for (size_t i = 0; i < group.rules.size(); ++i) CheckRule(group, i);
    }
  }

  const std::string& errors() const { return errors_; }

 private:
  void Add(const std::string& what) {
    if (!errors_.empty()) errors_ += "\n";
    if (!path_.empty()) errors_ += path_ + ": ";
    errors_ += what;
  }

  void CheckLabels(const std::map<std::string, std::string>& labels, const std::string& where) {
    for (const auto& [name, value] : labels) {
      if (!ValidLabelName(name) || name == kMetricName) Add(where + "invalid label name: " + name);
      if (!IsValidUtf8(value)) Add(where + "invalid label value: " + value);
    }
  }

  bool ValidLabelName(const std::string& name) const {
    return checks_.names == scrape::NameValidation::kLegacy ? IsLegacyLabelName(name)
                                                            : IsValidLabelName(name);
  }

  void CheckRule(const GroupNode& group, size_t index) {
    const RuleNode& rule = group.rules[index];
    const std::string& name = rule.alert.text.empty() ? rule.record.text : rule.alert.text;
    const std::string where = "group " + GoQuote(group.name) + ", rule " +
                              std::to_string(index + 1) + ", " + GoQuote(name) + ": ";
    const std::string at_record = Place(rule.record.at);
    const std::string at_both = at_record + Place(rule.alert.at);
    if (!rule.record.text.empty() && !rule.alert.text.empty()) {
      Add(at_both + where + "only one of 'record' and 'alert' must be set");
    }
    if (rule.record.text.empty() && rule.alert.text.empty()) {
      Add(at_both + where + "one of 'record' or 'alert' must be set");
    }
    CheckExpression(rule, where);
    if (!rule.record.text.empty()) CheckRecording(rule, at_record + where);
    CheckLabels(rule.labels, where);
    for (const auto& [annotation, text] : rule.annotations) {
      if (!ValidLabelName(annotation)) Add(where + "invalid annotation name: " + annotation);
    }
    if (!rule.alert.text.empty()) CheckTemplates(rule, where);
  }

  void CheckExpression(const RuleNode& rule, const std::string& where) {
    if (rule.expr.text.empty()) {
      Add(Place(rule.expr.at) + where + "field 'expr' must be set in rule");
    } else if (checks_.expression) {
      const Status status = checks_.expression(rule.expr.text);
      if (!status.ok()) {
        Add(Place(rule.expr.at) + where +
            "could not parse expression: " + std::string(status.message()));
      }
    }
  }

  void CheckRecording(const RuleNode& rule, const std::string& where) {
    const std::string& name = rule.record.text;
    if (!rule.annotations.empty()) Add(where + "invalid field 'annotations' in recording rule");
    if (rule.for_ms != 0) Add(where + "invalid field 'for' in recording rule");
    if (rule.keep_firing_for_ms != 0) {
      Add(where + "invalid field 'keep_firing_for' in recording rule");
    }
    const bool valid = checks_.names == scrape::NameValidation::kLegacy ? IsLegacyMetricName(name)
                                                                        : IsValidMetricName(name);
    if (!valid) Add(where + "invalid recording rule name: " + name);
    if (name.find_first_of("{}") != std::string::npos) {
      Add(where + "braces present in the recording rule name; should it be in expr?: " + name);
    }
  }

  void CheckTemplates(const RuleNode& rule, const std::string& where) {
    if (!checks_.text_template) return;
    const auto check = [&](const auto& texts, const std::string& what) {
      for (const auto& [name, text] : texts) {
        const Status status = checks_.text_template(text);
        if (!status.ok()) {
          Add(where + what + " " + GoQuote(name) + ": " + std::string(status.message()));
        }
      }
    };
    check(rule.labels, "label");
    check(rule.annotations, "annotation");
  }

  const std::string path_;
  const RuleChecks& checks_;
  std::string errors_;
};

Rule TakeRule(RuleNode node) {
  return {.record = std::move(node.record.text),
          .alert = std::move(node.alert.text),
          .expr = std::move(node.expr.text),
          .for_ms = node.for_ms,
          .keep_firing_for_ms = node.keep_firing_for_ms,
          .labels = std::move(node.labels),
          .annotations = std::move(node.annotations)};
}

RuleGroup TakeGroup(GroupNode node) {
  RuleGroup group{.name = std::move(node.name),
                  .interval_ms = node.interval_ms,
                  .query_offset_ms = node.query_offset_ms,
                  .limit = node.limit,
                  .labels = std::move(node.labels)};
  for (RuleNode& rule : node.rules) group.rules.push_back(TakeRule(std::move(rule)));
  return group;
}

}  // namespace

Result<RuleFile> ParseRuleFile(const std::string& path, std::string_view text,
                               const RuleChecks& checks) {
  YamlPosition at;
  Result<YamlDocument> document = YamlDocument::Parse(text, &at);
  if (!document.ok()) {
    return Status(document.status().code(),
                  FilePosition(path, at) + ": " + std::string(document.status().message()));
  }
  Decoder d(checks.ignore_unknown_fields ? UnknownFields::kIgnored : UnknownFields::kRefused);
  FileNode file;
  RETURN_IF_ERROR(d.FinishPlain(path, ReadSection(d, document->root(), FileSection(), &file)));
  Checker checker(path, checks);
  checker.Check(file);
  if (!checker.errors().empty()) return InvalidArgumentError(checker.errors());
  RuleFile out{.path = path, .groups = {}};
  for (GroupNode& group : file.groups) out.groups.push_back(TakeGroup(std::move(group)));
  return out;
}

}  // namespace deucalion::config
