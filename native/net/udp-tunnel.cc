// VXLAN (RFC 7348) with its group policy and protocol extensions, GENEVE (RFC 8926), GTP-U (3GPP TS 29.281), Teredo
// (RFC 4380), GRE (RFC 8086) and the data channel of CAPWAP (RFC 5415). None of their first bytes begins a QUIC Initial.
#include "link/ieee80211.h"
#include "net/tunnel.h"

namespace hellotap {

namespace {

NetworkKind openVxlan(Datum& packet, Envelope& envelope) {
  enum : uint8_t { kPolicy = 0x80, kNetwork = 0x08, kNextProtocol = 0x04 };
  const auto header = packet.peek<8>();
  if (!header || header.u8<7>() != 0) return NetworkKind::kNoTunnel;
  // What is reserved has to be zero.
  unsigned content = 3;
  if (header.u8<0>() == (kNetwork | kNextProtocol)) {
    if (header.be16<1>() != 0) return NetworkKind::kNoTunnel;
    content = header.u8<3>();
  } else if (header.u8<0>() == kNetwork ? header.be24<1>() != 0 : header.u8<0>() != (kNetwork | kPolicy)) {
    return NetworkKind::kNoTunnel;
  }
  if (!envelope.tunnels.add(TunnelKind::kVxlan, header.be24<4>())) return NetworkKind::kTooDeep;
  packet.skipUpTo(8);
  switch (content) {
    case 1:
      return NetworkKind::kIpv4;
    case 2:
      return NetworkKind::kIpv6;
    case 3:
      return decodeEthernet(packet, envelope);
    default:
      return NetworkKind::kOther;
  }
}

NetworkKind openGeneve(Datum& packet, Envelope& envelope) {
  const auto header = packet.peek<8>();
  if (!header) return NetworkKind::kNoTunnel;
  const unsigned version = header.u8<0>() >> 6;
  const size_t options = (header.u8<0>() & 0x3f) * 4u;
  const unsigned reserved = (header.u8<1>() & 0x3f) | header.u8<7>();
  const uint16_t protocol = header.be16<2>();
  const bool isKnown = protocol == kEtherTransparentBridging || protocol == kEtherIpv4 || protocol == kEtherIpv6;
  if (version != 0 || reserved != 0 || !isKnown) return NetworkKind::kNoTunnel;
  Datum content = packet.behind(8);
  if (!content.skip(options)) return NetworkKind::kNoTunnel;
  if (!envelope.tunnels.add(TunnelKind::kGeneve, header.be24<4>())) return NetworkKind::kTooDeep;
  packet = content;
  return protocol == kEtherTransparentBridging ? decodeEthernet(packet, envelope)
                                               : decodeEtherType(protocol, packet, envelope);
}

// Section 5: a packet of a user (G-PDU), with its extension headers.
NetworkKind openGtpU(uint32_t length, Datum& packet, Envelope& envelope) {
  enum : uint8_t { kVersion1 = 0x30, kVersionBits = 0xf8, kExtension = 0x04, kOptional = 0x07 };
  constexpr uint8_t kUserPacket = 0xff;
  const auto header = packet.peek<8>();
  if (!header || (header.u8<0>() & kVersionBits) != kVersion1 || header.u8<1>() != kUserPacket ||
      header.be16<2>() + 8u != length)
    return NetworkKind::kNoTunnel;
  Datum content = packet.behind(8);
  if (header.u8<0>() & kOptional) {
    const auto optional = content.take<4>();  // sequence number, N-PDU number, next extension
    if (!optional) return NetworkKind::kNoTunnel;
    uint8_t next = header.u8<0>() & kExtension ? optional.u8<3>() : 0;
    while (next != 0) {
      const auto first = content.peek<1>();
      const size_t size = first ? first.u8<0>() * 4u : 0;
      if (size == 0) return NetworkKind::kNoTunnel;
      const auto last = content.peekAt<1>(size - 1);
      if (!last) return NetworkKind::kNoTunnel;
      next = last.u8<0>();
      content.skipUpTo(size);
    }
  }
  if (!envelope.tunnels.add(TunnelKind::kGtpU, header.be32<4>())) return NetworkKind::kTooDeep;
  packet = content;
  return decodeIpVersion(packet);
}

// An IPv6 packet behind an authentication and an origin indication (section 5.1.1), each of which may be missing.
NetworkKind openTeredo(uint32_t length, Datum& packet, Envelope& envelope) {
  Datum content = packet;
  const auto authentication = content.peek<4>();
  if (authentication && authentication.be16<0>() == 0x0001) {
    // Lengths of client id and of authentication value; a nonce and a confirmation byte behind both.
    content.skipUpTo(4u + authentication.u8<2>() + authentication.u8<3>() + 9u);
  }
  const auto origin = content.peek<8>();
  if (origin && origin.be16<0>() == 0x0000) content.skipUpTo(8);
  const auto ipv6 = content.peek<40>();
  const size_t before = packet.size() - content.size();
  if (!ipv6 || ipv6.u8<0>() >> 4 != 6 || before + 40 + ipv6.be16<4>() != length) return NetworkKind::kNoTunnel;
  if (!envelope.tunnels.add(TunnelKind::kTeredo, 0)) return NetworkKind::kTooDeep;
  packet = content;
  return NetworkKind::kIpv6;
}

// Version 0 with no bit set that is reserved, and something in it that is decoded.
NetworkKind openGreInUdp(Datum& packet, Envelope& envelope) {
  const auto header = packet.peek<4>();
  if (!header || header.be16<0>() & 0x4fff) return NetworkKind::kNoTunnel;
  switch (header.be16<2>()) {
    case kEtherIpv4:
    case kEtherIpv6:
    case kEtherTransparentBridging:
    case kEtherMpls:
      return openGre(packet, envelope);
    default:
      return NetworkKind::kNoTunnel;
  }
}

// Section 4.3: a frame of a station, as IEEE 802.11 has it or made 802.3 by the access point.
NetworkKind openCapwap(Datum& packet, Envelope& envelope) {
  enum : uint32_t { kReserved = 0x07, kKeepAlive = 0x08, kFragment = 0x80, kNative = 0x100 };
  constexpr uint8_t kClear = 0, kDtls = 1;
  constexpr uint32_t kBindingIeee80211 = 1;
  const auto header = packet.peek<8>();
  if (!header) return NetworkKind::kNoTunnel;
  const uint32_t bits = header.be24<1>();
  if (header.u8<0>() == kDtls && bits == 0) return NetworkKind::kEncrypted;
  const size_t length = (bits >> 19) * 4;
  const uint32_t binding = bits >> 9 & 0x1f;
  if (header.u8<0>() != kClear || bits & kReserved || header.u8<7>() & 7 || length < 8) return NetworkKind::kNoTunnel;
  Datum content = packet.behind(8);
  if (!content.skip(length - 8)) return NetworkKind::kNoTunnel;
  if (!envelope.tunnels.add(TunnelKind::kCapwap, 0)) return NetworkKind::kTooDeep;
  packet = content;
  if (bits & (kKeepAlive | kFragment)) return NetworkKind::kOther;
  if (!(bits & kNative)) return decodeEthernet(packet, envelope);
  return binding == kBindingIeee80211 ? decodeIeee80211(packet, envelope) : NetworkKind::kOther;
}

}  // namespace

NetworkKind openUdpTunnel(uint16_t port, uint32_t length, Datum& packet, Envelope& envelope) {
  switch (port) {
    case kPortGtpU:
      return openGtpU(length, packet, envelope);
    case kPortTeredo:
      return openTeredo(length, packet, envelope);
    case kPortVxlan:
    case kPortVxlanGpe:
    case kPortVxlanLinux:
      return openVxlan(packet, envelope);
    case kPortGre:
      return openGreInUdp(packet, envelope);
    case kPortCapwapData:
      return openCapwap(packet, envelope);
    case kPortGeneve:
      return openGeneve(packet, envelope);
    default:
      return NetworkKind::kNoTunnel;
  }
}

}  // namespace hellotap
