#include "server/config/yaml_node.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <istream>
#include <map>
#include <streambuf>

#include "server/config/base64.h"

namespace deucalion::config {

// yaml-cpp limits the nesting to 500 by itself.
constexpr size_t kMaxNodes = 4'000'000;
// yaml.v2 begins to refuse documents that are mostly aliases at this many nodes.
constexpr uint64_t kMaxExpandedNodes = 4'000'000;

namespace {

// Thrown through yaml-cpp, which knows no other way to stop; caught in Parse.
struct TreeError {
  std::string message;
  YamlPosition at;
};

YamlPosition PositionOf(const YAML::Mark& mark) { return {mark.line + 1, mark.column + 1}; }

// Reads from memory without copying it.
class ViewBuffer : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view text) {
    char* begin = const_cast<char*>(text.data());
    setg(begin, begin, begin + text.size());
  }
};

// libyaml's words for what yaml-cpp found. Its own where there is no counterpart.
std::string ParserMessage(const std::string& message) {
  static const std::map<std::string_view, std::string_view> kWords = {
      {"illegal map value", "mapping values are not allowed in this context"},
      {"illegal block entry", "block sequence entries are not allowed in this context"},
      {"illegal map key", "mapping keys are not allowed in this context"},
      {"end of map flow not found", "did not find expected ',' or '}'"},
      {"end of sequence flow not found", "did not find expected ',' or ']'"},
      {"end of map not found", "did not find expected key"},
      {"end of sequence not found", "did not find expected '-' indicator"},
      {"illegal EOF in scalar", "found unexpected end of stream"},
      {"illegal tab when looking for indentation",
       "found a tab character that violates indentation"},
      {"unknown token", "found character that cannot start any token"},
      {"alias not found after *", "did not find expected alphabetic or numeric character"},
      {"anchor not found after &", "did not find expected alphabetic or numeric character"},
  };
  const auto it = kWords.find(message);
  return it == kWords.end() ? message : std::string(it->second);
}

// The name in "*name" at `position` of the text.
std::string AliasName(std::string_view text, int position) {
  if (position < 0 || static_cast<size_t>(position) >= text.size()) return "";
  std::string_view rest = text.substr(static_cast<size_t>(position));
  if (rest.starts_with('*')) rest.remove_prefix(1);
  return std::string(rest.substr(0, rest.find_first_of(" \t\r\n,[]{}")));
}

}  // namespace

