// Tells openings that have been seen before. A stencil is an opening with holes in it: it fits every opening of its
// length that has the same bytes outside of them. What a hole is, and what a fitting stencil says, is known to whoever
// cut it (src/engine/opening-holes.ts); here are bytes alone.
#ifndef HELLOTAP_CORE_STENCILS_H_
#define HELLOTAP_CORE_STENCILS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/datum.h"

namespace hellotap {

class Stencils {
 public:
  // Stencils of one set are tried one after the other, those that fitted lately first; of the rest one makes room.
  static constexpr uint32_t kSets = 256;
  static constexpr uint32_t kWays = 32;
  static constexpr uint32_t kSlots = kSets * kWays;
  // Longer openings, and those with more bytes outside of holes, are not taken: they would be too dear to remember.
  static constexpr size_t kMaxOpeningBytes = 16384;
  static constexpr size_t kMaxFixedBytes = 2048;
  static constexpr size_t kMaxHoles = 128;

  // Cuts a stencil out of an opening. `holes` are `count` pairs of begin and end, ascending and apart. The answer is its
  // number, or 0 where it was not taken. The lower bits of a number are its slot, and no other stencil in the same slot
  // has had it for a long time.
  uint32_t learn(Datum opening, const uint32_t* holes, size_t count);

  // The number of the stencil that fits, or 0.
  uint32_t find(Datum opening);

  // For each record of a batch two numbers: those of the client's and of the server's opening. 0 where nothing fits, and
  // for records that are no flows. The answer is how many records there were.
  size_t findAll(Datum batch, uint32_t* numbers, size_t capacity);

 private:
  struct Run {
    uint32_t begin;
    uint32_t length;
  };
  struct Stencil {
    uint32_t openingBytes = 0;  // 0: none
    uint32_t age = 0;
    std::vector<Run> runs;
    std::vector<uint8_t> fixed;  // the bytes of all runs, one behind the other

    bool fits(Datum opening) const;
  };
  struct Set {
    Stencil stencils[kWays];
    uint8_t order[kWays];  // those that fitted lately first

    Set();
  };

  static uint32_t setOf(size_t length) { return static_cast<uint32_t>(length) * 0x9e3779b1u >> 24; }

  static_assert(kSets == 256, "as many as setOf has answers");

  std::unique_ptr<Set> sets_[kSets];  // made when needed
};

}  // namespace hellotap

#endif  // HELLOTAP_CORE_STENCILS_H_
