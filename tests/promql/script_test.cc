// Every script of testdata/, once on the calling thread alone and once with a worker pool.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "base/worker_pool.h"
#include "tests/support/promqltest/engine_backend.h"
#include "tests/support/promqltest/runner.h"
#include "tests/support/source_dir.h"

namespace deucalion::promqltest {
namespace {

std::filesystem::path Testdata() {
  return std::filesystem::path(SourceDir()) / "tests" / "promql" / "testdata";
}

std::vector<std::string> Scripts() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(Testdata())) {
    if (entry.path().extension() == ".test") names.push_back(entry.path().stem());
  }
  std::sort(names.begin(), names.end());
  return names;
}

class ScriptTest : public testing::TestWithParam<std::string> {
 protected:
  void Check(promql::EngineOptions options) {
    const std::filesystem::path path = (Testdata() / GetParam()).replace_extension(".test");
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    EngineBackend backend(std::move(options));
    const Report report = RunScript(text.str(), &backend);
    for (const Failure& f : report.failures) {
      ADD_FAILURE() << path.string() << ":" << f.line << ": " << f.expr << "\n    " << f.message;
    }
    EXPECT_GT(report.passed, 0);
  }
};

TEST_P(ScriptTest, AnswersAsExpected) { Check(ScriptEngineOptions()); }

TEST_P(ScriptTest, AnswersTheSameWithWorkers) {
  WorkerPool pool("script", 3);
  promql::EngineOptions options = ScriptEngineOptions();
  options.pool = &pool;
  Check(std::move(options));
}

INSTANTIATE_TEST_SUITE_P(Testdata, ScriptTest, testing::ValuesIn(Scripts()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace deucalion::promqltest
