// The TCP header, RFC 9293 section 3.1.
#ifndef HELLOTAP_NET_TCP_H_
#define HELLOTAP_NET_TCP_H_

#include <cstdint>

#include "base/datum.h"

namespace hellotap {

enum TcpFlag : uint8_t { kFin = 0x01, kSyn = 0x02, kRst = 0x04, kAck = 0x10 };

enum class TcpResult : uint8_t { kSegment, kTruncated, kMalformed };

struct TcpHeader {
  uint16_t sourcePort;
  uint16_t destinationPort;
  uint32_t sequence;
  uint32_t acknowledgement;
  uint8_t flags;
};

// Consumes header and options; what is left of `segment` is payload. `missing` as in IpPacket: in a segment that was
// cut inside of its options there is no payload, but it is no malformed one.
inline TcpResult decodeTcp(Datum& segment, uint32_t missing, TcpHeader& out) {
  const auto header = segment.take<20>();
  if (__builtin_expect(!header, 0)) return missing > 0 ? TcpResult::kTruncated : TcpResult::kMalformed;
  out.sourcePort = header.be16<0>();
  out.destinationPort = header.be16<2>();
  out.sequence = header.be32<4>();
  out.acknowledgement = header.be32<8>();
  out.flags = header.u8<13>();
  const uint32_t length = (header.u8<12>() >> 4) * 4u;
  if (__builtin_expect(length < 20, 0)) return TcpResult::kMalformed;
  if (__builtin_expect(!segment.skip(length - 20), 0))
    return missing > 0 ? TcpResult::kTruncated : TcpResult::kMalformed;
  return TcpResult::kSegment;
}

}  // namespace hellotap

#endif  // HELLOTAP_NET_TCP_H_
