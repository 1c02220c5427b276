#include "promql/ast_json.h"

#include <cmath>
#include <cstdio>

#include "model/utf8.h"
#include "model/value.h"
#include "promql/printer.h"

namespace deucalion::promql {
namespace {

// Go's encoding/json: <, > and & escaped as well, invalid UTF-8 replaced.
void AppendJsonString(std::string* out, std::string_view text) {
  *out += '"';
  while (!text.empty()) {
    const Utf8Rune r = DecodeUtf8(text);
    const char c = text[0];
    const bool control = r.size == 1 && static_cast<unsigned char>(c) < 0x20;
    if (c == '"' || c == '\\') {
      *out += '\\';
      *out += c;
    } else if (c == '\n') {
      *out += "\\n";
    } else if (c == '\r') {
      *out += "\\r";
    } else if (c == '\t') {
      *out += "\\t";
    } else if (control || c == '<' || c == '>' || c == '&' || r.rune == 0x2028 ||
               r.rune == 0x2029 || !r.valid) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x",
                    r.valid ? static_cast<unsigned>(r.rune) : 0xfffdu);
      *out += escape;
    } else {
      out->append(text.substr(0, r.size));
    }
    text.remove_prefix(r.size);
  }
  *out += '"';
}

std::string Quoted(std::string_view text) {
  std::string out;
  AppendJsonString(&out, text);
  return out;
}

std::string Bool(bool b) { return b ? "true" : "false"; }

std::string Number(std::optional<double> v) {
  if (!v || !std::isfinite(*v)) return "null";
  std::string out;
  AppendFloatJson(&out, *v);
  return out;
}

class JsonWriter {
 public:
  void Append(const Expr& e);
  std::string Take() { return std::move(out_); }

 private:
  void Key(std::string_view name) {
    if (out_.back() != '{') out_ += ',';
    AppendJsonString(&out_, name);
    out_ += ':';
  }
  void Field(std::string_view name, std::string_view json) {
    Key(name);
    out_ += json;
  }
  void ExprField(std::string_view name, const ExprPtr& e) {
    Key(name);
    if (e) {
      Append(*e);
    } else {
      out_ += "null";
    }
  }
  void DurationField(std::string_view name, const DurationExpr* e) {
    Key(name);
    if (e != nullptr) {
      AppendDuration(*e);
    } else {
      out_ += "null";
    }
  }
  void ListField(std::string_view name, const std::vector<std::string>& list);
  void AppendAggregate(const AggregateExpr& a);
  void AppendBinary(const BinaryExpr& b);
  void AppendCall(const Call& c);
  void AppendDuration(const Expr& e);
  void MatchersField(const VectorSelector& v);
  void AtFields(const AtModifier& at, bool start_or_end);
  void AppendSelector(const VectorSelector& v, const DurationValue* range);
  void AppendSubquery(const SubqueryExpr& s);

  std::string out_;
};

void JsonWriter::Append(const Expr& e) {
  switch (e.kind()) {
    case ExprKind::kAggregate:
      return AppendAggregate(As<AggregateExpr>(e));
    case ExprKind::kBinary:
      return AppendBinary(As<BinaryExpr>(e));
    case ExprKind::kCall:
      return AppendCall(As<Call>(e));
    case ExprKind::kMatrixSelector:
      return AppendSelector(As<MatrixSelector>(e).vector(), &As<MatrixSelector>(e).range);
    case ExprKind::kVectorSelector:
      return AppendSelector(As<VectorSelector>(e), nullptr);
    case ExprKind::kSubquery:
      return AppendSubquery(As<SubqueryExpr>(e));
    case ExprKind::kDuration:
      return AppendDuration(e);
    case ExprKind::kNumberLiteral:
      out_ += "{\"type\":\"numberLiteral\",\"val\":";
      AppendJsonString(&out_, FormatFloatF(As<NumberLiteral>(e).value));
      break;
    case ExprKind::kStringLiteral:
      out_ += "{\"type\":\"stringLiteral\",\"val\":";
      AppendJsonString(&out_, As<StringLiteral>(e).value);
      break;
    case ExprKind::kParen:
      out_ += '{';
      ExprField("expr", As<ParenExpr>(e).expr);
      Field("type", "\"parenExpr\"");
      break;
    case ExprKind::kUnary:
      out_ += '{';
      ExprField("expr", As<UnaryExpr>(e).expr);
      Field("op", As<UnaryExpr>(e).negative ? "\"-\"" : "\"+\"");
      Field("type", "\"unaryExpr\"");
      break;
  }
  out_ += '}';
}

void JsonWriter::ListField(std::string_view name, const std::vector<std::string>& list) {
  Key(name);
  out_ += '[';
  for (size_t i = 0; i < list.size(); ++i) {
    if (i > 0) out_ += ',';
    AppendJsonString(&out_, list[i]);
  }
  out_ += ']';
}

void JsonWriter::AppendAggregate(const AggregateExpr& a) {
  out_ += '{';
  ExprField("expr", a.expr);
  ListField("grouping", a.grouping);
  Field("op", Quoted(AggregateOpText(a.op)));
  ExprField("param", a.param);
  Field("type", "\"aggregation\"");
  Field("without", Bool(a.without));
  out_ += '}';
}

