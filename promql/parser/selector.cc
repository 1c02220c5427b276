// Selectors and series: name{label="value", …}.
#include "model/value.h"
#include "promql/parser/parser_impl.h"
#include "promql/parser/string_literal.h"

namespace deucalion::promql {
namespace {

using K = TokenKind;

std::optional<MatchType> MatchTypeOf(K kind) {
  switch (kind) {
    case K::kEqual:
      return MatchType::kEqual;
    case K::kNotEqual:
      return MatchType::kNotEqual;
    case K::kMatchRegexp:
      return MatchType::kRegexp;
    case K::kNotMatchRegexp:
      return MatchType::kNotRegexp;
    default:
      return std::nullopt;
  }
}

}  // namespace

bool CanNameMetric(TokenKind kind) {
  switch (kind) {
    case K::kIdentifier:
    case K::kMetricIdentifier:
    case K::kAnd:
    case K::kOr:
    case K::kUnless:
    case K::kBy:
    case K::kOffset:
    case K::kWithout:
    case K::kAnchored:
    case K::kSmoothed:
      return true;
    default:
      return IsAggregation(kind) || kind >= K::kStart;
  }
}

// `name` was taken already; null for a selector that begins with its brace.
std::unique_ptr<VectorSelector> Parser::ParseSelector(const Token* name) {
  auto v = std::make_unique<VectorSelector>();
  if (name != nullptr) v->span = name->span;
  if (PeekKind() == K::kLeftBrace) {
    const uint32_t open = Peek().span.begin;
    if (!ParseMatchers(v.get())) return nullptr;
    v->span = {name != nullptr ? name->span.begin : open, closing_};
  }
  if (failed()) return nullptr;
  if (name != nullptr) {
    v->name = TextOf(*name);
    v->matchers.push_back(Matcher::Equal(std::string(kMetricName), v->name));
  }
  return v;
}

bool Parser::ParseMatchers(VectorSelector* v) {
  Take();
  while (!Accept(K::kRightBrace)) {
    if (!ParseMatcher(v)) return false;
    if (Accept(K::kComma)) continue;
    if (Accept(K::kRightBrace)) return true;
    Unexpected("label matching", "\",\" or \"}\"");
    return false;
  }
  return true;
}

bool Parser::ParseMatcher(VectorSelector* v) {
  constexpr std::string_view kWhere = "label matching";
  const bool quoted = PeekKind() == K::kString;
  if (!quoted && PeekKind() != K::kIdentifier) {
    Unexpected(kWhere, "identifier or \"}\"");
    return false;
  }
  const Token label = Take();
  std::string name = quoted ? UnquoteString(TextOf(label)) : std::string(TextOf(label));
  const std::optional<MatchType> type = MatchTypeOf(PeekKind());
  if (failed()) return false;
  if (!type) {
    if (!quoted) {
      Unexpected(kWhere, "label matching operator");
      return false;
    }
    return AddMatcher(v, label.span, MatchType::kEqual, std::string(kMetricName), std::move(name));
  }
  Take();
  Token value;
  if (!Accept(K::kString, &value)) {
    Unexpected(kWhere, "string");
    return false;
  }
  return AddMatcher(v, {label.span.begin, value.span.end}, *type, std::move(name),
                    UnquoteString(TextOf(value)));
}

bool Parser::AddMatcher(VectorSelector* v, Span at, MatchType type, std::string name,
                        std::string value) {
  Result<Matcher> m = Matcher::Make(type, std::move(name), std::move(value));
  if (!m.ok()) {
    Fail(at, m.status().message());
    return false;
  }
  v->matchers.push_back(*std::move(m));
  return true;
}

bool Parser::ParseLabelSet(LabelsBuilder* labels) {
  if (!Accept(K::kLeftBrace)) return !failed();
  while (!Accept(K::kRightBrace)) {
    if (!ParseLabel(labels)) return false;
    if (Accept(K::kComma)) continue;
    if (Accept(K::kRightBrace)) return true;
    Unexpected("label set", "\",\" or \"}\"");
    return false;
  }
  return true;
}

bool Parser::ParseLabel(LabelsBuilder* labels) {
  constexpr std::string_view kWhere = "label set";
  const bool quoted = PeekKind() == K::kString;
  if (!quoted && PeekKind() != K::kIdentifier) {
    Unexpected(kWhere, "identifier or \"}\"");
    return false;
  }
  const Token label = Take();
  const std::string name = quoted ? UnquoteString(TextOf(label)) : std::string(TextOf(label));
  if (!Accept(K::kEqual)) {
    if (failed()) return false;
    if (quoted) {
      labels->Set(kMetricName, name);
      return true;
    }
    Unexpected(kWhere, "\"=\"");
    return false;
  }
  Token value;
  if (!Accept(K::kString, &value)) {
    Unexpected(kWhere, "string");
    return false;
  }
  labels->Set(name, UnquoteString(TextOf(value)));
  return true;
}

}  // namespace deucalion::promql
