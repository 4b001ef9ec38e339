// From a frame to the IP packet in it. What nearly every frame is (IP over Ethernet) is done here and inline, because
// every packet comes through here; all else is in link-layer.cc, ppp.cc, mpls.cc and ieee80211.cc.
#ifndef HELLOTAP_LINK_LINK_LAYER_H_
#define HELLOTAP_LINK_LINK_LAYER_H_

#include <cstdint>

#include "base/datum.h"
#include "link/envelope.h"

namespace hellotap {

// LINKTYPE_ values, https://www.tcpdump.org/linktypes.html
enum LinkType : uint16_t {
  kLinkNull = 0,
  kLinkEthernet = 1,
  kLinkPpp = 9,
  kLinkFddi = 10,
  kLinkRaw12 = 12,  // DLT_RAW of most systems, found in files too
  kLinkRaw14 = 14,  // that of OpenBSD
  kLinkPppHdlc = 50,
  kLinkPppEther = 51,
  kLinkRaw = 101,
  kLinkCiscoHdlc = 104,
  kLinkIeee80211 = 105,
  kLinkLoop = 108,
  kLinkLinuxSll = 113,
  kLinkRadiotap = 127,
  kLinkPppPppd = 166,
  kLinkPpi = 192,
  kLinkPppWithDirection = 204,
  kLinkIpv4 = 228,
  kLinkIpv6 = 229,
  kLinkNflog = 239,
  kLinkMpacket = 274,
  kLinkLinuxSll2 = 276,
};

enum class NetworkKind : uint8_t {
  kOther,  // decoded, and not IP
  kIpv4,
  kIpv6,
  kTruncated,    // ends inside of a link header
  kUnsupported,  // a link type that isn't decoded
  kEncrypted,    // a frame that only those who have its keys can read
  kTooDeep,      // more tunnels, one in the other, than are followed
  kNoTunnel,     // of openTunnel alone: nothing to be opened
};

enum EtherType : uint16_t {
  kEtherIpv4 = 0x0800,
  kEtherTransparentBridging = 0x6558,  // an Ethernet frame; in tunnels alone
  kEtherVlan = 0x8100,
  kEtherIpv6 = 0x86dd,
  kEtherMpls = 0x8847,
  kEtherMplsUpstream = 0x8848,  // RFC 5332
  kEtherPppoeSession = 0x8864,
  kEtherProviderVlan = 0x88a8,
  kEtherFabricPath = 0x8903,
  kEtherCiscoMetaData = 0x8909,
  kEtherVnTag = 0x8926,
  kEtherOldQinQ = 0x9100,
};

// Each consumes what it has read from the front of `packet`.
NetworkKind decodeRareEtherType(uint16_t type, Datum& packet, Envelope& envelope);
NetworkKind decodeRareLink(uint16_t linkType, Datum& packet, Envelope& envelope);

// What an EtherType announces.
inline NetworkKind decodeEtherType(uint16_t type, Datum& packet, Envelope& envelope) {
  if (__builtin_expect(type == kEtherIpv4, 1)) return NetworkKind::kIpv4;
  if (__builtin_expect(type == kEtherIpv6, 1)) return NetworkKind::kIpv6;
  return decodeRareEtherType(type, packet, envelope);
}

inline NetworkKind decodeEthernet(Datum& packet, Envelope& envelope) {
  const auto header = packet.take<14>();
  return header ? decodeEtherType(header.be16<12>(), packet, envelope) : NetworkKind::kTruncated;
}

// Consumes the link layer from the front of `packet`.
inline NetworkKind decodeLink(uint16_t linkType, Datum& packet, Envelope& envelope) {
  if (__builtin_expect(linkType == kLinkEthernet, 1)) return decodeEthernet(packet, envelope);
  return decodeRareLink(linkType, packet, envelope);
}

// IPv4 or IPv6, as the first four bits say.
inline NetworkKind decodeIpVersion(Datum packet) {
  const auto first = packet.peek<1>();
  if (!first) return NetworkKind::kTruncated;
  const unsigned version = first.u8<0>() >> 4;
  return version == 4 ? NetworkKind::kIpv4 : version == 6 ? NetworkKind::kIpv6 : NetworkKind::kOther;
}

}  // namespace hellotap

#endif  // HELLOTAP_LINK_LINK_LAYER_H_
