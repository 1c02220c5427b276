// random_queries SEED N: random series and N random expressions over them as lines of text, for
// tests/e2e/random_queries.py. "series <TAB> name <TAB> value…", then its samples as
// "sample <TAB> time_ms <TAB> bits of the value", last "query <TAB> expression".
#include <bit>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "tests/support/random_expr.h"
#include "tests/support/random_series.h"

using namespace deucalion::testing_support;  // NOLINT: all it is about

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: random_queries SEED N\n");
    return 1;
  }
  const uint64_t seed = std::strtoull(argv[1], nullptr, 10);
  std::mt19937_64 random(seed);
  RandomExprOptions names;
  names.evaluable = true;
  for (const RefSeries& series : RandomSeries(&random, names)) {
    std::printf("series");
    for (const auto& [name, value] : series.labels) {
      std::printf("\t%s\t%s", name.c_str(), value.c_str());
    }
    std::printf("\n");
    for (const RefPoint& p : series.points) {
      std::printf("sample\t%" PRId64 "\t%" PRIx64 "\n", p.time_ms,
                  std::bit_cast<uint64_t>(p.value));
    }
  }
  RandomExpr expressions(seed, names);
  for (int i = 0; i < std::atoi(argv[2]); ++i) {
    std::printf("query\t%s\n", expressions.Next().c_str());
  }
}
