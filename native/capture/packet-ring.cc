#include "capture/packet-ring.h"

#ifdef __linux__

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cerrno>
#include <cstring>

#include "capture/fanout-program.h"

namespace hellotap {

namespace {

// What the system says of an interface.
struct Interface {
  int index = 0;
  bool isUp = false;
  bool isLoopback = false;
  unsigned short hardware = 0;  // ARPHRD_ value
};

// 0, or the system's error number.
int find(const std::string& name, Interface& found) {
  ifreq request{};
  if (name.empty() || name.size() >= sizeof request.ifr_name) return ENODEV;
  std::memcpy(request.ifr_name, name.c_str(), name.size());
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return errno;
  int error = ioctl(socket, SIOCGIFINDEX, &request) == 0 ? 0 : errno;
  found.index = request.ifr_ifindex;
  if (error == 0) error = ioctl(socket, SIOCGIFFLAGS, &request) == 0 ? 0 : errno;
  found.isUp = request.ifr_flags & IFF_UP;
  found.isLoopback = request.ifr_flags & IFF_LOOPBACK;
  if (error == 0) error = ioctl(socket, SIOCGIFHWADDR, &request) == 0 ? 0 : errno;
  found.hardware = request.ifr_hwaddr.sa_family;
  ::close(socket);
  return error;
}

// Interfaces whose link header isn't known deliver their packets without it.
uint16_t linkTypeOfHardware(unsigned short type) {
  switch (type) {
    case ARPHRD_ETHER:
    case ARPHRD_LOOPBACK:
      return kLinkEthernet;
    default:
      return kLinkRaw;
  }
}

template <typename Value>
int setOption(int socket, int name, const Value& value) {
  return setsockopt(socket, SOL_PACKET, name, &value, sizeof value) == 0 ? 0 : errno;
}

int boundTo(int socket) {
  sockaddr_ll address{};
  socklen_t length = sizeof address;
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length) != 0) return -1;
  return address.sll_ifindex;
}

}  // namespace

int PacketRing::linkTypeOf(const std::string& interface, uint16_t& linkType) {
  Interface found;
  const int error = find(interface, found);
  if (error == 0) linkType = linkTypeOfHardware(found.hardware);
  return error;
}

