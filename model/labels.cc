// Walks over the encoded bytes by raw pointer, so that the query engine's projections copy whole
// runs of pairs instead of piece by piece.
#include "model/labels.h"

#include <algorithm>
#include <cstring>

#include "model/value.h"

namespace deucalion {
namespace {

constexpr uint8_t kLongPiece = 255;

// Start of the piece's text at `*p`; moves `*p` behind it.
inline std::string_view TakePiece(const char** p) {
  size_t n = static_cast<uint8_t>(*(*p)++);
  if (n == kLongPiece) {
    const auto* u = reinterpret_cast<const uint8_t*>(*p);
    n = u[0] | (u[1] << 8) | (static_cast<size_t>(u[2]) << 16);
    *p += 3;
  }
  const std::string_view piece(*p, n);
  *p += n;
  return piece;
}

inline void SkipPiece(const char** p) { TakePiece(p); }

void AppendPiece(std::string* out, std::string_view piece) {
  const size_t n = std::min(piece.size(), kMaxLabelBytes);
  if (n < kLongPiece) {
    out->push_back(static_cast<char>(n));
  } else {
    out->push_back(static_cast<char>(kLongPiece));
    out->push_back(static_cast<char>(n & 0xff));
    out->push_back(static_cast<char>((n >> 8) & 0xff));
    out->push_back(static_cast<char>(n >> 16));
  }
  out->append(piece.data(), n);
}

// Index of the first byte that differs, or the shorter size.
size_t FirstDifference(std::string_view a, std::string_view b) {
  const size_t n = std::min(a.size(), b.size());
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    uint64_t x, y;
    std::memcpy(&x, a.data() + i, 8);
    std::memcpy(&y, b.data() + i, 8);
    if (x != y) return i + static_cast<size_t>(__builtin_ctzll(x ^ y)) / 8;
  }
  while (i < n && a[i] == b[i]) i++;
  return i;
}

void AppendQuotedUnless(bool plain, std::string_view text, std::string* out) {
  if (plain) {
    out->append(text);
  } else {
    out->append(GoQuote(text));
  }
}

void AppendPair(const Label& label, std::string* out) {
  AppendQuotedUnless(IsLegacyLabelName(label.name), label.name, out);
  out->push_back('=');
  out->append(GoQuote(label.value));
}

}  // namespace

size_t LabelsView::size() const {
  size_t n = 0;
  const char* p = bytes_.data();
  for (const char* end = p + bytes_.size(); p != end; n++) {
    SkipPiece(&p);
    SkipPiece(&p);
  }
  return n;
}

std::string_view LabelsView::Get(std::string_view name) const {
  const char* p = bytes_.data();
  for (const char* end = p + bytes_.size(); p != end;) {
    const std::string_view at = TakePiece(&p);
    // Names ascend; most differ from the one wanted in the first byte.
    if (at.size() == name.size() && std::memcmp(at.data(), name.data(), at.size()) == 0) {
      return TakePiece(&p);
    }
    if (!name.empty() && !at.empty() &&
        static_cast<uint8_t>(at[0]) > static_cast<uint8_t>(name[0])) {
      return {};
    }
    SkipPiece(&p);
  }
  return {};
}

bool LabelsView::Has(std::string_view name) const {
  // No value is empty, so a found one has bytes.
  return !Get(name).empty();
}

std::strong_ordering LabelsView::Compare(LabelsView a, LabelsView b) {
  const size_t first = FirstDifference(a.bytes_, b.bytes_);
  if (first == a.bytes_.size() || first == b.bytes_.size()) {
    return a.bytes_.size() <=> b.bytes_.size();
  }
  // Both sides are laid out alike up to the piece that holds the first difference.
  const char* p = a.bytes_.data();
  const char* piece = p;
  while (static_cast<size_t>(p - a.bytes_.data()) <= first) {
    piece = p;
    SkipPiece(&p);
  }
  const char* q = b.bytes_.data() + (piece - a.bytes_.data());
  return TakePiece(&piece).compare(TakePiece(&q)) <=> 0;
}

