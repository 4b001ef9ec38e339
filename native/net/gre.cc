// GRE (RFC 2784, RFC 2890) with ERSPAN, and PPP in its enhanced form (PPTP, RFC 2637).
#include "link/ppp.h"
#include "net/tunnel.h"

namespace hellotap {

namespace {

enum GreFlag : uint16_t {
  kChecksum = 0x8000,
  kRouting = 0x4000,
  kKey = 0x2000,
  kSequence = 0x1000,
  kAcknowledgement = 0x0080,  // version 1 alone
  kVersion = 0x0007,
};

enum GreProtocol : uint16_t {
  kErspan3 = 0x22eb,
  kPpp = 0x880b,
  kWccp = 0x883e,
  kErspan = 0x88be,  // types I and II
};

// draft-foschiano-erspan-03: a mirrored Ethernet frame. Type I has no header of its own, and no sequence number.
NetworkKind openErspan(bool isThird, bool hasHeader, Datum& packet, Envelope& envelope) {
  TunnelKind kind = TunnelKind::kErspan1;
  uint32_t session = 0;
  bool isFrame = true;
  if (hasHeader) {
    const auto header = packet.take<8>();
    if (!header) return NetworkKind::kTruncated;
    kind = TunnelKind::kErspan;
    session = header.be16<2>() & 0x03ff;
    // Whether the frame had a tag, and the mirror took it off: 1 (ISL) and 2 (802.1Q).
    const unsigned encapsulation = header.be16<2>() >> 11 & 3;
    if (encapsulation == 1 || encapsulation == 2) envelope.vlan.add(header.be16<0>() & 0x0fff);
    if (isThird) {
      const auto rest = packet.take<4>();
      if (!rest) return NetworkKind::kTruncated;
      isFrame = (rest.be16<2>() >> 10 & 0x1f) == 0;  // 2 is an IP packet
      const bool hasSubheader = rest.be16<2>() & 1;
      if (hasSubheader && !packet.skip(8)) return NetworkKind::kTruncated;
    }
  }
  if (!envelope.tunnels.add(kind, session)) return NetworkKind::kTooDeep;
  return isFrame ? decodeEthernet(packet, envelope) : decodeIpVersion(packet);
}

// Version 1: the key is the length of the payload and the number of the call.
NetworkKind openPptp(uint16_t flags, uint16_t protocol, Datum& packet, Envelope& envelope) {
  if (protocol != kPpp || !(flags & kKey)) return NetworkKind::kNoTunnel;
  const auto key = packet.take<4>();
  if (!key) return NetworkKind::kTruncated;
  const bool hasPayload = flags & kSequence;  // else it is an acknowledgement alone
  if (hasPayload && !packet.skip(4)) return NetworkKind::kTruncated;
  if (flags & kAcknowledgement && !packet.skip(4)) return NetworkKind::kTruncated;
  if (!envelope.tunnels.add(TunnelKind::kPptp, key.be16<2>())) return NetworkKind::kTooDeep;
  return hasPayload ? decodePpp(packet, envelope) : NetworkKind::kOther;
}

}  // namespace

NetworkKind openGre(Datum& packet, Envelope& envelope) {
  const auto header = packet.take<4>();
  if (!header) return NetworkKind::kTruncated;
  const uint16_t flags = header.be16<0>();
  const uint16_t protocol = header.be16<2>();
  if ((flags & kVersion) == 1) return openPptp(flags, protocol, packet, envelope);
  if ((flags & kVersion) != 0 || flags & kRouting) return NetworkKind::kNoTunnel;
  if (flags & kChecksum && !packet.skip(4)) return NetworkKind::kTruncated;
  TunnelKind kind = TunnelKind::kGre;
  uint32_t id = 0;
  if (flags & kKey) {
    const auto key = packet.take<4>();
    if (!key) return NetworkKind::kTruncated;
    kind = TunnelKind::kGreKey;
    id = key.be32<0>();
  }
  if (flags & kSequence && !packet.skip(4)) return NetworkKind::kTruncated;
  if (protocol == kErspan) return openErspan(false, flags & kSequence, packet, envelope);
  if (protocol == kErspan3) return openErspan(true, true, packet, envelope);
  if (!envelope.tunnels.add(kind, id)) return NetworkKind::kTooDeep;
  switch (protocol) {
    case kEtherTransparentBridging:
      return decodeEthernet(packet, envelope);
    case kWccp: {  // a packet that a router redirects, since version 2 behind four bytes
      const auto first = packet.peek<1>();
      if (first && first.u8<0>() >> 4 != 4) packet.skipUpTo(4);
      return NetworkKind::kIpv4;
    }
    default:
      return decodeEtherType(protocol, packet, envelope);
  }
}

}  // namespace hellotap
