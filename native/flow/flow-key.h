// What tells one TCP connection from another: both addresses and both ports, the same for either direction.
#ifndef HELLOTAP_FLOW_FLOW_KEY_H_
#define HELLOTAP_FLOW_FLOW_KEY_H_

#include <cstdint>

#include "net/ip.h"
#include "net/tcp.h"

namespace hellotap {

// The endpoint that compares lower comes first. The network that these addresses are of is not in it (FlowEntry::fit).
struct FlowKey {
  uint64_t low[2];
  uint64_t high[2];
  uint16_t lowPort;
  uint16_t highPort;
  uint8_t version;
};

// Makes the key; the answer is the direction: 0 where the sender is the lower endpoint, else 1.
inline unsigned makeFlowKey(const IpPacket& ip, const TcpHeader& tcp, FlowKey& key) {
  bool swap;
  // Each word is read as it was written, and IPv4 by itself: reading two words at once that were written one by one
  // stalls.
  if (ip.version == 4) {
    const uint64_t source = ip.source[0], destination = ip.destination[0];
    swap = source != destination ? source > destination : tcp.sourcePort > tcp.destinationPort;
    key.low[0] = swap ? destination : source;
    key.high[0] = swap ? source : destination;
    key.low[1] = key.high[1] = 0;
  } else {
    swap = ip.source[0] != ip.destination[0]   ? ip.source[0] > ip.destination[0]
           : ip.source[1] != ip.destination[1] ? ip.source[1] > ip.destination[1]
                                               : tcp.sourcePort > tcp.destinationPort;
    for (int word = 0; word < 2; ++word) {
      key.low[word] = swap ? ip.destination[word] : ip.source[word];
      key.high[word] = swap ? ip.source[word] : ip.destination[word];
    }
  }
  key.lowPort = swap ? tcp.destinationPort : tcp.sourcePort;
  key.highPort = swap ? tcp.sourcePort : tcp.destinationPort;
  key.version = ip.version;
  return swap ? 1 : 0;
}

// How a packet fits to a flow between the same endpoints. The two directions of a flow may be under different ids: a
// tap shows tags on one side of a link only, or a router between two VLANs is on the way. So the realm of each direction
// (Envelope::realm) is learnt from its first packet.
enum class RealmFit : uint8_t {
  kOther,     // it is of another network
  kPossible,  // its direction was not seen yet, and the other one is in another realm
  kSame,
};

// `own` counts where the direction of the packet was seen.
inline RealmFit fitRealm(bool isSeen, uint32_t own, uint32_t other, uint16_t realm) {
  if (isSeen) return own == realm ? RealmFit::kSame : RealmFit::kOther;
  return other == realm ? RealmFit::kSame : RealmFit::kPossible;
}

// A keyed hash, so that nobody can choose addresses and ports that all fall into one place.
class FlowHash {
 public:
  explicit FlowHash(const uint64_t (&secret)[4])
      : secret_{secret[0] | 1, secret[1] | 1, secret[2] | 1, secret[3] | 1} {}

  uint64_t operator()(const FlowKey& key) const {
    const uint64_t ports = uint64_t{key.lowPort} << 32 | uint64_t{key.highPort} << 48 | key.version;
    uint64_t hash = fold(key.low[0] ^ ports ^ secret_[0], key.high[0] ^ secret_[1]);
    if (key.version == 6) hash = fold(hash ^ key.low[1] ^ secret_[2], key.high[1] ^ secret_[3]) ^ ports;
    return fold(hash ^ secret_[2], secret_[3]);
  }

 private:
  static uint64_t fold(uint64_t a, uint64_t b) {
    const unsigned __int128 product = static_cast<unsigned __int128>(a) * b;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  }

  uint64_t secret_[4];
};

}  // namespace hellotap

#endif  // HELLOTAP_FLOW_FLOW_KEY_H_
