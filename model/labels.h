// Labels: a set of (name, value) pairs, sorted by name, no name twice, no empty value.
//
// Kept as one string: for each pair the name then the value, each behind its length (one byte below
// 255, else 0xFF and three bytes little-endian). That is also how Prometheus lays out label sets in
// memory, so XxHash64 over the bytes equals its label hash (limit_ratio shows it to users).
// Equality and hashing are memcmp and one pass over bytes; copying a view costs nothing.
//
// LabelsView borrows: valid as long as the bytes it was made from. Labels owns. Both are
// thread-compatible values.
#ifndef DEUCALION_MODEL_LABELS_H_
#define DEUCALION_MODEL_LABELS_H_

#include <compare>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "base/status.h"

namespace deucalion {

inline constexpr std::string_view kMetricName = "__name__";
inline constexpr std::string_view kBucketLabel = "le";
inline constexpr std::string_view kTypeLabel = "__type__";
inline constexpr std::string_view kUnitLabel = "__unit__";
// Labels are at most this long on every door (the length prefix has three bytes).
inline constexpr size_t kMaxLabelBytes = (1u << 24) - 1;

struct Label {
  std::string_view name;
  std::string_view value;
  friend bool operator==(const Label&, const Label&) = default;
  friend auto operator<=>(const Label&, const Label&) = default;
};

class LabelsView {
 public:
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Label;
    using difference_type = std::ptrdiff_t;
    using pointer = const Label*;
    using reference = const Label&;
    Iterator() = default;
    Iterator(const char* p, const char* end) : p_(p), end_(end) { Parse(); }
    const Label& operator*() const { return label_; }
    const Label* operator->() const { return &label_; }
    Iterator& operator++() {
      p_ = next_;
      Parse();
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const Iterator& a, const Iterator& b) { return a.p_ == b.p_; }

   private:
    void Parse() {
      if (p_ == end_) return;
      const char* q = p_;
      label_.name = Piece(&q);
      label_.value = Piece(&q);
      next_ = q;
    }
    static std::string_view Piece(const char** q) {
      size_t n = static_cast<uint8_t>(*(*q)++);
      if (n == 255) {
        const auto* u = reinterpret_cast<const uint8_t*>(*q);
        n = u[0] | (u[1] << 8) | (u[2] << 16);
        *q += 3;
      }
      std::string_view piece(*q, n);
      *q += n;
      return piece;
    }
    const char* p_ = nullptr;
    const char* end_ = nullptr;
    const char* next_ = nullptr;
    Label label_;
  };

  LabelsView() = default;
  // `encoded` must be well-formed: made by Labels, LabelsBuilder or checked by CheckEncodedLabels.
  explicit LabelsView(std::string_view encoded) : bytes_(encoded) {}

  Iterator begin() const { return Iterator(bytes_.data(), bytes_.data() + bytes_.size()); }
  Iterator end() const {
    return Iterator(bytes_.data() + bytes_.size(), bytes_.data() + bytes_.size());
  }
  bool empty() const { return bytes_.empty(); }
  size_t size() const;
  // "" when absent.
  std::string_view Get(std::string_view name) const;
  bool Has(std::string_view name) const;
  std::string_view bytes() const { return bytes_; }
  uint64_t Hash() const { return Hash64(bytes_); }
  // {__name__="x", a="b"} becomes x{a="b"}; names that are not legacy names are quoted.
  std::string ToString() const;
  // {__name__="x", a="b"}: how Prometheus's error texts show a label set.
  std::string ToBraceString() const;

  friend bool operator==(LabelsView a, LabelsView b) { return a.bytes_ == b.bytes_; }
  // By pairs in turn, name then value, bytes; a prefix sorts first. Prometheus's labels.Compare.
  friend std::strong_ordering operator<=>(LabelsView a, LabelsView b) { return Compare(a, b); }

 private:
  static std::strong_ordering Compare(LabelsView a, LabelsView b);
  std::string_view bytes_;
};

