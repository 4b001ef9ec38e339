#include "link/mpls.h"

namespace hellotap {

namespace {

constexpr int kMaxLabels = 16;
constexpr size_t kControlWordBytes = 4;

// Whether bytes read like an Ethernet frame with something in it that is decoded.
bool looksLikeEthernet(Datum packet) {
  const auto header = packet.peekAt<15>(0);
  if (!header) return false;
  const unsigned version = header.u8<14>() >> 4;
  switch (header.be16<12>()) {
    case kEtherIpv4:
      return version == 4 && (header.u8<14>() & 15) >= 5;
    case kEtherIpv6:
      return version == 6;
    case kEtherVlan:
    case kEtherProviderVlan:
    case kEtherMpls:
    case kEtherPppoeSession:
      return true;
    default:
      return false;
  }
}

// An IP packet, or a pseudowire with Ethernet (RFC 4448). Where a pseudowire has no control word, its first four bits
// are of a MAC address, and may be those of an IP version (RFC 4928).
NetworkKind decodeBelowLabels(Datum& packet, Envelope& envelope) {
  const auto first = packet.peek<1>();
  if (!first) return NetworkKind::kTruncated;
  if (first.u8<0>() >> 4 == 0 && looksLikeEthernet(packet.behind(kControlWordBytes))) {
    packet.skipUpTo(kControlWordBytes);
    return decodeEthernet(packet, envelope);
  }
  if (looksLikeEthernet(packet)) return decodeEthernet(packet, envelope);
  return decodeIpVersion(packet);
}

}  // namespace

NetworkKind decodeMpls(Datum& packet, Envelope& envelope) {
  for (int labels = 0; labels < kMaxLabels; ++labels) {
    const auto entry = packet.take<4>();
    if (!entry) return NetworkKind::kTruncated;
    const bool isBottom = entry.u8<2>() & 1;
    if (!isBottom) continue;
    if (!envelope.tunnels.add(TunnelKind::kMpls, entry.be24<0>() >> 4)) return NetworkKind::kTooDeep;
    return decodeBelowLabels(packet, envelope);
  }
  return NetworkKind::kOther;
}

}  // namespace hellotap
