// Live packets from Linux: a memory-mapped ring of an AF_PACKET socket (TPACKET_V3). Needs CAP_NET_RAW to open, and
// nothing afterwards. The filter runs in the kernel.
#ifndef HELLOTAP_CAPTURE_PACKET_RING_H_
#define HELLOTAP_CAPTURE_PACKET_RING_H_

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>

#include "base/frame.h"
#include "capture/ring-block.h"
#include "filter/bpf-program.h"

namespace hellotap {

struct RingOptions {
  std::string interface;
  size_t bytes = 64u << 20;
  bool isPromiscuous = true;
};

// As the kernel counts since the ring was opened; dropped packets are among the received ones.
struct RingStatistics {
  uint64_t received = 0;
  uint64_t dropped = 0;
  uint64_t freezes = 0;        // how often the ring was full
  uint64_t damagedBlocks = 0;  // given up because a length in them made no sense
};

#ifdef __linux__

// Rings, each in a thread of its own, over which the packets of one interface are spread.
struct FanoutGroup {
  std::mutex mutex;
  int interface = 0;  // the one that `id` is for: each needs a group of its own
  int id = 0;
};

class PacketRing {
 public:
  PacketRing() = default;
  ~PacketRing() { close(); }
  PacketRing(const PacketRing&) = delete;
  PacketRing& operator=(const PacketRing&) = delete;

  // LINKTYPE_ value of what a ring on this interface delivers, and 0; or the system's error number.
  static int linkTypeOf(const std::string& interface, uint16_t& linkType);

  // 0, or the system's error number (ENODEV: no such interface; ENETDOWN: it is down). Nothing comes before `listen`.
  // `group` outlives the ring; null: it is the only one.
  int open(const RingOptions& options, FanoutGroup* group);
  // Lets packets in that match the filter; empty: all.
  int listen(const BpfCode& filter);
  // Lets none in any more; what is in the ring already can be read.
  void deafen();

  enum class Wake : uint8_t { kPackets, kTimeout, kDown };
  // Waits for packets, or until the interface goes down.
  Wake wait(int milliseconds);
  // Fills the batch, whose frames stay valid until the next call; kStarved where nothing more is there at the moment.
  ReadStatus read(FrameBatch& out);

  // After the interface went down and all was read: 0 once one of that name is up again; ENETDOWN while none is; or
  // what else the system says. A ring of a group needs CAP_NET_RAW where the interface was made anew.
  int follow();

  // Adds what the kernel counted since the last call.
  void takeStatistics(RingStatistics& statistics);

 private:
  void close();
  int bind(int interface);
  int attach(const BpfCode& code);
  int joinGroup(int interface);
  void releaseBlock();
  uint8_t* blockAt(size_t index) const { return memory_ + index * kBlockBytes; }

  // Small enough for a processor's cache and for slow links, where a block holds one time-out's worth of packets.
  static constexpr size_t kBlockBytes = 256 * 1024;
  // How long packets wait for more of them to come.
  static constexpr unsigned kBlockMilliseconds = 50;

  RingOptions options_;
  BpfCode filter_;
  FanoutGroup* group_ = nullptr;
  uint16_t linkType_ = 0;
  int socket_ = -1;
  int loopback_ = 0;
  uint8_t* memory_ = nullptr;
  size_t blocks_ = 0;
  size_t current_ = 0;  // block
  RingBlock block_;
  bool isReading_ = false;   // in the current block
  bool isFinished_ = false;  // with it, but its last frames are still in use
  uint64_t damagedBlocks_ = 0;
};

#endif  // __linux__

}  // namespace hellotap

#endif  // HELLOTAP_CAPTURE_PACKET_RING_H_
