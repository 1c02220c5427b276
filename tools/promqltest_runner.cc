// promqltest_runner FILE...: runs test scripts of the query language against the engine over series
// in memory. Prints each failure, then "N passed, M failed" counting eval commands; exit status 1
// when anything failed.
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>

#include "tests/support/promqltest/engine_backend.h"
#include "tests/support/promqltest/runner.h"

namespace {

bool ReadFile(const char* path, std::string* out) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return false;
  std::ostringstream text;
  text << file.rdbuf();
  *out = std::move(text).str();
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  int passed = 0;
  int failed = 0;
  bool broken = argc < 2;
  if (broken) std::fprintf(stderr, "usage: %s FILE...\n", argv[0]);
  for (int i = 1; i < argc; ++i) {
    std::string text;
    if (!ReadFile(argv[i], &text)) {
      std::fprintf(stderr, "%s: cannot read\n", argv[i]);
      broken = true;
      continue;
    }
    deucalion::promqltest::EngineBackend backend;
    const deucalion::promqltest::Report report = deucalion::promqltest::RunScript(text, &backend);
    for (const auto& failure : report.failures) {
      std::printf("%s:%d: %s\n    %s\n", argv[i], failure.line, failure.expr.c_str(),
                  failure.message.c_str());
    }
    passed += report.passed;
    failed += report.failed;
    broken |= !report.failures.empty();
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  return broken ? 1 : 0;
}