class Labels {
 public:
  Labels() = default;
  // Any order; later pairs win over earlier ones of the same name; empty values are dropped.
  Labels(std::initializer_list<std::pair<std::string_view, std::string_view>> pairs);
  explicit Labels(LabelsView view) : bytes_(view.bytes()) {}
  static Labels FromEncoded(std::string encoded) {
    Labels l;
    l.bytes_ = std::move(encoded);
    return l;
  }

  operator LabelsView() const { return LabelsView(bytes_); }  // NOLINT: implicit by intent
  LabelsView view() const { return LabelsView(bytes_); }
  LabelsView::Iterator begin() const { return view().begin(); }
  LabelsView::Iterator end() const { return view().end(); }
  bool empty() const { return bytes_.empty(); }
  size_t size() const { return view().size(); }
  std::string_view Get(std::string_view name) const { return view().Get(name); }
  bool Has(std::string_view name) const { return view().Has(name); }
  uint64_t Hash() const { return view().Hash(); }
  const std::string& bytes() const { return bytes_; }
  std::string ToString() const { return view().ToString(); }
  // Keeps the capacity: for scratch that is filled again and again.
  void Assign(LabelsView v) { bytes_.assign(v.bytes()); }
  void Clear() { bytes_.clear(); }
  std::string* mutable_bytes() { return &bytes_; }

  friend bool operator==(const Labels& a, const Labels& b) { return a.bytes_ == b.bytes_; }
  friend auto operator<=>(const Labels& a, const Labels& b) { return a.view() <=> b.view(); }

 private:
  std::string bytes_;
};

// Appends one pair in the encoding above. Names must be appended in ascending order, values not
// empty.
void AppendEncodedLabel(std::string* out, std::string_view name, std::string_view value);
// Whether `encoded` can be walked: lengths inside the buffer, names strictly ascending, no empty
// piece.
bool CheckEncodedLabels(std::string_view encoded);

// Changes a label set. Set("x", "") deletes. Thread-compatible; reusable through Reset.
class LabelsBuilder {
 public:
  LabelsBuilder() = default;
  explicit LabelsBuilder(LabelsView base) { Reset(base); }
  void Reset(LabelsView base = LabelsView());
  LabelsBuilder& Set(std::string_view name, std::string_view value);
  LabelsBuilder& Delete(std::string_view name);
  // Drops every name not in `names`.
  LabelsBuilder& Keep(const std::vector<std::string>& names);
  std::string_view Get(std::string_view name) const;
  // Current pairs, sorted.
  const std::vector<std::pair<std::string, std::string>>& pairs() const { return pairs_; }
  Labels Build() const;
  void BuildInto(Labels* out) const;

 private:
  std::vector<std::pair<std::string, std::string>> pairs_;
};

// Fast paths of the query engine. All return label sets that hold only what is said.
// Keeps only the pairs whose name is in `sorted_names`.
void KeepLabels(LabelsView in, const std::vector<std::string>& sorted_names, Labels* out);
// Drops the pairs whose name is in `sorted_names`.
void DropLabels(LabelsView in, const std::vector<std::string>& sorted_names, Labels* out);

struct LabelsHash {
  using is_transparent = void;
  size_t operator()(LabelsView v) const { return v.Hash(); }
  size_t operator()(const Labels& v) const { return v.Hash(); }
};
struct LabelsEqual {
  using is_transparent = void;
  bool operator()(LabelsView a, LabelsView b) const { return a == b; }
};

// [a-zA-Z_:][a-zA-Z0-9_:]* and [a-zA-Z_][a-zA-Z0-9_]*.
bool IsLegacyMetricName(std::string_view name);
bool IsLegacyLabelName(std::string_view name);
// Under UTF-8 validation: not empty, valid UTF-8.
bool IsValidUtf8(std::string_view text);
inline bool IsValidMetricName(std::string_view n) { return !n.empty() && IsValidUtf8(n); }
inline bool IsValidLabelName(std::string_view n) { return !n.empty() && IsValidUtf8(n); }

}  // namespace deucalion

#endif  // DEUCALION_MODEL_LABELS_H_
