// Command-line parsing with kingpin's rules: all tokens are matched against the table first, values
// are set afterwards, and only then are the flags checked against each other. The order decides
// which of several mistakes is reported.
#include <algorithm>
#include <optional>
#include <set>

#include "model/value.h"
#include "server/config/flags.h"

namespace deucalion::config {
namespace {

// A flag as it was matched: a spec, or one of kingpin's own names.
struct Match {
  const FlagSpec* spec = nullptr;
  std::string_view builtin;
  std::string value;
};

constexpr std::string_view kBuiltins[] = {"help", "help-long", "help-man", "version"};

Match Find(std::string_view name) {
  Match match;
  for (const std::string_view builtin : kBuiltins) {
    if (builtin == name) match.builtin = builtin;
  }
  const auto table = FlagTable();
  const auto it = std::ranges::find(table, name, &FlagSpec::name);
  if (it != table.end()) match.spec = &*it;
  return match;
}

// Walks the arguments. Stops at the first token that does not fit; what was matched before counts.
class Matcher {
 public:
  explicit Matcher(std::span<const std::string> args) : args_(args) {}

  Status Run() {
    while (at_ < args_.size()) {
      const std::string_view arg = args_[at_++];
      if (arg == "--") {
        if (at_ < args_.size()) return Unexpected(args_[at_]);
        break;
      }
      if (arg.starts_with("--")) {
        RETURN_IF_ERROR(Long(arg.substr(2)));
      } else if (arg.starts_with("-")) {
        RETURN_IF_ERROR(Short(arg));
      } else {
        return Unexpected(arg);
      }
    }
    return OkStatus();
  }

  const std::vector<Match>& matches() const { return matches_; }

 private:
  static Status Unexpected(std::string_view arg) {
    return InvalidArgumentError("unexpected " + std::string(arg));
  }

  Status Long(std::string_view text) {
    const size_t equals = text.find('=');
    const std::string_view name = text.substr(0, equals);
    std::optional<std::string> value;
    if (equals != std::string_view::npos) value = std::string(text.substr(equals + 1));
    const Status unknown = InvalidArgumentError("unknown long flag '--" + std::string(name) + "'");

    Match match = Find(name);
    bool invert = false;
    if (match.spec == nullptr && match.builtin.empty() && name.starts_with("no-")) {
      match = Find(name.substr(3));
      invert = true;
    }
    if (match.spec == nullptr && match.builtin.empty()) return unknown;
    if (match.spec == nullptr || match.spec->kind == FlagKind::kBool) {
      match.value = invert ? "false" : "true";
      matches_.push_back(std::move(match));
      return value.has_value() ? Unexpected(*value) : OkStatus();
    }
    if (invert) return unknown;
    if (!value.has_value()) {
      if (at_ == args_.size() || args_[at_].starts_with("-")) {
        return InvalidArgumentError("expected argument for flag '--" + std::string(name) + "'");
      }
      value = args_[at_++];
    }
    match.value = std::move(*value);
    matches_.push_back(std::move(match));
    return OkStatus();
  }

  Status Short(std::string_view arg) {
    for (const char letter : arg.substr(1)) {
      if (letter != 'h') {
        return InvalidArgumentError("unknown short flag '-" + std::string(1, letter) + "'");
      }
      matches_.push_back({nullptr, "help", "true"});
    }
    return arg.size() == 1 ? InvalidArgumentError("unknown short flag '-'") : OkStatus();
  }

  std::span<const std::string> args_;
  size_t at_ = 0;
  std::vector<Match> matches_;
};

Status SetValues(const std::vector<Match>& matches, Flags* flags) {
  std::set<const FlagSpec*> seen;
  for (const Match& match : matches) {
    if (match.spec == nullptr) continue;
    const bool first = seen.insert(match.spec).second;
    if (!first && !match.spec->repeatable()) {
      return InvalidArgumentError("flag '" + std::string(match.spec->name) +
                                  "' cannot be repeated");
    }
    if (first && match.spec->repeatable()) (flags->*match.spec->member.texts).clear();
    RETURN_IF_ERROR(SetFlag(*match.spec, match.value, flags));
  }
  return OkStatus();
}

void Exit(int code, std::string out, std::string err, CommandLine* line) {
  line->exit = true;
  line->exit_code = code;
  line->out = std::move(out);
  line->err = std::move(err);
}

bool Asked(const std::vector<Match>& matches, std::string_view builtin) {
  return std::ranges::any_of(matches, [&](const Match& m) { return m.builtin == builtin; });
}

// ["--a" "--b"]: the flags given that belong to `mode` only. Empty when there are none.
std::string FlagsOfMode(const std::vector<Match>& matches, FlagMode mode) {
  std::string list;
  for (const Match& match : matches) {
    if (match.spec == nullptr || match.spec->mode != mode) continue;
    list += (list.empty() ? "[" : " ") + GoQuote("--" + std::string(match.spec->name));
  }
  return list.empty() ? list : list + "]";
}

// What can only be said once every flag has its value.
void CheckTogether(const std::vector<Match>& matches, CommandLine* line) {
  const Flags& flags = line->flags;
  const Status features = ParseFeatures(flags.enable_feature, &line->features, &line->notes);
  if (!features.ok()) {
    return Exit(1, "", "Error parsing feature list: " + std::string(features.message()) + "\n",
                line);
  }
  const std::string server_only = FlagsOfMode(matches, FlagMode::kServer);
  if (flags.agent && !server_only.empty()) {
    return Exit(3, "", "The following flag(s) can not be used in agent mode: " + server_only + "\n",
                line);
  }
  const std::string agent_only = FlagsOfMode(matches, FlagMode::kAgent);
  if (!flags.agent && !agent_only.empty()) {
    return Exit(3, "", "The following flag(s) can only be used in agent mode: " + agent_only + "\n",
                line);
  }
  if (flags.auto_gomemlimit_ratio <= 0.0 || flags.auto_gomemlimit_ratio > 1.0) {
    return Exit(1, "",
                "--auto-gomemlimit.ratio must be greater than 0 and less than or equal to 1.\n",
                line);
  }
}

}  // namespace

CommandLine ParseCommandLine(std::string_view program, std::span<const std::string> args,
                             const BuildInfo& build, int width_columns) {
  CommandLine line;
  Matcher matcher(args);
  const Status matched = matcher.Run();
  const std::vector<Match>& matches = matcher.matches();
  if (Asked(matches, "version")) {
    Exit(0, VersionText(build), "", &line);
    return line;
  }
  if (Asked(matches, "help-long") || Asked(matches, "help-man")) {
    Exit(0, HelpText(program, width_columns), "", &line);
    return line;
  }
  if (!matched.ok()) {
    const std::string why(matched.message());
    Exit(1, "",
         "Error parsing command line arguments: " + why + "\n" + std::string(program) +
             ": error: " + why + "\n",
         &line);
    return line;
  }
  if (Asked(matches, "help")) {
    Exit(0, HelpText(program, width_columns), "", &line);
    return line;
  }
  const Status set = SetValues(matches, &line.flags);
  if (!set.ok()) {
    Exit(2, HelpText(program, width_columns),
         "Error parsing command line arguments: " + std::string(set.message()) + "\n", &line);
    return line;
  }
  if (line.flags.write_documentation) {
    Exit(0, FlagDocumentation(program), "", &line);
    return line;
  }
  CheckTogether(matches, &line);
  if (line.features.auto_reload_config) line.flags.config_auto_reload = true;
  return line;
}

}  // namespace deucalion::config