std::string LabelsView::ToString() const {
  const std::string_view metric = Get(kMetricName);
  const bool plain_metric = IsLegacyMetricName(metric);
  std::string out;
  if (plain_metric) out.append(metric);
  const bool only_metric = plain_metric && size() == 1;
  if (only_metric) return out;
  out.push_back('{');
  bool first = true;
  if (!metric.empty() && !plain_metric) {
    out.append(GoQuote(metric));
    first = false;
  }
  for (const Label& label : *this) {
    if (label.name == kMetricName) continue;
    if (!first) out.append(", ");
    first = false;
    AppendPair(label, &out);
  }
  out.push_back('}');
  return out;
}

std::string LabelsView::ToBraceString() const {
  std::string out = "{";
  for (const Label& label : *this) {
    if (out.size() > 1) out.append(", ");
    AppendPair(label, &out);
  }
  out.push_back('}');
  return out;
}

Labels::Labels(std::initializer_list<std::pair<std::string_view, std::string_view>> pairs) {
  LabelsBuilder builder;
  for (const auto& [name, value] : pairs) builder.Set(name, value);
  builder.BuildInto(this);
}

void AppendEncodedLabel(std::string* out, std::string_view name, std::string_view value) {
  AppendPiece(out, name);
  AppendPiece(out, value);
}

bool CheckEncodedLabels(std::string_view encoded) {
  const auto* p = reinterpret_cast<const uint8_t*>(encoded.data());
  size_t left = encoded.size();
  const auto take = [&](std::string_view* piece) {
    if (left < 1) return false;
    size_t n = *p++;
    left--;
    if (n == kLongPiece) {
      if (left < 3) return false;
      n = p[0] | (p[1] << 8) | (static_cast<size_t>(p[2]) << 16);
      if (n < kLongPiece) return false;  // the short form would do: two encodings of one set
      p += 3;
      left -= 3;
    }
    if (n == 0 || n > left) return false;
    *piece = std::string_view(reinterpret_cast<const char*>(p), n);
    p += n;
    left -= n;
    return true;
  };
  std::string_view previous, name, value;
  while (left > 0) {
    if (!take(&name) || !take(&value) || name <= previous) return false;
    previous = name;
  }
  return true;
}

void KeepLabels(LabelsView in, const std::vector<std::string>& sorted_names, Labels* out) {
  std::string* bytes = out->mutable_bytes();
  bytes->clear();
  const char* p = in.bytes().data();
  const char* end = p + in.bytes().size();
  auto want = sorted_names.begin();
  while (p != end && want != sorted_names.end()) {
    const char* begin = p;
    const std::string_view name = TakePiece(&p);
    SkipPiece(&p);
    while (want != sorted_names.end() && std::string_view(*want) < name) ++want;
    if (want == sorted_names.end()) break;
    if (std::string_view(*want) == name) bytes->append(begin, static_cast<size_t>(p - begin));
  }
}

void DropLabels(LabelsView in, const std::vector<std::string>& sorted_names, Labels* out) {
  std::string* bytes = out->mutable_bytes();
  bytes->clear();
  const char* p = in.bytes().data();
  const char* end = p + in.bytes().size();
  const char* run = p;  // first byte not copied yet
  auto drop = sorted_names.begin();
  while (p != end && drop != sorted_names.end()) {
    const char* begin = p;
    const std::string_view name = TakePiece(&p);
    SkipPiece(&p);
    while (drop != sorted_names.end() && std::string_view(*drop) < name) ++drop;
    if (drop == sorted_names.end()) break;
    if (std::string_view(*drop) != name) continue;
    bytes->append(run, static_cast<size_t>(begin - run));
    run = p;
  }
  bytes->append(run, static_cast<size_t>(end - run));
}

}  // namespace deucalion
