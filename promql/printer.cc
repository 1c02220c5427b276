// The text of a node is part of the text of its parent, so one pass over the tree also knows how
// long every node is. Prettify asks for that length at each node; printing each again would be
// quadratic.
#include "promql/printer.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <unordered_map>
#include <vector>

#include "model/duration.h"
#include "model/value.h"

namespace deucalion::promql {
namespace {

constexpr size_t kMaxLineBytes = 100;

void AppendLabels(std::string* out, const std::vector<std::string>& names) {
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) *out += ", ";
    *out += IsLegacyLabelName(names[i]) ? names[i] : GoQuote(names[i]);
  }
}

void AppendDuration(std::string* out, int64_t ms) {
  if (ms < 0) *out += '-';
  *out += FormatDuration(ms < 0 ? -ms : ms);
}

void AppendNumber(std::string* out, const NumberLiteral& n) {
  if (!n.duration) return AppendFloatF(out, n.value);
  // Through nanoseconds, cut to whole milliseconds.
  AppendDuration(out, static_cast<int64_t>(n.value * 1e9) / 1000000);
}

void AppendAt(std::string* out, const AtModifier& at) {
  switch (at.kind) {
    case AtModifier::Kind::kNone:
      return;
    case AtModifier::Kind::kTimestamp: {
      char text[64];
      std::snprintf(text, sizeof text, " @ %.3f", static_cast<double>(at.time_ms) / 1000.0);
      *out += text;
      return;
    }
    case AtModifier::Kind::kStart:
      *out += " @ start()";
      return;
    case AtModifier::Kind::kEnd:
      *out += " @ end()";
      return;
  }
}

void AppendExtended(std::string* out, const VectorSelector& v) {
  if (v.anchored) *out += " anchored";
  if (v.smoothed) *out += " smoothed";
}

void AppendMatching(std::string* out, const BinaryExpr& b) {
  using Card = VectorMatching::Card;
  if (b.return_bool) *out += " bool";
  if (!b.matching) return;
  const VectorMatching& m = *b.matching;
  const bool grouped = m.card == Card::kManyToOne || m.card == Card::kOneToMany;
  if (!m.labels.empty() || m.on || grouped) {
    *out += m.on ? " on (" : " ignoring (";
    AppendLabels(out, m.labels);
    *out += ')';
  }
  if (grouped) {
    *out += m.card == Card::kManyToOne ? " group_left (" : " group_right (";
    AppendLabels(out, m.include);
    *out += ')';
  }
  const auto fill = [&](std::string_view name, double value) {
    *out += ' ';
    *out += name;
    *out += " (";
    AppendFloatG(out, value);
    *out += ')';
  };
  const bool alike =
      m.fill_lhs && m.fill_rhs &&
      (*m.fill_lhs == *m.fill_rhs || (std::isnan(*m.fill_lhs) && std::isnan(*m.fill_rhs)));
  if (alike) return fill("fill", *m.fill_lhs);
  if (m.fill_lhs) fill("fill_left", *m.fill_lhs);
  if (m.fill_rhs) fill("fill_right", *m.fill_rhs);
}

void AppendAggregation(std::string* out, const AggregateExpr& a) {
  *out += AggregateOpText(a.op);
  if (!a.without && a.grouping.empty()) return;
  *out += a.without ? " without (" : " by (";
  AppendLabels(out, a.grouping);
  *out += ") ";
}

// ^ binds tighter than the sign of +Inf: with it the text, which begins at `begin`, would mean
// +(Inf ^ …).
void DropSignOfPower(const BinaryExpr& b, size_t begin, std::string* out) {
  if (b.op != BinaryOp::kPow || TryAs<NumberLiteral>(*b.lhs) == nullptr) return;
  const size_t text = out->find_first_not_of(' ', begin);
  if ((*out)[text] == '+') out->erase(text, 1);
}

class Printer {
 public:
  // Fills in how long the text of each node is; may be null.
  explicit Printer(std::unordered_map<const Expr*, size_t>* sizes) : sizes_(sizes) {}

  void Append(const Expr& e) {
    const size_t begin = out_.size();
    AppendNode(e);
    if (sizes_ != nullptr) (*sizes_)[&e] = out_.size() - begin;
  }
  void AppendSubquerySuffix(const SubqueryExpr& s);
  std::string Take() { return std::move(out_); }

 private:
  void AppendNode(const Expr& e);
  void AppendDurationExpr(const DurationExpr& d);
  void AppendDurationValue(const DurationValue& d);
  void AppendOffset(const DurationValue& offset);
  void AppendSelector(const VectorSelector& v);
  void AppendMatrix(const MatrixSelector& m);
  void AppendBinary(const BinaryExpr& b);
  void AppendAggregate(const AggregateExpr& a);
  void AppendCall(const Call& c);

