// Tells bytes that have been seen before: an opening, or a certificate. A stencil is such bytes with holes: it fits all
// that are as long and the same outside of them, if what stands in a hole is of its kind. What a hole is, and what a
// fitting stencil says, is known to whoever cut it (src/engine/opening-holes.ts); here are bytes alone.
#ifndef HELLOTAP_TELL_STENCILS_H_
#define HELLOTAP_TELL_STENCILS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/datum.h"

namespace hellotap {

// What may stand in a hole. The numbers are those of HoleKind in src/capture/teller.ts.
enum class HoleKind : uint32_t {
  kAny = 0,
  kGrease = 1,  // a GREASE value of two bytes (RFC 8701)
  kOther = 2,   // anything but the `reserved` bytes, if it is as long as they are
  kName = 3,    // letters, digits, and what else stands in names of hosts: text that JSON takes as it is
};

struct Hole {
  uint32_t begin;
  uint32_t end;
  HoleKind kind;
};

class Stencils {
 public:
  // Stencils of one set are tried one after the other, those that fitted lately first; of the rest one makes room.
  static constexpr uint32_t kSets = 256;
  static constexpr uint32_t kWays = 32;
  static constexpr uint32_t kSlots = kSets * kWays;
  // Longer bytes, and those with more of them outside of holes, are not taken: they would be too dear to remember.
  static constexpr size_t kMaxBytes = 16384;
  static constexpr size_t kMaxFixedBytes = 2048;
  static constexpr size_t kMaxHoles = 128;
  static constexpr size_t kReservedBytes = 32;

  // @param reserved what a hole of the kind kOther must not hold
  explicit Stencils(const uint8_t (&reserved)[kReservedBytes]);

  // Cuts a stencil. The holes are ascending and apart. The answer is its number, or 0 where it was not taken. The lower
  // bits of a number are its slot, and no other stencil in the same slot has had it for a long time.
  uint32_t learn(Datum bytes, const Hole* holes, size_t count);

  // The number of the stencil that fits, or 0.
  uint32_t find(Datum bytes);

  static uint32_t slotOf(uint32_t number) { return number % kSlots; }

 private:
  struct Run {
    uint32_t begin;
    uint32_t length;
  };
  struct Stencil {
    uint32_t bytes = 0;  // 0: none
    uint32_t age = 0;
    std::vector<Run> runs;
    std::vector<uint8_t> fixed;  // the bytes of all runs, one behind the other
    std::vector<Hole> choosy;    // holes that do not take everything
  };
  struct Set {
    Stencil stencils[kWays];
    uint8_t order[kWays];  // those that fitted lately first

    Set();
  };

  static uint32_t setOf(size_t length) { return static_cast<uint32_t>(length) * 0x9e3779b1u >> 24; }
  bool fits(const Stencil& stencil, Datum bytes) const;
  bool takes(const Hole& hole, const uint8_t* bytes) const;

  static_assert(kSets == 256, "as many as setOf has answers");

  uint8_t reserved_[kReservedBytes];
  std::unique_ptr<Set> sets_[kSets];  // made when needed
};

}  // namespace hellotap

#endif  // HELLOTAP_TELL_STENCILS_H_
