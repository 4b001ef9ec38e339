#include "flow/reassembler.h"

#include <cstring>

namespace hellotap {

void Reassembler::grow(uint8_t* buffer, uint32_t size, BufferPool& pool) {
  if (capacity_ > 0) std::memcpy(buffer, buffer_, extent());
  pool.give(buffer_, capacity_);
  buffer_ = buffer;
  capacity_ = size;
}

void Reassembler::release(BufferPool& pool) {
  pool.give(buffer_, capacity_);
  *this = Reassembler();
}

void Reassembler::discard(uint32_t bytes) {
  if (const uint32_t end = extent(); end > bytes) std::memmove(buffer_, buffer_ + bytes, end - bytes);
  contiguous_ = contiguous_ > bytes ? contiguous_ - bytes : 0;
  unsigned kept = 0;
  for (unsigned i = 0; i < islandCount_; ++i) {
    const Island island = islands_[i];
    if (island.end <= bytes) continue;
    if (island.begin <= bytes)
      contiguous_ = island.end - bytes;
    else
      islands_[kept++] = {island.begin - bytes, island.end - bytes};
  }
  islandCount_ = static_cast<uint8_t>(kept);
}

bool Reassembler::shift(uint32_t bytes) {
  const unsigned first = contiguous_ > 0 ? 1 : 0;
  if (islandCount_ + first > kMaxIslands) return false;
  if (extent() > 0) std::memmove(buffer_ + bytes, buffer_, extent());
  for (unsigned i = islandCount_; i-- > 0;)
    islands_[i + first] = {islands_[i].begin + bytes, islands_[i].end + bytes};
  if (first) islands_[0] = {bytes, bytes + contiguous_};
  islandCount_ = static_cast<uint8_t>(islandCount_ + first);
  contiguous_ = 0;
  return true;
}

Reassembler::Added Reassembler::add(uint32_t offset, Datum payload) {
  if (offset >= kMaxBytes || payload.empty()) return Added::kNothing;
  payload = payload.first(kMaxBytes - offset);
  uint32_t begin = offset;
  const uint32_t end = offset + static_cast<uint32_t>(payload.size());
  if (end <= contiguous_) return Added::kNothing;
  if (begin < contiguous_) {
    payload.skipUpTo(contiguous_ - begin);
    begin = contiguous_;
  }
  if (end > capacity_) return Added::kNoMemory;

  if (islandCount_ == 0 && begin == contiguous_) {
    std::memcpy(buffer_ + begin, payload.data(), payload.size());
    contiguous_ = end;
    return Added::kInOrder;
  }
  if (begin > contiguous_ && islandCount_ == kMaxIslands) return Added::kTooMany;
  copyUncovered(begin, end, payload.data());
  if (begin > contiguous_) return insertIsland(begin, end) ? Added::kOutOfOrder : Added::kNothing;

  contiguous_ = end;
  unsigned swallowed = 0;
  while (swallowed < islandCount_ && islands_[swallowed].begin <= contiguous_) {
    if (islands_[swallowed].end > contiguous_) contiguous_ = islands_[swallowed].end;
    ++swallowed;
  }
  for (unsigned i = swallowed; i < islandCount_; ++i) islands_[i - swallowed] = islands_[i];
  islandCount_ = static_cast<uint8_t>(islandCount_ - swallowed);
  return Added::kInOrder;
}

// Copies what no island covers yet.
void Reassembler::copyUncovered(uint32_t begin, uint32_t end, const uint8_t* from) {
  uint32_t at = begin;
  for (unsigned i = 0; i < islandCount_ && at < end; ++i) {
    const Island& island = islands_[i];
    if (island.end <= at) continue;
    if (island.begin >= end) break;
    if (island.begin > at) std::memcpy(buffer_ + at, from + (at - begin), island.begin - at);
    at = island.end;
  }
  if (at < end) std::memcpy(buffer_ + at, from + (at - begin), end - at);
}

// Adds a range and joins it with those that it touches; false where all of it was covered. There is room for one more.
bool Reassembler::insertIsland(uint32_t begin, uint32_t end) {
  unsigned first = 0;
  while (first < islandCount_ && islands_[first].end < begin) ++first;
  unsigned last = first;
  const bool covered = first < islandCount_ && islands_[first].begin <= begin && islands_[first].end >= end;
  while (last < islandCount_ && islands_[last].begin <= end) {
    if (islands_[last].begin < begin) begin = islands_[last].begin;
    if (islands_[last].end > end) end = islands_[last].end;
    ++last;
  }
  if (last == first) {
    for (unsigned i = islandCount_; i > first; --i) islands_[i] = islands_[i - 1];
    ++islandCount_;
  } else {
    for (unsigned i = last; i < islandCount_; ++i) islands_[i - (last - first - 1)] = islands_[i];
    islandCount_ = static_cast<uint8_t>(islandCount_ - (last - first - 1));
  }
  islands_[first] = {begin, end};
  return !covered;
}

}  // namespace hellotap
