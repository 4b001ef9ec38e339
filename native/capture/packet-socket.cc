#include "capture/packet-socket.h"

#ifdef __linux__

#include <dirent.h>
#include <linux/if_packet.h>
#include <sys/socket.h>
#include <cstdlib>

namespace hellotap {

std::vector<int> packetSockets() {
  std::vector<int> found;
  DIR* folder = opendir("/proc/self/fd");
  if (!folder) return found;
  while (const dirent* entry = readdir(folder)) {
    char* end = nullptr;
    const long number = std::strtol(entry->d_name, &end, 10);
    if (end == entry->d_name || *end != '\0') continue;
    int domain = 0;
    socklen_t length = sizeof domain;
    if (getsockopt(static_cast<int>(number), SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 && domain == AF_PACKET)
      found.push_back(static_cast<int>(number));
  }
  closedir(folder);
  return found;
}

bool readPacketSocketStatistics(int socket, PacketSocketStatistics& out) {
  // The first two fields are the same in all versions of the ring.
  tpacket_stats_v3 statistics{};
  socklen_t length = sizeof statistics;
  if (getsockopt(socket, SOL_PACKET, PACKET_STATISTICS, &statistics, &length) != 0) return false;
  out = {statistics.tp_packets, statistics.tp_drops};
  return true;
}

}  // namespace hellotap

#else

namespace hellotap {

std::vector<int> packetSockets() { return {}; }
bool readPacketSocketStatistics(int, PacketSocketStatistics&) { return false; }

}  // namespace hellotap

#endif
