#include "model/matcher.h"

#include "model/value.h"

namespace deucalion {

std::string_view MatchTypeText(MatchType type) {
  switch (type) {
    case MatchType::kEqual:
      return "=";
    case MatchType::kNotEqual:
      return "!=";
    case MatchType::kRegexp:
      return "=~";
    case MatchType::kNotRegexp:
      return "!~";
  }
  return "";
}

Result<Matcher> Matcher::Make(MatchType type, std::string name, std::string value) {
  Matcher m;
  m.type_ = type;
  if (type == MatchType::kRegexp || type == MatchType::kNotRegexp) {
    ASSIGN_OR_RETURN(Regex regex, Regex::Compile(value));
    m.regex_.push_back(std::move(regex));
  }
  m.name_ = std::move(name);
  m.value_ = std::move(value);
  return m;
}

Matcher Matcher::Equal(std::string name, std::string value) {
  return std::move(Make(MatchType::kEqual, std::move(name), std::move(value))).value();
}

Matcher Matcher::NotEqual(std::string name, std::string value) {
  return std::move(Make(MatchType::kNotEqual, std::move(name), std::move(value))).value();
}

bool Matcher::Matches(std::string_view label_value) const {
  switch (type_) {
    case MatchType::kEqual:
      return label_value == value_;
    case MatchType::kNotEqual:
      return label_value != value_;
    case MatchType::kRegexp:
      return regex_[0].Matches(label_value);
    case MatchType::kNotRegexp:
      return !regex_[0].Matches(label_value);
  }
  return false;
}

std::string Matcher::ToString() const {
  std::string out = IsLegacyLabelName(name_) ? name_ : GoQuote(name_);
  out.append(MatchTypeText(type_)).append(GoQuote(value_));
  return out;
}

bool MatchesAll(const std::vector<Matcher>& matchers, LabelsView labels) {
  for (const Matcher& m : matchers) {
    if (!m.Matches(labels.Get(m.name()))) return false;
  }
  return true;
}

}  // namespace deucalion
