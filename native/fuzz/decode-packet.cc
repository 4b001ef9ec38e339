// Any bytes as one frame of any link type: link layer, IP and TCP.
#include <cstdlib>
#include <utility>

#include "flow/flow-key.h"
#include "link/link-layer.h"
#include "net/ip.h"
#include "net/tcp.h"

using namespace hellotap;

namespace {

uint8_t touch(Datum bytes) {
  uint8_t sum = 0;
  for (size_t i = 0; i < bytes.size(); ++i) sum = static_cast<uint8_t>(sum + bytes.data()[i]);
  return sum;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Datum input(data, size);
  const auto choice = input.take<4>();
  if (!choice) return 0;
  const uint16_t linkType = choice.be16<0>();
  const uint32_t uncaptured = choice.be16<2>();

  Datum packet = input;
  Envelope envelope;
  const NetworkKind kind = decodeLink(linkType, packet, envelope);
  if (envelope.vlan.count > VlanTags::kMax || packet.size() > input.size()) std::abort();
  if (kind != NetworkKind::kIpv4 && kind != NetworkKind::kIpv6) return 0;

  IpPacket ip{};
  const IpResult result =
      kind == NetworkKind::kIpv4 ? decodeIpv4(packet, uncaptured, ip) : decodeIpv6(packet, uncaptured, ip);
  if (result != IpResult::kPacket) return 0;
  if (ip.payload.size() > packet.size()) std::abort();
  volatile uint8_t seen = touch(ip.payload);

  TcpHeader tcp{};
  if (decodeTcp(ip.payload, ip.missing, tcp) != TcpResult::kSegment) return 0;
  seen = touch(ip.payload);
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
  return 0;
}
