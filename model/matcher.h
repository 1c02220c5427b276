// Matcher: one condition on one label, as in {job="x", instance!~"a.*"}. An absent label counts as
// "". Immutable, thread-safe, cheap to copy.
#ifndef DEUCALION_MODEL_MATCHER_H_
#define DEUCALION_MODEL_MATCHER_H_

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "model/labels.h"
#include "model/regex.h"

namespace deucalion {

enum class MatchType { kEqual, kNotEqual, kRegexp, kNotRegexp };
// "=", "!=", "=~", "!~".
std::string_view MatchTypeText(MatchType type);

class Matcher {
 public:
  // Fails only for the regular expression types.
  static Result<Matcher> Make(MatchType type, std::string name, std::string value);
  static Matcher Equal(std::string name, std::string value);
  static Matcher NotEqual(std::string name, std::string value);

  MatchType type() const { return type_; }
  const std::string& name() const { return name_; }
  const std::string& value() const { return value_; }
  bool Matches(std::string_view label_value) const;
  bool MatchesEmpty() const { return Matches(""); }
  bool negative() const { return type_ == MatchType::kNotEqual || type_ == MatchType::kNotRegexp; }
  // Null for kEqual and kNotEqual.
  const Regex* regex() const { return regex_.empty() ? nullptr : &regex_[0]; }
  // name="value", the name quoted when it is not a legacy one.
  std::string ToString() const;

  friend bool operator==(const Matcher& a, const Matcher& b) {
    return a.type_ == b.type_ && a.name_ == b.name_ && a.value_ == b.value_;
  }

 private:
  MatchType type_ = MatchType::kEqual;
  std::string name_;
  std::string value_;
  std::vector<Regex> regex_;  // none or one
};

bool MatchesAll(const std::vector<Matcher>& matchers, LabelsView labels);

}  // namespace deucalion

#endif  // DEUCALION_MODEL_MATCHER_H_
