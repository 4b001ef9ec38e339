#include "core/stencils.h"

#include <cstring>
#include <new>

#include "core/batch.h"

namespace hellotap {

namespace {

constexpr uint32_t kSlotBits = 13;
constexpr uint32_t kMaxAge = (1u << (32 - kSlotBits)) - 1;
static_assert(Stencils::kSlots == 1u << kSlotBits, "a number is an age and a slot");

}  // namespace

Stencils::Set::Set() {
  for (uint32_t i = 0; i < kWays; ++i) order[i] = static_cast<uint8_t>(i);
}

bool Stencils::Stencil::fits(Datum opening) const {
  if (opening.size() != openingBytes) return false;
  const uint8_t* own = fixed.data();
  for (const Run& run : runs) {
    if (std::memcmp(opening.data() + run.begin, own, run.length) != 0) return false;
    own += run.length;
  }
  return true;
}

uint32_t Stencils::learn(Datum opening, const uint32_t* holes, size_t count) {
  if (opening.empty() || opening.size() > kMaxOpeningBytes || count > kMaxHoles) return 0;
  Run runs[kMaxHoles + 1];
  size_t runCount = 0, fixedBytes = 0;
  uint32_t at = 0;
  for (size_t i = 0; i <= count; ++i) {
    const auto size = static_cast<uint32_t>(opening.size());
    const uint32_t begin = i < count ? holes[2 * i] : size;
    const uint32_t end = i < count ? holes[2 * i + 1] : size;
    if (begin < at || end < begin || end > size) return 0;
    if (begin > at) runs[runCount++] = {at, begin - at};
    fixedBytes += begin - at;
    at = end;
  }
  if (fixedBytes > kMaxFixedBytes) return 0;

  const uint32_t set = setOf(opening.size());
  if (!sets_[set]) sets_[set].reset(new (std::nothrow) Set());
  if (!sets_[set]) return 0;
  uint8_t* order = sets_[set]->order;
  // The newcomer gets the place of the one that has not fitted for longest, and has to earn a better one: openings that
  // never come again push only each other out.
  constexpr uint32_t kNewcomer = kWays / 2;
  const uint8_t way = order[kWays - 1];
  std::memmove(order + kNewcomer + 1, order + kNewcomer, kWays - 1 - kNewcomer);
  order[kNewcomer] = way;

  Stencil& stencil = sets_[set]->stencils[way];
  stencil.openingBytes = static_cast<uint32_t>(opening.size());
  stencil.age = stencil.age % kMaxAge + 1;
  stencil.runs.assign(runs, runs + runCount);
  stencil.fixed.clear();
  stencil.fixed.reserve(fixedBytes);
  for (const Run& run : stencil.runs)
    stencil.fixed.insert(stencil.fixed.end(), opening.data() + run.begin, opening.data() + run.begin + run.length);
  return stencil.age << kSlotBits | (set * kWays + way);
}

uint32_t Stencils::find(Datum opening) {
  if (opening.empty()) return 0;
  const uint32_t index = setOf(opening.size());
  Set* set = sets_[index].get();
  if (!set) return 0;
  for (uint32_t i = 0; i < kWays; ++i) {
    const uint8_t way = set->order[i];
    const Stencil& stencil = set->stencils[way];
    if (!stencil.fits(opening)) continue;
    std::memmove(set->order + 1, set->order, i);
    set->order[0] = way;
    return stencil.age << kSlotBits | (index * kWays + way);
  }
  return 0;
}

size_t Stencils::findAll(Datum batch, uint32_t* numbers, size_t capacity) {
  size_t records = 0;
  FlowRecordHeader header;
  while (batch.size() >= offsetof(FlowRecordHeader, ipVersion) && records < capacity) {
    std::memcpy(&header, batch.data(), batch.size() < sizeof header ? batch.size() : sizeof header);
    if (header.recordBytes < offsetof(FlowRecordHeader, ipVersion) || header.recordBytes > batch.size()) break;
    uint32_t client = 0, server = 0;
    if (header.kind == RecordKind::kFlow && header.recordBytes >= sizeof header) {
      Datum bytes = batch.first(header.recordBytes);
      bytes.skipUpTo(header.headerBytes);
      client = find(bytes.first(header.clientBytes));
      bytes.skipUpTo(header.clientBytes);
      server = find(bytes.first(header.serverBytes));
    }
    numbers[2 * records] = client;
    numbers[2 * records + 1] = server;
    ++records;
    batch.skipUpTo(header.recordBytes);
  }
  return records;
}

}  // namespace hellotap
