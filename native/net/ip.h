// IPv4 (RFC 791) and IPv6 (RFC 8200) headers: who sends what to whom, and how much of it was captured.
#ifndef HELLOTAP_NET_IP_H_
#define HELLOTAP_NET_IP_H_

#include <cstdint>
#include <cstring>

#include "base/datum.h"

namespace hellotap {

enum class IpResult : uint8_t { kPacket, kFragment, kTruncated, kMalformed };

enum IpProtocol : uint8_t {
  kProtocolIpv4 = 4,
  kProtocolTcp = 6,
  kProtocolUdp = 17,
  kProtocolIpv6 = 41,
  kProtocolGre = 47,
  kProtocolMpls = 137,
};

// Where a fragment belongs; only of what is one.
struct IpFragment {
  uint32_t id;
  uint32_t offset;  // bytes
  bool more;        // it is not the last
};

struct IpPacket {
  uint8_t version;
  uint8_t protocol;
  // Sixteen bytes each; an IPv4 address is in the first four, the rest is zero.
  uint64_t source[2];
  uint64_t destination[2];
  Datum payload;
  uint32_t missing;  // bytes of the payload that were not captured
  IpFragment fragment;
};

// `uncaptured`: bytes that the frame had on the wire beyond those in `packet`.
inline IpResult decodeIpv4(Datum packet, uint32_t uncaptured, IpPacket& out) {
  const size_t whole = packet.size();
  const auto header = packet.take<20>();
  if (__builtin_expect(!header, 0)) return IpResult::kTruncated;
  const uint8_t first = header.u8<0>();
  const uint32_t headerLength = (first & 15u) * 4;
  uint32_t totalLength = header.be16<2>();
  if (__builtin_expect(first >> 4 != 4 || headerLength < 20, 0)) return IpResult::kMalformed;
  // Zero: the network card was to cut this packet up (segmentation offload); then it is as long as the frame.
  if (__builtin_expect(totalLength == 0, 0)) totalLength = static_cast<uint32_t>(whole) + uncaptured;
  if (__builtin_expect(totalLength < headerLength, 0)) return IpResult::kMalformed;
  if (__builtin_expect(headerLength > 20 && !packet.skip(headerLength - 20), 0)) return IpResult::kTruncated;

  out.version = 4;
  out.protocol = header.u8<9>();
  uint32_t address;
  std::memcpy(&address, header.bytes<12, 4>(), 4);
  out.source[0] = address;
  out.source[1] = 0;
  std::memcpy(&address, header.bytes<16, 4>(), 4);
  out.destination[0] = address;
  out.destination[1] = 0;
  const uint32_t payloadLength = totalLength - headerLength;
  out.payload = packet.first(payloadLength);
  out.missing = payloadLength - static_cast<uint32_t>(out.payload.size());
  // More fragments, or a fragment offset.
  if (__builtin_expect(header.be16<6>() & 0x3fff, 0)) {
    out.fragment = {header.be16<4>(), (header.be16<6>() & 0x1fffu) * 8, (header.be16<6>() & 0x2000) != 0};
    return IpResult::kFragment;
  }
  return IpResult::kPacket;
}

namespace ip_detail {

// Extension headers, RFC 8200 section 4 and IANA's registry of them.
enum ExtensionHeader : uint8_t {
  kHopByHop = 0,
  kRouting = 43,
  kFragment = 44,
  kAuthentication = 51,
  kDestination = 60,
  kMobility = 135,
  kHostIdentity = 139,
  kShim6 = 140,
};
constexpr int kMaxExtensionHeaders = 16;

}  // namespace ip_detail

// From the first header behind that of IPv6 on; `length`: bytes that there are, captured or not.
inline IpResult decodeIpv6Payload(uint8_t next, Datum payload, uint32_t length, IpPacket& out) {
  using namespace ip_detail;
  uint32_t left = length;
  for (int headers = 0; headers < kMaxExtensionHeaders; ++headers) {
    uint32_t size;
    bool fragment = false;
    switch (next) {
      case kHopByHop:
      case kRouting:
      case kDestination:
      case kMobility:
      case kHostIdentity:
      case kShim6:
      case kAuthentication: {
        const auto extension = payload.peek<2>();
        if (!extension) return IpResult::kTruncated;
        size = next == kAuthentication ? (extension.u8<1>() + 2u) * 4 : (extension.u8<1>() + 1u) * 8;
        next = extension.u8<0>();
        break;
      }
      case kFragment: {
        const auto extension = payload.peek<8>();
        if (!extension) return IpResult::kTruncated;
        size = 8;
        next = extension.u8<0>();
        // Offset and more-fragments flag; without either it is whole (an atomic fragment, RFC 6946).
        fragment = (extension.be16<2>() & 0xfff9) != 0;
        out.fragment = {extension.be32<4>(), extension.be16<2>() & 0xfff8u, (extension.be16<2>() & 1) != 0};
        break;
      }
      default:
        out.protocol = next;
        out.payload = payload;
        out.missing = left - static_cast<uint32_t>(payload.size());
        return IpResult::kPacket;
    }
    if (size > left) return IpResult::kMalformed;
    if (!payload.skip(size)) return IpResult::kTruncated;
    left -= size;
    if (fragment) {
      out.protocol = next;
      out.payload = payload;
      out.missing = left - static_cast<uint32_t>(payload.size());
      return IpResult::kFragment;
    }
  }
  return IpResult::kMalformed;
}

inline IpResult decodeIpv6(Datum packet, uint32_t uncaptured, IpPacket& out) {
  const auto header = packet.take<40>();
  if (!header) return IpResult::kTruncated;
  if (header.u8<0>() >> 4 != 6) return IpResult::kMalformed;
  out.version = 6;
  std::memcpy(out.source, header.bytes<8, 16>(), 16);
  std::memcpy(out.destination, header.bytes<24, 16>(), 16);
  // Zero: a jumbogram (RFC 2675), or segmentation offload; then it is as long as the frame.
  uint32_t length = header.be16<4>();
  if (length == 0) length = static_cast<uint32_t>(packet.size()) + uncaptured;
  return decodeIpv6Payload(header.u8<6>(), packet.first(length), length, out);
}

// What is in a packet that was put together of its fragments, which cannot have fragments again.
inline IpResult decodeJoined(IpPacket& ip) {
  ip.missing = 0;
  if (ip.version == 4) return IpResult::kPacket;
  const IpResult result = decodeIpv6Payload(ip.protocol, ip.payload, static_cast<uint32_t>(ip.payload.size()), ip);
  return result == IpResult::kFragment ? IpResult::kMalformed : result;
}

}  // namespace hellotap

#endif  // HELLOTAP_NET_IP_H_
