// What is parsed prints, what is printed parses to the same tree.
#include <gtest/gtest.h>

#include <string>

#include "promql/ast_json.h"
#include "promql/parser/parser.h"
#include "promql/printer.h"
#include "tests/support/random_expr.h"

namespace deucalion::promql {
namespace {

// A JSON that does not depend on the order in which matchers are written.
std::string TreeOf(const ParsedExpr& e) {
  Result<ParsedExpr> printed = Parse(Print(*e.root), ParserOptions::AllEnabled());
  return printed.ok() ? AstJson(*printed->root) : printed.status().message();
}

TEST(RoundTripTest, HoldsForRandomExpressions) {
  constexpr uint64_t kSeed = 20260821;
  testing_support::RandomExpr random(kSeed);
  int parsed_count = 0;
  for (int i = 0; i < 10000; ++i) {
    const std::string text = random.Next();
    Result<ParsedExpr> parsed = Parse(text, ParserOptions::AllEnabled());
    if (!parsed.ok()) continue;  // two modifiers of a kind and the like
    ++parsed_count;
    const std::string printed = Print(*parsed->root);
    for (const std::string& form : {printed, Prettify(*parsed->root)}) {
      Result<ParsedExpr> again = Parse(form, ParserOptions::AllEnabled());
      ASSERT_TRUE(again.ok()) << "seed " << kSeed << ": " << text << "\n"
                              << form << "\n"
                              << again.status().message();
      ASSERT_EQ(Print(*again->root), printed) << "seed " << kSeed << ": " << text;
      ASSERT_EQ(TreeOf(*again), TreeOf(*parsed)) << "seed " << kSeed << ": " << text;
    }
    ExprPtr clone = Clone(*parsed->root);
    ASSERT_EQ(AstJson(*clone), AstJson(*parsed->root));
    ASSERT_EQ(clone->span, parsed->root->span);
  }
  EXPECT_GT(parsed_count, 5000);
}

}  // namespace
}  // namespace deucalion::promql
