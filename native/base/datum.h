// A span of bytes that is consumed from the front and can never run past its end.
// Every bounds check of the packet core is in this file: what reads a header asks for all of it at once
// and then gets at its fields with offsets that are checked when the code is compiled.
#ifndef HELLOTAP_BASE_DATUM_H_
#define HELLOTAP_BASE_DATUM_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace hellotap {

// N bytes that are known to be there, or none at all (then it is false in a condition and must not be read).
template <size_t N>
class Fixed {
 public:
  explicit Fixed(const uint8_t* bytes) : bytes_(bytes) {}
  explicit operator bool() const { return bytes_ != nullptr; }

  template <size_t At>
  uint8_t u8() const {
    static_assert(At < N, "field outside of the header");
    return bytes_[At];
  }
  // Network byte order.
  template <size_t At>
  uint16_t be16() const {
    static_assert(At + 2 <= N, "field outside of the header");
    return static_cast<uint16_t>(bytes_[At] << 8 | bytes_[At + 1]);
  }
  template <size_t At>
  uint32_t be24() const {
    static_assert(At + 3 <= N, "field outside of the header");
    return uint32_t{bytes_[At]} << 16 | uint32_t{bytes_[At + 1]} << 8 | bytes_[At + 2];
  }
  template <size_t At>
  uint32_t be32() const {
    static_assert(At + 4 <= N, "field outside of the header");
    return __builtin_bswap32(load32<At>());
  }
  // The byte order of the writer of a file: `swapped` when it isn't this machine's (all that we build for are
  // little-endian).
  template <size_t At>
  uint16_t file16(bool swapped) const {
    static_assert(At + 2 <= N, "field outside of the header");
    uint16_t value;
    std::memcpy(&value, bytes_ + At, sizeof value);
    return swapped ? __builtin_bswap16(value) : value;
  }
  template <size_t At>
  uint32_t file32(bool swapped) const {
    const uint32_t value = load32<At>();
    return swapped ? __builtin_bswap32(value) : value;
  }
  template <size_t At, size_t Length>
  const uint8_t* bytes() const {
    static_assert(At + Length <= N, "field outside of the header");
    return bytes_ + At;
  }

 private:
  template <size_t At>
  uint32_t load32() const {
    static_assert(At + 4 <= N, "field outside of the header");
    uint32_t value;
    std::memcpy(&value, bytes_ + At, sizeof value);
    return value;
  }

  const uint8_t* bytes_;
};

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "byte order of a big-endian machine is not handled");

class Datum {
 public:
  Datum() : at_(nullptr), end_(nullptr) {}
  Datum(const uint8_t* bytes, size_t length) : at_(bytes), end_(bytes + length) {}

  const uint8_t* data() const { return at_; }
  size_t size() const { return static_cast<size_t>(end_ - at_); }
  bool empty() const { return at_ == end_; }

  // The first N bytes, consumed; nothing is consumed where fewer are left.
  template <size_t N>
  Fixed<N> take() {
    if (size() < N) return Fixed<N>(nullptr);
    const uint8_t* bytes = at_;
    at_ += N;
    return Fixed<N>(bytes);
  }
  // The first N bytes, left where they are.
  template <size_t N>
  Fixed<N> peek() const {
    return Fixed<N>(size() < N ? nullptr : at_);
  }
  // Likewise, N bytes that begin `offset` bytes from the front.
  template <size_t N>
  Fixed<N> peekAt(size_t offset) const {
    return Fixed<N>(offset > size() || size() - offset < N ? nullptr : at_ + offset);
  }
  // The first `length` bytes as a span of its own; false, and nothing consumed, where fewer are left.
  bool take(size_t length, Datum& out) {
    if (size() < length) return false;
    out = Datum(at_, length);
    at_ += length;
    return true;
  }
  bool skip(size_t length) {
    if (size() < length) return false;
    at_ += length;
    return true;
  }
  // Likewise, but as far as it goes.
  void skipUpTo(size_t length) { at_ += length < size() ? length : size(); }
  // The first `length` bytes, or all where fewer are left; not consumed.
  Datum first(size_t length) const { return Datum(at_, length < size() ? length : size()); }
  // What lies behind the first `length` bytes; empty where fewer are left.
  Datum behind(size_t length) const {
    Datum rest = *this;
    rest.skipUpTo(length);
    return rest;
  }

 private:
  const uint8_t* at_;
  const uint8_t* end_;
};

}  // namespace hellotap

#endif  // HELLOTAP_BASE_DATUM_H_
