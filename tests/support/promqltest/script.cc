#include "tests/support/promqltest/script.h"

#include <cerrno>
#include <cstdlib>

#include "model/duration.h"
#include "model/value.h"
#include "promql/parser/parser.h"
#include "promql/parser/string_literal.h"
#include "tests/support/promqltest/start_line.h"
#include "tests/support/promqltest/words.h"

namespace deucalion::promqltest {
namespace {

using promql::SequenceValue;

Status Bad(std::string message) { return InvalidArgumentError(std::move(message)); }

std::string LowerCase(std::string_view word) {
  std::string out(word);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  }
  return out;
}

// Lines without blanks around them; comments are empty lines.
std::vector<std::string_view> Lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t n = text.find('\n');
    const std::string_view line = Trim(text.substr(0, n));
    lines.push_back(line.starts_with('#') ? std::string_view() : line);
    text = n == std::string_view::npos ? std::string_view() : text.substr(n + 1);
  }
  return lines;
}

// Go's strconv.ParseInt(s, 0, 64), then ParseFloat.
std::optional<double> ParseGoNumber(std::string_view line) {
  const std::string text(line);
  const size_t sign = text.starts_with('-') || text.starts_with('+') ? 1 : 0;
  if (text.size() == sign) return std::nullopt;
  const std::string prefix = LowerCase(text.substr(sign, 2));
  int base = 10;
  size_t skip = 0;
  if (prefix == "0x") base = 16, skip = 2;
  if (prefix == "0b") base = 2, skip = 2;
  if (prefix == "0o") base = 8, skip = 2;
  if (base == 10 && prefix.size() == 2 && prefix[0] == '0') base = 8;
  std::string digits = text.substr(sign + skip);
  std::erase(digits, '_');
  char* end = nullptr;
  errno = 0;
  const long long integer = std::strtoll(digits.c_str(), &end, base);
  const bool digit_first = std::isxdigit(static_cast<unsigned char>(digits[0])) != 0;
  if (errno == 0 && *end == '\0' && !digits.empty() && digit_first) {
    return static_cast<double>(text[0] == '-' ? -integer : integer);
  }
  Result<double> value = ParseFloat(text);
  if (!value.ok()) return std::nullopt;
  return *value;
}

class ScriptParser {
 public:
  explicit ScriptParser(std::string_view text) : lines_(Lines(text)) {}

  std::vector<Command> ParseAll();

 private:
  Status ParseLoad(LoadCommand* load);
  Status ParseEval(EvalCommand* eval);
  Status ParseEvalLine(EvalCommand* eval);
  Status ParseInstant(std::string_view line, EvalCommand* eval);
  Status ParseRange(std::string_view line, EvalCommand* eval);
  Status ParseExpectation(std::string_view line, EvalCommand* eval, bool* ends);
  Status ParseExpect(std::string_view line, EvalCommand* eval);
  Status ParseSteps(std::string_view line, EvalCommand* eval, std::string_view* rest);
  Status ParseExpectedSeries(std::string_view line, EvalCommand* eval);
  bool InBlock() const { return at_ < lines_.size() && !lines_[at_].empty(); }

  const std::vector<std::string_view> lines_;
  size_t at_ = 0;
};

std::vector<Command> ScriptParser::ParseAll() {
  std::vector<Command> commands;
  while (at_ < lines_.size()) {
    if (lines_[at_].empty()) {
      ++at_;
      continue;
    }
    Command command;
    command.line = static_cast<int>(at_) + 1;
    const std::string word = LowerCase(FirstWord(lines_[at_]));
    Status status;
    if (word == "clear") {
      ++at_;
    } else if (word.starts_with("load")) {
      command.kind = Command::Kind::kLoad;
      status = ParseLoad(&command.load);
    } else if (word.starts_with("eval")) {
      command.kind = Command::Kind::kEval;
      status = ParseEval(&command.eval);
    } else {
      status = Bad("invalid command \"" + std::string(lines_[at_]) + "\"");
    }
    if (!status.ok()) {
      command.error = status.message();
      while (InBlock()) ++at_;
    }
    commands.push_back(std::move(command));
  }
  return commands;
}