  std::unordered_map<const Expr*, size_t>* const sizes_;
  std::string out_;
};

void Printer::AppendNode(const Expr& e) {
  switch (e.kind()) {
    case ExprKind::kNumberLiteral:
      return AppendNumber(&out_, As<NumberLiteral>(e));
    case ExprKind::kStringLiteral:
      out_ += GoQuote(As<StringLiteral>(e).value);
      return;
    case ExprKind::kVectorSelector: {
      const auto& v = As<VectorSelector>(e);
      AppendSelector(v);
      AppendAt(&out_, v.at);
      AppendExtended(&out_, v);
      return AppendOffset(v.offset);
    }
    case ExprKind::kMatrixSelector:
      return AppendMatrix(As<MatrixSelector>(e));
    case ExprKind::kSubquery:
      Append(*As<SubqueryExpr>(e).expr);
      return AppendSubquerySuffix(As<SubqueryExpr>(e));
    case ExprKind::kCall:
      return AppendCall(As<Call>(e));
    case ExprKind::kAggregate:
      return AppendAggregate(As<AggregateExpr>(e));
    case ExprKind::kBinary:
      return AppendBinary(As<BinaryExpr>(e));
    case ExprKind::kUnary:
      out_ += As<UnaryExpr>(e).negative ? '-' : '+';
      return Append(*As<UnaryExpr>(e).expr);
    case ExprKind::kParen:
      out_ += '(';
      Append(*As<ParenExpr>(e).expr);
      out_ += ')';
      return;
    case ExprKind::kDuration:
      return AppendDurationExpr(As<DurationExpr>(e));
  }
}

void Printer::AppendDurationExpr(const DurationExpr& d) {
  using Op = DurationExpr::Op;
  if (d.wrapped) out_ += '(';
  if (d.op == Op::kStep || d.op == Op::kRange) {
    out_ += DurationOpText(d.op);
    out_ += "()";
  } else if (d.op == Op::kMinOf || d.op == Op::kMaxOf) {
    out_ += DurationOpText(d.op);
    out_ += '(';
    Append(*d.lhs);
    out_ += ", ";
    Append(*d.rhs);
    out_ += ')';
  } else if (!d.lhs) {
    if (d.op == Op::kSub) out_ += '-';
    Append(*d.rhs);
  } else {
    Append(*d.lhs);
    out_ += ' ';
    out_ += DurationOpText(d.op);
    out_ += ' ';
    Append(*d.rhs);
  }
  if (d.wrapped) out_ += ')';
}

void Printer::AppendDurationValue(const DurationValue& d) {
  if (d.expr != nullptr) return AppendDurationExpr(*d.expr);
  AppendDuration(&out_, d.ms);
}

void Printer::AppendOffset(const DurationValue& offset) {
  if (offset.expr == nullptr && offset.ms == 0) return;
  out_ += " offset ";
  AppendDurationValue(offset);
}

void Printer::AppendSelector(const VectorSelector& v) {
  std::vector<std::string> texts;
  for (const Matcher& m : v.matchers) {
    const bool is_name = m.name() == kMetricName && m.type() == MatchType::kEqual &&
                         m.value() == v.name && !v.name.empty();
    if (!is_name) texts.push_back(m.ToString());
  }
  std::ranges::sort(texts);
  out_ += v.name;
  if (texts.empty() && !v.name.empty()) return;
  out_ += '{';
  for (size_t i = 0; i < texts.size(); ++i) {
    if (i > 0) out_ += ',';
    out_ += texts[i];
  }
  out_ += '}';
}

void Printer::AppendMatrix(const MatrixSelector& m) {
  const VectorSelector& v = m.vector();
  AppendSelector(v);
  out_ += '[';
  AppendDurationValue(m.range);
  out_ += ']';
  AppendExtended(&out_, v);
  AppendAt(&out_, v.at);
  AppendOffset(v.offset);
}

void Printer::AppendSubquerySuffix(const SubqueryExpr& s) {
  out_ += '[';
  AppendDurationValue(s.range);
  out_ += ':';
  if (s.step.ms != 0 || s.step.expr != nullptr) AppendDurationValue(s.step);
  out_ += ']';
  AppendAt(&out_, s.at);
  AppendOffset(s.offset);
}

void Printer::AppendBinary(const BinaryExpr& b) {
  const size_t begin = out_.size();
  Append(*b.lhs);
  DropSignOfPower(b, begin, &out_);
  out_ += ' ';
  out_ += BinaryOpText(b.op);
  AppendMatching(&out_, b);
  out_ += ' ';
  Append(*b.rhs);
}

void Printer::AppendAggregate(const AggregateExpr& a) {
  AppendAggregation(&out_, a);
  out_ += '(';
  if (a.param) {
    Append(*a.param);
    out_ += ", ";
  }
  Append(*a.expr);
  out_ += ')';
}

