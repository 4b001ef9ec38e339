#include "tell/stencils.h"

#include <cstring>
#include <new>

namespace hellotap {

namespace {

constexpr uint32_t kSlotBits = 13;
constexpr uint32_t kMaxAge = (1u << (32 - kSlotBits)) - 1;
static_assert(Stencils::kSlots == 1u << kSlotBits, "a number is an age and a slot");

bool isOfName(uint8_t byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || byte == '.' ||
         byte == '-' || byte == '_' || byte == '*';
}

}  // namespace

Stencils::Set::Set() {
  for (uint32_t i = 0; i < kWays; ++i) order[i] = static_cast<uint8_t>(i);
}

Stencils::Stencils(const uint8_t (&reserved)[kReservedBytes]) { std::memcpy(reserved_, reserved, kReservedBytes); }

bool Stencils::takes(const Hole& hole, const uint8_t* bytes) const {
  const uint32_t length = hole.end - hole.begin;
  switch (hole.kind) {
    case HoleKind::kGrease:
      return length == 2 && bytes[0] == bytes[1] && (bytes[0] & 15) == 10;
    case HoleKind::kOther:
      return length != kReservedBytes || std::memcmp(bytes, reserved_, kReservedBytes) != 0;
    case HoleKind::kName:
      for (uint32_t i = 0; i < length; ++i)
        if (!isOfName(bytes[i])) return false;
      return true;
    case HoleKind::kAny:
    default:
      return true;
  }
}

bool Stencils::fits(const Stencil& stencil, Datum bytes) const {
  if (bytes.size() != stencil.bytes) return false;
  const uint8_t* own = stencil.fixed.data();
  for (const Run& run : stencil.runs) {
    if (std::memcmp(bytes.data() + run.begin, own, run.length) != 0) return false;
    own += run.length;
  }
  for (const Hole& hole : stencil.choosy)
    if (!takes(hole, bytes.data() + hole.begin)) return false;
  return true;
}

uint32_t Stencils::learn(Datum bytes, const Hole* holes, size_t count) {
  if (bytes.empty() || bytes.size() > kMaxBytes || count > kMaxHoles) return 0;
  const auto size = static_cast<uint32_t>(bytes.size());
  Run runs[kMaxHoles + 1];
  Hole choosy[kMaxHoles];
  size_t runCount = 0, choosyCount = 0, fixedBytes = 0;
  uint32_t at = 0;
  for (size_t i = 0; i <= count; ++i) {
    const Hole hole = i < count ? holes[i] : Hole{size, size, HoleKind::kAny};
    if (hole.begin < at || hole.end < hole.begin || hole.end > size) return 0;
    if (hole.begin > at) runs[runCount++] = {at, hole.begin - at};
    fixedBytes += hole.begin - at;
    at = hole.end;
    if (hole.kind == HoleKind::kAny) continue;
    // Its own bytes have to fit.
    if (!takes(hole, bytes.data() + hole.begin)) return 0;
    choosy[choosyCount++] = hole;
  }
  if (fixedBytes > kMaxFixedBytes) return 0;

  const uint32_t set = setOf(bytes.size());
  if (!sets_[set]) sets_[set].reset(new (std::nothrow) Set());
  if (!sets_[set]) return 0;
  uint8_t* order = sets_[set]->order;
  // The newcomer gets the place of the one that has not fitted for longest, and has to earn a better one: what never
  // comes again pushes only its like out.
  constexpr uint32_t kNewcomer = kWays / 2;
  const uint8_t way = order[kWays - 1];
  std::memmove(order + kNewcomer + 1, order + kNewcomer, kWays - 1 - kNewcomer);
  order[kNewcomer] = way;

  Stencil& stencil = sets_[set]->stencils[way];
  stencil.bytes = size;
  stencil.age = stencil.age % kMaxAge + 1;
  stencil.runs.assign(runs, runs + runCount);
  stencil.choosy.assign(choosy, choosy + choosyCount);
  stencil.fixed.clear();
  stencil.fixed.reserve(fixedBytes);
  for (const Run& run : stencil.runs)
    stencil.fixed.insert(stencil.fixed.end(), bytes.data() + run.begin, bytes.data() + run.begin + run.length);
  return stencil.age << kSlotBits | (set * kWays + way);
}

uint32_t Stencils::find(Datum bytes) {
  if (bytes.empty()) return 0;
  const uint32_t index = setOf(bytes.size());
  Set* set = sets_[index].get();
  if (!set) return 0;
  for (uint32_t i = 0; i < kWays; ++i) {
    const uint8_t way = set->order[i];
    const Stencil& stencil = set->stencils[way];
    if (!fits(stencil, bytes)) continue;
    std::memmove(set->order + 1, set->order, i);
    set->order[0] = way;
    return stencil.age << kSlotBits | (index * kWays + way);
  }
  return 0;
}

}  // namespace hellotap
