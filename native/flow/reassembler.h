// The opening bytes of one direction, put in order: each segment is copied to its place, bytes that are there already
// stay (first copy wins), and what is contiguous from the start grows. Bounded by construction: 64 KiB and a few holes.
#ifndef HELLOTAP_FLOW_REASSEMBLER_H_
#define HELLOTAP_FLOW_REASSEMBLER_H_

#include <cstdint>

#include "base/datum.h"
#include "base/buffer-pool.h"

namespace hellotap {

class Reassembler {
 public:
  static constexpr uint32_t kMaxBytes = 65536;
  static constexpr unsigned kMaxIslands = 16;

  enum class Added : uint8_t {
    kNothing,     // bytes that were there already, or lie beyond the limit
    kInOrder,     // the contiguous part grew
    kOutOfOrder,  // kept for later
    kTooMany,     // dropped: too many holes
    kNoMemory,    // dropped: a buffer of `neededBuffer` bytes is wanted first
  };

  // The size of the buffer that has to be there before `offset + length` bytes fit.
  static uint32_t bufferFor(uint32_t end) { return BufferPool::sizeFor(end < kMaxBytes ? end : kMaxBytes); }

  // `offset`: of the payload's first byte from the start of the direction. Needs a buffer that is large enough (see
  // grow).
  Added add(uint32_t offset, Datum payload);

  // Moves to a larger buffer, and hands back the old one.
  void grow(uint8_t* buffer, uint32_t size, BufferPool& pool);
  void release(BufferPool& pool);
  // Lets go of the first bytes, there or missing; what follows them moves to offset 0.
  void discard(uint32_t bytes);
  // Makes room for so many bytes in front of what is there, which has to fit into the buffer still; false where there
  // are too many holes for that.
  bool shift(uint32_t bytes);

  uint32_t capacity() const { return capacity_; }
  uint32_t contiguous() const { return contiguous_; }
  bool hasHoles() const { return islandCount_ > 0; }
  // Behind the last byte that is there.
  uint32_t extent() const { return hasHoles() ? islands_[islandCount_ - 1].end : contiguous_; }
  Datum bytes() const { return Datum(buffer_, contiguous_); }

 private:
  struct Island {
    uint32_t begin;
    uint32_t end;
  };

  void copyUncovered(uint32_t begin, uint32_t end, const uint8_t* from);
  bool insertIsland(uint32_t begin, uint32_t end);

  uint8_t* buffer_ = nullptr;
  uint32_t capacity_ = 0;
  uint32_t contiguous_ = 0;
  Island islands_[kMaxIslands];  // beyond the contiguous part, ascending, not touching
  uint8_t islandCount_ = 0;
};

}  // namespace hellotap

#endif  // HELLOTAP_FLOW_REASSEMBLER_H_
