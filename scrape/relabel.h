// Relabelling: rules that keep, drop or rewrite a label set. Used on targets, scraped samples,
// alerts and remote writes. Pure: the result depends on the rules and the labels only.
#ifndef DEUCALION_SCRAPE_RELABEL_H_
#define DEUCALION_SCRAPE_RELABEL_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "model/labels.h"
#include "model/regex.h"

namespace deucalion::scrape {

enum class RelabelAction {
  kReplace,
  kKeep,
  kDrop,
  kKeepEqual,
  kDropEqual,
  kHashMod,
  kLabelMap,
  kLabelDrop,
  kLabelKeep,
  kLowercase,
  kUppercase,
};
// "replace", …
std::string_view RelabelActionText(RelabelAction action);
// Any case. Error: unknown relabel action "x".
Result<RelabelAction> ParseRelabelAction(std::string_view text);

enum class NameValidation { kUtf8, kLegacy };

// One rule. Immutable after Validate, then thread-safe.
struct RelabelConfig {
  static constexpr std::string_view kDefaultRegex = "(.*)";

  std::vector<std::string> source_labels;
  std::string separator = ";";
  std::string regex{kDefaultRegex};  // anchored at both ends
  uint64_t modulus = 0;
  std::string target_label;
  std::string replacement = "$1";
  RelabelAction action = RelabelAction::kReplace;

  // Checks the rule in upstream's words and compiles the regular expression. Must have succeeded
  // before the rule is applied.
  Status Validate(NameValidation scheme = NameValidation::kUtf8);
  bool IsDefaultRegex() const { return regex == kDefaultRegex; }

  friend bool operator==(const RelabelConfig& a, const RelabelConfig& b) {
    return a.source_labels == b.source_labels && a.separator == b.separator && a.regex == b.regex &&
           a.modulus == b.modulus && a.target_label == b.target_label &&
           a.replacement == b.replacement && a.action == b.action && a.scheme == b.scheme;
  }

  // Set by Validate.
  std::vector<Regex> compiled;  // one
  NameValidation scheme = NameValidation::kUtf8;
};

// Applies the rules in order. False: the label set is dropped (what is in `labels` is then of no
// use).
bool Relabel(const std::vector<RelabelConfig>& rules, LabelsBuilder* labels);

}  // namespace deucalion::scrape

#endif  // DEUCALION_SCRAPE_RELABEL_H_
