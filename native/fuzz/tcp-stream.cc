// A script of segments of a few flows through the flow table: reassembly, gate, lists, caps. The bytes say which flow,
// which side, which flags, where in the stream, and how much time passes. What comes out must keep all bounds, and the
// bytes that are handed over must be those that were sent: each byte of a side's stream depends on its place alone,
// except where the script asks for others.
#include <cstdlib>
#include <cstring>
#include <memory>

#include "core/batch.h"
#include "flow/flow-table.h"

namespace {

using namespace hellotap;

constexpr uint32_t kStreamBytes = 1 << 17;
constexpr size_t kMaxSegments = 4096;

// What the two sides of a flow say before their hellos.
constexpr const char* kPreludes[] = {"a001 STARTTLS\r\n", "* OK ready\r\na001 OK begin\r\n"};

// Two streams that begin with hellos, behind another protocol or not, and go on with records of all kinds.
struct Streams {
  uint8_t bytes[2][kStreamBytes];
  uint32_t hello[2];  // where it begins

  explicit Streams(bool withPrelude) {
    static const uint8_t types[] = {22, 22, 20, 22, 21, 22, 22, 24};
    for (int side = 0; side < 2; ++side) {
      hello[side] = withPrelude ? static_cast<uint32_t>(std::strlen(kPreludes[side])) : 0;
      std::memcpy(bytes[side], kPreludes[side], hello[side]);
      uint32_t at = hello[side];
      for (unsigned record = 0; at + 5 < kStreamBytes; ++record) {
        const uint32_t length = record == 0 ? 120 : (record * 977) % 6000 + 1;
        uint8_t* header = bytes[side] + at;
        header[0] = record == 0 ? 22 : types[record % sizeof types];
        header[1] = 3;
        header[2] = 3;
        header[3] = static_cast<uint8_t>(length >> 8);
        header[4] = static_cast<uint8_t>(length);
        at += 5;
        for (uint32_t i = 0; i < length && at < kStreamBytes; ++i, ++at)
          bytes[side][at] = static_cast<uint8_t>(at * 167 + side);
        if (record == 0) {
          const uint8_t hello[] = {static_cast<uint8_t>(side == 0 ? 1 : 2), 0, 0, 116, 3, 3};
          std::memcpy(header + 5, hello, sizeof hello);
        }
      }
      while (at < kStreamBytes) bytes[side][at++] = 0;
    }
  }
};

void check(const Stream& stream, bool isHonest, const Streams& streams) {
  if (!stream.isTls()) std::abort();
  for (int side = 0; side < 2; ++side) {
    const Direction& direction = stream.directions[side];
    const Datum bytes = direction.openingBytes();
    if (!direction.done || bytes.size() > kMaxOpeningBytes) std::abort();
    if (direction.end == DirectionEnd::kNone && bytes.size() > 0) std::abort();
    const int script = side == stream.client ? 0 : 1;
    if (isHonest && bytes.size() > 0 && std::memcmp(bytes.data(), streams.bytes[script] + streams.hello[script], bytes.size()) != 0)
      std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Streams* streams[] = {new Streams(false), new Streams(true)};
  Datum script(data, size);
  const auto head = script.take<2>();
  if (!head) return 0;
  FlowLimits limits;
  limits.maxFlows = 16 + head.u8<0>() % 8;
  limits.reassemblyBytes = 4096u << head.u8<1>() % 8;
  Notes notes;
  const uint64_t secret[4] = {1, 2, 3, 4};
  FlowTable table(limits, secret, notes);
  uint8_t memory[2 * kMaxOpeningBytes + 256];
  int64_t time = 1700000000000000;
  bool isHonest = true;

  const auto readAll = [&] {
    while (const Stream* stream = table.ready()) {
      const auto& key = stream->key;
      check(*stream, isHonest, *streams[((key.lowPort == 443 ? key.highPort : key.lowPort) - 1000) >> 2 & 1]);
      BatchWriter writer(memory, sizeof memory);
      if (!writer.write(*stream) || writer.written() % 8 != 0) std::abort();
      table.releaseReady();
    }
    if (table.readyBytes() != 0) std::abort();
  };

  for (size_t count = 0; count < kMaxSegments; ++count) {
    const auto step = script.take<8>();
    if (!step) break;
    Segment segment{};
    const unsigned flow = step.u8<0>() & 31;
    const unsigned side = step.u8<0>() >> 5 & 1;
    IpPacket ip{};
    ip.version = flow & 1 ? 6 : 4;
    ip.source[0] = side == 0 ? 1 : 2;
    ip.destination[0] = side == 0 ? 2 : 1;
    TcpHeader tcp{};
    tcp.sourcePort = static_cast<uint16_t>(side == 0 ? 1000 + flow : 443);
    tcp.destinationPort = static_cast<uint16_t>(side == 0 ? 443 : 1000 + flow);
    segment.direction = makeFlowKey(ip, tcp, segment.key);
    segment.hash = table.hash(segment.key) & (flow & 2 ? ~uint64_t{0} : 0xff);  // some meet in one place
    segment.flags = step.u8<1>() & (kFin | kSyn | kRst | kAck);
    if (!(segment.flags & kSyn)) segment.flags |= kAck;
    uint32_t offset = step.be16<2>();
    uint32_t length = step.be16<4>() & 0x1fff;
    if (step.u8<6>() & 1) offset *= 3;
    if (offset + length > kStreamBytes) length = offset < kStreamBytes ? kStreamBytes - offset : 0;
    // One start for all flows of a number, close to the wrap.
    const uint32_t isn = 0xfffffff0u - flow * 3000;
    segment.sequence = isn + (segment.flags & kSyn ? 0 : 1) + offset;
    segment.acknowledgement = isn + 1 + (step.u8<7>() < 128 ? 0 : step.u8<7>() << 4);
    static uint8_t other[0x2000];
    const bool isOther = (step.u8<6>() & 0xe0) == 0xe0;
    // Other bytes, or a start that is guessed or wrong, make other streams: then only bounds are checked.
    const bool isOpening = segment.flags & kSyn && !(segment.flags & kAck);
    const bool isMisleading =
        isOther || isOpening || (segment.flags & kSyn && offset > 0) || segment.acknowledgement != isn + 1;
    isHonest = isHonest && !isMisleading;
    if (isOther) std::memset(other, step.u8<7>(), sizeof other);
    segment.payload =
        isOther ? Datum(other, length)
                : Datum(streams[flow >> 2 & 1]->bytes[side] + (offset < kStreamBytes ? offset : 0), length);
    segment.missing = (step.u8<6>() & 0x1e) == 0x1e ? 100 : 0;
    time += (step.u8<6>() & 2) ? int64_t{step.u8<7>()} * 1000000 : 100;
    segment.timestamp = time;
    table.advance(time);
    table.add(segment);
    if (table.flowCount() > limits.maxFlows) std::abort();
    if (step.u8<6>() & 4) readAll();
  }
  table.finish();
  readAll();
  if (table.flowCount() != 0) std::abort();
  return 0;
}
