// --help in kingpin's layout: two columns, the second wrapped to the width of the terminal.
#include <algorithm>
#include <string>

#include "model/value.h"
#include "server/config/flags.h"

namespace deucalion::config {
namespace {

// First columns longer than this stand on a line of their own.
constexpr size_t kColumnLimit = 30;

std::string FullHelp(const FlagSpec& spec) {
  std::string help(spec.help);
  if (spec.mode == FlagMode::kServer) help += " Use with server mode only.";
  if (spec.mode == FlagMode::kAgent) help += " Use with agent mode only.";
  return help;
}

std::string Placeholder(const FlagSpec& spec) {
  if (!spec.placeholder.empty()) return std::string(spec.placeholder);
  if (spec.no_default) {
    std::string upper(spec.name);
    for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return upper;
  }
  const size_t bar = spec.default_text.find('|');
  std::string text(spec.default_text.substr(0, bar));
  if (spec.kind == FlagKind::kString) text = GoQuote(text);
  return bar == std::string_view::npos ? text : text + "...";
}

std::string LeftColumn(const FlagSpec& spec) {
  std::string left = "    --";
  if (spec.kind == FlagKind::kBool) return left + "[no-]" + std::string(spec.name);
  left += std::string(spec.name) + "=" + Placeholder(spec);
  return spec.repeatable() ? left + " ..." : left;
}

void AppendWrapped(std::string_view text, size_t indent, size_t width, std::string* out) {
  size_t column = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    if (column > 0 && column + 1 + end > width) {
      *out += "\n" + std::string(indent, ' ');
      column = 0;
    }
    if (column > 0) *out += ' ';
    out->append(text.substr(0, end));
    column += end + (column > 0 ? 1 : 0);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  *out += '\n';
}

void AppendRow(std::string_view left, std::string_view right, size_t width, std::string* out) {
  constexpr size_t kIndent = 2 + kColumnLimit - 1 + 2;
  std::string line = "  " + std::string(left);
  if (left.size() >= kColumnLimit) {
    line += "  \n" + std::string(kIndent, ' ');
  } else {
    line.resize(kIndent, ' ');
  }
  *out += line;
  AppendWrapped(right, kIndent, std::max<size_t>(width, kIndent + 20) - kIndent, out);
}

}  // namespace

std::string HelpText(std::string_view program, int width_columns) {
  const size_t width = width_columns > 0 ? width_columns : 80;
  std::string out = "usage: " + std::string(program) +
                    " [<flags>]\n\nThe Deucalion monitoring server\n\n\nFlags:\n";
  AppendRow("-h, --[no-]help", "Show context-sensitive help (also try --help-long and --help-man).",
            width, &out);
  AppendRow("    --[no-]version", "Show application version.", width, &out);
  for (const FlagSpec& spec : FlagTable()) {
    if (!spec.hidden) AppendRow(LeftColumn(spec), FullHelp(spec), width, &out);
  }
  return out + "\n";
}

std::string FlagDocumentation(std::string_view program) {
  std::string out = "---\ntitle: " + std::string(program) +
                    "\n---\n\nThe Deucalion monitoring server\n\n\n## Flags\n\n"
                    "| Flag | Description | Default |\n| --- | --- | --- |\n"
                    "| <code class=\"text-nowrap\">-h</code>, <code class=\"text-nowrap\">--help"
                    "</code> | Show context-sensitive help (also try --help-long and --help-man). "
                    "|  |\n| <code class=\"text-nowrap\">--version</code> | Show application "
                    "version. |  |\n";
  for (const FlagSpec& spec : FlagTable()) {
    if (spec.hidden) continue;
    std::string help = FullHelp(spec);
    for (size_t at = help.find('|'); at != std::string::npos; at = help.find('|', at + 2)) {
      help.replace(at, 1, "\\|");
    }
    out += "| <code class=\"text-nowrap\">--" + std::string(spec.name) + "</code>";
    if (spec.repeatable()) out += " <code class=\"text-nowrap\">...<code class=\"text-nowrap\">";
    out += " | " + help + " | ";
    std::string text(spec.default_text);
    std::ranges::replace(text, '|', ',');
    out += (text.empty() ? "" : "`" + text + "`") + " |\n";
  }
  return out;
}

std::string VersionText(const BuildInfo& build, std::string_view program) {
  std::string out = std::string(program) + ", version " + std::string(build.version) +
                    " (branch: " + std::string(build.branch) +
                    ", revision: " + std::string(build.revision) + ")\n";
  const auto line = [&out](std::string_view name, std::string_view value) {
    std::string label = "  " + std::string(name) + ":";
    label.resize(20, ' ');
    out += label + std::string(value) + "\n";
  };
  line("build user", build.build_user);
  line("build date", build.build_date);
  line("compiler", build.compiler);
  line("platform", build.platform);
  line("tags", build.tags);
  return out;
}

}  // namespace deucalion::config