void Printer::AppendCall(const Call& c) {
  out_ += c.function->name;
  out_ += '(';
  for (size_t i = 0; i < c.args.size(); ++i) {
    if (i > 0) out_ += ", ";
    Append(*c.args[i]);
  }
  out_ += ')';
}

// Breaks what is too long for a line.
class PrettyPrinter {
 public:
  explicit PrettyPrinter(const Expr& root) {
    Printer printer(&sizes_);
    printer.Append(root);
  }

  void Append(const Expr& e, int level);
  std::string Take() { return std::move(out_); }

 private:
  bool FitsLine(const Expr& e) const { return sizes_.at(&e) <= kMaxLineBytes; }
  void Indent(int level) { out_.append(2 * static_cast<size_t>(level), ' '); }
  void AppendOneLine(const Expr& e) {
    Printer printer(nullptr);
    printer.Append(e);
    out_ += printer.Take();
  }
  void BreakAggregate(const AggregateExpr& a, int level);
  void BreakBinary(const BinaryExpr& b, int level);
  void BreakCall(const Call& c, int level);
  void BreakUnary(const UnaryExpr& u, int level);
  void AppendSubquery(const SubqueryExpr& s, int level);

  std::unordered_map<const Expr*, size_t> sizes_;
  std::string out_;
};

void PrettyPrinter::Append(const Expr& e, int level) {
  // The only node that is not indented by itself.
  if (e.kind() == ExprKind::kSubquery) return AppendSubquery(As<SubqueryExpr>(e), level);
  if (e.kind() == ExprKind::kUnary) return BreakUnary(As<UnaryExpr>(e), level);
  if (!FitsLine(e)) {
    switch (e.kind()) {
      case ExprKind::kAggregate:
        return BreakAggregate(As<AggregateExpr>(e), level);
      case ExprKind::kBinary:
        return BreakBinary(As<BinaryExpr>(e), level);
      case ExprKind::kCall:
        return BreakCall(As<Call>(e), level);
      case ExprKind::kParen:
        Indent(level);
        out_ += "(\n";
        Append(*As<ParenExpr>(e).expr, level + 1);
        out_ += '\n';
        Indent(level);
        out_ += ')';
        return;
      default:
        break;
    }
  }
  Indent(level);
  AppendOneLine(e);
}

void PrettyPrinter::BreakAggregate(const AggregateExpr& a, int level) {
  Indent(level);
  AppendAggregation(&out_, a);
  out_ += "(\n";
  if (a.param) {
    Append(*a.param, level + 1);
    out_ += ",\n";
  }
  Append(*a.expr, level + 1);
  out_ += '\n';
  Indent(level);
  out_ += ')';
}

void PrettyPrinter::BreakBinary(const BinaryExpr& b, int level) {
  const size_t begin = out_.size();
  Append(*b.lhs, level + 1);
  DropSignOfPower(b, begin, &out_);
  out_ += '\n';
  Indent(level);
  out_ += BinaryOpText(b.op);
  AppendMatching(&out_, b);
  out_ += '\n';
  Append(*b.rhs, level + 1);
}

void PrettyPrinter::BreakCall(const Call& c, int level) {
  Indent(level);
  out_ += c.function->name;
  out_ += "(\n";
  for (size_t i = 0; i < c.args.size(); ++i) {
    if (i > 0) out_ += ",\n";
    Append(*c.args[i], level + 1);
  }
  out_ += '\n';
  Indent(level);
  out_ += ')';
}

// The operand's own indent goes: the sign stands there.
void PrettyPrinter::BreakUnary(const UnaryExpr& u, int level) {
  Indent(level);
  out_ += u.negative ? '-' : '+';
  const size_t begin = out_.size();
  Append(*u.expr, level);
  const size_t text = out_.find_first_not_of(' ', begin);
  if (text != std::string::npos) out_.erase(begin, text - begin);
}

void PrettyPrinter::AppendSubquery(const SubqueryExpr& s, int level) {
  if (FitsLine(s)) return AppendOneLine(s);
  Append(*s.expr, level);
  Printer suffix(nullptr);
  suffix.AppendSubquerySuffix(s);
  out_ += suffix.Take();
}

}  // namespace

std::string_view DurationOpText(DurationExpr::Op op) {
  constexpr std::string_view kTexts[] = {"+", "-",    "*",     "/",      "%",
                                         "^", "step", "range", "min_of", "max_of"};
  return kTexts[static_cast<int>(op)];
}

std::string Print(const Expr& e) {
  Printer printer(nullptr);
  printer.Append(e);
  return printer.Take();
}

std::string Prettify(const Expr& e) {
  PrettyPrinter printer(e);
  printer.Append(e, 0);
  return printer.Take();
}

}  // namespace deucalion::promql
