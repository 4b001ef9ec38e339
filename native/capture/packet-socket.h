// The kernel's own count of what it delivered and what it dropped, for packet sockets (AF_PACKET) that another library
// opened in this process and tells nothing about. Linux only; elsewhere there are none.
#ifndef HELLOTAP_CAPTURE_PACKET_SOCKET_H_
#define HELLOTAP_CAPTURE_PACKET_SOCKET_H_

#include <cstdint>
#include <vector>

namespace hellotap {

// File descriptors of the packet sockets that are open in this process.
std::vector<int> packetSockets();

struct PacketSocketStatistics {
  uint64_t received;  // dropped ones included
  uint64_t dropped;
};

// What was counted since the last call, for reading resets it; false where that can't be read.
bool readPacketSocketStatistics(int socket, PacketSocketStatistics& out);

}  // namespace hellotap

#endif  // HELLOTAP_CAPTURE_PACKET_SOCKET_H_
