#include "server/remote/send/text_pool.h"

namespace deucalion::remote {

uint32_t TextPool::Ref(std::string_view text) {
  const auto it = numbers_.find(text);
  if (it != numbers_.end()) {
    entries_[it->second].refs++;
    return it->second;
  }
  uint32_t number = static_cast<uint32_t>(entries_.size());
  if (free_.empty()) {
    entries_.emplace_back();
  } else {
    number = free_.back();
    free_.pop_back();
  }
  Entry& entry = entries_[number];
  entry.text = text;
  entry.refs = 1;
  numbers_.emplace(entry.text, number);
  return number;
}

void TextPool::Unref(uint32_t number) {
  Entry& entry = entries_[number];
  if (--entry.refs > 0) return;
  numbers_.erase(entry.text);
  entry.text = std::string();
  free_.push_back(number);
}

}  // namespace deucalion::remote