Status ScriptParser::ParseLoad(LoadCommand* load) {
  std::string_view line = lines_[at_++];
  const std::string_view word = TakeWord(&line);
  load->with_nhcb = word == "load_with_nhcb";
  if (!load->with_nhcb && word != "load") return Bad("invalid load command");
  ASSIGN_OR_RETURN(load->step_ms, ParseDuration(line));
  StartLine defaults;
  std::optional<StartLine> pending;
  for (; InBlock(); ++at_) {
    if (IsStartLine(lines_[at_])) {
      if (pending) return Bad("@st line has no following sample line");
      ASSIGN_OR_RETURN(StartLine start, ParseStartLine(lines_[at_]));
      if (start.labels) {
        pending = std::move(start);
      } else {
        defaults = std::move(start);
      }
      continue;
    }
    Result<promql::SeriesDescription> series = promql::ParseSeriesDescription(lines_[at_]);
    if (!series.ok()) return series.TakeStatus();
    LoadedSeries loaded{std::move(series->labels), std::move(series->values), {}};
    if (pending) {
      if (*pending->labels != loaded.labels) {
        return Bad("@st metric does not match the following sample line metric");
      }
      if (pending->offsets_ms.size() != loaded.values.size()) {
        return Bad("@st line has " + std::to_string(pending->offsets_ms.size()) +
                   " values but sample line has " + std::to_string(loaded.values.size()));
      }
      loaded.start_offsets_ms = std::move(pending->offsets_ms);
      pending.reset();
    } else if (!defaults.offsets_ms.empty()) {
      for (size_t i = 0; i < loaded.values.size(); ++i) {
        loaded.start_offsets_ms.push_back(defaults.offsets_ms[i % defaults.offsets_ms.size()]);
      }
    }
    // The last of two lines for the same series counts.
    std::erase_if(load->series,
                  [&](const LoadedSeries& other) { return other.labels == loaded.labels; });
    load->series.push_back(std::move(loaded));
  }
  if (pending) return Bad("@st line has no following sample line");
  return OkStatus();
}

Status ScriptParser::ParseEval(EvalCommand* eval) {
  RETURN_IF_ERROR(ParseEvalLine(eval));
  bool ends = false;
  for (; InBlock() && !ends; ++at_) {
    RETURN_IF_ERROR(ParseExpectation(lines_[at_], eval, &ends));
  }
  return OkStatus();
}

Status ScriptParser::ParseEvalLine(EvalCommand* eval) {
  std::string_view line = lines_[at_++];
  const std::string_view word = TakeWord(&line);
  const std::string_view mode = TakeWord(&line);
  eval->range = mode == "range";
  if (!eval->range && mode != "instant") return Bad("invalid evaluation command");
  if (word == "eval_fail") {
    eval->fail = true;
  } else if (word == "eval_warn") {
    eval->some_warning = true;
  } else if (word == "eval_info") {
    eval->some_info = true;
  } else if (word == "eval_ordered" && !eval->range) {
    eval->ordered = true;
  } else if (word != "eval") {
    return Bad("invalid evaluation command");
  }
  RETURN_IF_ERROR(eval->range ? ParseRange(line, eval) : ParseInstant(line, eval));
  return promql::Parse(eval->expr, promql::ParserOptions::AllEnabled()).status();
}

Status ScriptParser::ParseInstant(std::string_view line, EvalCommand* eval) {
  if (TakeWord(&line) != "at") return Bad("invalid evaluation command: no time");
  ASSIGN_OR_RETURN(eval->time_ms, ParseDuration(TakeWord(&line)));
  eval->expr = line;
  return OkStatus();
}

// "from A to B step C rest".
Status ScriptParser::ParseSteps(std::string_view line, EvalCommand* eval, std::string_view* rest) {
  int64_t* const targets[] = {&eval->start_ms, &eval->end_ms, &eval->step_ms};
  constexpr std::string_view kWords[] = {"from", "to", "step"};
  for (int i = 0; i < 3; ++i) {
    if (TakeWord(&line) != kWords[i]) return Bad("invalid range definition");
    ASSIGN_OR_RETURN(*targets[i], ParseDuration(TakeWord(&line)));
  }
  if (eval->end_ms < eval->start_ms) {
    return Bad("invalid test definition, end timestamp is before start timestamp");
  }
  *rest = line;
  return OkStatus();
}

Status ScriptParser::ParseRange(std::string_view line, EvalCommand* eval) {
  std::string_view expr;
  RETURN_IF_ERROR(ParseSteps(line, eval, &expr));
  eval->expr = expr;
  return OkStatus();
}