int PacketRing::open(const RingOptions& options, FanoutGroup* group) {
  options_ = options;
  group_ = group;
  Interface interface;
  if (const int error = find(options.interface, interface)) return error;
  if (!interface.isUp) return ENETDOWN;
  linkType_ = linkTypeOfHardware(interface.hardware);
  // Protocol 0: nothing comes before it is bound.
  socket_ = ::socket(AF_PACKET, (linkType_ == kLinkEthernet ? SOCK_RAW : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
  if (socket_ < 0) return errno;

  blocks_ = options.bytes / kBlockBytes;
  if (blocks_ < 4) blocks_ = 4;
  tpacket_req3 request{};
  request.tp_block_size = kBlockBytes;
  request.tp_block_nr = static_cast<unsigned>(blocks_);
  request.tp_frame_size = 2048;  // only checked against the others: packets lie as close as they are
  request.tp_frame_nr = static_cast<unsigned>(blocks_ * (kBlockBytes / request.tp_frame_size));
  request.tp_retire_blk_tov = kBlockMilliseconds;
  int error = setOption(socket_, PACKET_VERSION, int{TPACKET_V3});
  if (error == 0) error = setOption(socket_, PACKET_RESERVE, static_cast<unsigned>(RingBlock::kReserve));
  if (error == 0) error = setOption(socket_, PACKET_RX_RING, request);
  if (error == 0) {
    void* memory = mmap(nullptr, blocks_ * kBlockBytes, PROT_READ | PROT_WRITE, MAP_SHARED, socket_, 0);
    if (memory == MAP_FAILED)
      error = errno;
    else
      memory_ = static_cast<uint8_t*>(memory);
  }
  // Deaf before it is bound: neither does anything slip through, nor is a packet seen by two rings of a group.
  if (error == 0) error = attach({{BPF_RET | BPF_K, 0, 0, 0}});
  if (error == 0) error = bind(interface.index);
  if (error == 0 && group) error = joinGroup(interface.index);
  loopback_ = interface.isLoopback ? interface.index : 0;
  current_ = 0;
  isReading_ = isFinished_ = false;
  if (error != 0) close();
  return error;
}

void PacketRing::close() {
  if (memory_) munmap(memory_, blocks_ * kBlockBytes);
  if (socket_ >= 0) ::close(socket_);
  memory_ = nullptr;
  socket_ = -1;
}

int PacketRing::bind(int interface) {
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = interface;
  if (::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return errno;
  if (!options_.isPromiscuous) return 0;
  packet_mreq membership{};
  membership.mr_ifindex = interface;
  membership.mr_type = PACKET_MR_PROMISC;
  return setOption(socket_, PACKET_ADD_MEMBERSHIP, membership);
}

int PacketRing::joinGroup(int interface) {
  const std::lock_guard<std::mutex> lock(group_->mutex);
  if (group_->interface == interface) return setOption(socket_, PACKET_FANOUT, PACKET_FANOUT_CBPF << 16 | group_->id);
  if (const int error = setOption(socket_, PACKET_FANOUT, (PACKET_FANOUT_CBPF | PACKET_FANOUT_FLAG_UNIQUEID) << 16))
    return error;
  int joined = 0;
  socklen_t length = sizeof joined;
  if (getsockopt(socket_, SOL_PACKET, PACKET_FANOUT, &joined, &length) != 0) return errno;
  group_->interface = interface;
  group_->id = joined & 0xffff;
  BpfCode code = fanoutProgram();
  const sock_fprog program{static_cast<unsigned short>(code.size()), reinterpret_cast<sock_filter*>(code.data())};
  return setOption(socket_, PACKET_FANOUT_DATA, program);
}

int PacketRing::attach(const BpfCode& code) {
  static_assert(sizeof(BpfInstruction) == sizeof(sock_filter), "layout of the kernel's instructions");
  BpfCode copy = code;
  const sock_fprog program{static_cast<unsigned short>(copy.size()), reinterpret_cast<sock_filter*>(copy.data())};
  return setsockopt(socket_, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0 ? 0 : errno;
}

int PacketRing::listen(const BpfCode& filter) {
  filter_ = filter;
  if (!filter.empty()) return attach(filter);
  const int unused = 0;
  return setsockopt(socket_, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof unused) == 0 ? 0 : errno;
}

void PacketRing::deafen() { attach({{BPF_RET | BPF_K, 0, 0, 0}}); }

PacketRing::Wake PacketRing::wait(int milliseconds) {
  pollfd waiting{socket_, POLLIN, 0};
  if (poll(&waiting, 1, milliseconds) <= 0) return Wake::kTimeout;
  if (!(waiting.revents & POLLERR)) return Wake::kPackets;
  int error = 0;
  socklen_t length = sizeof error;
  getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &length);
  return error == ENETDOWN ? Wake::kDown : Wake::kPackets;
}

ReadStatus PacketRing::read(FrameBatch& out) {
  if (!memory_) return ReadStatus::kStarved;
  if (isFinished_) releaseBlock();
  while (!out.full()) {
    if (!isReading_) {
      auto* description = reinterpret_cast<tpacket_block_desc*>(blockAt(current_));
      if (!(__atomic_load_n(&description->hdr.bh1.block_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER))
        return ReadStatus::kStarved;
      block_ = RingBlock(blockAt(current_), kBlockBytes, linkType_, loopback_);
      isReading_ = true;
    }
    Frame frame;
    if (block_.next(frame)) {
      out.add() = frame;
      continue;
    }
    if (block_.isDamaged()) ++damagedBlocks_;
    isFinished_ = true;
    if (out.count > 0) return ReadStatus::kMore;  // they point into the block
    releaseBlock();
  }
  return ReadStatus::kMore;
}

void PacketRing::releaseBlock() {
  auto* description = reinterpret_cast<tpacket_block_desc*>(blockAt(current_));
  __atomic_store_n(&description->hdr.bh1.block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
  current_ = (current_ + 1) % blocks_;
  isReading_ = isFinished_ = false;
}

int PacketRing::follow() {
  Interface interface;
  if (find(options_.interface, interface) != 0 || !interface.isUp) return ENETDOWN;
  // The kernel takes up a socket of the same interface by itself.
  if (boundTo(socket_) == interface.index) return 0;
  if (linkTypeOfHardware(interface.hardware) != linkType_) return ENETDOWN;
  if (!group_) return bind(interface.index);
  // A socket in a group can't be bound again.
  close();
  const int error = open(options_, group_);
  if (error == 0) return listen(filter_);
  return error == ENODEV ? ENETDOWN : error;
}

void PacketRing::takeStatistics(RingStatistics& statistics) {
  tpacket_stats_v3 fresh{};
  socklen_t length = sizeof fresh;
  statistics.damagedBlocks = damagedBlocks_;
  if (getsockopt(socket_, SOL_PACKET, PACKET_STATISTICS, &fresh, &length) != 0) return;
  statistics.received += fresh.tp_packets;
  statistics.dropped += fresh.tp_drops;
  statistics.freezes += fresh.tp_freeze_q_cnt;
}

}  // namespace hellotap

#endif  // __linux__
