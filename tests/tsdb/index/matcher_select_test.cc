#include "tsdb/index/matcher_select.h"

#include <random>
#include <set>

#include "tests/support/temp_dir.h"
#include "tsdb/head/head.h"

namespace deucalion::tsdb {
namespace {

struct Fleet {
  TempDir dir;
  std::unique_ptr<Head> head;
  std::vector<Labels> series;  // by series number

  explicit Fleet(size_t n) {
    Head::Options options;
    options.fs = FileSystem::Posix();
    options.chunks_dir = dir.path();
    head = std::move(*Head::Open(options));
    std::mt19937 rng(1);
    std::set<Labels> seen;
    while (series.size() < n) {
      LabelsBuilder b;
      b.Set("__name__", "metric_" + std::to_string(rng() % 10));
      if (rng() % 3) b.Set("job", std::string(1, static_cast<char>('a' + rng() % 4)));
      if (rng() % 2) b.Set("instance", "host-" + std::to_string(rng() % 200) + ":9100");
      if (rng() % 5 == 0) b.Set("odd", "x\ny" + std::to_string(rng() % 3));
      b.Set("i", std::to_string(rng() % 50));
      const Labels labels = b.Build();
      if (!seen.insert(labels).second) continue;
      EXPECT_TRUE(head->FindOrCreate(labels, labels.Hash()).ok());
      series.push_back(labels);
    }
  }

  std::vector<SeriesNumber> Want(const std::vector<Matcher>& matchers) const {
    std::vector<SeriesNumber> want;
    for (size_t i = 0; i < series.size(); i++) {
      if (MatchesAll(matchers, series[i])) want.push_back(static_cast<SeriesNumber>(i));
    }
    return want;
  }
};

std::vector<Matcher> Pool() {
  const struct {
    MatchType type;
    const char* name;
    const char* value;
  } kAll[] = {
      {MatchType::kEqual, "__name__", "metric_3"},
      {MatchType::kEqual, "__name__", "nothing"},
      {MatchType::kNotEqual, "__name__", "metric_4"},
      {MatchType::kRegexp, "__name__", "metric_[1-5]"},
      {MatchType::kRegexp, "__name__", "metric_1|metric_2|nothing"},
      {MatchType::kEqual, "job", "a"},
      {MatchType::kEqual, "job", ""},
      {MatchType::kNotEqual, "job", ""},
      {MatchType::kNotEqual, "job", "b"},
      {MatchType::kRegexp, "job", ""},
      {MatchType::kRegexp, "job", "a|"},
      {MatchType::kRegexp, "job", ".*"},
      {MatchType::kRegexp, "job", ".+"},
      {MatchType::kNotRegexp, "job", ".+"},
      {MatchType::kNotRegexp, "job", ".*"},
      {MatchType::kNotRegexp, "job", "a|b"},
      {MatchType::kNotRegexp, "job", "a|"},
      {MatchType::kRegexp, "instance", "host-1.*"},
      {MatchType::kRegexp, "instance", ".*9:9100"},
      {MatchType::kNotRegexp, "instance", "host-1.*"},
      {MatchType::kRegexp, "instance", "(host-1.*)?"},
      {MatchType::kRegexp, "odd", "x.y[01]"},
      {MatchType::kNotEqual, "odd", "x\ny1"},
      {MatchType::kEqual, "i", "7"},
      {MatchType::kRegexp, "i", "7|17|27"},
      {MatchType::kEqual, "absent", ""},
      {MatchType::kEqual, "absent", "x"},
      {MatchType::kNotEqual, "absent", "x"},
      {MatchType::kNotEqual, "absent", ""},
      {MatchType::kRegexp, "absent", "x?"},
  };
  std::vector<Matcher> pool;
  for (const auto& m : kAll) pool.push_back(*Matcher::Make(m.type, m.name, m.value));
  return pool;
}

std::string Text(const std::vector<Matcher>& matchers) {
  std::string out;
  for (const Matcher& m : matchers) out += m.ToString() + " ";
  return out;
}

TEST(MatcherSelectTest, FindsWhatLookingAtEverySeriesFinds) {
  const Fleet fleet(3000);
  const std::vector<Matcher> pool = Pool();
  std::mt19937 rng(2);
  std::vector<std::vector<Matcher>> cases = {{}};
  for (const Matcher& m : pool) cases.push_back({m});
  for (int i = 0; i < 2000; i++) {
    std::vector<Matcher> some;
    for (size_t n = 2 + rng() % 3; n > 0; n--) some.push_back(pool[rng() % pool.size()]);
    cases.push_back(some);
  }
  for (const auto& matchers : cases) {
    auto got = SelectSeries(fleet.head->index(), matchers, nullptr);
    ASSERT_TRUE(got.ok());
    const auto want = fleet.Want(matchers);
    ASSERT_EQ(std::move(*got).Take(), want) << Text(matchers);
    EXPECT_GE(EstimateSelection(fleet.head->index(), matchers), want.size()) << Text(matchers);
  }
}

TEST(MatcherSelectTest, ListsLabelValuesOfTheSelectionSortedAndLimited) {
  const Fleet fleet(500);
  for (const Matcher& m : Pool()) {
    std::set<std::string> want;
    for (const Labels& labels : fleet.series) {
      if (m.Matches(labels.Get(m.name())) && labels.Has("instance")) {
        want.insert(std::string(labels.Get("instance")));
      }
    }
    bool truncated = false;
    auto got = SelectLabelValues(fleet.head->index(), "instance", {m}, 0, &truncated, nullptr);
    ASSERT_TRUE(got.ok());
    EXPECT_EQ(got->Copy(), std::vector<std::string>(want.begin(), want.end())) << m.ToString();
    EXPECT_FALSE(truncated);
    got = SelectLabelValues(fleet.head->index(), "instance", {m}, 2, &truncated, nullptr);
    EXPECT_EQ(got->values.size(), std::min<size_t>(2, want.size()));
    EXPECT_EQ(truncated, want.size() > 2);
  }
}

TEST(MatcherSelectTest, StopsWhenItIsCancelled) {
  const Fleet fleet(3000);
  CancelToken cancel;
  cancel.Cancel();
  const auto got = SelectSeries(
      fleet.head->index(),
      {Matcher::Equal("job", "a"), *Matcher::Make(MatchType::kRegexp, "i", ".*1.*")}, &cancel);
  // A selection too small to look at the token is as good.
  EXPECT_TRUE(got.ok() || got.status().code() == StatusCode::kCanceled);
}

}  // namespace
}  // namespace deucalion::tsdb
