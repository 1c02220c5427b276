// The configuration file and rule files: any bytes are read or refused, and what was read prints to
// something that reads again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "server/config/config.h"
#include "server/config/rule_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace deucalion::config;  // NOLINT: one function
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  LoadOptions options;
  options.environment = [](const std::string&) { return std::string("value"); };
  deucalion::Result<Config> config = ParseConfig(text, "prometheus.yml", "/nonexistent", options);
  if (config.ok()) {
    const std::string printed = config->ToYaml();
    (void)ParseConfig(printed, "printed.yml", "/nonexistent", options);
    (void)config->Inactive({});
  }
  (void)ParseRuleFile("rules.yml", text, {});
  return 0;
}
