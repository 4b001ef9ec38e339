#include "net/tunnel.h"

#include "link/mpls.h"

namespace hellotap {

namespace {

NetworkKind openIpInIp(NetworkKind inner, Envelope& envelope) {
  return envelope.tunnels.add(TunnelKind::kIpInIp, 0) ? inner : NetworkKind::kTooDeep;
}

}  // namespace

NetworkKind openTunnel(const IpPacket& ip, Datum& packet, Envelope& envelope) {
  Datum content = ip.payload;
  uint16_t sourcePort = 0, destinationPort = 0;
  NetworkKind kind = NetworkKind::kNoTunnel;
  switch (ip.protocol) {
    case kProtocolUdp: {
      const auto header = content.take<8>();
      if (!header || header.be16<4>() < 8) break;
      sourcePort = header.be16<0>();
      destinationPort = header.be16<2>();
      const uint32_t length = header.be16<4>() - 8u;
      content = content.first(length);
      kind = openUdpTunnel(destinationPort, length, content, envelope);
      if (kind == NetworkKind::kNoTunnel) kind = openUdpTunnel(sourcePort, length, content, envelope);
      break;
    }
    case kProtocolGre:
      kind = openGre(content, envelope);
      break;
    case kProtocolIpv4:  // RFC 2003, RFC 2473
      kind = openIpInIp(NetworkKind::kIpv4, envelope);
      break;
    case kProtocolIpv6:  // RFC 4213, RFC 2473
      kind = openIpInIp(NetworkKind::kIpv6, envelope);
      break;
    case kProtocolMpls:  // RFC 4023
      kind = decodeMpls(content, envelope);
      break;
    default:
      break;
  }
  if (kind == NetworkKind::kNoTunnel) return kind;
  packet = content;
  Tunnels& tunnels = envelope.tunnels;
  if (tunnels.depth++ == 0) {
    tunnels.version = ip.version;
    tunnels.protocol = ip.protocol;
    tunnels.sourcePort = sourcePort;
    tunnels.destinationPort = destinationPort;
    for (int word = 0; word < 2; ++word) {
      tunnels.source[word] = ip.source[word];
      tunnels.destination[word] = ip.destination[word];
    }
  }
  return kind;
}

}  // namespace hellotap
