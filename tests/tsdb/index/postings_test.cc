#include "tsdb/index/postings.h"

#include <random>
#include <set>

namespace deucalion::tsdb {
namespace {

std::vector<SeriesNumber> RandomSet(std::mt19937& rng, size_t max_size, uint32_t range) {
  std::set<SeriesNumber> s;
  const size_t n = rng() % (max_size + 1);
  for (size_t i = 0; i < n; i++) s.insert(rng() % range);
  return {s.begin(), s.end()};
}

TEST(PostingsTest, AgreesWithTheStandardSetAlgorithmsOnRandomSets) {
  std::mt19937 rng(1);
  const size_t sizes[] = {0, 1, 5, 40, 1000};
  for (int round = 0; round < 2000; round++) {
    const uint32_t range = round % 2 ? 2000 : 1'000'000;
    const auto a = RandomSet(rng, sizes[rng() % 5], range);
    const auto b = RandomSet(rng, sizes[rng() % 5], range);
    std::vector<SeriesNumber> both, either, only;
    std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
    std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(either));
    std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(only));
    EXPECT_EQ(Intersect(a, b), both) << round;
    EXPECT_EQ(Union(a, b), either) << round;
    EXPECT_EQ(Subtract(a, b), only) << round;
    auto in_place = a;
    IntersectInPlace(&in_place, b);
    EXPECT_EQ(in_place, both) << round;
    in_place = a;
    SubtractInPlace(&in_place, b);
    EXPECT_EQ(in_place, only) << round;
  }
}

TEST(PostingsTest, UnitesManyListsDenseOrSparse) {
  std::mt19937 rng(2);
  for (const uint32_t range : {500u, 4'000'000'000u}) {
    for (int round = 0; round < 100; round++) {
      std::vector<std::vector<SeriesNumber>> lists(rng() % 20);
      std::set<SeriesNumber> want;
      std::vector<PostingsView> views;
      for (auto& list : lists) {
        list = RandomSet(rng, 50, range);
        want.insert(list.begin(), list.end());
        views.push_back(list);
      }
      EXPECT_EQ(UnionAll(views), std::vector<SeriesNumber>(want.begin(), want.end())) << round;
    }
  }
}

TEST(PostingsTest, MovingKeepsWhatIsOwnedAndWhatIsBorrowed) {
  Postings owned = Postings::Own({1, 2, 3});
  Postings moved = std::move(owned);
  EXPECT_EQ(moved.size(), 3u);
  EXPECT_EQ(owned.size(), 0u);  // NOLINT: a moved-from set is empty by promise
  const std::vector<SeriesNumber> numbers = {4, 5};
  Postings borrowed = Postings::Borrow(numbers);
  moved = std::move(borrowed);
  EXPECT_EQ(moved.view().data(), numbers.data());
  EXPECT_EQ(std::move(moved).Take(), numbers);
}

}  // namespace
}  // namespace deucalion::tsdb