void JsonWriter::AppendBinary(const BinaryExpr& b) {
  out_ += '{';
  Field("bool", Bool(b.return_bool));
  ExprField("lhs", b.lhs);
  Key("matching");
  if (b.matching) {
    const VectorMatching& m = *b.matching;
    out_ += '{';
    Field("card", Quoted(CardText(m.card)));
    Field("fillValues", "{\"lhs\":" + Number(m.fill_lhs) + ",\"rhs\":" + Number(m.fill_rhs) + "}");
    ListField("include", m.include);
    ListField("labels", m.labels);
    Field("on", Bool(m.on));
    out_ += '}';
  } else {
    out_ += "null";
  }
  Field("op", Quoted(BinaryOpText(b.op)));
  ExprField("rhs", b.rhs);
  Field("type", "\"binaryExpr\"");
  out_ += '}';
}

void JsonWriter::AppendCall(const Call& c) {
  out_ += "{\"args\":[";
  for (size_t i = 0; i < c.args.size(); ++i) {
    if (i > 0) out_ += ',';
    Append(*c.args[i]);
  }
  out_ += "],\"func\":{\"argTypes\":[";
  const auto types = c.function->arg_types();
  for (size_t i = 0; i < types.size(); ++i) {
    if (i > 0) out_ += ',';
    AppendJsonString(&out_, ValueTypeText(types[i]));
  }
  out_ += ']';
  Field("name", Quoted(c.function->name));
  Field("returnType", Quoted(ValueTypeText(c.function->result)));
  Field("variadic", std::to_string(c.function->variadic));
  out_ += '}';
  Field("type", "\"call\"");
  out_ += '}';
}

void JsonWriter::AppendDuration(const Expr& e) {
  out_ += '{';
  if (const auto* n = TryAs<NumberLiteral>(e)) {
    Field("duration", Bool(n->duration));
    Field("type", "\"numberLiteral\"");
    Field("val", Quoted(FormatFloatF(n->value)));
  } else {
    const auto& d = As<DurationExpr>(e);
    const auto operand = [&](std::string_view name, const ExprPtr& side) {
      Key(name);
      if (side) {
        AppendDuration(*side);
      } else {
        out_ += "null";
      }
    };
    operand("lhs", d.lhs);
    Field("op", Quoted(DurationOpText(d.op)));
    operand("rhs", d.rhs);
    Field("type", "\"durationExpr\"");
    Field("wrapped", Bool(d.wrapped));
  }
  out_ += '}';
}

void JsonWriter::MatchersField(const VectorSelector& v) {
  Key("matchers");
  out_ += '[';
  for (const Matcher& m : v.matchers) {
    if (out_.back() != '[') out_ += ',';
    out_ += '{';
    Field("name", Quoted(m.name()));
    Field("type", Quoted(MatchTypeText(m.type())));
    Field("value", Quoted(m.value()));
    out_ += '}';
  }
  out_ += ']';
}

void JsonWriter::AtFields(const AtModifier& at, bool start_or_end) {
  if (start_or_end) {
    const bool start = at.kind == AtModifier::Kind::kStart;
    const bool either = start || at.kind == AtModifier::Kind::kEnd;
    Field("startOrEnd", !either ? "null" : (start ? "\"start\"" : "\"end\""));
    return;
  }
  const bool fixed = at.kind == AtModifier::Kind::kTimestamp;
  Field("timestamp", fixed ? std::to_string(at.time_ms) : "null");
}

// `range` makes it a matrix selector.
void JsonWriter::AppendSelector(const VectorSelector& v, const DurationValue* range) {
  out_ += '{';
  Field("anchored", Bool(v.anchored));
  MatchersField(v);
  Field("name", Quoted(v.name));
  Field("offset", std::to_string(v.offset.ms));
  DurationField("offsetExpr", v.offset.expr.get());
  if (range != nullptr) {
    Field("range", std::to_string(range->ms));
    DurationField("rangeExpr", range->expr.get());
  }
  Field("smoothed", Bool(v.smoothed));
  AtFields(v.at, /*start_or_end=*/true);
  AtFields(v.at, /*start_or_end=*/false);
  Field("type", range != nullptr ? "\"matrixSelector\"" : "\"vectorSelector\"");
  out_ += '}';
}

void JsonWriter::AppendSubquery(const SubqueryExpr& s) {
  out_ += '{';
  ExprField("expr", s.expr);
  Field("offset", std::to_string(s.offset.ms));
  DurationField("offsetExpr", s.offset.expr.get());
  Field("range", std::to_string(s.range.ms));
  DurationField("rangeExpr", s.range.expr.get());
  AtFields(s.at, /*start_or_end=*/true);
  Field("step", std::to_string(s.step.ms));
  DurationField("stepExpr", s.step.expr.get());
  AtFields(s.at, /*start_or_end=*/false);
  Field("type", "\"subquery\"");
  out_ += '}';
}

}  // namespace

std::string AstJson(const Expr& e) {
  JsonWriter writer;
  writer.Append(e);
  return writer.Take();
}

}  // namespace deucalion::promql
