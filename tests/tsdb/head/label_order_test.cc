#include "tsdb/head/label_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

namespace deucalion::tsdb {
namespace {

struct Sets {
  SeriesSlabs slabs;
  HeadIndex index{&slabs};
  std::vector<Labels> labels;
  std::vector<ArenaRef> refs;

  void Add(const Labels& l) {
    labels.push_back(l);
    WriterLock lock(index.mu());
    refs.push_back(index.InternLabels(l));
  }
  void ExpectOrdered() const {
    const std::vector<uint32_t> order = OrderByLabels(index, refs);
    ASSERT_EQ(order.size(), labels.size());
    std::vector<uint32_t> seen = order;
    std::sort(seen.begin(), seen.end());
    for (uint32_t i = 0; i < seen.size(); i++) ASSERT_EQ(seen[i], i);
    for (size_t i = 1; i < order.size(); i++) {
      ASSERT_LE(labels[order[i - 1]], labels[order[i]])
          << labels[order[i - 1]].ToString() << " before " << labels[order[i]].ToString();
    }
  }
};

TEST(LabelOrderTest, APrefixComesFirst) {
  Sets sets;
  sets.Add({{"__name__", "x"}, {"a", "1"}, {"b", "2"}});
  sets.Add({{"__name__", "x"}, {"a", "1"}});
  sets.Add({{"__name__", "x"}});
  sets.Add(Labels());
  sets.ExpectOrdered();
  EXPECT_EQ(OrderByLabels(sets.index, sets.refs), (std::vector<uint32_t>{3, 2, 1, 0}));
}

TEST(LabelOrderTest, NoneAndOneSeriesAreInOrder) {
  Sets sets;
  EXPECT_TRUE(OrderByLabels(sets.index, sets.refs).empty());
  sets.Add({{"a", "1"}});
  EXPECT_EQ(OrderByLabels(sets.index, sets.refs), std::vector<uint32_t>{0});
}

TEST(LabelOrderTest, RandomSetsOfAnyShapeComeInTheOrderOfTheirLabels) {
  for (uint32_t seed = 0; seed < 60; seed++) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const size_t names = 1 + random() % 30, values = 1 + random() % (seed % 3 == 0 ? 2000 : 4);
    Sets sets;
    for (size_t i = 0; i < 1 + random() % 800; i++) {
      LabelsBuilder builder;
      for (size_t n = 0; n < names; n++) {
        if (random() % 4 != 0)
          builder.Set("l" + std::to_string(n), std::to_string(random() % values));
      }
      sets.Add(builder.Build());
    }
    sets.ExpectOrdered();
  }
}

}  // namespace
}  // namespace deucalion::tsdb
