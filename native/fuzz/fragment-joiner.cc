// A script of fragments of a few packets: which packet, which bytes of it, whether it is the last, and how much time
// passes. Each byte of a packet depends on its id and place alone, so what comes out whole has to be right in all of them.
#include <cstdlib>

#include "net/fragment-joiner.h"

using namespace hellotap;

namespace {

constexpr size_t kMaxFragments = 4096;
constexpr uint32_t kMaxBytes = 70000;

uint8_t byteAt(uint32_t id, uint32_t place) { return static_cast<uint8_t>(place * 167 + id * 31 + (place >> 8)); }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static uint8_t bytes[kMaxBytes];
  Datum script(data, size);
  Notes notes;
  const uint64_t secret[4] = {1, 2, 3, 4};
  FragmentJoiner joiner(secret, notes);
  int64_t time = 1700000000000000;
  uint64_t whole = 0;
  size_t count = 0;
  for (; count < kMaxFragments; ++count) {
    const auto step = script.take<8>();
    if (!step) break;
    IpPacket ip{};
    const uint32_t id = step.be16<0>() & 0x0fff;
    ip.version = id & 1 ? 6 : 4;
    ip.protocol = kProtocolTcp;
    ip.source[0] = id & 2;
    ip.destination[0] = 7;
    ip.fragment.id = id;
    ip.fragment.offset = step.be16<2>() & 0xfff8;
    ip.fragment.more = step.u8<6>() & 1;
    uint32_t length = step.be16<4>() & 0x3fff;
    if (step.u8<6>() & 2) length &= 0x3ff8;
    if (ip.fragment.offset + length > kMaxBytes) length = kMaxBytes - ip.fragment.offset;
    for (uint32_t i = 0; i < length; ++i) bytes[i] = byteAt(id, ip.fragment.offset + i);
    ip.payload = Datum(bytes, length);
    ip.missing = (step.u8<6>() & 0x1c) == 0x1c ? 1 : 0;
    time += step.u8<6>() & 0x20 ? int64_t{step.u8<7>()} * 1000000 : 10;
    if (joiner.join(ip, step.u8<6>() >> 7, time)) {
      ++whole;
      if (ip.payload.size() > 65535 || ip.payload.empty()) std::abort();
      for (size_t i = 0; i < ip.payload.size(); ++i)
        if (ip.payload.data()[i] != byteAt(id, static_cast<uint32_t>(i))) std::abort();
    }
    if (step.u8<6>() & 0x40) joiner.release();
  }
  joiner.finish();
  const Counters& counters = notes.counters;
  if (counters.fragments != count || counters.packetsJoined != whole) std::abort();
  const uint64_t ended = counters.packetsJoined + counters.joiningExpired + counters.joiningEvicted +
                         counters.joiningOverlaps + counters.fragmentsDropped;
  if (ended > count) std::abort();  // a packet has at least one fragment
  return 0;
}
