#include "link/link-layer.h"

#include "link/ieee80211.h"
#include "link/mpls.h"
#include "link/ppp.h"

namespace hellotap {

namespace {

constexpr uint16_t kMaxLength = 1500;  // what is no EtherType but the length of an 802.3 frame
constexpr int kMaxHeaders = 16;        // tags and the like in one frame

// IEEE 802.2 with SNAP (RFC 1042), as in 802.3, FDDI and IEEE 802.11. False where it is another protocol.
bool takeSnap(Datum& packet, uint16_t& type) {
  const auto snap = packet.peek<8>();
  if (!snap || snap.be24<0>() != 0xaaaa03 || snap.be24<3>() != 0) return false;
  type = snap.be16<6>();
  packet.skipUpTo(8);
  return type > kMaxLength;
}

// The address family of the machine that captured: 2 is IPv4 everywhere, IPv6 has a number per system.
NetworkKind fromFamily(uint32_t family) {
  switch (family) {
    case 2:
      return NetworkKind::kIpv4;
    case 10:  // Linux
    case 24:  // NetBSD, OpenBSD
    case 28:  // FreeBSD
    case 30:  // macOS
      return NetworkKind::kIpv6;
    default:
      return NetworkKind::kOther;
  }
}

NetworkKind decodeLoopback(Datum& packet) {
  const auto header = packet.take<4>();
  if (!header) return NetworkKind::kTruncated;
  const uint32_t family = header.be32<0>();
  return fromFamily(family < 0x10000 ? family : __builtin_bswap32(family));
}

// Frame control, two MAC addresses; 01 in the bits for the format is a frame with LLC (ANSI X3.139 section 3.3.2).
NetworkKind decodeFddi(Datum& packet, Envelope& envelope) {
  const auto header = packet.take<13>();
  if (!header) return NetworkKind::kTruncated;
  return (header.u8<0>() & 0x30) == 0x10 ? decodeSnap(packet, envelope) : NetworkKind::kOther;
}

// Per-packet information: version, flags, length of all headers and link type of what follows, little-endian.
NetworkKind decodePpi(Datum& packet, Envelope& envelope) {
  const auto header = packet.peek<8>();
  if (!header) return NetworkKind::kTruncated;
  const uint16_t length = header.file16<2>(false);
  const uint32_t linkType = header.file32<4>(false);
  if (header.u8<0>() != 0 || length < 8 || linkType > 0xffff || linkType == kLinkPpi) return NetworkKind::kOther;
  if (!packet.skip(length)) return NetworkKind::kTruncated;
  return decodeLink(static_cast<uint16_t>(linkType), packet, envelope);
}

// Linux netfilter log: family, version, resource id; then options of which one is the packet. Their numbers are in the
// byte order of the machine that captured: none has a type over 255, so one of its bytes is zero.
NetworkKind decodeNflog(Datum& packet) {
  constexpr uint16_t kPayload = 9;
  const auto header = packet.take<4>();
  if (!header) return NetworkKind::kTruncated;
  if (header.u8<1>() != 0) return NetworkKind::kOther;
  for (;;) {
    const auto option = packet.peek<4>();
    if (!option) return NetworkKind::kTruncated;
    const bool swapped = option.u8<3>() != 0;
    const uint16_t length = option.file16<0>(swapped);
    if (length < 4) return NetworkKind::kOther;
    if (option.file16<2>(swapped) == kPayload) {
      packet.skipUpTo(4);
      packet = packet.first(length - 4u);
      return fromFamily(header.u8<0>());
    }
    if (!packet.skip((length + 3u) & ~3u)) return NetworkKind::kTruncated;
  }
}

// A frame with its preamble (IEEE 802.3br): 0x55 some times, then the delimiter. It ends a preamble of an express frame
// as of any, or begins a preemptable one; what continues one is not joined.
NetworkKind decodeMpacket(Datum& packet, Envelope& envelope) {
  for (int length = 0; length < 8; ++length) {
    const auto next = packet.take<1>();
    if (!next) return NetworkKind::kTruncated;
    switch (next.u8<0>()) {
      case 0x55:
        continue;
      case 0xd5:
      case 0xe6:
      case 0x4c:
      case 0x7f:
      case 0xb3:
        return decodeEthernet(packet, envelope);
      default:
        return NetworkKind::kOther;
    }
  }
  return NetworkKind::kOther;
}

NetworkKind decodePppoe(Datum& packet, Envelope& envelope) {  // RFC 2516 section 4
  const auto header = packet.take<6>();
  if (!header) return NetworkKind::kTruncated;
  if (header.be16<0>() != 0x1100) return NetworkKind::kOther;
  if (!envelope.tunnels.add(TunnelKind::kPppoe, header.be16<2>())) return NetworkKind::kTooDeep;
  return decodePppProtocol(packet, envelope);
}

}  // namespace

NetworkKind decodeSnap(Datum& packet, Envelope& envelope) {
  uint16_t type;
  return takeSnap(packet, type) ? decodeEtherType(type, packet, envelope) : NetworkKind::kOther;
}

NetworkKind decodeRareEtherType(uint16_t type, Datum& packet, Envelope& envelope) {
  for (int headers = 0; headers < kMaxHeaders; ++headers) {
    switch (type) {
      case kEtherIpv4:
        return NetworkKind::kIpv4;
      case kEtherIpv6:
        return NetworkKind::kIpv6;
      case kEtherVlan:
      case kEtherProviderVlan:
      case kEtherOldQinQ: {
        const auto tag = packet.take<4>();
        if (!tag) return NetworkKind::kTruncated;
        envelope.vlan.add(tag.be16<0>() & 0x0fff);
        type = tag.be16<2>();
        break;
      }
      case kEtherCiscoMetaData: {  // version, length, one option with a security group tag, EtherType
        const auto tag = packet.take<8>();
        if (!tag) return NetworkKind::kTruncated;
        type = tag.be16<6>();
        break;
      }
      case kEtherVnTag: {  // to tell the guests of a host apart: four bytes, EtherType
        const auto tag = packet.take<6>();
        if (!tag) return NetworkKind::kTruncated;
        type = tag.be16<4>();
        break;
      }
      case kEtherFabricPath: {  // Cisco's between switches: tree and hop count, then the frame as it came
        const auto frame = packet.take<16>();
        if (!frame) return NetworkKind::kTruncated;
        type = frame.be16<14>();
        break;
      }
      case kEtherMpls:
      case kEtherMplsUpstream:
        return decodeMpls(packet, envelope);
      case kEtherPppoeSession:
        return decodePppoe(packet, envelope);
      default:
        if (type > kMaxLength || !takeSnap(packet, type)) return NetworkKind::kOther;
        break;
    }
  }
  return NetworkKind::kOther;
}

NetworkKind decodeRareLink(uint16_t linkType, Datum& packet, Envelope& envelope) {
  switch (linkType) {
    case kLinkEthernet:
      return decodeEthernet(packet, envelope);
    case kLinkLinuxSll: {
      const auto header = packet.take<16>();
      return header ? decodeEtherType(header.be16<14>(), packet, envelope) : NetworkKind::kTruncated;
    }
    case kLinkLinuxSll2: {
      const auto header = packet.take<20>();
      return header ? decodeEtherType(header.be16<0>(), packet, envelope) : NetworkKind::kTruncated;
    }
    case kLinkRaw12:
    case kLinkRaw14:
    case kLinkRaw:
    case kLinkIpv4:
    case kLinkIpv6:
      return decodeIpVersion(packet);
    case kLinkNull:
    case kLinkLoop:
      return decodeLoopback(packet);
    case kLinkPpp:
    case kLinkPppHdlc:
      return decodePpp(packet, envelope);
    case kLinkPppPppd:           // the direction in place of the address
    case kLinkPppWithDirection:  // the direction, and then a frame
      if (!packet.skip(linkType == kLinkPppPppd ? 2 : 1)) return NetworkKind::kTruncated;
      return decodePpp(packet, envelope);
    case kLinkPppEther:
      return decodePppoe(packet, envelope);
    case kLinkCiscoHdlc:
      return decodeCiscoHdlc(packet, envelope);
    case kLinkIeee80211:
      return decodeIeee80211(packet, envelope);
    case kLinkRadiotap:
      return decodeRadiotap(packet, envelope);
    case kLinkPpi:
      return decodePpi(packet, envelope);
    case kLinkFddi:
      return decodeFddi(packet, envelope);
    case kLinkNflog:
      return decodeNflog(packet);
    case kLinkMpacket:
      return decodeMpacket(packet, envelope);
    default:
      return NetworkKind::kUnsupported;
  }
}

}  // namespace hellotap
