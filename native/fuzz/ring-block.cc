// Any bytes as a block of an AF_PACKET ring, which is memory that the kernel shares: each packet has to lie within the
// block, to its last byte, and with no more captured than was on the wire. The first byte decides whether it is
// Ethernet, where tags are put back, the second which interface is the loopback.
#include <cstdlib>
#include <vector>

#include "capture/ring-block.h"

using namespace hellotap;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const uint16_t linkType = data[0] & 1 ? kLinkRaw : kLinkEthernet;
  // Of its own, and exactly as large: tags are written into it.
  std::vector<uint8_t> memory(data + 2, data + size);
  RingBlock block(memory.data(), memory.size(), linkType, data[1]);
  uint64_t sum = 0;
  size_t packets = 0;
  for (Frame frame; block.next(frame); ++packets) {
    const uint8_t* begin = frame.bytes.data();
    const uint8_t* end = begin + frame.bytes.size();
    if (begin < memory.data() || end > memory.data() + memory.size()) std::abort();
    if (frame.bytes.size() > frame.original || frame.timestamp < 0) std::abort();
    for (const uint8_t* at = begin; at < end; ++at) sum = sum * 31 + *at;
  }
  // Each has headers of its own.
  if (packets * sizeof(tpacket3_hdr) > memory.size()) std::abort();
  const volatile uint64_t read = sum;  // so that the bytes are
  (void)read;
  return 0;
}
