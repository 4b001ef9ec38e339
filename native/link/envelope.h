// What a packet was wrapped in on its way: VLAN tags and tunnels, outermost first.
#ifndef HELLOTAP_LINK_ENVELOPE_H_
#define HELLOTAP_LINK_ENVELOPE_H_

#include <cstddef>
#include <cstdint>
#include <utility>

namespace hellotap {

struct VlanTags {
  static constexpr size_t kMax = 4;
  uint16_t ids[kMax] = {};
  uint8_t count = 0;

  // Those beyond the fourth are not kept.
  void add(uint16_t id) {
    if (count < kMax) ids[count++] = id;
  }
};

// The order is that of TUNNELS in src/capture/flow-batch.ts.
enum class TunnelKind : uint8_t {
  kMpls,     // id: the label at the bottom of the stack
  kPppoe,    // session
  kGre,      // none
  kGreKey,   // key
  kErspan1,  // none
  kErspan,   // session, of types II and III
  kPptp,     // call
  kVxlan,    // network identifier
  kGeneve,   // network identifier
  kGtpU,     // tunnel endpoint identifier
  kIpInIp,   // none; of any two versions
  kTeredo,   // none
  kCapwap,   // none
};

struct Tunnels {
  static constexpr size_t kMax = 8;
  uint8_t count = 0;
  uint8_t depth = 0;  // IP headers around the innermost; what follows is of the first of them
  uint8_t version = 0;
  uint8_t protocol = 0;
  uint16_t sourcePort = 0;  // 0 where it is not UDP
  uint16_t destinationPort = 0;
  uint64_t source[2] = {};
  uint64_t destination[2] = {};
  uint32_t ids[kMax] = {};
  TunnelKind kinds[kMax] = {};

  // False, and not added, where there are too many.
  bool add(TunnelKind kind, uint32_t id) {
    if (count == kMax) return false;
    ids[count] = id;
    kinds[count++] = kind;
    return true;
  }
  // As a packet the other way would have it.
  void turn() {
    std::swap(source, destination);
    std::swap(sourcePort, destinationPort);
  }
};
static_assert(sizeof(Tunnels) == 80, "layout as src/capture/flow-batch.ts reads it");

struct Envelope {
  VlanTags vlan;
  Tunnels tunnels;

  void clear() { vlan.count = tunnels.count = tunnels.depth = 0; }
  bool isPlain() const { return (vlan.count | tunnels.count) == 0; }

  // Which network the packet is of, as far as that can be told: addresses of two networks can be the same. Made of the
  // ids that name a network (VLAN, network identifier, GRE key); those of a way through one (MPLS labels, sessions,
  // tunnel endpoints) change from hop to hop, and how deep a packet is wrapped does so too. 0 is a packet without such
  // ids, one VLAN is its id, all else is spread over the 12 bits.
  uint16_t realm() const {
    if (__builtin_expect(isPlain(), 1)) return 0;
    uint32_t mixed = 0;
    for (size_t i = 0; i < vlan.count; ++i)
      if (vlan.ids[i] != 0) mixed = mixed * kSpread + vlan.ids[i];
    for (size_t i = 0; i < tunnels.count; ++i) {
      const TunnelKind kind = tunnels.kinds[i];
      if (kind == TunnelKind::kVxlan || kind == TunnelKind::kGeneve || kind == TunnelKind::kGreKey)
        mixed = (mixed ^ tunnels.ids[i] ^ static_cast<uint32_t>(kind) << 28) * kSpread;
    }
    return static_cast<uint16_t>((mixed ^ mixed >> 12 ^ mixed >> 24) & kRealmMask);
  }

  static constexpr unsigned kRealmBits = 12;
  static constexpr uint16_t kRealmMask = (1u << kRealmBits) - 1;

 private:
  static constexpr uint32_t kSpread = 0x9e3779b1;
};

}  // namespace hellotap

#endif  // HELLOTAP_LINK_ENVELOPE_H_
