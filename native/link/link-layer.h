// From a frame to the IP packet in it: Ethernet with its tags, Linux cooked captures, raw IP and BSD loopback.
// Inline, because every packet comes through here.
#ifndef HELLOTAP_LINK_LINK_LAYER_H_
#define HELLOTAP_LINK_LINK_LAYER_H_

#include <cstdint>

#include "base/datum.h"

namespace hellotap {

// LINKTYPE_ values, https://www.tcpdump.org/linktypes.html
enum LinkType : uint16_t {
  kLinkNull = 0,
  kLinkEthernet = 1,
  kLinkRaw12 = 12,  // DLT_RAW of most systems, found in files too
  kLinkRaw14 = 14,  // that of OpenBSD
  kLinkRaw = 101,
  kLinkLoop = 108,
  kLinkLinuxSll = 113,
  kLinkIpv4 = 228,
  kLinkIpv6 = 229,
  kLinkLinuxSll2 = 276,
};

enum class NetworkKind : uint8_t {
  kOther,  // decoded, and not IP
  kIpv4,
  kIpv6,
  kTruncated,    // ends inside of a link header
  kUnsupported,  // a link type that isn't decoded
};

struct VlanTags {
  static constexpr size_t kMax = 4;
  uint16_t ids[kMax];
  uint8_t count = 0;
};

namespace link_detail {

enum EtherType : uint16_t {
  kIpv4 = 0x0800,
  kVlan = 0x8100,
  kIpv6 = 0x86dd,
  kPppoeSession = 0x8864,
  kProviderVlan = 0x88a8,
  kCiscoMetaData = 0x8909,
  kOldQinQ = 0x9100,
};
constexpr uint16_t kMaxLength = 1500;  // what is no EtherType but the length of an 802.3 frame
constexpr int kMaxHeaders = 16;        // tags and the like in one frame

// What an EtherType announces, through any number of tags.
inline NetworkKind fromEtherType(uint16_t type, Datum& packet, VlanTags& vlan) {
  if (__builtin_expect(type == kIpv4, 1)) return NetworkKind::kIpv4;
  for (int headers = 0; headers < kMaxHeaders; ++headers) {
    switch (type) {
      case kIpv4:
        return NetworkKind::kIpv4;
      case kIpv6:
        return NetworkKind::kIpv6;
      case kVlan:
      case kProviderVlan:
      case kOldQinQ: {
        const auto tag = packet.take<4>();
        if (!tag) return NetworkKind::kTruncated;
        if (vlan.count < VlanTags::kMax) vlan.ids[vlan.count++] = tag.be16<0>() & 0x0fff;
        type = tag.be16<2>();
        break;
      }
      case kCiscoMetaData: {  // version, length, one option with a security group tag, EtherType
        const auto tag = packet.take<8>();
        if (!tag) return NetworkKind::kTruncated;
        type = tag.be16<6>();
        break;
      }
      case kPppoeSession: {  // RFC 2516 section 4, then the PPP protocol number
        const auto session = packet.take<8>();
        if (!session) return NetworkKind::kTruncated;
        if (session.be16<6>() == 0x0021) return NetworkKind::kIpv4;
        if (session.be16<6>() == 0x0057) return NetworkKind::kIpv6;
        return NetworkKind::kOther;
      }
      default: {
        if (type > kMaxLength) return NetworkKind::kOther;
        // IEEE 802.2 with SNAP, RFC 1042.
        const auto snap = packet.peek<8>();
        if (!snap || snap.be24<0>() != 0xaaaa03 || snap.be24<3>() != 0) return NetworkKind::kOther;
        type = snap.be16<6>();
        packet.skipUpTo(8);
        if (type <= kMaxLength) return NetworkKind::kOther;
        break;
      }
    }
  }
  return NetworkKind::kOther;
}

inline NetworkKind fromVersion(Datum packet) {
  const auto first = packet.peek<1>();
  if (!first) return NetworkKind::kTruncated;
  const unsigned version = first.u8<0>() >> 4;
  return version == 4 ? NetworkKind::kIpv4 : version == 6 ? NetworkKind::kIpv6 : NetworkKind::kOther;
}

// The address family of the machine that captured: 2 is IPv4 everywhere, IPv6 has a number per system.
inline NetworkKind fromFamily(uint32_t family) {
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

}  // namespace link_detail

// Consumes the link layer from the front of `packet`.
inline NetworkKind decodeLink(uint16_t linkType, Datum& packet, VlanTags& vlan) {
  using namespace link_detail;
  switch (linkType) {
    case kLinkEthernet: {
      const auto header = packet.take<14>();
      return header ? fromEtherType(header.be16<12>(), packet, vlan) : NetworkKind::kTruncated;
    }
    case kLinkLinuxSll: {
      const auto header = packet.take<16>();
      return header ? fromEtherType(header.be16<14>(), packet, vlan) : NetworkKind::kTruncated;
    }
    case kLinkLinuxSll2: {
      const auto header = packet.take<20>();
      return header ? fromEtherType(header.be16<0>(), packet, vlan) : NetworkKind::kTruncated;
    }
    case kLinkRaw12:
    case kLinkRaw14:
    case kLinkRaw:
    case kLinkIpv4:
    case kLinkIpv6:
      return fromVersion(packet);
    case kLinkNull:
    case kLinkLoop: {
      const auto header = packet.take<4>();
      if (!header) return NetworkKind::kTruncated;
      const uint32_t family = header.be32<0>();
      return fromFamily(family < 0x10000 ? family : __builtin_bswap32(family));
    }
    default:
      return NetworkKind::kUnsupported;
  }
}

}  // namespace hellotap

#endif  // HELLOTAP_LINK_LINK_LAYER_H_
