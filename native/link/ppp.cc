#include "link/ppp.h"

#include "link/mpls.h"

namespace hellotap {

namespace {

// https://www.iana.org/assignments/ppp-numbers
enum PppProtocol : uint16_t {
  kPppIpv4 = 0x0021,
  kPppIpv6 = 0x0057,
  kPppEncrypted = 0x00fd,  // MPPE (RFC 3078), or compressed
  kPppMpls = 0x0281,
  kPppMplsMulticast = 0x0283,
};

}  // namespace

NetworkKind decodePppProtocol(Datum& packet, Envelope& envelope) {
  const auto first = packet.peek<1>();
  if (!first) return NetworkKind::kTruncated;
  uint16_t protocol = first.u8<0>();
  if (protocol & 1) {  // field compression, RFC 1661 section 6.5: the last byte of a number is odd, the one before even
    packet.skipUpTo(1);
  } else {
    const auto both = packet.take<2>();
    if (!both) return NetworkKind::kTruncated;
    protocol = both.be16<0>();
  }
  switch (protocol) {
    case kPppIpv4:
      return NetworkKind::kIpv4;
    case kPppIpv6:
      return NetworkKind::kIpv6;
    case kPppMpls:
    case kPppMplsMulticast:
      return decodeMpls(packet, envelope);
    case kPppEncrypted:
      return NetworkKind::kEncrypted;
    default:
      return NetworkKind::kOther;
  }
}

NetworkKind decodePpp(Datum& packet, Envelope& envelope) {
  const auto start = packet.peek<2>();
  if (!start) return NetworkKind::kTruncated;
  if (start.be16<0>() == 0xff03) packet.skipUpTo(2);  // RFC 1662 section 3.1
  // RFC 1547 section 4.3.1: addresses of Cisco's, unicast and broadcast. As a PPP protocol the number would be odd,
  // compressed, and nobody's.
  if (start.be16<0>() == 0x0f00 || start.be16<0>() == 0x8f00) return decodeCiscoHdlc(packet, envelope);
  return decodePppProtocol(packet, envelope);
}

NetworkKind decodeCiscoHdlc(Datum& packet, Envelope& envelope) {
  const auto header = packet.take<4>();
  return header ? decodeEtherType(header.be16<2>(), packet, envelope) : NetworkKind::kTruncated;
}

}  // namespace hellotap
