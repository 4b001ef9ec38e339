// Secrets of TLS connections that stand in a capture, on their way out: text in the NSS key log format, passed on in
// pieces as it comes. It holds no more than what a reader meets in one go, which the window over the capture bounds.
#ifndef HELLOTAP_BASE_SECRETS_H_
#define HELLOTAP_BASE_SECRETS_H_

#include <cstdint>
#include <vector>

#include "base/datum.h"

namespace hellotap {

class SecretsQueue {
 public:
  // A part of the text of one input.
  struct Piece {
    uint32_t input;
    Datum text;
  };

  void select(uint32_t input) { input_ = input; }
  void add(Datum text) {
    if (text.empty()) return;
    text_.insert(text_.end(), text.data(), text.data() + text.size());
    if (!ends_.empty() && ends_.back().input == input_)
      ends_.back().end = text_.size();
    else
      ends_.push_back({input_, text_.size()});
  }

  bool empty() const { return first_ == ends_.size(); }
  // At most `most` bytes of what came first; not removed.
  Piece front(size_t most) const {
    return {ends_[first_].input, Datum(text_.data() + taken_, ends_[first_].end - taken_).first(most)};
  }
  void remove(size_t bytes) {
    taken_ += bytes;
    if (taken_ < ends_[first_].end || ++first_ < ends_.size()) return;
    text_.clear();
    ends_.clear();
    first_ = taken_ = 0;
  }

 private:
  struct End {
    uint32_t input;
    size_t end;  // in text_
  };
  std::vector<uint8_t> text_;
  std::vector<End> ends_;
  size_t first_ = 0;  // of ends_ that is not removed
  size_t taken_ = 0;  // of text_
  uint32_t input_ = 0;
};

}  // namespace hellotap

#endif  // HELLOTAP_BASE_SECRETS_H_
