// StepMask: at which steps of a row there is a sample. One bit per step; up to 64 steps need no
// memory of their own. Thread-compatible value.
#ifndef DEUCALION_PROMQL_EXEC_STEP_MASK_H_
#define DEUCALION_PROMQL_EXEC_STEP_MASK_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>

namespace deucalion::promql {

class StepMask {
 public:
  StepMask() = default;
  explicit StepMask(size_t steps) { Reset(steps); }
  StepMask(const StepMask& other) { *this = other; }
  StepMask& operator=(const StepMask& other) {
    if (this == &other) return *this;
    Reset(other.steps_);
    if (steps_ > 0) std::memcpy(words(), other.words(), word_count() * 8);
    return *this;
  }
  StepMask(StepMask&& other) noexcept { Swap(other); }
  StepMask& operator=(StepMask&& other) noexcept {
    Swap(other);
    return *this;
  }

  // All clear.
  void Reset(size_t steps) {
    steps_ = steps;
    one_ = 0;
    const size_t n = word_count();
    if (n > 1) {
      if (n > capacity_) {
        many_ = std::make_unique<uint64_t[]>(n);
        capacity_ = n;
      } else {
        std::memset(many_.get(), 0, n * 8);
      }
    }
  }
  void SetAll() {
    const size_t n = word_count();
    if (n == 0) return;
    uint64_t* w = words();
    std::memset(w, 0xff, n * 8);
    w[n - 1] = TailMask();
  }

  size_t steps() const { return steps_; }
  bool Test(size_t i) const { return (words()[i >> 6] >> (i & 63)) & 1; }
  void Set(size_t i) { words()[i >> 6] |= uint64_t{1} << (i & 63); }
  void Clear(size_t i) { words()[i >> 6] &= ~(uint64_t{1} << (i & 63)); }

  bool Any() const {
    const uint64_t* w = words();
    for (size_t i = 0; i < word_count(); i++) {
      if (w[i] != 0) return true;
    }
    return false;
  }
  bool All() const {
    const size_t n = word_count();
    if (n == 0) return true;
    const uint64_t* w = words();
    for (size_t i = 0; i + 1 < n; i++) {
      if (w[i] != ~uint64_t{0}) return false;
    }
    return w[n - 1] == TailMask();
  }
  size_t Count() const {
    size_t count = 0;
    const uint64_t* w = words();
    for (size_t i = 0; i < word_count(); i++) count += static_cast<size_t>(std::popcount(w[i]));
    return count;
  }

  // Both masks have the same number of steps.
  void Or(const StepMask& other) {
    for (size_t i = 0; i < word_count(); i++) words()[i] |= other.words()[i];
  }
  void And(const StepMask& other) {
    for (size_t i = 0; i < word_count(); i++) words()[i] &= other.words()[i];
  }
  void AndNot(const StepMask& other) {
    for (size_t i = 0; i < word_count(); i++) words()[i] &= ~other.words()[i];
  }
  bool Intersects(const StepMask& other) const {
    for (size_t i = 0; i < word_count(); i++) {
      if ((words()[i] & other.words()[i]) != 0) return true;
    }
    return false;
  }

  // f(step) for each set bit, ascending. f may clear the bit it is called for.
  template <typename F>
  void ForEach(F&& f) const {
    for (size_t i = 0; i < word_count(); i++) {
      for (uint64_t w = words()[i]; w != 0; w &= w - 1) {
        f(i * 64 + static_cast<size_t>(std::countr_zero(w)));
      }
    }
  }

  size_t word_count() const { return (steps_ + 63) / 64; }
  uint64_t* words() { return word_count() > 1 ? many_.get() : &one_; }
  const uint64_t* words() const { return word_count() > 1 ? many_.get() : &one_; }
  size_t heap_bytes() const { return capacity_ * 8; }

 private:
  uint64_t TailMask() const {
    const size_t tail = steps_ & 63;
    return tail == 0 ? ~uint64_t{0} : (uint64_t{1} << tail) - 1;
  }
  void Swap(StepMask& other) {
    std::swap(steps_, other.steps_);
    std::swap(capacity_, other.capacity_);
    std::swap(one_, other.one_);
    std::swap(many_, other.many_);
  }

  size_t steps_ = 0;
  size_t capacity_ = 0;  // words in many_
  uint64_t one_ = 0;
  std::unique_ptr<uint64_t[]> many_;
};

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_EXEC_STEP_MASK_H_
