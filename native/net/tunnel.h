// Tunnels over IP: what is inside of a packet that carries others. Those over UDP are known by a well-known port and a
// header that holds together; all else on such a port stays an ordinary datagram.
#ifndef HELLOTAP_NET_TUNNEL_H_
#define HELLOTAP_NET_TUNNEL_H_

#include "base/datum.h"
#include "link/link-layer.h"
#include "net/ip.h"

namespace hellotap {

// The well-known ports of tunnels over UDP.
enum TunnelPort : uint16_t {
  kPortGtpU = 2152,
  kPortTeredo = 3544,
  kPortGre = 4754,
  kPortVxlan = 4789,
  kPortVxlanGpe = 4790,
  kPortCapwapData = 5247,
  kPortGeneve = 6081,
  kPortVxlanLinux = 8472,  // from before VXLAN had a number
};

// False where a packet is no tunnel, by a look at two ports that costs next to nothing; true proves nothing.
inline bool mayBeTunnel(const IpPacket& ip) {
  if (ip.protocol != kProtocolUdp) return true;
  const auto ports = ip.payload.peek<4>();
  const auto isInRange = [](uint16_t port) { return port >= kPortGtpU && port <= kPortVxlanLinux; };
  return ports && (isInRange(ports.be16<0>()) || isInRange(ports.be16<2>()));
}

// What `packet` becomes, and the envelope has a layer more; kNoTunnel, and nothing changed, where `ip` is none.
NetworkKind openTunnel(const IpPacket& ip, Datum& packet, Envelope& envelope);

// In gre.cc: `packet` is the payload of protocol 47.
NetworkKind openGre(Datum& packet, Envelope& envelope);
// In udp-tunnel.cc: `packet` is what a datagram carries, of which `length` bytes were sent.
NetworkKind openUdpTunnel(uint16_t port, uint32_t length, Datum& packet, Envelope& envelope);

}  // namespace hellotap

#endif  // HELLOTAP_NET_TUNNEL_H_
