// One block of an AF_PACKET ring (TPACKET_V3): the packets that the kernel has put there, one behind the other. Lengths
// and offsets are checked although the kernel wrote them. https://docs.kernel.org/networking/packet_mmap.html
#ifndef HELLOTAP_CAPTURE_RING_BLOCK_H_
#define HELLOTAP_CAPTURE_RING_BLOCK_H_

#ifdef __linux__

#include <linux/if_packet.h>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/anomaly.h"
#include "base/frame.h"
#include "link/link-layer.h"

namespace hellotap {

class RingBlock {
 public:
  // Room that the ring keeps free before each packet, for a tag that is put back.
  static constexpr size_t kReserve = 4;

  RingBlock() = default;
  // `loopback`: index of the loopback interface, on which each packet is seen twice; 0: none.
  RingBlock(uint8_t* memory, size_t size, uint16_t linkType, int loopback)
      : memory_(memory), size_(size), linkType_(linkType), loopback_(loopback) {
    if (size < sizeof(tpacket_block_desc)) return;
    tpacket_block_desc description;
    std::memcpy(&description, memory, sizeof description);
    left_ = description.hdr.bh1.num_pkts;
    at_ = description.hdr.bh1.offset_to_first_pkt;
  }

  // The next packet; false where there is no other one.
  bool next(Frame& out) {
    while (left_ > 0) {
      tpacket3_hdr header;
      if (at_ > size_ || size_ - at_ < kHeaders) return damaged();
      std::memcpy(&header, memory_ + at_, sizeof header);
      if (header.tp_mac < kHeaders || header.tp_mac > size_ - at_ || header.tp_snaplen > size_ - at_ - header.tp_mac)
        return damaged();
      const size_t start = at_;
      --left_;
      if (left_ > 0) {
        if (header.tp_next_offset < kHeaders || header.tp_next_offset > size_ - at_) return damaged();
        at_ += header.tp_next_offset;
      }
      if (loopback_ != 0 && isEcho(start)) continue;
      take(start, header, out);
      return true;
    }
    return false;
  }

  // Whether it could not be read to its end.
  bool isDamaged() const { return isDamaged_; }

 private:
  static constexpr size_t kAddressAt = TPACKET_ALIGN(sizeof(tpacket3_hdr));
  static constexpr size_t kHeaders = kAddressAt + sizeof(sockaddr_ll);

  bool damaged() {
    isDamaged_ = true;
    left_ = 0;
    return false;
  }

  // Loopback shows a packet when it is sent and when it is received.
  bool isEcho(size_t start) const {
    sockaddr_ll address;
    std::memcpy(&address, memory_ + start + kAddressAt, sizeof address);
    return address.sll_pkttype == PACKET_OUTGOING && address.sll_ifindex == loopback_;
  }

  void take(size_t start, const tpacket3_hdr& header, Frame& out) {
    constexpr size_t kAddresses = 12;
    uint8_t* bytes = memory_ + start + header.tp_mac;
    size_t captured = header.tp_snaplen;
    uint32_t original = header.tp_len < header.tp_snaplen ? header.tp_snaplen : header.tp_len;
    // The outermost VLAN tag comes beside the packet, whoever took it off: the interface or the kernel.
    if ((header.tp_status & TP_STATUS_VLAN_VALID) && linkType_ == kLinkEthernet && captured >= kAddresses &&
        header.tp_mac >= kHeaders + kReserve) {
      const uint16_t type = header.tp_status & TP_STATUS_VLAN_TPID_VALID ? header.hv1.tp_vlan_tpid : 0x8100;
      const uint16_t tag = static_cast<uint16_t>(header.hv1.tp_vlan_tci);
      bytes -= kReserve;
      std::memmove(bytes, bytes + kReserve, kAddresses);
      bytes[kAddresses] = static_cast<uint8_t>(type >> 8);
      bytes[kAddresses + 1] = static_cast<uint8_t>(type);
      bytes[kAddresses + 2] = static_cast<uint8_t>(tag >> 8);
      bytes[kAddresses + 3] = static_cast<uint8_t>(tag);
      captured += kReserve;
      if (original <= UINT32_MAX - kReserve) original += kReserve;
    }
    out = Frame{Datum(bytes, captured), original, linkType_, int64_t{header.tp_sec} * 1000000 + header.tp_nsec / 1000,
                kNoOffset};
  }

  uint8_t* memory_ = nullptr;
  size_t size_ = 0;
  size_t at_ = 0;
  uint32_t left_ = 0;  // packets
  uint16_t linkType_ = 0;
  int loopback_ = 0;
  bool isDamaged_ = false;
};

}  // namespace hellotap

#endif  // __linux__

#endif  // HELLOTAP_CAPTURE_RING_BLOCK_H_
