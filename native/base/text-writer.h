// Text that is put together in memory of a fixed size. What does not fit any more is not written, and `isFull` says so.
#ifndef HELLOTAP_BASE_TEXT_WRITER_H_
#define HELLOTAP_BASE_TEXT_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/datum.h"

namespace hellotap {

class TextWriter {
 public:
  TextWriter(uint8_t* memory, size_t size) : begin_(memory), at_(memory), end_(memory + size) {}

  bool isFull() const { return isFull_; }
  size_t written() const { return static_cast<size_t>(at_ - begin_); }
  // Takes back what was written behind the first `written` bytes.
  void rewind(size_t written) {
    at_ = begin_ + written;
    isFull_ = false;
  }

  void put(const void* bytes, size_t count) {
    uint8_t* to = reserve(count);
    if (to && count > 0) std::memcpy(to, bytes, count);
  }
  void put(Datum bytes) { put(bytes.data(), bytes.size()); }
  template <size_t N>
  void put(const char (&literal)[N]) {
    put(literal, N - 1);
  }
  void decimal(uint64_t value) {
    uint8_t digits[20];
    size_t at = sizeof digits;
    do digits[--at] = static_cast<uint8_t>('0' + value % 10);
    while ((value /= 10) > 0);
    put(digits + at, sizeof digits - at);
  }
  // Two hexadecimal digits a byte, with colons between the bytes. `digits`: the sixteen of them.
  void hexPairs(const uint8_t* bytes, size_t count, const char* digits) {
    uint8_t* to = reserve(count > 0 ? 3 * count - 1 : 0);
    if (!to) return;
    for (size_t i = 0; i < count; ++i) {
      if (i > 0) *to++ = ':';
      *to++ = static_cast<uint8_t>(digits[bytes[i] >> 4]);
      *to++ = static_cast<uint8_t>(digits[bytes[i] & 15]);
    }
  }
  // Room for `count` bytes that the caller fills; null where it is not there.
  uint8_t* reserve(size_t count) {
    if (isFull_ || static_cast<size_t>(end_ - at_) < count) {
      isFull_ = true;
      return nullptr;
    }
    uint8_t* to = at_;
    at_ += count;
    return to;
  }

 private:
  uint8_t* begin_;
  uint8_t* at_;
  uint8_t* end_;
  bool isFull_ = false;
};

}  // namespace hellotap

#endif  // HELLOTAP_BASE_TEXT_WRITER_H_
