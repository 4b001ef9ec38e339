#include "tell/flow-head.h"

#include <arpa/inet.h>

#include <cstring>

namespace hellotap {

namespace {

constexpr double kLastMicrosecond = 253402300799e6;  // in year 9999
constexpr double kLastFlowId = 9007199254740992;     // as far as a double counts one by one
constexpr uint8_t kProtocolOfTcp = 6;

bool writeAddress(const uint8_t (&address)[16], uint8_t version, TextWriter& out) {
  if (version == 4) {
    for (int i = 0; i < 4; ++i) {
      if (i > 0) out.put(".");
      out.decimal(address[i]);
    }
    return true;
  }
  // Of those that hold an IPv4 address the text is a matter of taste.
  static constexpr uint8_t kZeros[10] = {};
  if (std::memcmp(address, kZeros, sizeof kZeros) == 0) return false;
  char text[INET6_ADDRSTRLEN];
  if (!inet_ntop(AF_INET6, address, text, sizeof text)) return false;
  out.put(text, std::strlen(text));
  return true;
}

void writeBase64(const uint8_t (&bytes)[kSha1Bytes], TextWriter& out) {
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  char text[28];
  static_assert(kSha1Bytes % 3 == 2, "one sign of padding");
  for (size_t at = 0, to = 0; at < sizeof bytes; at += 3) {
    const uint32_t last = at + 2 < sizeof bytes ? bytes[at + 2] : 0;
    const uint32_t group = uint32_t{bytes[at]} << 16 | uint32_t{bytes[at + 1]} << 8 | last;
    for (int shift = 18; shift >= 0; shift -= 6) text[to++] = kDigits[group >> shift & 63];
  }
  text[27] = '=';
  out.put(text, sizeof text);
}

// github.com/corelight/community-id-spec: SHA-1 of the seed, the two endpoints (the smaller one first), and the protocol.
bool writeCommunityId(const FlowRecordHeader& flow, Digests& digests, TextWriter& out) {
  const size_t length = flow.ipVersion == 4 ? 4 : 16;
  const int order = std::memcmp(flow.clientAddress, flow.serverAddress, length);
  const bool isClientFirst = order != 0 ? order < 0 : flow.clientPort <= flow.serverPort;
  const uint16_t ports[2] = {isClientFirst ? flow.clientPort : flow.serverPort,
                             isClientFirst ? flow.serverPort : flow.clientPort};
  uint8_t message[2 + 16 + 16 + 6] = {};
  uint8_t* at = message + 2;
  std::memcpy(at, isClientFirst ? flow.clientAddress : flow.serverAddress, length);
  std::memcpy(at + length, isClientFirst ? flow.serverAddress : flow.clientAddress, length);
  at += 2 * length;
  *at = kProtocolOfTcp;
  at += 2;
  for (const uint16_t port : ports) {
    *at++ = static_cast<uint8_t>(port >> 8);
    *at++ = static_cast<uint8_t>(port);
  }
  uint8_t digest[kSha1Bytes];
  if (!digests.hash(HashKind::kSha1, Datum(message, static_cast<size_t>(at - message)), digest)) return false;
  out.put("1:");
  writeBase64(digest, out);
  return true;
}

}  // namespace

bool FlowHead::writeTime(double microseconds, TextWriter& out) {
  if (!(microseconds >= 0 && microseconds < kLastMicrosecond)) return false;
  const auto whole = static_cast<uint64_t>(microseconds);
  const auto second = static_cast<std::time_t>(whole / 1000000);
  if (second != second_) {
    std::tm parts;
    if (!gmtime_r(&second, &parts) || std::strftime(text_, sizeof text_, "%Y-%m-%dT%H:%M:%S", &parts) != 19) return false;
    second_ = second;
  }
  char fraction[8] = ".000000";
  auto rest = static_cast<uint32_t>(whole % 1000000);
  for (int at = 6; at > 0; --at, rest /= 10) fraction[at] = static_cast<char>('0' + rest % 10);
  out.put(text_, 19);
  out.put(fraction, 7);
  out.put("+0000");
  return true;
}

bool FlowHead::write(const FlowRecordHeader& flow, Datum input, Digests& digests, TextWriter& out) {
  if (!(flow.flowId >= 0 && flow.flowId <= kLastFlowId)) return false;
  out.put("{\"timestamp\":\"");
  if (!writeTime(flow.timestamp, out)) return false;
  out.put("\",\"event_type\":\"tls\",\"flow_id\":");
  out.decimal(static_cast<uint64_t>(flow.flowId));
  out.put(",");
  out.put(input);
  out.put("\"src_ip\":\"");
  if (!writeAddress(flow.clientAddress, flow.ipVersion, out)) return false;
  out.put("\",\"src_port\":");
  out.decimal(flow.clientPort);
  out.put(",\"dest_ip\":\"");
  if (!writeAddress(flow.serverAddress, flow.ipVersion, out)) return false;
  out.put("\",\"dest_port\":");
  out.decimal(flow.serverPort);
  out.put(",\"proto\":\"TCP\"");
  for (size_t i = 0; i < flow.vlanCount && i < VlanTags::kMax; ++i) {
    out.put(i == 0 ? ",\"vlan\":[" : ",", i == 0 ? 9 : 1);
    out.decimal(flow.vlan[i]);
  }
  if (flow.vlanCount > 0) out.put("]");
  out.put(",\"community_id\":\"");
  if (!writeCommunityId(flow, digests, out)) return false;
  out.put("\"");
  return true;
}

}  // namespace hellotap
