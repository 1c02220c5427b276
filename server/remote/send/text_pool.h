// TextPool: texts that many series share, each kept once under a small number. What a write queue
// keeps of labels, so that a series is a list of numbers and an encoder need not hash anything.
//
// Thread-compatible.
#ifndef DEUCALION_SERVER_REMOTE_SEND_TEXT_POOL_H_
#define DEUCALION_SERVER_REMOTE_SEND_TEXT_POOL_H_

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace deucalion::remote {

class TextPool {
 public:
  // Its number, for as long as there are as many Unrefs left.
  uint32_t Ref(std::string_view text);
  void Unref(uint32_t number);
  // Valid until the number is free.
  std::string_view text(uint32_t number) const { return entries_[number].text; }
  // All numbers are below.
  size_t limit() const { return entries_.size(); }
  // Texts that are there.
  size_t size() const { return numbers_.size(); }

 private:
  struct Entry {
    std::string text;
    uint64_t refs = 0;
  };
  std::deque<Entry> entries_;  // stable addresses: the keys below point into it
  std::unordered_map<std::string_view, uint32_t> numbers_;
  std::vector<uint32_t> free_;
};

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_SEND_TEXT_POOL_H_
