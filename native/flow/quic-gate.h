// Picks the datagrams that begin with a QUIC Initial out of all UDP, on any port, and keeps them until they are handed
// over. It looks at the long header in clear text alone and decrypts nothing. Both directions pass: who the client is
// shows when its keys fit.
#ifndef HELLOTAP_FLOW_QUIC_GATE_H_
#define HELLOTAP_FLOW_QUIC_GATE_H_

#include <cstdint>
#include <vector>

#include "base/notes.h"
#include "flow/flow-key.h"
#include "link/envelope.h"

namespace hellotap {

// A datagram with an Initial, as it is handed over.
struct QuicDatagram {
  uint64_t flowId;
  int64_t timestamp;  // microseconds since 1970
  uint32_t input;     // that it was in
  FlowKey key;
  unsigned direction;  // as makeFlowKey says
  Envelope envelope;
  Datum payload;  // valid until the gate takes the next packet after it was emptied
};

// Whether a datagram begins with an Initial of a version whose keys are known (RFC 9000 section 17.2, RFC 9369
// section 3.2, and drafts since 22), with a connection id as long as a client's first has to be.
inline bool beginsWithQuicInitial(Datum payload) {
  const auto start = payload.peek<6>();
  if (!start || !(start.u8<0>() & 0x80)) return false;
  const uint32_t version = start.be32<1>();
  constexpr uint32_t kVersion1 = 1, kVersion2 = 0x6b3343cf;
  const bool isDraft = version >= 0xff000016 && version <= 0xff000022;
  const bool isFacebook = version == 0xfaceb001 || version == 0xfaceb002;  // mvfst
  const bool isGoogle = version == 0x54303530 || version == 0x54303531;    // T050, T051
  const bool isReserved = (version & 0x0f0f0f0f) == 0x0a0a0a0a;  // to provoke a negotiation, RFC 9000 section 15
  if (version != kVersion1 && version != kVersion2 && !isDraft && !isFacebook && !isGoogle && !isReserved) return false;
  const unsigned type = start.u8<0>() >> 4 & 3;
  if (type != (version == kVersion2 ? 1 : 0)) return false;
  // RFC 9000 section 7.2: a client chooses at least eight bytes; 20 is the most (section 17.2).
  return start.u8<5>() >= 8 && start.u8<5>() <= 20;
}

class QuicGate {
 public:
  // Per flow and connection id: a ClientHello with post-quantum shares takes two or three datagrams, and repeats of
  // them.
  static constexpr uint16_t kMaxDatagrams = 8;
  static constexpr uint32_t kMaxBytes = 16 * 1024;

  explicit QuicGate(const uint64_t (&secret)[4]) : hash_(secret) {}

  // Takes a datagram of which beginsWithQuicInitial said yes.
  void add(const IpPacket& ip, uint16_t sourcePort, uint16_t destinationPort, Datum payload, const Envelope& envelope,
           int64_t timestamp, uint32_t input, Notes& notes);

  // The oldest that has not been handed over, or null.
  const QuicDatagram* ready();
  void releaseReady();

 private:
  static constexpr int64_t kIdleMicroseconds = 60 * 1000000;
  static constexpr size_t kSets = 4096;
  static constexpr size_t kWays = 4;

  struct Side {
    uint64_t connectionId;  // a digest of it
    uint32_t bytes;
    uint16_t datagrams;
    uint16_t realm;
  };
  struct Entry {
    FlowKey key;
    uint64_t flowId;  // 0: not in use
    int64_t latest;
    Side sides[2];

    RealmFit fit(unsigned direction, uint16_t realm) const {
      const Side& own = sides[direction];
      return fitRealm(own.datagrams > 0, own.realm, sides[!direction].realm, realm);
    }
  };

  Entry& entryOf(const QuicDatagram& datagram, uint16_t realm, Notes& notes);

  FlowHash hash_;
  std::vector<Entry>
      entries_;  // made when the first Initial comes; a set of four per hash, the longest idle goes first
  std::vector<QuicDatagram> queue_;
  std::vector<size_t> starts_;  // of each payload in bytes_
  std::vector<uint8_t> bytes_;
  size_t handedOver_ = 0;
};

}  // namespace hellotap

#endif  // HELLOTAP_FLOW_QUIC_GATE_H_
