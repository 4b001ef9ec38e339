// The store behind the flow table: a hash index over entries of one cache line each, and the lists that keep them in
// order of time. It has room for a fixed number of entries, and touches no more memory than it has used.
#ifndef HELLOTAP_FLOW_FLOW_ENTRIES_H_
#define HELLOTAP_FLOW_FLOW_ENTRIES_H_

#include <cstdint>
#include <vector>

#include "flow/flow-key.h"
#include "link/envelope.h"

namespace hellotap {

enum class FlowList : uint8_t {
  kNew,        // a SYN, and no data yet
  kFollowing,  // bytes are being gathered
  kClosing,    // reset, but packets that overtook one another may still come
  kDone,       // handed over; repeats are ignored for a while
};

struct alignas(64) FlowEntry {
  static constexpr unsigned kSideBits = Envelope::kRealmBits + 1;
  static constexpr uint32_t kSeen = 1u << Envelope::kRealmBits;

  uint64_t low[2];
  uint64_t high[2];
  uint16_t lowPort;
  uint16_t highPort;
  uint32_t isIpv6 : 1;
  FlowList list : 2;
  uint32_t started : 2;  // bit per direction: `start` is known
  uint32_t sides : 2 * kSideBits;  // per direction: whether a packet came, and the realm of the first
  uint32_t previous;
  uint32_t next;
  uint32_t tick;      // of the clock, when it was moved in its list last
  uint32_t stream;    // index of its stream, or kNone
  uint32_t start[2];  // sequence number of each direction's first byte

  bool hasKey(const FlowKey& key) const {
    return ((low[0] ^ key.low[0]) | (low[1] ^ key.low[1]) | (high[0] ^ key.high[0]) | (high[1] ^ key.high[1]) |
            static_cast<uint64_t>((lowPort ^ key.lowPort) | (highPort ^ key.highPort)) |
            static_cast<uint64_t>(isIpv6 ^ (key.version >> 1 & 1))) == 0;  // the bit in which 4 and 6 differ
  }
  FlowKey key() const { return {{low[0], low[1]}, {high[0], high[1]}, lowPort, highPort, version()}; }
  uint8_t version() const { return isIpv6 ? 6 : 4; }
  bool isSeen(unsigned direction) const { return side(direction) & kSeen; }
  RealmFit fit(unsigned direction, uint16_t realm) const {
    const uint32_t own = side(direction);
    if (__builtin_expect(own == (kSeen | realm), 1)) return RealmFit::kSame;
    return fitRealm(own & kSeen, own & Envelope::kRealmMask, side(!direction) & Envelope::kRealmMask, realm);
  }
  void note(unsigned direction, uint16_t realm) {
    if (!isSeen(direction)) sides |= (kSeen | realm) << direction * kSideBits;
  }
  bool isStarted(unsigned direction) const { return started >> direction & 1; }
  void setStart(unsigned direction, uint32_t sequence) {
    start[direction] = sequence;
    started |= 1u << direction;
  }
  uint32_t side(unsigned direction) const { return sides >> direction * kSideBits & ((1u << kSideBits) - 1); }
};
static_assert(sizeof(FlowEntry) == 64, "an entry is one cache line");

class FlowEntries {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  explicit FlowEntries(uint32_t capacity);
  ~FlowEntries();
  FlowEntries(const FlowEntries&) = delete;
  FlowEntries& operator=(const FlowEntries&) = delete;

  bool isUsable() const { return entries_ != nullptr; }
  bool full() const { return size_ == capacity_; }
  uint32_t size() const { return size_; }

  FlowEntry& operator[](uint32_t index) { return entries_[index]; }
  const FlowEntry& operator[](uint32_t index) const { return entries_[index]; }

  // Gets the memory of a look-up on its way.
  void prefetch(uint64_t hash) const { __builtin_prefetch(&slots_[hash & mask_]); }
  // Of several entries with this key the one in the same realm, else one that may turn out to be.
  uint32_t find(const FlowKey& key, uint64_t hash, unsigned direction, uint16_t realm) const {
    const auto tag = static_cast<uint32_t>(hash >> 32);
    uint32_t possible = kNone;
    for (size_t at = hash & mask_;; at = (at + 1) & mask_) {
      const Slot& slot = slots_[at];
      if (slot.entry == kNone) return possible;
      if (slot.tag != tag || !entries_[slot.entry].hasKey(key)) continue;
      const RealmFit fit = entries_[slot.entry].fit(direction, realm);
      if (__builtin_expect(fit == RealmFit::kSame, 1)) return slot.entry;
      if (fit == RealmFit::kPossible && possible == kNone) possible = slot.entry;
    }
  }
  // A new entry at the end of a list. There must be room.
  uint32_t insert(const FlowKey& key, uint64_t hash, FlowList list, uint32_t tick);
  void erase(uint32_t index);
  void clear();

  uint32_t first(FlowList list) const { return lists_[static_cast<size_t>(list)].first; }
  // Moves an entry to the end of a list, which may be the one it is in.
  void moveTo(uint32_t index, FlowList list, uint32_t tick);
  // Makes all that was moved in its list since a tick as recent as `now`.
  void refresh(uint32_t since, uint32_t now);

 private:
  struct Slot {
    uint32_t tag;  // upper half of the hash
    uint32_t entry;
  };
  struct Ends {
    uint32_t first = kNone;
    uint32_t last = kNone;
  };

  void grow();
  void link(uint32_t index, FlowList list, uint32_t tick);
  void unlink(uint32_t index);

  uint32_t capacity_;
  uint32_t size_ = 0;
  uint32_t used_ = 0;      // entries that were ever in use; those behind were never touched
  uint32_t free_ = kNone;  // chain of those given back
  FlowEntry* entries_;
  std::vector<Slot> slots_;      // linear probing; at most half full
  std::vector<uint32_t> homes_;  // lower half of each entry's hash, to grow the index without computing it again
  size_t mask_;
  Ends lists_[4];
};

}  // namespace hellotap

#endif  // HELLOTAP_FLOW_FLOW_ENTRIES_H_
