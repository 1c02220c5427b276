#include "promql/result_cache.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace deucalion::promql {
namespace {

bool IsPastOnly(const DurationValue& offset, const AtModifier& at) {
  return offset.expr == nullptr && offset.ms >= 0 && at.kind == AtModifier::Kind::kNone;
}

bool NodeIsCacheable(const Expr& e) {
  if (const auto* v = TryAs<VectorSelector>(e)) return IsPastOnly(v->offset, v->at) && !v->smoothed;
  if (const auto* m = TryAs<MatrixSelector>(e)) return m->range.expr == nullptr;
  if (const auto* s = TryAs<SubqueryExpr>(e)) {
    return IsPastOnly(s->offset, s->at) && s->range.expr == nullptr && s->step.expr == nullptr;
  }
  if (const auto* c = TryAs<Call>(e)) {
    switch (c->function->id) {
      case FunctionId::kStart:
      case FunctionId::kEnd:
      case FunctionId::kRange:
      case FunctionId::kStep:
        return false;
      default:
        return true;
    }
  }
  return true;
}

uint64_t BytesOf(const Matrix& matrix) {
  uint64_t n = 0;
  for (const MatrixSeries& s : matrix) {
    n += sizeof(s) + s.labels.bytes().capacity() + 16 * s.times.size();
    for (const MatrixHistogram& h : s.histograms) n += sizeof(h) + h.histogram->SizeBytes();
  }
  return n;
}

}  // namespace

bool IsCacheable(const Expr& root) {
  if (!NodeIsCacheable(root)) return false;
  bool cacheable = true;
  ForEachChild(root, [&](const Expr& child) { cacheable = cacheable && IsCacheable(child); });
  return cacheable;
}

std::shared_ptr<const ResultCache::Entry> ResultCache::Find(const std::string& key,
                                                            int64_t start_ms,
                                                            const Queryable& queryable) {
  std::shared_ptr<const Entry> entry;
  {
    MutexLock lock(mu_);
    const auto it = by_key_.find(key);
    if (it == by_key_.end()) return nullptr;
    recent_.splice(recent_.begin(), recent_, it->second);
    entry = it->second->second;
  }
  if (start_ms < entry->start_ms || start_ms > entry->end_ms) return nullptr;
  if (queryable.Generation(entry->data_min_ms, entry->end_ms) != entry->generation) return nullptr;
  return entry;
}

void ResultCache::Store(const std::string& key, Entry entry) {
  entry.bytes = BytesOf(entry.matrix) + key.size() + 200;
  MutexLock lock(mu_);
  if (const auto it = by_key_.find(key); it != by_key_.end()) Erase(it->second);
  if (entry.bytes > limit_bytes_ / 4) return;
  bytes_ += entry.bytes;
  recent_.emplace_front(key, std::make_shared<const Entry>(std::move(entry)));
  by_key_[key] = recent_.begin();
  while (bytes_ > limit_bytes_) Erase(std::prev(recent_.end()));
}

void ResultCache::Erase(List::iterator it) {
  bytes_ -= it->second->bytes;
  by_key_.erase(it->first);
  recent_.erase(it);
}

uint64_t ResultCache::bytes() const {
  MutexLock lock(mu_);
  return bytes_;
}

Matrix SliceMatrix(const Matrix& matrix, int64_t min_ms, int64_t max_ms) {
  Matrix out;
  for (const MatrixSeries& s : matrix) {
    const auto begin = std::lower_bound(s.times.begin(), s.times.end(), min_ms);
    const auto end = std::upper_bound(begin, s.times.end(), max_ms);
    MatrixSeries slice;
    slice.times.assign(begin, end);
    slice.values.assign(s.values.begin() + (begin - s.times.begin()),
                        s.values.begin() + (end - s.times.begin()));
    for (const MatrixHistogram& h : s.histograms) {
      if (h.time_ms >= min_ms && h.time_ms <= max_ms) slice.histograms.push_back(h);
    }
    if (slice.times.empty() && slice.histograms.empty()) continue;
    slice.labels = s.labels;
    out.push_back(std::move(slice));
  }
  return out;
}

namespace {

void AppendSeries(MatrixSeries* to, MatrixSeries from) {
  to->times.insert(to->times.end(), from.times.begin(), from.times.end());
  to->values.insert(to->values.end(), from.values.begin(), from.values.end());
  to->histograms.insert(to->histograms.end(), std::make_move_iterator(from.histograms.begin()),
                        std::make_move_iterator(from.histograms.end()));
}

}  // namespace

Matrix AppendMatrix(Matrix earlier, Matrix later) {
  Matrix out;
  out.reserve(std::max(earlier.size(), later.size()));
  size_t i = 0, j = 0;
  while (i < earlier.size() || j < later.size()) {
    if (j == later.size() || (i < earlier.size() && earlier[i].labels < later[j].labels)) {
      out.push_back(std::move(earlier[i++]));
    } else if (i == earlier.size() || later[j].labels < earlier[i].labels) {
      out.push_back(std::move(later[j++]));
    } else {
      out.push_back(std::move(earlier[i++]));
      AppendSeries(&out.back(), std::move(later[j++]));
    }
  }
  return out;
}

}  // namespace deucalion::promql