// Builds the tree from yaml-cpp's events.
class YamlTreeBuilder : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Add(Make(YamlKind::kNull, mark), anchor, 1);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    YamlNode* node = Make(YamlKind::kScalar, mark);
    node->value = value;
    node->quoted = tag == "!";
    if (tag == "tag:yaml.org,2002:binary") {
      TakeBinary(node);
    } else if (tag != "!" && tag != "?") {
      node->tag = tag;
    }
    Add(node, anchor, 1);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto it = anchors_.find(anchor);
    if (it == anchors_.end() || it->second.open) {
      throw TreeError{"yaml: anchor '" + NameOf(anchor) + "' value contains itself",
                      PositionOf(mark)};
    }
    Attach(it->second.node, it->second.expanded, PositionOf(mark));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(Make(YamlKind::kSequence, mark), anchor);
  }
  void OnSequenceEnd() override { Close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(Make(YamlKind::kMap, mark), anchor);
  }
  void OnMapEnd() override { Close(); }

  void OnAnchor(const YAML::Mark&, const std::string& name) override { anchor_name_ = name; }

  // !!binary: base64 of a string of any bytes; lines may be broken.
  static void TakeBinary(YamlNode* node) {
    std::erase_if(node->value, [](char c) { return c == '\n' || c == '\r'; });
    std::string bytes;
    if (!DecodeBase64(node->value, &bytes)) {
      throw TreeError{"yaml: !!binary value contains invalid base64 data", node->at};
    }
    node->value = std::move(bytes);
    node->quoted = true;
  }

  YamlDocument Take() {
    if (root_ == nullptr) {
      root_ = &nodes_->emplace_back();
      nodes_->back().at = {1, 1};
    }
    YamlDocument document;
    document.root_ = root_;
    document.nodes_ = std::move(nodes_);
    return document;
  }

 private:
  struct Anchor {
    const YamlNode* node = nullptr;
    uint64_t expanded = 0;
    bool open = false;
    std::string name;
  };
  struct Level {
    YamlNode* node = nullptr;
    YAML::anchor_t anchor = 0;
    uint64_t expanded = 1;  // nodes below with aliases followed
  };

  YamlNode* Make(YamlKind kind, const YAML::Mark& mark) {
    if (nodes_->size() >= kMaxNodes) {
      throw TreeError{"yaml: document has too many nodes", PositionOf(mark)};
    }
    YamlNode* node = &nodes_->emplace_back();
    node->kind = kind;
    node->at = PositionOf(mark);
    return node;
  }

  std::string NameOf(YAML::anchor_t anchor) {
    const auto it = anchors_.find(anchor);
    return it == anchors_.end() ? "" : it->second.name;
  }

  void Add(YamlNode* node, YAML::anchor_t anchor, uint64_t expanded) {
    if (anchor != 0) anchors_[anchor] = {node, expanded, false, anchor_name_};
    Attach(node, expanded, node->at);
  }

  void Attach(const YamlNode* node, uint64_t expanded, YamlPosition at) {
    if (levels_.empty()) {
      root_ = node;
      return;
    }
    levels_.back().node->items.push_back(node);
    levels_.back().expanded += expanded;
    if (levels_.back().expanded > kMaxExpandedNodes) {
      throw TreeError{"yaml: document contains excessive aliasing", at};
    }
  }

  void Open(YamlNode* node, YAML::anchor_t anchor) {
    if (anchor != 0) anchors_[anchor] = {node, 0, true, anchor_name_};
    levels_.push_back({node, anchor, 1});
  }

  void Close() {
    const Level level = levels_.back();
    levels_.pop_back();
    if (level.anchor != 0) {
      Anchor& anchor = anchors_[level.anchor];
      anchor.open = false;
      anchor.expanded = level.expanded;
    }
    Attach(level.node, level.expanded, level.node->at);
  }

  std::shared_ptr<std::deque<YamlNode>> nodes_ = std::make_shared<std::deque<YamlNode>>();
  const YamlNode* root_ = nullptr;
  std::vector<Level> levels_;
  std::map<YAML::anchor_t, Anchor> anchors_;
  std::string anchor_name_;
};

Result<YamlDocument> YamlDocument::Parse(std::string_view text, YamlPosition* at) {
  YamlPosition ignored;
  if (at == nullptr) at = &ignored;
  *at = {1, 1};
  if (text.size() > kMaxBytes) {
    return ResourceExhaustedError("yaml: document of " + std::to_string(text.size()) +
                                  " bytes is larger than the limit of " +
                                  std::to_string(kMaxBytes));
  }
  try {
    ViewBuffer buffer(text);
    std::istream stream(&buffer);
    YAML::Parser parser(stream);
    YamlTreeBuilder builder;
    parser.HandleNextDocument(builder);
    return builder.Take();
  } catch (const TreeError& error) {
    *at = error.at;
    return InvalidArgumentError(error.message);
  } catch (const YAML::Exception& error) {
    *at = PositionOf(error.mark);
    constexpr std::string_view kAnchor = "the referenced anchor is not defined";
    if (error.msg.starts_with(kAnchor)) {
      return InvalidArgumentError("yaml: unknown anchor '" + AliasName(text, error.mark.pos) +
                                  "' referenced");
    }
    return InvalidArgumentError("yaml: line " + std::to_string(at->line) + ": " +
                                ParserMessage(error.msg));
  } catch (const std::exception& error) {
    return InvalidArgumentError(std::string("yaml: ") + error.what());
  }
}

}  // namespace deucalion::config
