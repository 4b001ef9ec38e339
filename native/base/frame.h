// One captured frame, as every source hands it to the core: a view of bytes that stay where they are until the batch is
// done.
#ifndef HELLOTAP_BASE_FRAME_H_
#define HELLOTAP_BASE_FRAME_H_

#include <cstddef>
#include <cstdint>

#include "base/datum.h"

namespace hellotap {

struct Frame {
  Datum bytes;        // as captured
  uint32_t original;  // bytes on the wire; at least bytes.size()
  uint16_t linkType;  // LINKTYPE_ value of tcpdump.org
  int64_t timestamp;  // microseconds since 1970
  int64_t offset;     // of its record in the capture
};

// Frames go through the core in small batches, so that the memory of the next ones is on its way while one is worked
// on.
struct FrameBatch {
  static constexpr size_t kCapacity = 32;
  Frame frames[kCapacity];
  size_t count = 0;
  uint32_t input = 0;  // the one that all of them are from

  bool full() const { return count == kCapacity; }
  void clear() { count = 0; }
  Frame& add() { return frames[count++]; }
};

// What a reader stopped for.
enum class ReadStatus : uint8_t {
  kMore,     // the batch is full (or the budget is used up); call again
  kStarved,  // the input ends inside of a record and more is to come
  kEnded,    // everything was read
};

}  // namespace hellotap

#endif  // HELLOTAP_BASE_FRAME_H_