Status ScriptParser::ParseExpectation(std::string_view line, EvalCommand* eval, bool* ends) {
  constexpr std::string_view kFailMessage = "expected_fail_message";
  constexpr std::string_view kFailRegexp = "expected_fail_regexp";
  constexpr std::string_view kRangeVector = "expect range vector";
  constexpr std::string_view kString = "expect string";
  if (eval->fail && line.starts_with(kFailMessage)) {
    *ends = true;
    eval->failure = MessageMatch{std::string(Trim(line.substr(kFailMessage.size()))), {}};
    return OkStatus();
  }
  if (eval->fail && line.starts_with(kFailRegexp)) {
    *ends = true;
    ASSIGN_OR_RETURN(
        Regex regex,
        Regex::Compile("(?s:.*)(?:" + std::string(Trim(line.substr(kFailRegexp.size()))) +
                       ")(?s:.*)"));
    eval->failure = MessageMatch{{}, std::move(regex)};
    return OkStatus();
  }
  if (line.starts_with(kRangeVector)) {
    if (eval->range) return Bad("a range vector is the result of instant queries only");
    eval->range_vector = true;
    std::string_view rest;
    return ParseSteps(line.substr(kRangeVector.size()), eval, &rest);
  }
  if (line.starts_with(kString)) {
    const std::string_view quoted = Trim(line.substr(kString.size()));
    const bool is_quoted = quoted.starts_with('"') || quoted.starts_with('`');
    if (!is_quoted || promql::ScanString(quoted).size != quoted.size()) {
      return Bad("expected string literal not valid - check that the string is correctly quoted");
    }
    eval->text = promql::UnquoteString(quoted);
    return OkStatus();
  }
  if (line.substr(0, line.find(' ')) == "expect") return ParseExpect(line, eval);
  if (const std::optional<double> number = ParseGoNumber(line)) {
    *ends = true;
    eval->scalar = number;
    return OkStatus();
  }
  return ParseExpectedSeries(line, eval);
}

Status ScriptParser::ParseExpect(std::string_view line, EvalCommand* eval) {
  TakeWord(&line);
  const std::string_view kind = TakeWord(&line);
  MessageMatch match;
  if (line.starts_with("msg:")) {
    match.message = Trim(line.substr(4));
  } else if (line.starts_with("regex:")) {
    // Regex is anchored, expectations are not.
    ASSIGN_OR_RETURN(match.regex,
                     Regex::Compile("(?s:.*)(?:" + std::string(Trim(line.substr(6))) + ")(?s:.*)"));
  } else if (!line.empty()) {
    return Bad(
        "invalid expect statement, must match `expect <type> <match_type>: <string>` format");
  }
  if (kind == "ordered") {
    eval->ordered = true;
  } else if (kind == "fail") {
    if (eval->failure) {
      return Bad("invalid expect lines, multiple expect fail lines are not allowed");
    }
    eval->fail = true;
    eval->failure = std::move(match);
  } else if (kind == "warn") {
    eval->warnings.push_back(std::move(match));
  } else if (kind == "info") {
    eval->infos.push_back(std::move(match));
  } else if (kind == "no_warn") {
    eval->no_warn = true;
  } else if (kind == "no_info") {
    eval->no_info = true;
  } else {
    return Bad("invalid expected error/annotation type " + std::string(kind));
  }
  if (eval->no_warn && !eval->warnings.empty()) {
    return Bad("invalid expect lines, warn and no_warn cannot be used together");
  }
  if (eval->no_info && !eval->infos.empty()) {
    return Bad("invalid expect lines, info and no_info cannot be used together");
  }
  return OkStatus();
}

Status ScriptParser::ParseExpectedSeries(std::string_view line, EvalCommand* eval) {
  Result<promql::SeriesDescription> series = promql::ParseSeriesDescription(line);
  if (!series.ok()) return series.TakeStatus();
  if (series->values.size() > 1 && !eval->range && !eval->range_vector) {
    return Bad(
        "expecting multiple values in instant evaluation not allowed. consider using 'expect range "
        "vector' directive to enable a range vector result for an instant query");
  }
  ExpectedSeries expected{std::move(series->labels), std::move(series->values),
                          static_cast<int>(eval->series.size()) + 1};
  eval->series.push_back(std::move(expected));
  return OkStatus();
}

}  // namespace

bool MessageMatch::Matches(std::string_view text) const {
  if (message) return text == *message;
  return !regex || regex->Matches(text);
}

std::string MessageMatch::Describe() const {
  if (message) return "message \"" + *message + "\"";
  return regex ? "pattern \"" + regex->pattern() + "\"" : "anything";
}

std::vector<Command> ParseScript(std::string_view text) { return ScriptParser(text).ParseAll(); }

}  // namespace deucalion::promqltest
