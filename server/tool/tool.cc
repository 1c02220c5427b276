#include "server/tool/tool.h"

#include <CLI/CLI.hpp>

#include "model/value.h"
#include "server/tool/commands.h"
#include "server/tool/text.h"

namespace deucalion::tool {
namespace {

// One word of --enable-feature.
void EnableFeature(std::string_view feature, promql::ParserOptions* options, std::ostream& out) {
  if (feature == "promql-experimental-functions") {
    options->experimental_functions = true;
  } else if (feature == "promql-extended-range-selectors") {
    options->extended_range_selectors = true;
  } else if (feature == "promql-binop-fill-modifiers") {
    options->binop_fill_modifiers = true;
  } else if (!feature.empty() && feature != "promql-duration-expr" &&
             feature != "promql-delayed-name-removal") {
    out << "  WARNING: Unknown feature passed to --enable-feature: " << feature << "\n";
  }
}

void AddGlobalFlags(CLI::App* root, GlobalFlags* flags) {
  root->add_flag("--experimental", flags->experimental, "Enable experimental commands.");
  root->add_option("--enable-feature", flags->features,
                   "Comma separated feature names to enable. Valid options: "
                   "promql-experimental-functions, promql-delayed-name-removal, "
                   "promql-duration-expr, promql-extended-range-selectors, "
                   "promql-binop-fill-modifiers.")
      ->allow_extra_args(false);
}

// What CLI11 has to say when it stops parsing: a help text, the version or a complaint.
int Explain(const CLI::App& root, const CLI::ParseError& e, const std::string& version,
            const Streams& io) {
  if (e.get_name() == "CallForHelp") {
    io.out << root.help();
    return kSuccess;
  }
  if (e.get_name() == "CallForVersion") {
    io.out << version;
    return kSuccess;
  }
  const std::vector<std::string> unknown = root.remaining(true);
  if (e.get_name() == "RequiredError" && !unknown.empty()) {
    io.err << "deutool: error: expected command but got " << GoQuote(unknown.front())
           << ", try --help\n";
    return kFailure;
  }
  io.err << "deutool: error: " << e.what() << ", try --help\n";
  return kFailure;
}

}  // namespace

int RunTool(std::vector<std::string> args, const std::string& version, const Streams& io) {
  CLI::App root(
      "Tooling for the Deucalion monitoring server, command for command that of promtool.",
      "deutool");
  CommandLine line;
  root.set_version_flag("--version", version, "Show the version.");
  root.require_subcommand(1);
  // Flags of a group may stand behind its commands, as with promtool.
  root.fallthrough();
  AddGlobalFlags(&root, &line.global);
  AddCheckCommands(&root, &line);
  AddQueryCommands(&root, &line);
  AddPromqlCommands(&root, &line);
  AddTestCommands(&root, &line);
  AddTsdbCommands(&root, &line);
  try {
    std::reverse(args.begin(), args.end());  // the order CLI11 wants
    root.parse(std::move(args));
  } catch (const CLI::ParseError& e) {
    return Explain(root, e, version, io);
  }
  for (const std::string& list : line.global.features) {
    for (const std::string_view feature : SplitCommas(list)) {
      EnableFeature(feature, &line.global.promql, io.out);
    }
  }
  return line.chosen(line.global, io);
}

void AddUnsupported(CLI::App* group, CommandLine* line, const std::string& name,
                    const std::string& help) {
  CLI::App* command = group->add_subcommand(name, help);
  command->allow_extras()->fallthrough(false);
  const std::string full = group->get_name() + " " + name;
  command->callback([line, full] {
    line->chosen = [full](const GlobalFlags&, const Streams& io) {
      io.err << "deutool: error: " << full << ": not supported yet\n";
      return kFailure;
    };
  });
}

}  // namespace deucalion::tool
