#include "flow/flow-entries.h"

#include <algorithm>
#include <cstdlib>

namespace hellotap {

namespace {
constexpr size_t kFirstSlots = 1 << 12;
}

FlowEntries::FlowEntries(uint32_t capacity)
    : capacity_(capacity),
      // Not touched here: the system gives memory to those pages only that are used.
      entries_(static_cast<FlowEntry*>(std::aligned_alloc(alignof(FlowEntry), size_t{capacity} * sizeof(FlowEntry)))),
      slots_(kFirstSlots, Slot{0, kNone}),
      mask_(kFirstSlots - 1) {}

FlowEntries::~FlowEntries() { std::free(entries_); }

uint32_t FlowEntries::insert(const FlowKey& key, uint64_t hash, FlowList list, uint32_t tick) {
  if ((size_t{size_} + 1) * 2 > slots_.size()) grow();
  uint32_t index = free_;
  if (index != kNone) {
    free_ = entries_[index].next;
  } else {
    index = used_++;
    homes_.push_back(0);
  }
  ++size_;
  homes_[index] = static_cast<uint32_t>(hash);
  FlowEntry& entry = entries_[index];
  entry.low[0] = key.low[0];
  entry.low[1] = key.low[1];
  entry.high[0] = key.high[0];
  entry.high[1] = key.high[1];
  entry.lowPort = key.lowPort;
  entry.highPort = key.highPort;
  entry.isIpv6 = key.version == 6;
  entry.started = 0;
  entry.sides = 0;
  entry.stream = kNone;
  link(index, list, tick);

  size_t at = hash & mask_;
  while (slots_[at].entry != kNone) at = (at + 1) & mask_;
  slots_[at] = {static_cast<uint32_t>(hash >> 32), index};
  return index;
}

void FlowEntries::erase(uint32_t index) {
  size_t hole = homes_[index] & mask_;
  while (slots_[hole].entry != index) hole = (hole + 1) & mask_;
  // Those behind it move up as long as that brings them nearer to where they belong.
  for (size_t at = (hole + 1) & mask_; slots_[at].entry != kNone; at = (at + 1) & mask_) {
    const size_t home = homes_[slots_[at].entry] & mask_;
    if (((at - home) & mask_) < ((at - hole) & mask_)) continue;
    slots_[hole] = slots_[at];
    hole = at;
  }
  slots_[hole].entry = kNone;

  unlink(index);
  entries_[index].next = free_;
  free_ = index;
  --size_;
}

void FlowEntries::clear() {
  std::fill(slots_.begin(), slots_.end(), Slot{0, kNone});
  homes_.clear();
  for (Ends& ends : lists_) ends = Ends();
  free_ = kNone;
  used_ = size_ = 0;
}

void FlowEntries::grow() {
  std::vector<Slot> old(slots_.size() * 2, Slot{0, kNone});
  old.swap(slots_);
  mask_ = slots_.size() - 1;
  for (const Slot& slot : old) {
    if (slot.entry == kNone) continue;
    size_t at = homes_[slot.entry] & mask_;
    while (slots_[at].entry != kNone) at = (at + 1) & mask_;
    slots_[at] = slot;
  }
}

void FlowEntries::link(uint32_t index, FlowList list, uint32_t tick) {
  Ends& ends = lists_[static_cast<size_t>(list)];
  FlowEntry& entry = entries_[index];
  entry.list = list;
  entry.tick = tick;
  entry.next = kNone;
  entry.previous = ends.last;
  (ends.last == kNone ? ends.first : entries_[ends.last].next) = index;
  ends.last = index;
}

void FlowEntries::unlink(uint32_t index) {
  const FlowEntry& entry = entries_[index];
  Ends& ends = lists_[static_cast<size_t>(entry.list)];
  (entry.previous == kNone ? ends.first : entries_[entry.previous].next) = entry.next;
  (entry.next == kNone ? ends.last : entries_[entry.next].previous) = entry.previous;
}

void FlowEntries::moveTo(uint32_t index, FlowList list, uint32_t tick) {
  unlink(index);
  link(index, list, tick);
}

void FlowEntries::refresh(uint32_t since, uint32_t now) {
  for (const Ends& ends : lists_)
    for (uint32_t index = ends.last; index != kNone && entries_[index].tick >= since; index = entries_[index].previous)
      entries_[index].tick = now;
}

}  // namespace hellotap
