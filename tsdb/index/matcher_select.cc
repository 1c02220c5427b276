#include "tsdb/index/matcher_select.h"

#include <algorithm>
#include <deque>
#include <span>
#include <unordered_map>
#include <unordered_set>

namespace deucalion::tsdb {
namespace {

// Costs in nanoseconds, measured on a head of 500 k series; only their ratios matter.
constexpr uint64_t kCheckLabelNs = 60;  // find one label of a series and compare it
constexpr uint64_t kRegexNs = 120;      // run an automaton over a typical value
constexpr uint64_t kVisitValueNs = 15;  // walk to the next value of a name
constexpr uint64_t kIntersectNs = 1;    // per posting

constexpr uint64_t kCancelEvery = 1024;

struct Term {
  const Matcher* matcher = nullptr;
  // What the only literal value stands for, when MakeTerm has found it (cardinality above 0).
  IndexValue literal;
  bool requires_label = false;  // an absent label does not match
  uint64_t bound = 0;           // of the matching series, when requires_label
  uint64_t fetch_ns = 0;        // to compute its postings
  uint64_t check_ns = 0;        // to look at one candidate
};

bool IsEverything(const Matcher& m) {
  return m.type() == MatchType::kRegexp && m.regex()->matches_everything();
}

bool IsNothing(const Matcher& m) {
  return m.type() == MatchType::kNotRegexp && m.regex()->matches_everything();
}

// The literal values a positive matcher is made of; empty when it is not. Borrowed from it.
std::span<const std::string> Literals(const Matcher& m) {
  if (m.type() == MatchType::kEqual || m.type() == MatchType::kNotEqual) return {&m.value(), 1};
  return m.regex()->set_matches();
}

Term MakeTerm(const IndexReader& index, const Matcher& m) {
  Term t{.matcher = &m, .requires_label = !m.MatchesEmpty()};
  const std::span<const std::string> literals = Literals(m);
  const bool positive_literals = !literals.empty() && !m.negative();
  t.check_ns = kCheckLabelNs + (literals.empty() ? kRegexNs : 5 * (1 + literals.size() / 8));
  if (t.requires_label && positive_literals) {
    for (const std::string_view value : literals) {
      IndexValue found;
      if (index.FindValue(m.name(), value, &found)) t.bound += found.cardinality;
      if (literals.size() == 1) t.literal = found;
      t.fetch_ns += 4 * kVisitValueNs;
    }
    t.fetch_ns += t.bound * kIntersectNs;
    return t;
  }
  const uint64_t values = index.NumValues(m.name());
  t.bound = values == 0 ? 0 : index.NumSeries();
  if (!t.requires_label && !literals.empty() && m.negative()) {
    for (const std::string_view value : literals) {
      IndexValue found;
      if (index.FindValue(m.name(), value, &found)) t.fetch_ns += found.cardinality * kIntersectNs;
    }
    return t;
  }
  t.fetch_ns =
      values * (kVisitValueNs + (literals.empty() ? kRegexNs : 10)) + t.bound / 2 * kIntersectNs;
  return t;
}

// The postings of all values of the term's name that match it (`matching`), or that do not.
Result<Postings> FetchPostings(const IndexReader& index, const Term& term, bool matching,
                               const CancelToken* cancel) {
  if (term.literal.cardinality > 0 && matching) return index.PostingsOf(term.literal);
  const Matcher& m = *term.matcher;
  std::vector<IndexValue> hits;
  const std::span<const std::string> literals = Literals(m);
  // Whether the literals themselves are the wanted values.
  if (!literals.empty() && m.negative() != matching) {
    for (const std::string_view value : literals) {
      IndexValue found;
      if (!value.empty() && index.FindValue(m.name(), value, &found)) hits.push_back(found);
    }
  } else {
    uint64_t visited = 0;
    Status canceled;
    const Regex* regex = m.regex();
    const bool by_prefix = regex != nullptr && m.negative() != matching;
    const std::string_view prefix = by_prefix ? regex->prefix() : std::string_view();
    RETURN_IF_ERROR(index.VisitValues(m.name(), prefix, [&](const IndexValue& v) {
      if (cancel != nullptr && ++visited % kCancelEvery == 0) {
        canceled = cancel->Check();
        if (!canceled.ok()) return false;
      }
      if (m.Matches(v.value) == matching) hits.push_back(v);
      return true;
    }));
    RETURN_IF_ERROR(std::move(canceled));
  }
  if (hits.empty()) return Postings();
  if (hits.size() == 1) return index.PostingsOf(hits[0]);
  std::vector<Postings> lists;
  std::vector<PostingsView> views;
  lists.reserve(hits.size());
  for (const IndexValue& hit : hits) {
    ASSIGN_OR_RETURN(Postings p, index.PostingsOf(hit));
    lists.push_back(std::move(p));
    views.push_back(lists.back().view());
  }
  return Postings::Own(UnionAll(views));
}

// Keeps the candidates whose label matches. Series share values, so verdicts of a regular
// expression are remembered by value where the index hands out stable ones.
Status CheckLabels(const IndexReader& index, const Matcher& m, const CancelToken* cancel,
                   std::vector<SeriesNumber>* candidates) {
  std::string scratch;
  std::unordered_map<std::string_view, bool> verdicts;
  const bool memoise = m.regex() != nullptr && candidates->size() > 64;
  size_t kept = 0;
  uint64_t seen = 0;
  for (const SeriesNumber series : *candidates) {
    if (cancel != nullptr && ++seen % kCancelEvery == 0) RETURN_IF_ERROR(cancel->Check());
    const std::string_view value = index.ValueOf(series, m.name(), &scratch);
    bool match;
    if (memoise && value.data() != scratch.data()) {
      auto [it, fresh] = verdicts.try_emplace(value, false);
      if (fresh) it->second = m.Matches(value);
      match = it->second;
    } else {
      match = m.Matches(value);
    }
    (*candidates)[kept] = series;
    kept += match;
  }
  candidates->resize(kept);
  return OkStatus();
}

// One literal value: the index may find the candidates in its postings without fetching all of
// them.
Result<bool> NarrowByLiteral(const IndexReader& index, const Term& term,
                             std::vector<SeriesNumber>* candidates) {
  if (term.literal.cardinality > 0) return index.NarrowBy(term.literal, false, candidates);
  const std::span<const std::string> literals = Literals(*term.matcher);
  if (literals.size() != 1 || literals[0].empty() ||
      term.requires_label == term.matcher->negative()) {
    return false;
  }
  IndexValue found;
  if (!index.FindValue(term.matcher->name(), literals[0], &found)) {
    if (term.requires_label) candidates->clear();
    return true;
  }
  return index.NarrowBy(found, !term.requires_label, candidates);
}

Status Narrow(const IndexReader& index, const Term& term, const CancelToken* cancel,
              std::vector<SeriesNumber>* candidates) {
  ASSIGN_OR_RETURN(const bool done, NarrowByLiteral(index, term, candidates));
  if (done) return OkStatus();
  if (candidates->size() * term.check_ns < term.fetch_ns) {
    return CheckLabels(index, *term.matcher, cancel, candidates);
  }
  ASSIGN_OR_RETURN(Postings postings,
                   FetchPostings(index, term, term.requires_label, cancel));
  if (term.requires_label) {
    IntersectInPlace(candidates, postings.view());
  } else {
    SubtractInPlace(candidates, postings.view());
  }
  return OkStatus();
}

}  // namespace

Result<Postings> SelectSeries(const IndexReader& index, const std::vector<Matcher>& matchers,
                              const CancelToken* cancel) {
  std::vector<Term> terms;
  terms.reserve(matchers.size());
  for (const Matcher& m : matchers) {
    if (IsEverything(m)) continue;
    if (IsNothing(m)) return Postings();
    terms.push_back(MakeTerm(index, m));
    if (terms.back().requires_label && terms.back().bound == 0) return Postings();
  }
  // Requirements before exclusions; among each the cheap ones first.
  std::stable_sort(terms.begin(), terms.end(), [](const Term& a, const Term& b) {
    if (a.requires_label != b.requires_label) return a.requires_label;
    const uint64_t cost_a = a.requires_label ? a.bound + a.fetch_ns : a.fetch_ns;
    const uint64_t cost_b = b.requires_label ? b.bound + b.fetch_ns : b.fetch_ns;
    return cost_a < cost_b;
  });
  if (terms.empty()) return index.AllPostings();
  size_t next = 0;
  Postings first;
  if (terms[0].requires_label) {
    ASSIGN_OR_RETURN(first, FetchPostings(index, terms[0], true, cancel));
    next = 1;
  } else {
    ASSIGN_OR_RETURN(first, index.AllPostings());
  }
  if (next == terms.size() || first.empty()) return first;
  // Intersecting two borrowed lists needs no copy of the first.
  std::vector<SeriesNumber> candidates;
  const Term& second = terms[next];
  if (!first.owned() && second.requires_label &&
      first.size() * second.check_ns >= second.fetch_ns) {
    ASSIGN_OR_RETURN(Postings other, FetchPostings(index, second, true, cancel));
    candidates = Intersect(first.view(), other.view());
    next++;
  } else {
    candidates = std::move(first).Take();
  }
  for (; next < terms.size() && !candidates.empty(); next++) {
    RETURN_IF_ERROR(Narrow(index, terms[next], cancel, &candidates));
  }
  return Postings::Own(std::move(candidates));
}

uint64_t EstimateSelection(const IndexReader& index, const std::vector<Matcher>& matchers) {
  uint64_t bound = index.NumSeries();
  for (const Matcher& m : matchers) {
    if (IsNothing(m)) return 0;
    if (m.MatchesEmpty()) continue;
    bound = std::min(bound, MakeTerm(index, m).bound);
  }
  return bound;
}

Result<BorrowedValues> SelectLabelValues(const IndexReader& index, std::string_view name,
                                         const std::vector<Matcher>& matchers, size_t limit,
                                         bool* truncated, const CancelToken* cancel) {
  BorrowedValues found;
  if (matchers.empty()) {
    RETURN_IF_ERROR(index.SortedValues(name, &found.values));
  } else {
    ASSIGN_OR_RETURN(Postings selected, SelectSeries(index, matchers, cancel));
    std::unordered_set<std::string_view> seen;
    std::string scratch;
    uint64_t visited = 0;
    for (const SeriesNumber series : selected.view()) {
      if (cancel != nullptr && ++visited % kCancelEvery == 0) RETURN_IF_ERROR(cancel->Check());
      const std::string_view value = index.ValueOf(series, name, &scratch);
      if (value.empty() || seen.contains(value)) continue;
      seen.insert(value.data() == scratch.data() ? found.copies.emplace_back(value) : value);
    }
    found.values.assign(seen.begin(), seen.end());
    std::sort(found.values.begin(), found.values.end());
  }
  if (limit != 0 && found.values.size() > limit) {
    found.values.resize(limit);
    if (truncated != nullptr) *truncated = true;
  }
  return found;
}

}  // namespace deucalion::tsdb
