// Any bytes as one frame of any link type: link layer, IP, tunnels one in the other, TCP.
#include <cstdlib>
#include <utility>

#include "flow/flow-key.h"
#include "link/link-layer.h"
#include "net/ip.h"
#include "net/tcp.h"
#include "net/tunnel.h"

using namespace hellotap;

namespace {

uint8_t touch(Datum bytes) {
  uint8_t sum = 0;
  for (size_t i = 0; i < bytes.size(); ++i) sum = static_cast<uint8_t>(sum + bytes.data()[i]);
  return sum;
}

bool isWithin(Datum part, Datum whole) {
  return part.empty() || (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void check(const Envelope& envelope) {
  const Tunnels& tunnels = envelope.tunnels;
  if (envelope.vlan.count > VlanTags::kMax || tunnels.count > Tunnels::kMax || tunnels.depth > tunnels.count + 1)
    std::abort();
  for (size_t i = 0; i < tunnels.count; ++i)
    if (tunnels.kinds[i] > TunnelKind::kCapwap) std::abort();
  if (envelope.realm() > Envelope::kRealmMask) std::abort();
}

void checkKey(IpPacket& ip) {
  TcpHeader tcp{};
  if (decodeTcp(ip.payload, ip.missing, tcp) != TcpResult::kSegment) return;
  volatile uint8_t seen = touch(ip.payload);
  (void)seen;
  FlowKey key{};
  FlowKey back{};
  const unsigned direction = makeFlowKey(ip, tcp, key);
  std::swap(ip.source[0], ip.destination[0]);
  std::swap(ip.source[1], ip.destination[1]);
  std::swap(tcp.sourcePort, tcp.destinationPort);
  const unsigned other = makeFlowKey(ip, tcp, back);
  const bool isToItself =
      ip.source[0] == ip.destination[0] && ip.source[1] == ip.destination[1] && tcp.sourcePort == tcp.destinationPort;
  if (key.low[0] != back.low[0] || key.high[1] != back.high[1] || key.lowPort != back.lowPort) std::abort();
  if (direction == other && !isToItself) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Datum input(data, size);
  const auto choice = input.take<4>();
  if (!choice) return 0;
  const uint16_t linkType = choice.be16<0>();
  uint32_t uncaptured = choice.be16<2>();

  Datum packet = input;
  Envelope envelope;
  NetworkKind kind = decodeLink(linkType, packet, envelope);
  for (size_t turns = 0;; ++turns) {
    check(envelope);
    if (turns > Tunnels::kMax + 1 || !isWithin(packet, input)) std::abort();
    if (kind != NetworkKind::kIpv4 && kind != NetworkKind::kIpv6) return 0;
    IpPacket ip{};
    IpResult result =
        kind == NetworkKind::kIpv4 ? decodeIpv4(packet, uncaptured, ip) : decodeIpv6(packet, uncaptured, ip);
    // As if it was whole.
    if (result == IpResult::kFragment) result = decodeJoined(ip);
    if (result != IpResult::kPacket) return 0;
    if (!isWithin(ip.payload, packet)) std::abort();
    volatile uint8_t seen = touch(ip.payload);
    (void)seen;
    if (ip.protocol == kProtocolTcp) {
      checkKey(ip);
      return 0;
    }
    const Envelope before = envelope;
    const bool mayBe = mayBeTunnel(ip);
    kind = openTunnel(ip, packet, envelope);
    if (kind == NetworkKind::kNoTunnel) {
      if (envelope.tunnels.count != before.tunnels.count || envelope.vlan.count != before.vlan.count) std::abort();
      return 0;
    }
    if (!mayBe) std::abort();
    uncaptured = ip.missing;
  }
}
